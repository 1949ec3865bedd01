/** The core beside the same network written in other ways: operations on one machine, in one run. */
import { describe, expect, test } from "vitest"
import { readMnist } from "../../../host/data/mnist"
import { untrained } from "../../../host/models/model-source"
import { pico16 } from "../../../host/network/presets"
import { profileModel } from "../../../host/profile/profile"
import { firmware } from "../../firmware/compiled"
import { jacobian, settle } from "../../src/core/reference"
import {
  coefficientOf,
  FAN_IN,
  HIDDEN,
  OUTPUTS,
  program,
  STEPS,
  sourceOf,
  TRAJECTORY_STEPS,
} from "./other-ways"
import { compile, count } from "./program"

const { test: images } = readMnist()
const IMAGE = images.images.subarray(0, 784)
/** Pixels' signals in thousandths, as the programs get them. */
const signals = Array.from(IMAGE, p => Math.round((p / 255) * 800))
const clamp = (x: number) => Math.min(1, Math.max(-0.2, x))

function netInput(layer: number, synapse: number, from: number[]): number {
  const n = layer === 1 ? FAN_IN : 2 * HIDDEN
  let sum = 0
  for (let r = 0; r < n; r++)
    sum += coefficientOf(layer, synapse, r) * from[layer === 1 ? sourceOf(synapse, r) : r]
  return clamp(sum)
}

/** Net inputs of a layer's neurons, five each. */
const inputsOf = (layer: number, neurons: number, from: number[]) =>
  Array.from({ length: neurons }, (_, n) => [
    ...[0, 1].map(k => netInput(layer, 2 * n + k, from)),
    ...[0, 0, 0],
  ])

function settledReference(): number[] {
  const pixels = signals.map(s => s / 1000)
  const hidden = inputsOf(1, HIDDEN, pixels).flatMap(u => settle(u, STEPS, 0.3, 3).mean.slice(1, 3))
  return inputsOf(2, OUTPUTS, hidden).map(u => settle(u, STEPS, 0.3, 3).mean[1])
}

/** Heun steps of 0.5, written with the ring's Jacobian: dE = J·E less what its product counts twice. */
function trajectoryReference(): number[] {
  const rate = (e: number[], u: number[]) =>
    jacobian(e).map(
      (row, i) => row.reduce((sum, j, k) => sum + j * e[k], 0) + 0.5 * e[i] * e[(i + 3) % 5] + u[i],
    )
  const step = (e: number[], u: number[]) => {
    const f = rate(e, u)
    const g = rate(
      e.map((x, i) => x + 0.5 * f[i]),
      u,
    )
    return e.map((x, i) => Math.min(3, Math.max(0.3, x + 0.25 * (f[i] + g[i]))))
  }
  const rest = (n: number) => Array.from({ length: n }, () => [1, 1, 1, 1, 1])
  let [hidden, outputs] = [rest(HIDDEN), rest(OUTPUTS)]
  const u1 = inputsOf(
    1,
    HIDDEN,
    signals.map(s => s / 1000),
  )
  const mean = new Array<number>(OUTPUTS).fill(0)
  for (let t = 0; t < TRAJECTORY_STEPS; t++) {
    const before = hidden.flatMap(e => [e[1] - 1, e[2] - 1])
    const u2 = inputsOf(2, OUTPUTS, before)
    outputs = outputs.map((e, n) => step(e, u2[n]))
    hidden = hidden.map((e, n) => step(e, u1[n]))
    outputs.forEach((e, n) => {
      mean[n] += (e[1] - 1) / TRAJECTORY_STEPS
    })
  }
  return mean
}

describe("pico-16 written in other ways", () => {
  test("the obvious way takes at least 3 times the operations, the papers' at least 15 times", async () => {
    const bytecode = await firmware()
    const first = { images: IMAGE, labels: images.labels.subarray(0, 1), count: 1 }
    const ours = await profileModel(
      untrained(pico16(1)),
      bytecode,
      { ...first, width: 28, height: 28 },
      1,
    )
    const run = async (way: "settled" | "trajectory", expected: number[]) => {
      const { lines, counts } = await count(await compile(program(way, signals)))
      const outputs = lines.flatMap(line => line.match(/^output (-?\d+)$/)?.[1] ?? []).map(Number)
      expect(outputs.length).toBe(OUTPUTS)
      for (const [i, o] of outputs.entries())
        expect(Math.abs(o - expected[i] * 1e6)).toBeLessThan(1)
      return counts.reduce((sum, n) => sum + n, 0)
    }
    const obvious = await run("settled", settledReference())
    const papers = await run("trajectory", trajectoryReference())
    // Ours with messages and yields, theirs without.
    expect(obvious / ours.opsPerInference).toBeGreaterThan(3)
    expect(papers / ours.opsPerInference).toBeGreaterThan(15)
  })
})
