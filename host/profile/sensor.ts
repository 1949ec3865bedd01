/**
 * What a model that reads a signal costs a DeviceScript board that reads its sensor by itself: operations
 * from the last sample of a segment or window to its class, counted on DeviceScript's machine under the
 * program of `wuxing deploy --sensor`.
 */

import { FoundField, SensorCommand, SensorKind } from "../../src/wire/sensor-protocol"
import { WuxingError } from "../base/errors"
import { Machine } from "../hardware/machine"
import {
  countsByFunction,
  type KindCounts,
  noCounts,
  OPERATION_KINDS,
  totalOf,
} from "../hardware/program-functions"
import { partOf } from "../hardware/work-parts"
import {
  buildPacket,
  deviceIdFromHex,
  JD_CONTROL_CMD_SERVICES,
  packetsOf,
  write16,
  write32,
} from "../link/jacdac"
import type { Model } from "../models/model-file"
import { readModel } from "../models/model-source"
import { sensorImage, withImage } from "../models/sensor-image"
import { usualSamples } from "../signals/segment-cut"
import { encodeReading, SENSORS, type SensorService } from "../signals/sensors"

/** The functions of src/signals that make features of a window. */
const FEATURES = new Set([
  ...[
    "features",
    "movement",
    "keptMovements",
    "movementAt",
    "leastMovement",
    "quietStart",
    "quietEnd",
    "rootOf",
    "logOf",
  ],
  ...["traceFeatures", "resample", "difference", "magnitude", "lowestOf", "rangeOf"],
  ...["columnToBytes", "bandFeatures", "addLogs", "bandsToBytes", "spreadBands", "deviationOf"],
  ...["toBytes", "loadFrame", "reverse", "excess", "transform", "amplitude", "amplitudes"],
  ...["beginSequence", "drawLinks", "takeMoment", "stepRings", "endSequence", "settleRingNeuron"],
  ...["hash32", "finish", "follow"],
])
export const SENSOR_PARTS = ["features", "network", "rest"] as const
export type SensorPart = (typeof SENSOR_PARTS)[number]

export interface SensorProfile {
  /** Samples of the segment or window that was classified. */
  samples: number
  parts: Record<SensorPart, KindCounts>
  /** Of the features, as the board says it (src/signals/runs.ts), and the samples it was sent, interleaved. */
  hash: number
  sent: Buffer
  /** Operations of the board for each sample while the segment or window lasts: mean and most. */
  sample: { mean: number; most: number }
}

const MODULE = deviceIdFromHex("5e50e5e5e5e50001")
const READING = 0x1101
const FLAGS = 0x10f
/** A module announces itself so often; of the machine's own time. */
const ANNOUNCE_MS = 500
const ANSWER_MS = 2_000
const STILL = 60
/** Movement of the played segment over that which begins one; of windows, its size in units of the core. */
const LIVELY = 8
const WINDOW_SIZE = 8_000
const MOST = 30_000

/** The runtime ends a program that runs so many operations without a pause. */
const MOST_OPERATIONS = 131_072
/** How the machine says that. */
const ENDED = "panic 60001"
/** How much of them features may take: other windows take other ways through the loops of the trimming. */
const SHARE = 0.8

/**
 * Plays the longest window that the model's stream may come to, under the program that a board would get.
 *
 * @param program of firmware/demos/sensor
 * @throws WuxingError "sensor-too-slow" (kind "capacity") if the runtime would end the program while it
 *   computes features, over and over; as profileSensor
 */
export async function checkTurns(model: Model, program: Uint8Array): Promise<void> {
  const refused = (operations: string, samples: string) =>
    new WuxingError({
      code: "sensor-too-slow",
      kind: "capacity",
      message: `the features of ${samples} take ${operations} operations of a DeviceScript board without a pause, at most ${Math.round(SHARE * MOST_OPERATIONS)} are allowed`,
      cause: `its runtime ends a program after ${MOST_OPERATIONS}, and starts it again`,
      help: "train with fewer frames, less averaging or a shorter frame (--features), or with shorter windows (--window)",
    })
  const { cut } = model.signal!.features
  const most = cut?.by === "segment" ? `a segment of ${cut.longest} samples` : "a window"
  let profile: SensorProfile
  try {
    // Features alone count: a network pauses, and a large one has no room in this program.
    const small = readModel(`${model.network.width}-2`, 1)
    profile = await profileSensor({ ...small, signal: model.signal }, program, true)
  } catch (error) {
    if (error instanceof WuxingError && error.message.includes(ENDED))
      throw refused(`more than ${MOST_OPERATIONS}`, most)
    throw error
  }
  const operations = totalOf(profile.parts.features)
  if (operations > SHARE * MOST_OPERATIONS) throw refused(String(operations), most)
}

/**
 * @param program of firmware/demos/sensor
 * @param longest plays a segment that is cut for its length, in place of a usual one
 * @throws WuxingError as sensorImage; "board-refused" (kind internal) if the board classifies nothing
 */
export async function profileSensor(
  model: Model,
  program: Uint8Array,
  longest = false,
): Promise<SensorProfile> {
  const features = model.signal!.features
  const service = sensorFor(features.channels)
  const bytecode = withImage(program, sensorImage(model, service))
  const machine = await Machine.start(bytecode)
  let samples = 0
  let hash = 0
  const sent: number[] = []
  const spent: number[] = []
  machine.onFrame = frame => {
    for (const { command, payload } of packetsOf(frame))
      if ((command & 0xfff) === SensorCommand.Found && payload.length === FoundField.Length) {
        samples = Buffer.from(payload).readUInt16LE(FoundField.Samples)
        hash = Buffer.from(payload).readInt32LE(FoundField.Hash)
      }
  }
  const done = () => samples > 0
  const intervalMs = Math.max(1, 1000 / features.rate)
  for (let i = 0; i < 6; i++) {
    machine.send(announcement(service))
    await machine.run(done, ANNOUNCE_MS)
  }
  const before = machine.counts()
  let sinceMs = 0
  for (const value of played(model, longest)) {
    sinceMs += intervalMs
    if (sinceMs >= ANNOUNCE_MS) {
      machine.send(announcement(service))
      await machine.run(done, 1)
      sinceMs = 0
    }
    machine.counts(before)
    const operations = machine.operations
    const whole = features.channels.map((_, c) => (c % 2 === 0 ? value : -value))
    sent.push(...whole)
    const values = whole.map(one => one / features.unit)
    machine.send(buildPacket(MODULE, 0, 1, READING, encodeReading(service, values)))
    if (await machine.run(done, intervalMs)) break
    // Behind the stillness before it, until it is found.
    if (value !== 0) spent.push(machine.operations - operations)
  }
  if (!(await machine.run(done, ANSWER_MS)))
    throw new WuxingError({
      code: "board-refused",
      kind: "internal",
      message: "the counted board classified nothing",
      cause: "the program and this tool do not fit together",
      help: "compile the firmware again: wuxing build",
    })
  const after = machine.counts()
  const signal = Buffer.alloc(2 * sent.length)
  for (const [i, value] of sent.entries()) signal.writeInt16LE(value, 2 * i)
  return {
    ...{ samples, hash, sent: signal },
    sample: { mean: Math.round(mean(spent)), most: Math.max(0, ...spent) },
    parts: partsOf(
      bytecode,
      after.map((n, at) => n - before[at]),
    ),
  }
}

function mean(values: number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length)
}

function partsOf(bytecode: Uint8Array, counts: Uint32Array): Record<SensorPart, KindCounts> {
  const parts = { features: noCounts(), network: noCounts(), rest: noCounts() }
  for (const [name, kinds] of countsByFunction(bytecode, counts)) {
    const part = FEATURES.has(name) ? "features" : partOf(name) === "service" ? "rest" : "network"
    for (const kind of OPERATION_KINDS) parts[part][kind] += kinds[kind]
  }
  return parts
}

/** A sensor of that many channels: one that exists, or else an accelerometer with as many. */
function sensorFor(channels: string[]): SensorService {
  const [first] = SENSORS
  return (
    SENSORS.find(one => one.channels.length === channels.length) ?? {
      ...{ ...first, kind: SensorKind.Accelerometer, channels },
    }
  )
}

function announcement(service: SensorService): Uint8Array {
  const payload = new Uint8Array(8)
  write16(payload, 0, FLAGS)
  write32(payload, 4, service.serviceClass)
  return buildPacket(MODULE, 0, 0, JD_CONTROL_CMD_SERVICES, payload)
}

/** Units of the core: stillness, a movement as long as those learnt, stillness that ends it. */
function* played(model: Model, longest: boolean): Generator<number> {
  const { cut } = model.signal!.features
  for (let i = 0; i < STILL; i++) yield 0
  if (cut?.by === "segment") {
    const count = usualSamples(model.signal!.features)
    const size = Math.min(MOST, LIVELY * cut.threshold)
    const all = longest ? cut.longest + STILL : count
    const step = longest ? 1 : (4 * Math.PI) / count
    for (let i = 0; i < all; i++) yield Math.round(size * Math.sin(step * i))
    for (let i = 0; i < 2 * cut.quiet + STILL; i++) yield 0
  } else for (let i = 0; ; i++) yield Math.round(WINDOW_SIZE * Math.sin(i / 5))
}
