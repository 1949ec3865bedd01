/** Jacdac sensors that are read as signals: their services, channels and the form of their readings. */
import { SensorKind } from "../../src/wire/sensor-protocol"
import { WuxingError } from "../base/errors"

export interface SensorService {
  name: string
  kind: SensorKind
  serviceClass: number
  channels: string[]
  /** What a value is in. */
  unit: string
  /** Bytes of a channel, and how many of its bits are behind the point. */
  bytes: 2 | 4
  fraction: number
}

const XYZ = ["x", "y", "z"]

export const SENSORS: SensorService[] = [
  sensor("accelerometer", SensorKind.Accelerometer, 0x1f140409, XYZ, "g", 4, 20),
  sensor("gyroscope", SensorKind.Gyroscope, 0x1e1b06f2, XYZ, "°/s", 4, 20),
  sensor("light-level", SensorKind.LightLevel, 0x17dc9a1c, ["light"], "", 2, 16),
  sensor("sound-level", SensorKind.SoundLevel, 0x14ad1a5d, ["sound"], "", 2, 16),
  sensor("potentiometer", SensorKind.Potentiometer, 0x1f274746, ["position"], "", 2, 16),
]

function sensor(
  name: string,
  kind: SensorKind,
  serviceClass: number,
  channels: string[],
  unit: string,
  bytes: 2 | 4,
  fraction: number,
): SensorService {
  return { name, kind, serviceClass, channels, unit, bytes, fraction }
}

/** @throws WuxingError "usage" if there is none of that name */
export function sensorNamed(name: string): SensorService {
  const found = SENSORS.find(one => one.name === name)
  if (found) return found
  throw new WuxingError({
    code: "usage",
    kind: "usage",
    message: `--sensor is "${name}", which is not read`,
    cause: "the name is misspelt, or it is a sensor without a Jacdac service here",
    help: `use one of: ${SENSORS.map(one => one.name).join(", ")}`,
  })
}

/**
 * Bits by which a raw reading is shifted right to be the core's number.
 *
 * @param unit what a value in the sensor's unit is multiplied by: a power of two
 */
export function shiftFor({ fraction }: SensorService, unit: number): number {
  return fraction - Math.round(Math.log2(unit))
}

/** A reading as it is sent, of values in the sensor's unit. */
export function encodeReading({ bytes, fraction }: SensorService, values: number[]): Uint8Array {
  const payload = Buffer.alloc(bytes * values.length)
  for (const [c, value] of values.entries()) {
    const raw = Math.round(value * 2 ** fraction)
    if (bytes === 4) payload.writeInt32LE(raw, 4 * c)
    else payload.writeUInt16LE(Math.max(0, Math.min(65_535, raw)), 2 * c)
  }
  return payload
}

/** Values in the sensor's unit; undefined if the payload is too short. */
export function decodeReading(
  { bytes, fraction, channels }: SensorService,
  payload: Uint8Array,
): number[] | undefined {
  if (payload.length < bytes * channels.length) return undefined
  const view = Buffer.from(payload)
  return channels.map(
    (_, c) => (bytes === 4 ? view.readInt32LE(4 * c) : view.readUInt16LE(2 * c)) / 2 ** fraction,
  )
}

/** As a board takes it: whole numbers, clipped to 16 bits. */
export function sampleOfReading(
  service: SensorService,
  payload: Uint8Array,
  unit: number,
): number[] | undefined {
  const values = decodeReading(service, payload)
  // Towards below, as a shift does.
  return values?.map(value => Math.max(-32_768, Math.min(32_767, Math.floor(value * unit))))
}
