/**
 * Fixed feedback: what comes back over a link is λ times a coefficient that was drawn apart and never
 * changes. The core's sums against ones made link by link from the wiring, what links learn from them, and
 * who refuses such a network.
 */
import fc from "fast-check"
import { describe, expect, test } from "vitest"
import type { WuxingError } from "../../../host/base/errors"
import { checkRule } from "../../../host/export/c/fits"
import { modelBytes } from "../../../host/export/devicescript/model-module"
import { readBoardProfile } from "../../../host/hardware/board-profile"
import { decodeModel, encodeModel } from "../../../host/models/model-file"
import { untrained } from "../../../host/models/model-source"
import { HostNetwork } from "../../../host/network/host-network"
import {
  coefficientMax,
  feedbackCoefficient,
  initialCoefficient,
  linksOf,
  type Network,
} from "../../../host/network/network"
import { pico16 } from "../../../host/network/presets"
import { sizedNetwork } from "../../../host/network/sized-network"
import { faultOf } from "../../../host/network/validate"
import { splitEvenly } from "../../../host/partition/partition"
import { planNetwork } from "../../../host/partition/plan"
import { withRule } from "../../../host/training/rule"
import { isSound } from "../../../src/core/check"
import { Part } from "../../../src/core/layout"
import {
  address,
  allSources,
  partsOf,
  randomImage,
  readI16,
  readI32,
  synapsesOf,
  uniform,
} from "../../src/core/helpers"
import { networkOf, networks } from "./random-networks"

const fixed = (net: Network): Network => ({ ...net, feedback: "fixed" })

/** A part for each layer, as the network is small: its signals, λ and what it sent back. */
function passed(m: Buffer) {
  return partsOf(m).map(part => {
    const sources = m.readUInt16LE(part + Part.Sources)
    const back = address(m, part, Part.BackOut)
    return {
      signals: back === 0 ? [] : readI16(m, address(m, part, Part.BusIn), sources),
      lambda: readI16(m, address(m, part, Part.Lambda), synapsesOf(m, part)),
      back: back === 0 ? [] : readI32(m, back, sources),
    }
  })
}

/** Coefficients in the network's order, by layer and synapse. */
function cut(sources: number[][][], all: Buffer): number[][][] {
  let at = 0
  return sources.map(layer => layer.map(s => s.map(() => all.readInt16LE(at++ * 2))))
}

const clamped = (c: number, max: number) => Math.min(max, Math.max(-max, c))

describe("over coefficients of their own backward signals", () => {
  test("return as the sums of C·λ say, and links learn from them: any network of adders", () => {
    let taught = 0
    fc.assert(
      fc.property(networks, fc.integer(), fc.constantFrom("fixed", "none"), (shape, seed, kind) => {
        const net: Network = { ...networkOf(shape), feedback: kind as "fixed" | "none" }
        expect(faultOf(net)).toBe("")
        const one = new HostNetwork(net)
        const sources = allSources(net)
        const max = coefficientMax(net)
        const next = uniform(seed)
        const classes = net.layers[net.layers.length - 1].neurons
        for (let sample = 0; sample < 4; sample++) {
          const before = cut(sources, one.coefficients())
          one.train(randomImage(net.width, next), Math.floor(next() * classes))
          const after = cut(sources, one.coefficients())
          const layers = passed(one.memory)
          for (const [k, { signals, lambda, back }] of layers.entries()) {
            if (k === 0) continue
            const expected: number[] = new Array(signals.length).fill(0)
            for (const [t, of] of sources[k].entries())
              for (const [rank, s] of of.entries()) {
                const c = feedbackCoefficient(net, k + 1, t, rank, of.length)
                expected[s] += clamped(c, max) * lambda[t]
                const by =
                  (signals[s] * lambda[t]) / 2 ** (net.learnShift + (net.layers[k].finer ?? 0))
                const c0 = before[k][t][rank]
                const least = clamped(c0 + Math.floor(by), max)
                const most = clamped(c0 + Math.ceil(by), max)
                const c1 = after[k][t][rank]
                // Said once for each of thousands, a matcher takes longer than all else.
                if (c1 < least || c1 > most) expect(c1).toBe(by)
                if (c1 !== c0) taught++
              }
            expect(back).toEqual(expected)
          }
          // Nothing comes back to the layers below: they learn nothing.
          if (kind === "none") expect(after.slice(0, -1)).toEqual(before.slice(0, -1))
        }
      }),
      { numRuns: 60 },
    )
    expect(taught).toBeGreaterThan(100)
  })

  test("do not hang on the coefficients that learn", () => {
    const net = fixed({ ...sizedNetwork("64-20-12-4", 3), margin: 32358 })
    const image = randomImage(64, uniform(5))
    const returned = (top: number) => {
      const one = new HostNetwork(net)
      const all = one.coefficients()
      // Another last layer that gives the same outputs and errors: every coefficient is 0, or small.
      const links = linksOf(net, 3)
      for (let i = 0; i < links; i++) all.writeInt16LE(top, all.length - 2 * (i + 1))
      one.load(all, Buffer.alloc(0))
      one.train(image, 1)
      return passed(one.memory)
    }
    const [zero, other] = [returned(0), returned(1)]
    expect(zero[2].back).toEqual(other[2].back)
    expect(zero[2].back.some(sum => sum !== 0)).toBe(true)
    expect(zero[0].lambda.some(l => l !== 0)).toBe(true)
  })
})

test("they are drawn as wide as the others, and apart from them", () => {
  const net = fixed(pico16(7))
  const pairs: [number, number][] = []
  for (let synapse = 0; synapse < 40; synapse++)
    for (let rank = 0; rank < 64; rank++)
      pairs.push([
        initialCoefficient(net, 2, synapse, rank, 64) / 8192,
        feedbackCoefficient(net, 2, synapse, rank, 64) / 8192,
      ])
  const mean = (of: (a: number, b: number) => number) =>
    pairs.reduce((sum, [a, b]) => sum + of(a, b), 0) / pairs.length
  // Variance 1/64; a correlation of 2,560 independent pairs is within 5/√2560.
  expect(mean((_, b) => b * b) * 64).toBeCloseTo(1, 0)
  expect(Math.abs(mean((_, b) => b)) * 8).toBeLessThan(0.1)
  expect(Math.abs(mean((a, b) => a * b) * 64)).toBeLessThan(0.1)
})

test("a model file keeps the kind, the seed the coefficients", () => {
  const model = untrained(fixed(sizedNetwork("64-16-4", 2)))
  const back = decodeModel(encodeModel(model), "model")
  expect(back.network).toEqual(model.network)
  expect(new HostNetwork(back.network).memory).toEqual(new HostNetwork(model.network).memory)
})

describe("feedback is refused by name", () => {
  const model = untrained(withRule(sizedNetwork("64-16-4", 2), "feedback"))
  const labels = ["a", "b", "c", "d"]

  test.each<[string, string, () => unknown]>([
    [
      "plans",
      "fixed-feedback",
      () => planNetwork(model.network, [{ id: "b", profile: readBoardProfile("pico") }]),
    ],
    ["boards", "fixed-feedback", () => splitEvenly(model.network, 1)],
    ["DeviceScript packages", "fixed-feedback", () => modelBytes(model, labels)],
    ["C libraries", "export-rule", () => checkRule(model)],
  ])("by %s", (_, code, does) => {
    try {
      does()
    } catch (error) {
      expect((error as WuxingError).code).toBe(code)
      expect((error as WuxingError).message).toMatch(/64-16-4 .*coefficients of their own/)
      return
    }
    expect.unreachable()
  })

  test("by a board that gets it all the same, and not without it", () => {
    const { memory } = new HostNetwork(model.network)
    expect(isSound(memory, memory.length)).toBe(false)
    const plain = new HostNetwork(withRule(model.network, "links")).memory
    expect(isSound(plain, plain.length)).toBe(true)
  })

  test("beside PID control, elements that learn, and shared kernels", () => {
    const pid = { proportional: 16, integral: 8, differential: 4, memory: 3 }
    const net = sizedNetwork("64-16-4", 2)
    expect(faultOf(fixed({ ...net, pid }))).toMatch(/without PID/)
    expect(faultOf(fixed(withRule(net, "elements")))).toMatch(/no elements/)
    expect(faultOf(fixed(sizedNetwork("64-3c4s2-5", 1)))).toMatch(/no feedback/)
  })
})
