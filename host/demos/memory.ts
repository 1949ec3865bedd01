/**
 * The demo "memory" (paper 000 §3.2, fig. 2): five values stored as the fixed point of one neuron on a
 * board, by K1 and by K3, kept in its flash over a power cut.
 */
import "../base/memory"
import { step } from "../../src/ring/heun"
import {
  element,
  makeRing,
  Parameter,
  parameter,
  ringBytes,
  Side,
  setElement,
} from "../../src/ring/ring"
import { type Refusal, storeFixedPoint } from "../../src/ring/store"
import {
  DemoStatus,
  ELEMENTS,
  FoundReply,
  MEMORY_CLASS,
  MemoryCommand,
  RecallField,
  RoundField,
  RoundRecord,
  StoreField,
  StoreReply,
  TraceField,
} from "../../src/wire/demo-protocol"
import type { Chart } from "../base/chart"
import { WuxingError } from "../base/errors"
import { elementName, storingError } from "../ring/ring-errors"
import { DemoBoard, type DemoBoardOptions, type PowerCut } from "./demo-board"

const MEMORY_PROGRAM = { program: "memory", serviceClass: MEMORY_CLASS }

/** The values of the paper's text, and ones that K3 can reach. */
const PAPER_VALUES = [0.8, 0.6, 1.5, 1.0, 0.9]
const REACHABLE_VALUES = [0.9, 0.8, 1.1, 1.0, 0.9]
/** Where the neuron begins after the power cut: nowhere near what it stored. */
export const RECALL_START = [0.4, 2, 0.5, 1.9, 2.2]

const Q12 = 4096
/** dt = 1/8 in Q8, so that eight steps are the paper's second. */
const STEP = 32
const HOLD = 8
/** Half of the rate found goes into the parameter, Q8. */
const GAIN = 128
/** A state each half time unit, 30 time units in all. */
const EVERY = 4
const STATES = 60
/** What takes how long, in rounds of 8 steps: a way back of 240 steps, a power cut. */
const RECALL_ROUNDS = (EVERY * STATES) / HOLD
const CUT_ROUNDS = 10
/** A Pico takes about 0.3 s for a round of 8 steps, and a second for a recall. */
const ANSWER_MS = 60_000

export type MemoryBy = "K1" | "K3"

/** What one variant came to; all values as real numbers. */
export interface Memory {
  by: MemoryBy
  values: number[]
  /** Why the values cannot be stored; the rest is empty then. */
  refused?: string
  /** By round: the largest rate at the targets, the elements a second after their reset. */
  errors: number[]
  ends: number[][]
  /** The adjusted parameter of each element after the last round. */
  parameters: number[]
  /** After the power cut: the states from `RECALL_START` on, half a time unit apart. */
  trace: number[][]
  /** Where it came to rest, and how far that is at most from the values stored. */
  recalled: number[]
  farthest: number
  /** Are all of these, to the bit, what the host's core gives? */
  sameAsHost: boolean
}

export interface MemoryResult {
  board: string
  profile: string
  rounds: number
  powerCut: PowerCut
  memories: Memory[]
}

export interface MemoryOptions extends Omit<DemoBoardOptions, "program" | "serviceClass"> {
  /** Adjustments of each variant, 1…100. */
  rounds: number
  /** Five values for both variants; absent: the paper's, and for K3 ones that it can reach too. */
  values?: number[]
}

/**
 * @throws WuxingError as DemoBoard does; "memory-lost" (kind board) if flash holds something else
 *   after the power cut
 */
export async function runMemory(options: MemoryOptions): Promise<MemoryResult> {
  const board = await DemoBoard.open({ ...options, ...MEMORY_PROGRAM })
  try {
    const { rounds, values, status } = options
    const memories: Memory[] = []
    const attempts: [MemoryBy, number[]][] = values
      ? [
          ["K1", values],
          ["K3", values],
        ]
      : [
          ["K1", PAPER_VALUES],
          ["K3", REACHABLE_VALUES],
          // What the paper says of them cannot be so; the board says which element forbids it.
          ["K3", PAPER_VALUES],
        ]
    // Refused ones are not recalled: then the end comes sooner.
    const all = attempts.length * (rounds + RECALL_ROUNDS) + CUT_ROUNDS
    let done = 0
    const advance = (by: number) => {
      done += by
      options.onShare?.(done / all)
    }
    for (const [i, [by, of]] of attempts.entries()) {
      status?.(`storing ${list(of)} by ${by}`)
      memories.push(await store(board, by, of, rounds, advance))
      advance((i + 1) * rounds - done)
    }
    const before = await askFound(board)
    status?.("power off, power on")
    const powerCut = await board.powerCycle()
    advance(CUT_ROUNDS)
    const found = await askFound(board)
    if (found.boot === before.boot) throw lost(board.id, "its program went on running")
    for (const memory of memories) {
      if (memory.refused !== undefined) continue
      const kept = found.parameters[memory.by]
      if (!kept) throw lost(board.id, `nothing of what it learnt by ${memory.by} is in its flash`)
      status?.(`recalling what was stored by ${memory.by}`)
      await recall(board, memory, kept)
      advance(RECALL_ROUNDS)
    }
    options.onShare?.(1)
    return { board: board.id, profile: board.profile, rounds, powerCut, memories }
  } finally {
    await board.close()
  }
}

async function store(
  board: DemoBoard,
  by: MemoryBy,
  values: number[],
  rounds: number,
  advance: (rounds: number) => void,
): Promise<Memory> {
  const set = setOf(by)
  const targets = values.map(v => Math.round(v * Q12))
  const p = Buffer.alloc(StoreField.Length)
  p.writeUInt8(set, StoreField.Set)
  p.writeUInt8(rounds, StoreField.Rounds)
  p.writeUInt16LE(GAIN, StoreField.Gain)
  p.writeUInt16LE(STEP, StoreField.Step)
  p.writeUInt16LE(HOLD, StoreField.Hold)
  for (const [i, t] of targets.entries()) p.writeInt16LE(t, StoreField.Targets + i * 2)
  const errors: number[] = []
  const parameters: number[] = []
  const ends: number[] = []
  board.onReport = (command, report) => {
    if (command !== MemoryCommand.Rounds) return
    for (
      let at: number = RoundField.Records;
      at + RoundRecord.Length <= report.length;
      at += RoundRecord.Length
    ) {
      advance(1)
      for (let i = 0; i < ELEMENTS; i++) {
        errors.push(report.readInt16LE(at + RoundRecord.Errors + i * 2))
        parameters.push(report.readInt16LE(at + RoundRecord.Parameters + i * 2))
        ends.push(report.readInt16LE(at + RoundRecord.Ends + i * 2))
      }
    }
  }
  const answer = await board.ask(MemoryCommand.Store, p, ANSWER_MS)
  const memory: Memory = {
    ...{ by, values, errors: [], ends: [], parameters: [], trace: [], recalled: [] },
    ...{ farthest: Number.NaN, sameAsHost: false },
  }
  const status = answer.readUInt8(StoreReply.Status)
  if (status === DemoStatus.Refused) {
    const refusal: Refusal = answer.readUInt8(StoreReply.Refusal)
    const error = storingError(refusal, answer.readUInt8(StoreReply.Element), set, values)
    return { ...memory, refused: error?.message ?? "refused" }
  }
  board.expectOk("store", status)
  const own = makeRingFor(set, targets, rounds)
  memory.sameAsHost =
    own.stored.errors.join() === errors.join() &&
    own.stored.parameters.join() === parameters.join() &&
    own.stored.ends.join() === ends.join()
  for (let round = 0; round < rounds; round++) {
    const of = (all: number[]) => all.slice(round * ELEMENTS, (round + 1) * ELEMENTS)
    memory.errors.push(Math.max(...of(errors).map(Math.abs)) / Q12)
    memory.ends.push(of(ends).map(e => e / Q12))
    memory.parameters = of(parameters).map(k => k / Q12)
  }
  return memory
}

/** @param kept K1, K2 and K3 as the board found them in flash, Q12 */
async function recall(board: DemoBoard, memory: Memory, kept: number[]): Promise<void> {
  const set = setOf(memory.by)
  const p = Buffer.alloc(RecallField.Length)
  p.writeUInt8(set, RecallField.Set)
  p.writeUInt8(EVERY, RecallField.Every)
  p.writeUInt16LE(STATES, RecallField.States)
  p.writeUInt16LE(STEP, RecallField.Step)
  const start = RECALL_START.map(v => Math.round(v * Q12))
  for (const [i, e] of start.entries()) p.writeInt16LE(e, RecallField.Start + i * 2)
  const states: number[] = []
  board.onReport = (command, report) => {
    if (command !== MemoryCommand.Trace) return
    for (let at: number = TraceField.States; at + 2 <= report.length; at += 2)
      states.push(report.readInt16LE(at))
  }
  const answer = await board.ask(MemoryCommand.Recall, p, ANSWER_MS)
  board.expectOk("recall", answer.readUInt8(0))
  const targets = memory.values.map(v => Math.round(v * Q12))
  const { m } = makeRingFor(set, targets, memory.errors.length)
  const sets = [Parameter.K1, Parameter.K2, Parameter.K3]
  const own = sets.flatMap(s => targets.map((_, i) => parameter(m, 0, s, i)))
  for (const [i, e] of start.entries()) setElement(m, 0, Side.Forward, i, e)
  const path: number[] = []
  for (let s = 0; s < STATES; s++) {
    for (let k = 0; k < EVERY; k++) step(m, 0, Side.Forward)
    for (const i of targets.keys()) path.push(element(m, 0, Side.Forward, i))
  }
  memory.sameAsHost &&= own.join() === kept.join() && path.join() === states.join()
  memory.trace = [RECALL_START]
  for (let at = 0; at + ELEMENTS <= states.length; at += ELEMENTS)
    memory.trace.push(states.slice(at, at + ELEMENTS).map(e => e / Q12))
  memory.recalled = memory.trace.at(-1)!
  memory.farthest = Math.max(...memory.recalled.map((e, i) => Math.abs(e - memory.values[i])))
}

/** The same neuron, taught by the host's core. */
function makeRingFor(set: Parameter, targets: number[], rounds: number) {
  const m = Buffer.alloc(ringBytes(ELEMENTS, 1))
  makeRing(m, 0, ELEMENTS, 1, STEP)
  return { m, stored: storeFixedPoint(m, 0, targets, set, GAIN, rounds, HOLD) }
}

async function askFound(
  board: DemoBoard,
): Promise<{ boot: number; parameters: Partial<Record<MemoryBy, number[]>> }> {
  const answer = await board.ask(MemoryCommand.Found, Buffer.alloc(0), ANSWER_MS)
  board.expectOk("found", answer.readUInt8(FoundReply.Status))
  const sets = answer.readUInt8(FoundReply.Sets)
  const parameters: Partial<Record<MemoryBy, number[]>> = {}
  for (const [m, by] of (["K1", "K3"] as const).entries()) {
    if ((sets & (1 << setOf(by))) === 0) continue
    const at = FoundReply.Parameters + m * 3 * ELEMENTS * 2
    parameters[by] = Array.from({ length: 3 * ELEMENTS }, (_, k) => answer.readInt16LE(at + k * 2))
  }
  return { boot: answer.readUInt32LE(FoundReply.Boot), parameters }
}

function setOf(by: MemoryBy): Parameter {
  return by === "K1" ? Parameter.K1 : Parameter.K3
}

function lost(id: string, what: string): WuxingError {
  return new WuxingError({
    code: "memory-lost",
    kind: "board",
    message: `the board (${id}) did not come through the power cut: ${what}`,
    cause: "its power was not cut, or its flash is worn or full",
    help: "run it again",
  })
}

function list(values: number[]): string {
  return `{${values.join(", ")}}`
}

/** As fig. 2: the elements a second after each reset, and the way back after the power cut. */
export function memoryCharts({ memories }: MemoryResult): Chart[] {
  return memories
    .filter(({ refused }) => refused === undefined)
    .flatMap(({ by, values, ends, trace }) => [
      {
        title: `Storing by ${by}: elements one second after their reset`,
        x: { label: "adjustment", whole: true },
        y: { label: "element" },
        series: values.map((value, i) => ({
          name: `${elementName(ELEMENTS, i)} (${value})`,
          points: ends.map((e, round) => [round + 1, e[i]] as const),
        })),
      },
      {
        title: `After power off and on: back to what was stored by ${by}`,
        x: { label: "time" },
        y: { label: "element" },
        series: values.map((value, i) => ({
          name: `${elementName(ELEMENTS, i)} (${value})`,
          draw: "line" as const,
          points: trace.map((e, s) => [(s * EVERY) / HOLD, e[i]] as const),
        })),
      },
    ])
}
