/** Training on the host while people look on and put in a word, against the core run by Node. */
import { afterEach, describe, expect, it } from "vitest"
import { HostNetwork } from "../../../host/network/host-network"
import { linksOf, type Network } from "../../../host/network/network"
import { model1, pico16 } from "../../../host/network/presets"
import type { Checkpoint } from "../../../host/session/reports"
import type { FleetWatch, Request } from "../../../host/session/watch"
import { WatchedEngine } from "../../../host/training/watched-engine"
import { randomImage, uniform } from "../../src/core/helpers"

const SAMPLES = 40

let engine: WatchedEngine | undefined
afterEach(() => engine?.close())

const start = (network: Network): Checkpoint => {
  const host = new HostNetwork(network)
  return { samples: 0, coefficients: host.coefficients(), elements: host.elements() }
}

function imagesFor(network: Network) {
  const next = uniform(3)
  const each = Array.from({ length: SAMPLES }, () => randomImage(network.width, next, 0.2))
  const labels = Uint8Array.from(each, () => Math.floor(next() * 10))
  return { each, labels, all: Uint8Array.from(each.flatMap(image => [...image])) }
}

/** Does as told before the sample of that number. */
function script(words: Map<number, Request[]>, heard: FleetWatch): FleetWatch {
  let learnt = 0
  return {
    ...heard,
    request: () => words.get(learnt)?.shift(),
    learnt: (...sample) => {
      learnt++
      heard.learnt?.(...sample)
    },
  }
}

describe.each([
  ["by margin", { ...pico16(1), margin: 0 }],
  ["by softmax", { ...pico16(1), softmaxGain: 231 }],
  ["single links, finer elements", model1(1)],
])("a training on the host under eyes, %s", (_, network) => {
  it("ends with the bits of its images, lessons and rates, and says what came of each", async () => {
    const { each, labels, all } = imagesFor(network)
    const lesson = { image: each[5], label: 7 }
    const said: { named: number; label: number; error: boolean }[] = []
    const named: number[][] = []
    const name: Request = {
      ...{ do: "classify", image: each[9] },
      answered: (outputs: Int16Array) => named.push([...outputs]),
    }
    const kept: Checkpoint[] = []
    const words = new Map<number, Request[]>([
      [10, [{ do: "teach", lesson }, name]],
      [20, [{ do: "slow", bits: 2 }]],
      [30, [{ do: "slow", bits: 0 }, { do: "read" }]],
    ])
    const watch = script(words, {
      learnt: (image, predicted, label, error) => {
        expect(Buffer.from(image).equals(each[said.length])).toBe(true)
        said.push({ named: predicted, label, error })
      },
      saved: checkpoint => kept.push(checkpoint),
    })
    engine = await WatchedEngine.start(network, start(network), watch)
    const order = Int32Array.from(each.keys())
    const result = await engine.train(engine.store(all, labels), order)

    const host = new HostNetwork(network)
    const expected: typeof said = []
    for (const [i, image] of each.entries()) {
      if (i === 10) {
        host.train(
          lesson.image,
          lesson.label,
          engine.interventions.find(w => "lesson" in w)?.sample,
        )
        expect(host.predict(each[9])).toBe(named[0].indexOf(Math.max(...named[0])))
      }
      if (i === 20) host.learnShift = network.learnShift + 2
      if (i === 30) {
        host.learnShift = network.learnShift
        expect(kept.some(({ coefficients }) => coefficients.equals(host.coefficients()))).toBe(true)
      }
      const before = host.coefficients()
      const predicted = host.train(image, labels[i])
      const changed = !before.equals(host.coefficients())
      expected.push({ named: predicted, label: labels[i], error: changed })
    }
    expect(said.map(s => s.named)).toEqual(expected.map(s => s.named))
    // What changed something had an error; an error changes something nearly always.
    for (const [i, { error }] of said.entries()) if (expected[i].error) expect(error).toBe(true)
    expect(said.filter((s, i) => s.error !== expected[i].error).length).toBeLessThan(3)
    // With no margin to keep, what is right is without one.
    if (network.margin === 0)
      expect(said.map(s => s.error)).toEqual(said.map(s => s.named !== s.label))
    expect(engine.coefficients.equals(host.coefficients())).toBe(true)
    expect(engine.interventions).toHaveLength(3)
    expect(result).toEqual({
      done: SAMPLES,
      right: expected.filter(s => s.named === s.label).length,
    })
    let links = 0
    for (let layer = 1; layer <= network.layers.length; layer++) links += linksOf(network, layer)
    expect(kept.at(-1)?.coefficients.length).toBe(2 * links)
    expect(kept.at(-1)?.samples).toBe(SAMPLES)
  })
})

it("waits for leave, and ends when it is stopped meanwhile", async () => {
  const network = pico16(1)
  const { all, labels } = imagesFor(network)
  const stop = new AbortController()
  let leave = 3
  engine = await WatchedEngine.start(network, start(network), {
    allow: () => (leave > 0 ? leave-- && 1 : 0),
    changed: async () => {
      stop.abort()
    },
  })
  const indices = Int32Array.from({ length: SAMPLES }, (_, i) => i)
  const { done } = await engine.train(engine.store(all, labels), indices, { signal: stop.signal })
  expect(done).toBe(3)
  expect(engine.samples).toBe(3)
})
