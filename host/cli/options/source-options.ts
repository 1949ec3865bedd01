/** Where a live signal comes from, on the command line. */
import type { Command } from "commander"
import type { Location } from "../../hardware/location"
import type { SignalSource } from "../../sensing/source"
import { integerOption, onOption, PLACES, usageError } from "./usage"

export interface SourceOptions {
  on?: Location
  sensor?: string
  port?: string
  lines?: number
}

export function addSourceOptions(command: Command): Command {
  return command
    .option("--on <where>", `board with a Jacdac sensor: ${PLACES}`, onOption())
    .option("--sensor <name>", "the sensor: accelerometer, gyroscope, light-level, …")
    .option("--port <path>", "serial port that prints lines of numbers")
    .option(
      "--lines <baud>",
      "its rate, as for Arduino's Serial Plotter (default: 115200)",
      integerOption("--lines", 300, 4_000_000),
    )
}

/**
 * @param rate samples a second that a Jacdac sensor is asked for
 * @throws WuxingError "usage"; as openJacdacSource and openSerialPort
 */
export async function openSource(
  { on, sensor, port, lines }: SourceOptions,
  rate: number,
  signal: AbortSignal,
): Promise<SignalSource> {
  if ((on === undefined) === (port === undefined))
    throw usageError(
      "a signal comes from --on with --sensor, or from --port",
      "for example --on serial:/dev/ttyACM0 --sensor accelerometer, or --port /dev/ttyUSB0 --lines 115200",
    )
  if (port !== undefined) {
    const { openSerialPort } = await import("../../link/serial-port")
    const { LineSource } = await import("../../sensing/source")
    return new LineSource(await openSerialPort(port, { baudRate: lines ?? 115_200 }))
  }
  if (sensor === undefined)
    throw usageError("--sensor is missing", "for example --sensor accelerometer")
  const { sensorNamed } = await import("../../signals/sensors")
  const { openJacdacSource } = await import("../../sensing/source")
  const service = sensorNamed(sensor)
  return await openJacdacSource(on!, service, Math.max(1, Math.round(1000 / rate)), signal)
}
