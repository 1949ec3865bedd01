import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { exchangeCoefficients } from "../../../host/network/exchange"
import { HostNetwork } from "../../../host/network/host-network"
import { q12 } from "../../../host/network/network"
import { Part } from "../../../src/core/layout"
import { beginLearning, outputError, readout } from "../../../src/core/run"
import {
  address,
  allSources,
  listing,
  network,
  partsOf,
  randomImage,
  readI16,
  readI32,
  realCoefficients,
  synapsesOf,
  uniform,
  writeI16,
} from "../../src/core/helpers"
import { bestOther, marginError, Reference, softmaxError } from "../../src/core/reference"

const SAMPLES = 4
const hidden = { inputs: 3, outputFirst: 3, outputs: 2 }
const output = { inputs: 4, outputFirst: 4, outputs: 1 }

/** Small networks at input scale 0.3, where the theory of small signals has to hold. */
function networkOf(layers: "two layers" | "three layers", seed: number, signalBits: number) {
  const two = [
    { ...hidden, neurons: 8, fanIn: 12 },
    { ...output, neurons: 5, fanIn: 10 },
  ]
  const three = [
    { ...hidden, neurons: 8, fanIn: 12 },
    { ...hidden, neurons: 6, fanIn: 16 },
    { ...output, neurons: 4, fanIn: 7 },
  ]
  return network(layers === "two layers" ? two : three, {
    width: 40,
    seed,
    steps: 8,
    signalBits,
    inputScale: q12(0.3),
    // No lead is enough, so that every sample has an error to learn from.
    margin: q12(7.9),
  })
}

interface Taught {
  image: Uint8Array
  label: number
  /** The best other output, as the core saw it. */
  other: number
}

/**
 * Teaches the core some samples, each from the same coefficients, and reads what would be added to
 * them before it is rounded: Σ S·λ of each link, out of the core's own memory.
 */
function directionOfCore(one: HostNetwork, seed: number) {
  const { net, m } = { net: one.network, m: listing(one.memory) }
  const sources = allSources(net)
  const start = one.coefficients()
  const direction = sources.map(layer => layer.map(s => s.map(() => 0)))
  const taught: Taught[] = []
  const lambdas: number[][][] = []
  const read: number[][] = []
  const next = uniform(seed + 100)
  const last = net.layers.length
  for (let sample = 0; sample < SAMPLES; sample++) {
    const image = randomImage(net.width, next)
    const label = Math.floor(next() * net.layers[last - 1].neurons)
    one.train(image, label)
    const parts = partsOf(m)
    const outputs = readI16(
      m,
      address(m, parts[last - 1], Part.BusOut),
      net.layers[last - 1].neurons,
    )
    read.push(outputs)
    taught.push({ image, label, other: bestOther(outputs, label) })
    const lambda = parts.map(part => readI16(m, address(m, part, Part.Lambda), synapsesOf(m, part)))
    lambdas.push(lambda)
    for (const [k, part] of parts.entries()) {
      const signals: number[] = []
      if (k === 0) {
        // The pixels of the image's list, all others silent.
        const list = address(m, part, Part.List)
        for (let i = 0; i < net.width; i++) signals.push(0)
        for (let i = 0; i < m.readInt32LE(list); i++)
          signals[m.readUInt16LE(list + 4 + 4 * i)] = m.readInt16LE(list + 6 + 4 * i)
      } else
        signals.push(
          ...readI16(m, address(m, part, Part.BusIn), m.readUInt16LE(part + Part.Sources)),
        )
      sources[k].forEach((s, t) => {
        s.forEach((source, rank) => {
          direction[k][t][rank] += signals[source] * lambda[k][t]
        })
      })
    }
    exchangeCoefficients(m, net, start, true)
  }
  return {
    taught,
    direction,
    lambdas,
    outputs: read,
    reference: new Reference(net, sources, realCoefficients(sources, start)),
  }
}

/** Central differences of Σ O[label] − O[other] over the coefficients of each layer. */
function gradientOf(reference: Reference, taught: Taught[]): number[][] {
  const step = 1e-4
  const loss = () =>
    taught.reduce((sum, { image, label, other }) => {
      const outputs = reference.forward(image).signals.at(-1) as number[]
      return sum + outputs[label] - outputs[other]
    }, 0)
  return reference.coefficients.map(layer =>
    layer.flatMap(c =>
      c.map((value, rank) => {
        c[rank] = value + step
        const up = loss()
        c[rank] = value - step
        const down = loss()
        c[rank] = value
        return (up - down) / (2 * step)
      }),
    ),
  )
}

function cosine(a: number[], b: number[]): number {
  const dot = (x: number[], y: number[]) => x.reduce((s, v, i) => s + v * y[i], 0)
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b))
}

/**
 * Seen: 0.9949 at least, in both formats alike (0.998 but for one layer). What is missing to 1 is not
 * rounding: the backward signal linearises at the end state, the loss depends on the way there.
 */
const LEAST_COSINE = 0.99

describe("the core's S·λ is the gradient of the float64 loss, in every layer", () => {
  for (const signalBits of [12, 10])
    for (const layers of ["two layers", "three layers"] as const)
      for (const seed of [1, 2, 3, 4, 5])
        test(`${layers}, signals of ${signalBits} bits, seed ${seed}: cosine at least ${LEAST_COSINE}`, () => {
          const one = new HostNetwork(networkOf(layers, seed, signalBits))
          const { taught, direction, reference } = directionOfCore(one, seed)
          const gradient = gradientOf(reference, taught)
          for (const [k, g] of gradient.entries()) {
            const found = direction[k].flat(2)
            expect(cosine(g, found), `layer ${k + 1}`).toBeGreaterThanOrEqual(LEAST_COSINE)
            // Its size too: a shift too many or too few would keep the direction.
            const ratio = Math.hypot(...found) / 2 ** (12 + signalBits) / Math.hypot(...g)
            expect(Math.abs(ratio - 1), `layer ${k + 1}, ${ratio}`).toBeLessThan(0.1)
          }
        })
})

describe("a learning step of the core is that of the reference", () => {
  for (const seed of [1, 2, 3, 4, 5])
    test(`outputs, λ and ΔC, seed ${seed}`, () => {
      const net = networkOf("three layers", seed, 12)
      const one = new HostNetwork(net)
      const start = one.coefficients()
      const sources = allSources(net)
      const { taught, lambdas, outputs } = directionOfCore(one, seed)
      for (const [n, { image, label, other }] of taught.entries()) {
        const reference = new Reference(net, sources, realCoefficients(sources, start))
        const pass = reference.forward(image)
        // Off by 4 at most when written (4/4096, of signals near 400): three layers of roundings.
        const last = pass.signals.at(-1) as number[]
        for (const [i, o] of last.entries())
          expect(Math.abs(outputs[n][i] - 4096 * o)).toBeLessThan(10)

        // The core's own choice of the best other: two can be too close to call.
        expect(Math.abs(last[other] - last[bestOther(last, label)])).toBeLessThan(20 / 4096)
        const error = last.map(() => 0)
        error[label] = 1
        error[other] = -1
        const exact = reference.backward(pass, error)
        // Seen: 4, of λ up to 3276.
        for (const [k, layer] of exact.entries())
          for (const [t, l] of layer.entries())
            expect(Math.abs(lambdas[n][k][t] - 4096 * l), `λ ${k} ${t}`).toBeLessThan(10)

        one.train(image, label)
        const changed = realCoefficients(sources, one.coefficients())
        const update = reference.update(pass, exact)
        for (const [k, layer] of update.entries())
          for (const [t, row] of layer.entries())
            for (const [rank, d] of row.entries()) {
              const found = changed[k][t][rank] - reference.coefficients[k][t][rank]
              // S off by 4·λ, λ off by 4·S, and 1 for the rounding. Seen: 3.3, of ΔC up to 449.
              expect(8192 * Math.abs(found - d), `ΔC ${k} ${t} ${rank}`).toBeLessThan(9)
            }
        exchangeCoefficients(one.memory, net, start, true)
      }
    })
})

describe("the error by margin", () => {
  test("is that of the reference, for every label, lead and tie", () => {
    const net = network([{ ...output, neurons: 5, fanIn: 8 }], { margin: 400, signalBits: 10 })
    const one = new HostNetwork(net)
    const m = one.memory
    const part = partsOf(m)[0]
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.integer({ min: -900, max: 900 }), fc.constantFrom(0, 100, 200)), {
          minLength: 5,
          maxLength: 5,
        }),
        fc.nat(4),
        (outputs, label) => {
          writeI16(m, address(m, part, Part.BusOut), outputs)
          beginLearning(m, 0)
          const learns = outputError(m, part, 0, label)
          // The margin, 400 in Q12, is 100 in Q10.
          const expected = marginError(outputs, label, 100)
          expect(learns).toBe(expected.some(e => e !== 0))
          expect(readI32(m, address(m, part, Part.BackIn), 5)).toEqual(
            expected.map(e => e * 2 ** 25),
          )
          expect(readout(m, part, 0)).toBe(outputs.indexOf(Math.max(...outputs)))
        },
      ),
      { numRuns: 300 },
    )
  })

  test("a lead of exactly the margin is enough, one less is not", () => {
    const one = new HostNetwork(network([{ ...output, neurons: 2, fanIn: 8 }], { margin: 400 }))
    const part = partsOf(one.memory)[0]
    for (const [lead, learns] of [
      [100, false],
      [99, true],
    ] as const) {
      writeI16(one.memory, address(one.memory, part, Part.BusOut), [20 + lead, 20])
      expect(outputError(one.memory, part, 0, 0)).toBe(learns)
    }
  })
})

describe("the softmax error", () => {
  test("is target − p of the reference, within what the table's 32 powers leave", () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: -900, max: 900 }), { minLength: 5, maxLength: 5 }),
        fc.nat(4),
        fc.constantFrom(2, 10, 40),
        (outputs, label, gain) => {
          const net = network([{ ...output, neurons: 5, fanIn: 8 }], {
            signalBits: 10,
            softmaxGain: Math.round(16 * gain * Math.LOG2E),
          })
          const m = new HostNetwork(net).memory
          const part = partsOf(m)[0]
          writeI16(m, address(m, part, Part.BusOut), outputs)
          beginLearning(m, 0)
          const learns = outputError(m, part, 0, label)
          const exact = softmaxError(
            outputs.map(o => o / 1024),
            label,
            gain,
          )
          const found = readI32(m, address(m, part, Part.BackIn), 5).map(v => v / 2 ** 25)
          if (!learns) expect(found).toEqual([0, 0, 0, 0, 0])
          // On failure only: from p = 63/64 of the label there is nothing to learn.
          if (exact[label] < 1 / 64 - 0.005) expect(learns).toBe(false)
          if (exact[label] > 1 / 64 + 0.005) expect(learns).toBe(true)
          // The exponent is floored to 1/32: a weight is up to 2.2 % too large, p by p(1 − p) of that
          // (0.0055); the gain is rounded to 1/16 of at least 46 (ln p off by 1.1 % of at most 2·ln 5
          // where p still matters: 0.009); a weight is floored to 2^−15, p to 2^−12.
          if (learns)
            for (const [i, e] of exact.entries())
              expect(Math.abs(found[i] - e)).toBeLessThan(0.0055 + 0.009 + 0.001)
        },
      ),
      { numRuns: 500 },
    )
  })
})
