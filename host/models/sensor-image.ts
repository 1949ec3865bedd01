/** A model as the program of a board that reads a sensor carries it (src/wire/sensor-protocol.ts). */
import { Header } from "../../src/core/layout"
import { SENSOR_IMAGE_BYTES, SENSOR_MARK, SensorImage } from "../../src/wire/sensor-protocol"
import { WuxingError } from "../base/errors"
import { exchangeCoefficients } from "../network/exchange"
import { HostNetwork } from "../network/host-network"
import { signalsOf } from "../network/network"
import { refuseBlank } from "../network/refuse-blank"
import { refuseFeedback } from "../network/refuse-feedback"
import type { Features } from "../signals/description"
import { buildPlan, workBytes } from "../signals/plan"
import { type SensorService, shiftFor } from "../signals/sensors"
import { streamState } from "../signals/stream"
import type { Model } from "./model-file"

/**
 * @throws WuxingError "sensor-model" (kind "data") if the model reads no such sensor;
 *   "sensor-too-large" (kind "capacity")
 */
export function sensorImage(model: Model, sensor: SensorService): Buffer {
  const { signal, network } = model
  refuseFeedback(network)
  refuseBlank(network)
  if (!signal)
    throw unfit("the model reads no signal", "it was trained on pictures or tables of samples")
  const { features, unknown = 0 } = signal
  if (features.channels.length !== sensor.channels.length)
    throw unfit(
      `the model reads ${features.channels.length} channels (${features.channels.join(", ")}), but the ${sensor.name} has ${sensor.channels.join(", ")}`,
      "it was trained on another sensor",
    )
  checkStream(features)
  const host = new HostNetwork(network)
  exchangeCoefficients(host.memory, network, Buffer.from(model.coefficients), true)
  const shard = host.memory.subarray(0, host.memory.getAt(Header.Image, "i32"))
  const plan = buildPlan(features)
  const padded = Buffer.concat([plan, Buffer.alloc(-plan.length & 3)])
  const head = Buffer.alloc(SensorImage.Length)
  head.write(SENSOR_MARK, SensorImage.Mark, "hex")
  head.writeUInt16LE(sensor.kind, SensorImage.Kind)
  head.writeInt16LE(shiftFor(sensor, features.unit), SensorImage.Shift)
  head.writeUInt16LE(Math.max(1, Math.round(1000 / features.rate)), SensorImage.Interval)
  head.writeUInt16LE(signalsOf(network, network.layers.length), SensorImage.Classes)
  head.writeInt32LE(unknown, SensorImage.Unknown)
  streamState(features).copy(head, SensorImage.Stream)
  head.writeInt32LE(padded.length, SensorImage.PlanBytes)
  head.writeInt32LE(workBytes(features), SensorImage.WorkBytes)
  head.writeInt32LE(shard.length, SensorImage.ShardBytes)
  const image = Buffer.concat([head, padded, shard])
  if (image.length > SENSOR_IMAGE_BYTES)
    throw new WuxingError({
      code: "sensor-too-large",
      kind: "capacity",
      message: `the model takes ${image.length} bytes, and the program has room for ${SENSOR_IMAGE_BYTES}`,
      cause: "its network has too many links, or its features too large tables",
      help: "train a smaller network (--model), for example with fewer hidden neurons",
    })
  return image
}

/**
 * Can a board take the features of a stream as it comes?
 *
 * @throws WuxingError "sensor-model" (kind "data")
 */
export function checkStream(features: Features): void {
  if (!features.cut)
    throw unfit(
      "the model does not say how a stream is cut",
      "its recordings were taken whole",
      "train it again with --window, or with --segments",
    )
  if (features.kind === "reservoir" && features.trim)
    throw unfit(
      "the model leaves out still ends before its sequence begins",
      "a board takes a sequence as it comes",
      "train it again with trim=0 in --features",
    )
}

/**
 * The program with a model in it.
 *
 * @throws WuxingError "firmware-foreign" (kind "firmware") if the program has no room set aside
 */
export function withImage(bytecode: Uint8Array, image: Buffer): Uint8Array {
  const program = Buffer.from(bytecode)
  const at = program.indexOf(SENSOR_MARK, 0, "hex")
  if (at < 0 || at + SENSOR_IMAGE_BYTES > program.length)
    throw new WuxingError({
      code: "firmware-foreign",
      kind: "firmware",
      message: "the program has no room for a model",
      cause: "it was compiled from another version",
      help: "run `npm ci`, then the command again",
    })
  image.copy(program, at)
  return new Uint8Array(program)
}

function unfit(
  message: string,
  cause: string,
  help = "name a model that was trained on this sensor's recordings",
): WuxingError {
  return new WuxingError({ code: "sensor-model", kind: "data", message, cause, help })
}
