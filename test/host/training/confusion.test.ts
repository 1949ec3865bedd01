import fc from "fast-check"
import { expect, test } from "vitest"
import { evaluate } from "../../../host/training/confusion"

test("figures of a small case by hand", () => {
  // Four of a (one taken for b), two of b (both right), none of c; once c was said of an a.
  const { accuracy, right, confusion, perClass } = evaluate(
    [0, 0, 0, 0, 1, 1],
    [0, 0, 1, 2, 1, 1],
    ["a", "b", "c"],
  )
  expect(confusion).toEqual([
    [2, 1, 1],
    [0, 2, 0],
    [0, 0, 0],
  ])
  expect(right).toBe(4)
  expect(accuracy).toBe(4 / 6)
  expect(perClass).toEqual([
    { class: "a", count: 4, precision: 1, recall: 0.5, f1: 2 / 3 },
    { class: "b", count: 2, precision: 2 / 3, recall: 1, f1: 0.8 },
    { class: "c", count: 0, precision: 0, recall: null, f1: 0 },
  ])
})

test("a class that is neither there nor named has no figures", () => {
  expect(evaluate([0], [0], ["a", "b"]).perClass[1]).toEqual({
    class: "b",
    count: 0,
    precision: null,
    recall: null,
    f1: null,
  })
})

test("rows add up to the classes, everything to the images, F1 is the harmonic mean", () => {
  const pairs = fc.array(fc.tuple(fc.nat(4), fc.nat(4)), { minLength: 1, maxLength: 60 })
  fc.assert(
    fc.property(pairs, list => {
      const labels = list.map(([label]) => label)
      const named = list.map(([, name]) => name)
      const { confusion, perClass, accuracy, count } = evaluate(labels, named, [..."abcde"])
      expect(count).toBe(list.length)
      expect(accuracy).toBe(list.filter(([l, n]) => l === n).length / list.length)
      for (const [c, figures] of perClass.entries()) {
        const inClass = labels.filter(l => l === c).length
        expect(confusion[c].reduce((a, b) => a + b)).toBe(inClass)
        expect(figures.count).toBe(inClass)
        const { precision, recall, f1 } = figures
        if (precision && recall)
          expect(f1).toBeCloseTo((2 * precision * recall) / (precision + recall), 12)
      }
    }),
  )
})
