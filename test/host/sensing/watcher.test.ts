/** Windows, confidence and holding of a live signal, held against the same said step by step. */
import { expect, it } from "vitest"
import { otherRate } from "../../../host/cli/watch"
import type { Model } from "../../../host/models/model-file"
import { readModel } from "../../../host/models/model-source"
import { runnerOf } from "../../../host/models/run-model"
import { perHour, Watcher } from "../../../host/sensing/watcher"
import type { Features } from "../../../host/signals/description"
import { hostFeatures } from "../../../host/signals/host-features"
import { interleaved, TRACE, uniform } from "../../src/signals/reference"

const LENGTH = 12
const HOP = 4
const FEATURES: Features = {
  ...{ ...TRACE, points: 8, channels: ["x"], unit: 1 },
  cut: { by: "window", length: LENGTH, hop: HOP },
}

it("of windows, a class is said once it has held, and not again before another one or none was", () => {
  const model: Model = { ...readModel("8-6-3", 4), signal: { features: FEATURES } }
  const next = uniform(5)
  let level = 0
  const signal = Array.from({ length: 3000 }, (_, i) => {
    // Changes its manner now and then.
    if (i % 70 === 0) level = Math.floor(3 * next())
    return Math.round([300 * Math.sin(i / 9), 200 * next(), 5 * (i % 40)][level])
  })
  const run = runnerOf(model)
  const windows = Array.from({ length: Math.floor((3000 - LENGTH) / HOP) + 1 }, (_, w) => {
    const outputs = [
      ...run(hostFeatures(FEATURES, interleaved([signal.slice(w * HOP, w * HOP + LENGTH)]))!),
    ]
    const [first, second] = [...outputs].sort((a, b) => b - a)
    return { end: w * HOP + LENGTH, best: outputs.indexOf(first), lead: first - second }
  })
  // Half of them are unknown.
  const unknown = [...windows].sort((a, b) => a.lead - b.lead)[windows.length >> 1].lead
  for (const hold of [1, 3]) {
    const classes = windows.map(({ best, lead }) => (lead >= unknown ? best : -1))
    let said = -1
    const expected = windows.flatMap(({ end }, w) => {
      const lasts = classes.slice(Math.max(0, w - hold + 1), w + 1)
      if (lasts.length < hold || lasts.some(of => of !== classes[w]) || classes[w] === said)
        return []
      said = classes[w]
      return said < 0 ? [] : [[end, said]]
    })
    const watcher = new Watcher(model, { hold, unknown })
    const found = signal.flatMap((value, i) => {
      const one = watcher.push([value])
      return one ? [[i + 1, one.class]] : []
    })
    expect(found).toEqual(expected)
    expect(found.length).toBeGreaterThan(5)
    expect(watcher.windows).toBe(windows.length)
  }
})

it("detections are counted by the hour; another rate than the network's is said", () => {
  expect(perHour(3, 1800)).toBe(6)
  expect(perHour(0, 0)).toBe(0)
  const every = (ms: number) => Array.from({ length: 200 }, (_, i) => ms * i)
  expect(otherRate(every(20), 50)).toBeUndefined()
  expect(otherRate(every(22), 50)).toBeUndefined()
  expect(otherRate(every(10), 50)).toContain("100.0 samples a second come")
})
