import fc from "fast-check"
import { expect, test } from "vitest"
import { drawSamples } from "../../../host/data/samples"

const seed = fc.integer({ min: 0, max: 2 ** 31 - 1 })

test("a draw has no repetition, stays in range and is the same again", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 300 }), fc.nat(), seed, (count, part, value) => {
      const take = part % (count + 1)
      const drawn = drawSamples(count, take, value, 1)
      expect(drawn.length).toBe(take)
      expect(new Set(drawn).size).toBe(take)
      expect(drawn.every(index => Number.isInteger(index) && index >= 0 && index < count)).toBe(
        true,
      )
      expect(drawSamples(count, take, value, 1)).toEqual(drawn)
    }),
  )
})

test("a longer draw begins with the shorter one, so that more training is only more", () => {
  expect(drawSamples(60_000, 2000, 5, 1).slice(0, 1000)).toEqual(drawSamples(60_000, 1000, 5, 1))
})

test("seeds and salts draw differently", () => {
  const draws = [0, 1, 2, 3].flatMap(value =>
    [1, 2].map(salt => drawSamples(1000, 20, value, salt)),
  )
  expect(new Set(draws.map(String)).size).toBe(draws.length)
})

test("every index is drawn about equally often (chi-square, 99 degrees of freedom)", () => {
  const times = new Array(100).fill(0)
  const draws = 2000
  for (let value = 0; value < draws; value++)
    for (const index of drawSamples(100, 10, value, 7)) times[index]++
  const expected = (draws * 10) / 100
  const chi = times.reduce((sum, found) => sum + (found - expected) ** 2 / expected, 0)
  // 161 is the 99.99 % point; draws without repetition vary less still.
  expect(chi).toBeLessThan(161)
})

test("more samples than there are is refused", () => {
  expect(() => drawSamples(10, 11, 1, 1)).toThrow("cannot draw 11 of 10")
  expect(() => drawSamples(10, -1, 1, 1)).toThrow(RangeError)
})
