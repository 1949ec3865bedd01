import { expect, test } from "vitest"
import { elementName, fixedPointError, storingError } from "../../../host/ring/ring-errors"
import { findFixedPoint, Outcome } from "../../../src/ring/fixed-point"
import { Parameter, Side } from "../../../src/ring/ring"
import { Refusal, storeFixedPoint } from "../../../src/ring/store"
import { AT, q12, uniformRing } from "../../src/ring/helpers"

test("an oscillating ring and a collapsing one are told apart, with the threshold of their n", () => {
  const error = (n: number, k2: number) =>
    fixedPointError(findFixedPoint(uniformRing(n, 4096, k2, 2048, 32), AT, Side.Forward, 50), {
      name: "the ring",
      n,
      r: (4096 - k2) / 4096,
    })
  expect(error(5, 2048)).toBeUndefined()
  expect(error(5, 5000)).toMatchObject({ code: "ring-collapses", kind: "usage" })
  expect(error(5, 400)).toMatchObject({
    code: "ring-oscillates",
    message: expect.stringMatching(/oscillates.*ring of 5.*0\.854.*its r is 0\.902/),
  })
  expect(error(9, 400)).toMatchObject({ message: expect.stringContaining("0.879") })
})

test("every outcome has an error of its own", () => {
  const outcomes = [
    Outcome.Moving,
    Outcome.Collapse,
    Outcome.Oscillates,
    Outcome.Clamped,
    Outcome.StepTooLarge,
  ]
  const codes = outcomes.map(o => fixedPointError(o, { name: "it", n: 3 })?.code)
  expect(new Set(codes).size).toBe(outcomes.length)
  expect(codes).not.toContain(undefined)
})

test("the paper's targets are refused for K3 by the name of the element", () => {
  const targets = [0.8, 0.6, 1.5, 1, 0.9]
  const refused = storeFixedPoint(
    uniformRing(5, 4096, 2048, 2048, 128),
    AT,
    targets.map(q12),
    Parameter.K3,
    128,
    20,
    2,
  )
  const error = storingError(refused.refusal, refused.element, Parameter.K3, targets)
  expect(error).toMatchObject({
    code: "target-unreachable",
    message: expect.stringMatching(/by K3: element M would need a K3 of zero or less/),
    likely: expect.stringContaining("T[S] = 0.6, T[M] = 1.5"),
  })
  expect(storingError(Refusal.None, -1, Parameter.K3, targets)).toBeUndefined()
  expect(storingError(Refusal.OutsideClamps, 1, Parameter.K1, targets)).toMatchObject({
    code: "target-outside-clamps",
    message: expect.stringContaining("0.6 of element S"),
  })
})

test("elements are named in a ring of five only", () => {
  expect([0, 1, 2, 3, 4].map(i => elementName(5, i)).join("")).toBe("JSMHT")
  expect(elementName(4, 2)).toBe("2")
})
