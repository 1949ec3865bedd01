/** Row 9: rings of other numbers of elements. */
import "../base/memory"
import { step } from "../../src/ring/heun"
import {
  element,
  makeRing,
  Parameter,
  Ring,
  ringBytes,
  Side,
  setElement,
  setInput,
  setUniform,
  start,
} from "../../src/ring/ring"
import { leadingMode, NONE, oscillationThreshold } from "../../src/ring/stability"
import { settle, signal } from "../../src/ring/trajectory"
import { rounded } from "../base/numbers"
import { constantResponse, growths } from "../ring/float-ring"
import { type Finding, pick, type Row, type Task } from "./row"

const Q12 = 4096
/** dt = 1/4, Q8. */
const STEP = 64
/** Nearer to 1, the most that positive parameters give, a ring is too slow to tell. */
const MOST_R = 0.98
/** How far elements are pushed from the fixed point. */
const PUSH = 0.02
/** Constant input of the response: small, yet far above the rounding. */
const INPUT = 0.05

export const ringSizeRow: Row = {
  name: "ring-size",
  title: "Number of elements in the ring: stability threshold and response to a constant input",
  source:
    "paper 000 §3.1 (“the number of elements can also be other numbers”; not measured); paper 002 asks for it",
  run,
}

interface Measured {
  n: number
  /** r from which the ring oscillates: by the core's formula, in float64, as run; NaN: none below MOST_R. */
  formula: number
  exact: number
  run: number
  response: number[]
  theory: number[]
}

async function* run(task: Task): AsyncGenerator<Finding, void, void> {
  const most = pick(task, { tiny: 6, quick: 13, full: 20 })
  const halvings = pick(task, { tiny: 6, quick: 8, full: 11 })
  const measured: Measured[] = []
  for (let n = 1; n <= most; n++) {
    const known = oscillationThreshold(n) / Q12
    measured.push({
      n,
      formula: known === NONE / Q12 || known >= MOST_R ? Number.NaN : known,
      exact: exactThreshold(n),
      run: await runThreshold(task, n, halvings),
      response: responseOf(n),
      theory: constantResponse(n, 0.5),
    })
    task.progress(n / most)
    yield finding(measured)
  }
}

/** By halving, from the modes' growth in float64. */
function exactThreshold(n: number): number {
  const grows = (r: number) => growths(n, r).some(g => g > 0)
  let low = 0
  let high = MOST_R
  if (!grows(high)) return Number.NaN
  for (let i = 0; i < 40; i++) {
    const r = (low + high) / 2
    if (grows(r)) high = r
    else low = r
  }
  return (low + high) / 2
}

/** By halving, from whether a pushed ring of the integer core swings further in the end. */
async function runThreshold(task: Task, n: number, halvings: number): Promise<number> {
  let low = 0.5
  let high = MOST_R
  if (!(await swingsUp(task, n, high))) return Number.NaN
  for (let i = 0; i < halvings; i++) {
    const r = (low + high) / 2
    if (await swingsUp(task, n, r)) high = r
    else low = r
  }
  return (low + high) / 2
}

/** K1 = 1, K2 = 1 − r, K3 = r: the fixed point is 1. */
function ringOf(n: number, r: number): Buffer {
  const m = Buffer.alloc(ringBytes(n, 1))
  makeRing(m, 0, n, 1, STEP)
  setUniform(m, 0, Parameter.K2, Math.round((1 - r) * Q12))
  setUniform(m, 0, Parameter.K3, Math.round(r * Q12))
  m.setAt(Ring.ElementMin, "i16", 41)
  m.setAt(Ring.ElementMax, "i16", 6 * Q12)
  return m
}

async function swingsUp(task: Task, n: number, r: number): Promise<boolean> {
  const m = ringOf(n, r)
  start(m, 0, Side.Forward)
  // Of the mode that grows fastest alone, so that nothing else decays before it shows.
  const mode = leadingMode(n, Math.round(r * Q12))
  for (let i = 0; i < n; i++) {
    const push = PUSH * Math.cos((2 * Math.PI * mode * i) / n)
    setElement(m, 0, Side.Forward, i, Math.round((1 + push) * Q12))
  }
  const swing = (steps: number) => {
    let farthest = 0
    for (let s = 0; s < steps; s++) {
      step(m, 0, Side.Forward)
      for (let i = 0; i < n; i++)
        farthest = Math.max(farthest, Math.abs(signal(m, 0, Side.Forward, i)))
    }
    return farthest
  }
  const before = swing(40)
  for (let block = 0; block < 9; block++) {
    swing(100)
    await task.breathe()
  }
  return swing(40) > before
}

/** Displacement of element k for a constant input on element 0, per unit of input. */
function responseOf(n: number): number[] {
  const m = ringOf(n, 0.5)
  const steps = 2000
  const at = (u: number) => {
    setInput(m, 0, Side.Forward, 0, Math.round(u * Q12))
    settle(m, 0, Side.Forward, steps)
    return Array.from({ length: n }, (_, k) => element(m, 0, Side.Forward, k) / Q12)
  }
  const up = at(INPUT)
  const down = at(-INPUT)
  return up.map((e, k) => (e - down[k]) / (2 * INPUT))
}

function finding(measured: Measured[]): Finding {
  const five = measured.find(m => m.n === 5)
  const oscillating = measured.filter(m => !Number.isNaN(m.exact))
  const shown = (v: number) => (Number.isNaN(v) ? `none below ${MOST_R}` : rounded(v, 3))
  return {
    comparisons: [
      {
        what: "r = (K1 − K2)/K1 from which a uniform ring oscillates, by number of elements",
        paper: "-",
        ours: `${oscillating.map(m => `${m.n}: ${m.run.toFixed(3)} (theory ${m.exact.toFixed(3)})`).join("; ")}; none below ${MOST_R} for ${measured
          .filter(m => Number.isNaN(m.run))
          .map(m => m.n)
          .join(", ")}`,
      },
      ...(five
        ? [
            {
              what: "response of the elements of a ring of five to a constant input on the first",
              paper: "-",
              ours: `${five.response.map(v => v.toFixed(3)).join(", ")} (theory ${five.theory.map(v => v.toFixed(3)).join(", ")})`,
            },
          ]
        : []),
    ],
    how: `Single rings of the integer core, K1 = 1, dt = ${STEP / 256}. Threshold: K2 = 1 − r, K3 = r, a push of ${PUSH} in the fastest mode and whether it has grown after 245 time units, r by halving. Response: K2 = K3 = ½, constant inputs of ±${INPUT} on element 0 until rest. Theory: the eigenvalues of the linearised ring, in float64.`,
    tables: [
      {
        title: "Threshold of oscillation",
        head: ["elements", "as run", "core's formula", "float64 theory"],
        rows: measured.map(m => [m.n, shown(m.run), shown(m.formula), shown(m.exact)]),
      },
      {
        title: "Response of element k to a constant input of 1 on element 0, as run (theory)",
        head: ["elements", "k = 0", "1", "2", "3", "4"],
        rows: measured.map(m => [
          m.n,
          ...Array.from({ length: 5 }, (_, k) =>
            k < m.n ? `${m.response[k].toFixed(3)} (${m.theory[k].toFixed(3)})` : "",
          ),
        ]),
      },
    ],
    charts: [
      {
        title: "Threshold of oscillation by number of elements",
        x: { label: "elements in the ring", min: 0 },
        y: { label: "r = (K1 − K2)/K1", min: 0.8, max: 1 },
        series: [
          { name: "theory", draw: "line", points: oscillating.map(m => [m.n, m.exact]) },
          { name: "as run", draw: "marks", points: oscillating.map(m => [m.n, m.run]) },
        ],
      },
      {
        title: "Response to a constant input on element 0",
        x: { label: "element", whole: true },
        y: { label: "displacement per unit of input" },
        series: measured
          .filter(m => [1, 2, 3, 5, 8, 13].includes(m.n))
          .map(m => ({
            name: `n = ${m.n}`,
            points: m.response.slice(0, 8).map((v, k) => [k, v] as [number, number]),
          })),
      },
    ],
    notes: [
      "Single rings only: the networks of this runtime are built of rings of five, so what other numbers do to learning is not measured.",
    ],
  }
}
