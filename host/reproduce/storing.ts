/** Row 2: fixed-point storing, round by round. */
import "../base/memory"
import { findFixedPoint, Outcome } from "../../src/ring/fixed-point"
import { step } from "../../src/ring/heun"
import {
  element,
  fixedPoint,
  makeRing,
  Parameter,
  ringBytes,
  Side,
  setElement,
} from "../../src/ring/ring"
import { type Stored, storeFixedPoint } from "../../src/ring/store"
import type { Chart } from "../base/chart"
import { rounded } from "../base/numbers"
import { restingPoint } from "../ring/float-ring"
import { elementName, storingError } from "../ring/ring-errors"
import { type Finding, pick, type Row, type Task } from "./row"

const N = 5
const Q12 = 4096
/** dt = 1/8 in Q8, so that eight steps are the paper's second. */
const STEP = 32
const HOLD = 8
/** Share of the rate by which a parameter is adjusted, Q8: ½. */
const GAIN = 128

/** The target the paper's text gives whole. */
export const PAPER_TARGETS = [0.8, 0.6, 1.5, 1.0, 0.9]
/** One that K3 can reach. */
export const REACHABLE_TARGETS = [0.9, 0.8, 1.1, 1.0, 0.9]

export const storingRow: Row = {
  name: "storing",
  title: "Fixed-point storing: a ring is taught to rest at given values",
  source: "paper 000 §3.2, eq. 3.5 and 3.6, fig. 2",
  run,
}

interface Taught {
  set: Parameter
  targets: number[]
  stored: Stored
  /** Where the ring rests afterwards: by the core, by float64, and from the old fixed point. */
  rests: number[]
  exact: number[] | undefined
  after: number[][]
}

async function* run(task: Task): AsyncGenerator<Finding, void, void> {
  const rounds = pick(task, { tiny: 20, quick: 20, full: 40 })
  const taught: Taught[] = []
  for (const [set, targets] of [
    [Parameter.K1, PAPER_TARGETS],
    [Parameter.K3, REACHABLE_TARGETS],
  ] as const) {
    taught.push(teach(set, targets, rounds))
    task.progress(taught.length / 3)
    await task.breathe()
  }
  const refused = teach(Parameter.K3, PAPER_TARGETS, rounds).stored
  const error = storingError(refused.refusal, refused.element, Parameter.K3, PAPER_TARGETS)
  yield finding(taught, rounds, error?.message ?? "it was stored")
}

function teach(set: Parameter, targets: number[], rounds: number): Taught {
  const m = Buffer.alloc(ringBytes(N, 1))
  makeRing(m, 0, N, 1, STEP)
  const wanted = targets.map(t => Math.round(t * Q12))
  const stored = storeFixedPoint(m, 0, wanted, set, GAIN, rounds, HOLD)
  const outcome = findFixedPoint(m, 0, Side.Forward, 200)
  const rests = targets.map((_, i) =>
    outcome === Outcome.Found ? fixedPoint(m, 0, Side.Forward, i) / Q12 : Number.NaN,
  )
  // Fig. 2.d: from the old fixed point, 1 everywhere.
  for (let i = 0; i < N; i++) setElement(m, 0, Side.Forward, i, Q12)
  const after: number[][] = []
  for (let s = 0; s <= 30 * HOLD; s++) {
    after.push(targets.map((_, i) => element(m, 0, Side.Forward, i) / Q12))
    step(m, 0, Side.Forward)
  }
  const last = stored.parameters.slice(-N).map(v => v / Q12)
  const half = targets.map(() => 0.5)
  const exact =
    last.length < N
      ? undefined
      : restingPoint(
          {
            k1: set === Parameter.K1 ? last : targets.map(() => 1),
            k2: half,
            k3: set === Parameter.K3 ? last : half,
          },
          targets.map(() => 1),
        )
  return { set, targets, stored, rests, exact, after }
}

function finding(taught: Taught[], rounds: number, refusal: string): Finding {
  const list = (values: number[], digits: number) => values.map(v => v.toFixed(digits)).join(", ")
  return {
    comparisons: [
      ...taught.map(({ set, targets, rests, stored }) => ({
        what: `storing {${targets.join(", ")}} by ${Parameter[set]}`,
        paper:
          "“After approximately 20 adjustments, the system gradually stabilizes at the new fixed point” (fig. 2)",
        ours: `after ${rounds} rounds it rests at ${list(rests, 3)}; the largest error fell from ${largestError(stored, 0).toFixed(3)} to ${largestError(stored, rounds - 1).toFixed(4)}`,
      })),
      {
        what: `storing {${PAPER_TARGETS.join(", ")}} by K3`,
        paper: "“A similar outcome occurs when adjusting” the other set (fig. 2.c)",
        ours: `refused: ${refusal}`,
      },
    ],
    how: `One ring in integers, K1 = 1, K2 = K3 = ½, started at the targets in each round, run for a second (8 steps of 1/8), reset, one small step of about 0.05 and the parameters moved by half the rate found.`,
    tables: taught.map(({ set, targets, stored, rests, exact }) => ({
      title: `${Parameter[set]} and the ring taught by it`,
      head: ["element", "target", Parameter[set], "rests at (core)", "rests at (float64)"],
      rows: targets.map((target, i) => [
        elementName(N, i),
        target,
        rounded((stored.parameters[(rounds - 1) * N + i] ?? Number.NaN) / Q12, 4),
        rounded(rests[i], 4),
        exact ? rounded(exact[i], 4) : "does not rest",
      ]),
    })),
    charts: [
      ...taught.map(t => roundsChart(t, rounds)),
      {
        title: "From the old fixed point to the stored one (K1)",
        x: { label: "time" },
        y: { label: "element" },
        series: taught[0].targets.map((target, i) => ({
          name: `${elementName(N, i)} (target ${target})`,
          draw: "line",
          points: taught[0].after.map((e, s) => [s / HOLD, e[i]]),
        })),
      },
    ],
    notes: [
      "The targets of the paper's text are {0.8, 0.6, 1.5, 1.0, 0.9}; a second set there is garbled in the copy at hand.",
      "By K3 a target is reachable only if K1·T[i−1] > K2·T[i] for every element i, as K3 must stay positive.",
    ],
  }
}

function largestError({ errors }: Stored, round: number): number {
  return Math.max(...errors.slice(round * N, (round + 1) * N).map(Math.abs)) / Q12
}

function roundsChart({ set, targets, stored }: Taught, rounds: number): Chart {
  return {
    title: `Storing by ${Parameter[set]}: elements one second after their reset`,
    x: { label: "round", whole: true },
    y: { label: "element" },
    series: targets.map((target, i) => ({
      name: `${elementName(N, i)} (target ${target})`,
      points: Array.from({ length: rounds }, (_, round) => [
        round + 1,
        stored.ends[round * N + i] / Q12,
      ]),
    })),
  }
}
