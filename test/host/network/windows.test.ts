import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { decodeModel, encodeModel } from "../../../host/models/model-file"
import { untrained } from "../../../host/models/model-source"
import { HostNetwork } from "../../../host/network/host-network"
import type { Layer, Network, Window } from "../../../host/network/network"
import { inputImage, isDense, linksOf, sourcesOf, windowPlace } from "../../../host/network/network"
import { sizedNetwork } from "../../../host/network/sized-network"
import { faultOf } from "../../../host/network/validate"
import { wiringOf } from "../../../host/network/wiring"
import { network, randomImage, uniform } from "../../src/core/helpers"

const windows = fc
  .record({
    across: fc.integer({ min: 1, max: 12 }),
    down: fc.integer({ min: 1, max: 12 }),
    width: fc.integer({ min: 1, max: 12 }),
    height: fc.integer({ min: 1, max: 12 }),
  })
  .map(w => ({ ...w, width: Math.min(w.width, w.across), height: Math.min(w.height, w.down) }))

/** A network whose first layer reads windows of a picture with so many signals a pixel. */
function reading(window: Window, signals: number, layer: Partial<Layer> = {}): Network {
  return network([{ window, fanIn: window.width * window.height * signals, ...layer }, {}], {
    width: window.across * window.down,
    inputSignals: signals,
  })
}

describe("a window drawn by the seed", () => {
  test("is all signals of a rectangle of pixels, ascending, the same for a neuron's synapses", () => {
    fc.assert(
      fc.property(windows, fc.integer({ min: 1, max: 4 }), (window, signals) => {
        const net = reading(window, signals)
        expect(faultOf(net)).toBe("")
        for (let neuron = 0; neuron < 4; neuron++) {
          const first = sourcesOf(net, 1, neuron * 3)
          const [x, y] = [
            Math.floor(first[0] / signals) % window.across,
            Math.floor(first[0] / signals / window.across),
          ]
          const rectangle: number[] = []
          for (let p = 0; p < window.across * window.down; p++) {
            const [column, row] = [p % window.across, Math.floor(p / window.across)]
            if (column < x || column >= x + window.width) continue
            if (row < y || row >= y + window.height) continue
            for (let k = 0; k < signals; k++) rectangle.push(p * signals + k)
          }
          expect(rectangle.length).toBe(window.width * window.height * signals)
          for (let k = 0; k < 3; k++) expect(sourcesOf(net, 1, neuron * 3 + k)).toEqual(rectangle)
        }
        expect(linksOf(net, 1)).toBe(12 * window.width * window.height * signals)
      }),
    )
  })

  test("lies anywhere, equally often, by the seed", () => {
    const window = { across: 7, down: 5, width: 4, height: 2 }
    const net = reading(window, 1, { neurons: 4000 })
    const counts = new Map<number, number>()
    for (let n = 0; n < 4000; n++) {
      const at = windowPlace(net, 1, n)
      counts.set(at, (counts.get(at) ?? 0) + 1)
    }
    const places = [0, 1, 2, 3].flatMap(row => [0, 1, 2, 3].map(column => row * 7 + column))
    expect([...counts.keys()].sort((a, b) => a - b)).toEqual(places)
    // 250 each; five standard deviations.
    for (const count of counts.values()) expect(Math.abs(count - 250)).toBeLessThan(77)
    const other = { ...net, seed: 2 }
    expect([0, 1, 2, 3, 4].map(n => windowPlace(other, 1, n))).not.toEqual(
      [0, 1, 2, 3, 4].map(n => windowPlace(net, 1, n)),
    )
  })
})

test("a window with a pitch reads every so many places of its rows", () => {
  const net = reading({ across: 9, down: 5, width: 3, height: 2, pitch: 3 }, 2, { neurons: 30 })
  expect(faultOf(net)).toBe("")
  const seen = new Set<number>()
  for (let n = 0; n < 30; n++) {
    const place = windowPlace(net, 1, n)
    seen.add(place)
    const places = [0, 3, 6, 9, 12, 15].map(p => place + p)
    expect(sourcesOf(net, 1, 3 * n)).toEqual(places.flatMap(p => [2 * p, 2 * p + 1]))
  }
  // Seven places wide: three columns and four rows are left for it.
  const columns = [...seen].map(place => place % 9)
  expect(Math.max(...columns)).toBe(2)
  expect(seen.size).toBeGreaterThan(8)
})

test("windows at a stride lie on a grid, each for as many neurons as the others", () => {
  const net = reading({ across: 9, down: 7, width: 3, height: 4, stride: 3 }, 1, { neurons: 12 })
  expect(faultOf(net)).toBe("")
  const places = Array.from({ length: 12 }, (_, n) => windowPlace(net, 1, n))
  // Three beside each other, two below: 0, 3, 6 and those three rows down.
  expect(places).toEqual([0, 0, 3, 3, 6, 6, 27, 27, 30, 30, 33, 33])
})

test("a window on a layer of windows reads the signals of neighbouring places", () => {
  const net = sizedNetwork("36-8w4s2-3w2-2", 1)
  expect(net.layers[1].window).toEqual({ across: 2, down: 2, width: 2, height: 2 })
  // Eight neurons of two signals on four places; the window is all of them.
  expect(isDense(net, 2)).toBe(true)
  const part = sizedNetwork("36-8w4s2-3w1x2-2", 1)
  for (const sources of wiringOf(part).sources(2)) {
    expect(sources.length).toBe(8)
    const places = new Set(sources.map(s => Math.floor(s / 4)))
    expect([...places]).toEqual(places.has(0) ? [0, 2] : [1, 3])
  }
})

describe("a description of windows", () => {
  const good = { across: 6, down: 4, width: 3, height: 2 }
  test.each<[string, Network]>([
    ["other places", { ...reading(good, 1), width: 25 }],
    ["wider than the picture", reading({ ...good, width: 7 }, 1)],
    ["another fan-in", reading(good, 1, { fanIn: 7 })],
    ["neurons that do not divide", reading({ ...good, stride: 2 }, 1, { neurons: 5 })],
    ["links of another kind", { ...reading(good, 1), linking: "strict" }],
  ])("is refused for %s", (_, net) => expect(faultOf(net)).not.toBe(""))

  test.each(["784-16w29-10", "785-16w4-10", "784-16-8w2-10", "784-5w8s6-10"])("%s", name =>
    expect(() => sizedNetwork(name, 1)).toThrow(/there can be no network/),
  )

  test("comes back from a model file", () => {
    const model = untrained(sizedNetwork("784-16w9x8s6-10", 3))
    expect(decodeModel(encodeModel(model), "file").network).toEqual(model.network)
    expect(model.network.layers[0]).toMatchObject({
      fanIn: 72,
      window: { across: 28, down: 28, width: 9, height: 8, stride: 6 },
    })
  })
})

test("pixels below a network's floor are as good as blank, named or learnt", () => {
  const [shown, blank] = [0, 1].map(
    () => new HostNetwork({ ...sizedNetwork("64-9w5-3", 1), inputFloor: 100 }),
  )
  const next = uniform(4)
  let faint = 0
  for (let i = 0; i < 60; i++) {
    const image = randomImage(64, next, 0.5)
    const lit = inputImage(shown.network, Uint8Array.from(image))
    faint += image.filter((v, p) => v > 0 && lit[p] === 0).length
    expect(lit.every((v, p) => v === (image[p] < 100 ? 0 : image[p]))).toBe(true)
    expect(shown.train(Uint8Array.from(image), i % 3)).toBe(blank.train(lit, i % 3))
  }
  expect(faint).toBeGreaterThan(300)
  expect(shown.coefficients()).toEqual(blank.coefficients())
  const all = new HostNetwork(sizedNetwork("64-9w5-3", 1))
  for (let i = 0; i < 60; i++) all.train(Uint8Array.from(randomImage(64, next, 0.5)), i % 3)
  expect(all.coefficients()).not.toEqual(blank.coefficients())
})
