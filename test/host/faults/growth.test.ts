import { expect, it } from "vitest"
import { growth } from "./growth"

const every = (n: number, bytes: (minutes: number) => number) =>
  Array.from({ length: n }, (_, i) => ({ minutes: i / 10, bytes: bytes(i / 10) }))

it("a process that grows is told from one that warms up or breathes", () => {
  expect(growth(every(100, m => 5e6 + 7_000 * m)).bytesPerMinute).toBe(7_000)
  // All that it grew was at the beginning.
  const warm = growth(
    every(300, m => Math.min(8e6, 5e6 + 1e6 * m)),
    1 / 3,
  )
  expect([warm.bytesPerMinute, warm.meanBytes, warm.mostBytes]).toEqual([0, 8e6, 8e6])
  const breathing = growth(every(300, m => 6e6 + 1e5 * Math.sin(40 * m)))
  expect(Math.abs(breathing.bytesPerMinute)).toBeLessThan(2 * breathing.error)
})
