import { expect, test } from "vitest"
import {
  constantResponse,
  growths,
  restingPoint,
  run,
  uniformParameters,
} from "../../../host/ring/float-ring"

test("one element is the logistic equation: its closed form", () => {
  // dE/dt = (K1 − K2)·E − K3·E²: E = B / (1 + (B/E0 − 1)·e^(−(K1 − K2)·t)).
  const ring = uniformParameters(1, 1, 0.5, 0.25)
  for (const [e0, t] of [
    [0.1, 4],
    [3, 2],
  ]) {
    const exact = 2 / (1 + (2 / e0 - 1) * Math.exp(-0.5 * t))
    expect(run(ring, [e0], [0], t / 4000, 4000)[0]).toBeCloseTo(exact, 6)
  }
})

test("without input it rests where the rates are zero", () => {
  const ring = {
    k1: [1, 1.2, 0.9, 1, 1.1],
    k2: [0.5, 0.4, 0.6, 0.5, 0.5],
    k3: [0.5, 0.6, 0.5, 0.4, 0.5],
  }
  const e = restingPoint(ring, [1, 1, 1, 1, 1]) as number[]
  for (let i = 0; i < 5; i++)
    expect(
      ring.k1[i] * e[(i + 4) % 5] - ring.k2[i] * e[i] - ring.k3[i] * e[i] * e[(i + 3) % 5],
    ).toBeCloseTo(0, 8)
  // Past the threshold of five elements it never rests.
  expect(restingPoint(uniformParameters(5, 1, 0.05, 0.95), [1.1, 1, 1, 1, 0.9])).toBeUndefined()
})

test("modes grow from the published thresholds on", () => {
  for (const [n, threshold] of [
    [5, 0.854],
    [9, 0.879],
    [11, 0.893],
  ]) {
    expect(Math.max(...growths(n, threshold - 0.002))).toBeLessThanOrEqual(1e-12)
    expect(Math.max(...growths(n, threshold + 0.002))).toBeGreaterThan(0)
  }
})

test("the constant response is what a small constant input does in the end", () => {
  for (const n of [1, 2, 3, 5, 8]) {
    const u = Array.from({ length: n }, (_, i) => (i === 0 ? 1e-5 : 0))
    const e = run(
      uniformParameters(n, 1, 0.5, 0.5),
      u.map(() => 1),
      u,
      0.05,
      4000,
    )
    const theory = constantResponse(n, 0.5)
    for (let k = 0; k < n; k++) expect((e[k] - 1) / 1e-5).toBeCloseTo(theory[k], 3)
  }
  // The figures for five elements that the runtime's documents state.
  const five = [0.78, 0.878, 0.488, 0.049, -0.195]
  for (const [k, v] of constantResponse(5, 0.5).entries()) expect(v).toBeCloseTo(five[k], 3)
})
