/**
 * The demo "gesture": a board with an accelerometer that has never seen the gestures it is to tell
 * apart. A person makes each of five a few times, and the board is told after each what it was; then the
 * person goes on, and another one, and the board classifies them live.
 */
import { Part } from "../../src/core/layout"
import { hashOf, paddedWidth } from "../../src/signals/runs"
import { AloneRead } from "../../src/wire/demo-protocol"
import {
  FoundField,
  SENSOR_CLASS,
  SensorCommand,
  SensorState,
  TeachField,
  TeachReply,
  UNKNOWN_CLASS,
} from "../../src/wire/sensor-protocol"
import type { Chart } from "../base/chart"
import { realClock } from "../base/clock"
import { compareWithHost } from "../library/verify-on-host"
import type { Model } from "../models/model-file"
import { sensorImage, withImage } from "../models/sensor-image"
import { HostNetwork } from "../network/host-network"
import { partsOf } from "../network/shard-parts"
import { sizedNetwork } from "../network/sized-network"
import { Learner, PASSES } from "../sensing/learner"
import type { Features } from "../signals/description"
import { hostFeatures } from "../signals/host-features"
import { encodeReading, sampleOfReading, sensorNamed } from "../signals/sensors"
import { SignalStream } from "../signals/stream"
import { BusSensor } from "./bus-sensor"
import { DemoBoard, type DemoBoardOptions, type PowerCut } from "./demo-board"
import { GESTURE_HZ, GESTURES, type Gesture, performed, personOf } from "./gestures"

const SENSOR = sensorNamed("accelerometer")
const NETWORK = "60-12-5"
const ANSWER_MS = 60_000
const BOUND_MS = 15_000

/** Twenty points of a stretch that moves, all three axes in proportion. */
export const GESTURE_FEATURES: Features = {
  kind: "trace",
  points: 20,
  take: ["values"],
  scale: "shape",
  // A quarter of g.
  floor: 1024,
  channels: SENSOR.channels,
  rate: GESTURE_HZ,
  unit: 4096,
  cut: { by: "segment", threshold: 600, quiet: 15, shortest: 15, longest: 140 },
}

export interface GestureOptions
  extends Omit<DemoBoardOptions, "program" | "serviceClass" | "prepare"> {
  seed: number
  /** Examples of each gesture that are taught, 1…8. */
  examples: number
  /** Times each gesture is made afterwards, by each of the two persons. */
  tries: number
  /** Milliseconds from reading to reading; 20 is the speed of a hand. */
  paceMs: number
}

export interface Made {
  gesture: Gesture
  person: number
  /** What the board said: a gesture, or "unknown". */
  named: string
  lead: number
  samples: number
}

export interface GestureResult {
  board: string
  profile: string
  network: string
  powerCut: PowerCut
  taught: number
  steps: number
  generation: number
  made: Made[]
  /** Shares of the gestures classified correctly, of the person who taught and of the other. */
  accuracy: { teacher: number; other: number }
  /** The same before anything was taught. */
  before: number
  readings: number
  coefficientsHash: string
  hostHash: string
  /** Windows, features and coefficients: the same on board and host. */
  hostMatches: boolean
  /** Of the first repetition of each gesture: acceleration in g along x, y and z. */
  traces: { gesture: Gesture; values: [number, number, number][] }[]
}

/** @throws WuxingError as DemoBoard does */
export async function runGesture(options: GestureOptions): Promise<GestureResult> {
  const network = sizedNetwork(NETWORK, options.seed)
  const host = new HostNetwork(network)
  const model: Model = {
    ...{ network, coefficients: host.coefficients(), training: null },
    signal: { features: GESTURE_FEATURES },
  }
  const board = await DemoBoard.open({
    ...{ ...options, program: "sensor", serviceClass: SENSOR_CLASS },
    prepare: bytecode => withImage(bytecode, sensorImage(model, SENSOR)),
  })
  try {
    return await new Session(board, host, options).run()
  } finally {
    await board.close()
  }
}

interface Found {
  class: number
  best: number
  lead: number
  samples: number
  hash: number
}

class Session {
  private sensor!: BusSensor
  private stream = new SignalStream(GESTURE_FEATURES)
  private readonly found: Found[] = []
  private readonly learner: Learner
  /** What board and host did not agree on. */
  private differences = 0

  constructor(
    private readonly board: DemoBoard,
    private readonly host: HostNetwork,
    private readonly options: GestureOptions,
  ) {
    this.learner = new Learner(host)
    board.onReport = (command, payload) => {
      if (command !== SensorCommand.Found || payload.length < FoundField.Length) return
      this.found.push({
        class: payload.readUInt8(FoundField.Class),
        best: payload.readUInt8(FoundField.Best),
        lead: payload.readInt16LE(FoundField.Lead),
        samples: payload.readUInt16LE(FoundField.Samples),
        hash: payload.readInt32LE(FoundField.Hash),
      })
    }
  }

  async run(): Promise<GestureResult> {
    const { board, options } = this
    const { examples, tries, seed, status } = options
    const answer = await board.ask(SensorCommand.Forget, Buffer.alloc(0), ANSWER_MS)
    board.expectOk("forget", answer.readUInt8(0))
    await this.plugIn()
    const teacher = seed
    const other = seed + 1000
    const all = GESTURES.length * (1 + examples + 2 * tries)
    let done = 0
    const advance = () => options.onShare?.(++done / all)
    let right = 0
    status?.("before it is taught anything")
    for (const gesture of GESTURES) {
      if ((await this.make(gesture, teacher, 900)).named === gesture) right++
      advance()
    }
    const before = right / GESTURES.length
    let generation = 0
    for (let i = 0; i < examples; i++) {
      status?.(`example ${i + 1} of ${examples}: ${GESTURES.join(", ")}`)
      for (const gesture of GESTURES) {
        await this.make(gesture, teacher, i)
        generation = await this.teach(GESTURES.indexOf(gesture))
        advance()
      }
    }
    status?.("power off, power on")
    this.sensor.close()
    const powerCut = await board.powerCycle()
    await this.plugIn()
    const made: Made[] = []
    for (const [person, who] of [teacher, other].entries())
      for (let i = 0; i < tries; i++) {
        status?.(`${person === 0 ? "the same person" : "another person"}, ${i + 1} of ${tries}`)
        for (const gesture of GESTURES) {
          made.push({ ...(await this.make(gesture, who, 100 + i)), person })
          advance()
        }
      }
    const share = (person: number) => {
      const some = made.filter(one => one.person === person)
      return some.filter(one => one.named === one.gesture).length / Math.max(1, some.length)
    }
    const state = await this.state()
    this.sensor.close()
    const coefficients = await this.readCoefficients()
    const verified = compareWithHost(coefficients, this.host)
    return {
      ...{ board: board.id, profile: board.profile, network: NETWORK, powerCut },
      taught: this.learner.taught,
      steps: this.learner.steps,
      ...{ generation, made, before },
      accuracy: { teacher: share(0), other: share(1) },
      readings: state.readings,
      ...verified,
      hostMatches:
        verified.hostMatches && this.differences === 0 && state.steps === this.learner.steps,
      traces: GESTURES.map(gesture => ({
        gesture,
        values: performed(gesture, personOf(teacher), this.seedOf(gesture, teacher, 0)),
      })),
    }
  }

  /** A module on the bus, which the board has found when this resolves. */
  private async plugIn(): Promise<void> {
    const { board } = this
    this.sensor = new BusSensor(SENSOR, frame => board.sendFrame(frame))
    this.stream = new SignalStream(GESTURE_FEATURES)
    const end = realClock.now() + BOUND_MS
    while (!(await this.state()).bound && realClock.now() < end) await board.pause(200)
  }

  private async state() {
    const answer = await this.board.ask(SensorCommand.State, Buffer.alloc(0), ANSWER_MS)
    this.board.expectOk("state", answer.readUInt8(0))
    return {
      bound: answer.readUInt8(SensorState.Bound) === 1,
      readings: answer.readInt32LE(SensorState.Readings),
      steps: answer.readInt32LE(SensorState.Steps),
    }
  }

  private seedOf(gesture: Gesture, person: number, repetition: number): number {
    return person * 100_000 + repetition * 10 + GESTURES.indexOf(gesture)
  }

  /** Plays one gesture; the board and the host's core find and classify it. */
  private async make(
    gesture: Gesture,
    person: number,
    repetition: number,
  ): Promise<Omit<Made, "person">> {
    const before = this.found.length
    const windows: Buffer[] = []
    const values = performed(gesture, personOf(person), this.seedOf(gesture, person, repetition))
    for (const reading of values) {
      await this.sensor.say(reading)
      const sample = sampleOfReading(SENSOR, encodeReading(SENSOR, reading), GESTURE_FEATURES.unit)
      const window = this.stream.push(sample ?? [])
      if (window) windows.push(window)
      await this.board.pause(this.options.paceMs)
    }
    if (windows.length > 0)
      await this.board.until("to classify a gesture", ANSWER_MS, () => {
        return this.found.length >= before + windows.length
      })
    const said = this.found.slice(before)
    if (said.length !== windows.length) this.differences++
    for (const [i, window] of windows.entries()) this.compare(window, said[i])
    const last = said.at(-1)
    const known = last !== undefined && last.class !== UNKNOWN_CLASS
    return {
      gesture,
      named: known ? (GESTURES[last.class] ?? "unknown") : "unknown",
      ...{ lead: last?.lead ?? 0, samples: last?.samples ?? 0 },
    }
  }

  private latest?: Uint8Array

  private compare(window: Buffer, said: Found | undefined): void {
    const bytes = hostFeatures(GESTURE_FEATURES, window)
    if (!bytes || !said) {
      this.differences++
      return
    }
    this.latest = bytes
    const padded = Buffer.alloc(paddedWidth(bytes.length))
    padded.set(bytes)
    const same =
      hashOf(padded, bytes.length) === said.hash &&
      window.length / 2 / SENSOR.channels.length === said.samples &&
      this.host.predict(bytes) === said.best
    if (!same) this.differences++
  }

  /** The board and the host's core are told what the last gesture was. @returns generation in flash */
  private async teach(label: number): Promise<number> {
    const request = Buffer.alloc(TeachField.Length)
    request.writeUInt8(label, TeachField.Class)
    request.writeUInt8(PASSES, TeachField.Passes)
    const answer = await this.board.ask(SensorCommand.Teach, request, ANSWER_MS)
    this.board.expectOk("teach", answer.readUInt8(TeachReply.Status))
    if (this.latest) this.learner.teach(this.latest, label)
    // As the board, which did not listen while it learnt.
    this.stream.clear()
    if (answer.readInt32LE(TeachReply.Steps) !== this.learner.steps) this.differences++
    return answer.readInt32LE(TeachReply.Generation)
  }

  /** As the network orders them: in a board's memory they lie by the signals they come from. */
  private async readCoefficients(): Promise<Buffer> {
    const shell = new HostNetwork(this.host.network)
    const { memory } = shell
    let done = 0
    for (const part of partsOf(memory)) {
      const from = memory.getAt(part + Part.Coefficient, "i32")
      const to = from + 2 * memory.getAt(part + Part.Links, "i32")
      for (let at = from; at < to; ) {
        const request = Buffer.alloc(2)
        request.writeUInt16LE(done)
        const answer = await this.board.ask(SensorCommand.Read, request, ANSWER_MS)
        this.board.expectOk("read", answer.readUInt8(AloneRead.Status))
        const bytes = answer.subarray(AloneRead.Coefficients)
        bytes.copy(memory, at)
        at += bytes.length
        done += bytes.length
      }
    }
    return shell.coefficients()
  }
}

/** The gestures as the sensor says them, one under another. */
export function gestureCharts({ traces }: GestureResult): Chart[] {
  return traces.map(({ gesture, values }) => ({
    title: `${gesture}: what the accelerometer says`,
    x: { label: "s" },
    y: { label: "g" },
    series: ["x", "y", "z"].map((name, c) => ({
      name,
      draw: "line" as const,
      points: values.map((v, i) => [i / GESTURE_HZ, v[c]] as const),
    })),
  }))
}
