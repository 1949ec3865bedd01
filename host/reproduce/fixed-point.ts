/** Row 1: the fixed point by formula against letting the ring rest. */
import "../base/memory"
import {
  AT_REST,
  findFixedPoint,
  Outcome,
  relax,
  uniformFixedPoint,
} from "../../src/ring/fixed-point"
import {
  fixedPoint,
  makeRing,
  Parameter,
  Ring,
  ringBytes,
  Side,
  setElement,
  setParameter,
} from "../../src/ring/ring"
import { grouped, rounded } from "../base/numbers"
import { type FloatParameters, restingPoint, uniformParameters } from "../ring/float-ring"
import { type Finding, pick, type Row, type Task } from "./row"

const N = 5
const Q12 = 4096
/** Blocks of 64 small steps: enough for the slowest set of the table. */
const MOST_BLOCKS = 2000
/** Every set starts here, which is no fixed point of any. */
const START = 1.3

export const fixedPointRow: Row = {
  name: "fixed-point",
  title: "The fixed point B = (K1 − K2)/K3 against relaxation",
  source: "paper 000 eq. 3.4, paper 001 eq. 2.2",
  run,
}

interface Uniform {
  k: [number, number, number]
  formula: number
  core: number
  relaxed: number
  exact: number
}

async function* run(task: Task): AsyncGenerator<Finding, void, void> {
  const sets = uniformSets(pick(task, { tiny: 2, quick: 4, full: 8 }))
  const spreads = [0.05, 0.1, 0.2, 0.4].slice(0, pick(task, { tiny: 1, quick: 4, full: 4 }))
  const found: Uniform[] = []
  const mixed: { spread: number; core: number[]; exact: number[]; formula: number }[] = []
  const total = sets.length + spreads.length
  for (const [i, k] of sets.entries()) {
    found.push(measure(k))
    task.progress((i + 1) / total)
    await task.breathe()
  }
  yield finding(task, found, mixed)
  for (const [i, spread] of spreads.entries()) {
    mixed.push(measureMixed(task.seed, spread))
    task.progress((sets.length + i + 1) / total)
    await task.breathe()
  }
  yield finding(task, found, mixed)
}

/** K1, K2 and K3 over a grid, where the ring rests: r below 0.854, B between the clamps. */
function uniformSets(steps: number): [number, number, number][] {
  const sets: [number, number, number][] = []
  for (let a = 1; a <= steps; a++)
    for (let b = 1; b <= steps; b++)
      for (let c = 1; c <= steps; c++) {
        const k1 = 0.5 + (1.5 * a) / steps
        const r = (0.8 * b) / steps
        const k3 = 0.25 + (0.75 * c) / steps
        // As the ring holds them, in Q12, so that the formula is asked about the same numbers.
        const [q1, q2, q3] = [k1, k1 * (1 - r), k3].map(v => Math.round(v * Q12) / Q12)
        const formula = (q1 - q2) / q3
        if (formula > 0.1 && formula < 2.5) sets.push([q1, q2, q3])
      }
  return sets
}

function measure(k: [number, number, number]): Uniform {
  const [k1, k2, k3] = k
  const m = ringOf(uniformParameters(N, k1, k2, k3))
  for (let i = 0; i < N; i++) setElement(m, 0, Side.Forward, i, Math.round(START * Q12))
  for (let block = 0; block < MOST_BLOCKS; block++)
    if (relax(m, 0, Side.Forward, 64) === AT_REST) break
  const exact = restingPoint(uniformParameters(N, k1, k2, k3), new Array(N).fill(START))
  return {
    k,
    formula: (k1 - k2) / k3,
    core: uniformFixedPoint(k1 * Q12, k2 * Q12, k3 * Q12) / 2 ** 20,
    relaxed: fixedPoint(m, 0, Side.Forward, 0) / Q12,
    exact: exact?.[0] ?? Number.NaN,
  }
}

/** K3 spread about ½: there the formula only says where about. */
function measureMixed(seed: number, spread: number) {
  const k = uniformParameters(N, 1, 0.5, 0.5)
  // Fixed signs, so that a larger spread is the same ring, further off.
  const signs = [1, -1, 0.5, -0.5, 0.25].map((_, i, all) => all[(i + seed) % N])
  k.k3 = k.k3.map((v, i) => Math.round(v * (1 + spread * signs[i]) * Q12) / Q12)
  const m = ringOf(k)
  const outcome = findFixedPoint(m, 0, Side.Forward, MOST_BLOCKS)
  const core = Array.from({ length: N }, (_, i) =>
    outcome === Outcome.Found ? fixedPoint(m, 0, Side.Forward, i) / Q12 : Number.NaN,
  )
  const exact = restingPoint(k, new Array(N).fill(1)) ?? new Array<number>(N).fill(Number.NaN)
  return { spread, core, exact, formula: 1 }
}

function ringOf({ k1, k2, k3 }: FloatParameters): Buffer {
  const m = Buffer.alloc(ringBytes(k1.length, 1))
  makeRing(m, 0, k1.length, 1, 128)
  // The usual clamps would hold the smaller and larger fixed points.
  m.setAt(Ring.ElementMin, "i16", 41)
  m.setAt(Ring.ElementMax, "i16", 6 * Q12)
  for (let i = 0; i < k1.length; i++) {
    setParameter(m, 0, Parameter.K1, i, Math.round(k1[i] * Q12))
    setParameter(m, 0, Parameter.K2, i, Math.round(k2[i] * Q12))
    setParameter(m, 0, Parameter.K3, i, Math.round(k3[i] * Q12))
  }
  return m
}

function finding(
  task: Task,
  found: Uniform[],
  mixed: { spread: number; core: number[]; exact: number[]; formula: number }[],
): Finding {
  const farthest = (of: (u: Uniform) => number) =>
    Math.max(...found.map(u => Math.abs(of(u) - u.formula)))
  return {
    comparisons: [
      {
        what: "B by formula against the ring at rest, uniform parameters",
        paper: "B = (K1 − K2)/K3 (eq. 3.4)",
        ours: `${grouped(found.length)} sets: in float64 off by at most ${farthest(u => u.exact).toExponential(1)}, in integers by at most ${farthest(u => u.relaxed).toFixed(4)}`,
      },
      ...mixed.slice(-1).map(({ spread, core, exact }) => ({
        what: `the same with K3 spread by ${spread * 100} %`,
        paper:
          "“calculating the fixed point for varying parameters is complex, but we can still adjust the parameters according to Equation (3.4)” (paper 000 §3.2)",
        ours: `elements rest at ${exact.map(b => b.toFixed(2)).join(", ")}, not at 1; integers off by at most ${Math.max(...core.map((b, i) => Math.abs(b - exact[i]))).toFixed(4)}`,
      })),
    ],
    how: `A ring of five from ${START} everywhere, left alone until it rests, by the integer core (Q12, improved Euler) and in float64; K1 0.5…2, r = (K1 − K2)/K1 up to 0.8, K3 0.25…1. Scale ${task.scale}.`,
    tables: [
      {
        title: "Uniform parameters (every few of them)",
        head: ["K1", "K2", "K3", "formula", "core's formula", "core at rest", "float64 at rest"],
        rows: found
          .filter((_, i) => i % Math.ceil(found.length / 12) === 0)
          .map(u => [
            ...u.k.map(v => rounded(v, 3)),
            ...[u.formula, u.core, u.relaxed, u.exact].map(v => rounded(v, 4)),
          ]),
      },
      {
        title: "K3 spread about ½, K1 = 1, K2 = ½: the elements at rest, core / float64",
        head: ["spread of K3", "J", "S", "M", "H", "T"],
        rows: mixed.map(({ spread, core, exact }) => [
          `${spread * 100} %`,
          ...core.map((b, i) => `${b.toFixed(4)} / ${exact[i].toFixed(4)}`),
        ]),
      },
    ],
    charts: [
      {
        title: "Fixed point: formula against relaxation",
        x: { label: "B = (K1 − K2)/K3" },
        y: { label: "element at rest" },
        series: [
          {
            name: "formula",
            draw: "line",
            points: [
              [0, 0],
              [2.5, 2.5],
            ],
          },
          {
            name: "core, at rest",
            draw: "marks",
            points: found.map(u => [u.formula, u.relaxed]),
          },
        ],
      },
    ],
  }
}
