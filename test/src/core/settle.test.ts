import fc from "fast-check"
import { describe, expect, test } from "vitest"
import type { Network } from "../../../host/network/network"
import { buildShard } from "../../../host/network/shard"
import { Header, Part } from "../../../src/core/layout"
import { partAt } from "../../../src/core/run"
import { settleBackward, settleForward } from "../../../src/core/settle"
import { backwardErrorBound, forwardErrorBound } from "./error-bound"
import { address, fitted, network, Q12, readI16, uniform, writeI16, writeI32 } from "./helpers"
import { settle, settleBack } from "./reference"

const part = partAt(0)

/** A shard of neurons whose sums, states and backward sums the test writes itself. */
function shardOf(net: Network): Buffer {
  return buildShard(net, [{ layer: 1, first: 0, count: net.layers[0].neurons }], 1)
}

/** Clamps as in the presets, or anything a network may have. */
const clamps = fc.oneof(
  fc.constant({ netMin: -819, netMax: Q12, elementMin: 1229, elementMax: 3 * Q12 }),
  fc.record({
    netMin: fc.integer({ min: -4 * Q12, max: 0 }),
    netMax: fc.integer({ min: 0, max: 4 * Q12 }),
    elementMin: fc.integer({ min: 1, max: Q12 - 1 }),
    elementMax: fc.integer({ min: Q12 + 1, max: 3 * Q12 }),
  }),
)
const shape = fc
  .record({
    inputs: fc.integer({ min: 1, max: 5 }),
    outputFirst: fc.integer({ min: 0, max: 4 }),
    outputs: fc.integer({ min: 1, max: 5 }),
    inputStep: fc.constantFrom(1, 2),
    outputStep: fc.constantFrom(1, 2),
  })
  .map(fitted)
const formats = fc.record({
  steps: fc.integer({ min: 2, max: 16 }),
  signalBits: fc.integer({ min: 6, max: 12 }),
  lambdaMax: fc.integer({ min: 1, max: 2 * Q12 }),
})

const clampTo = (x: number, min: number, max: number) => Math.min(max, Math.max(min, x))

/**
 * The mean is (sum · round(65536/steps)) >> …: the reciprocal is off by at most ½, which counts
 * |sum|/65536 a unit, and the floor drops less than one unit of the result.
 */
function meanError(mean: number, bound: number, steps: number, unit: number): number {
  const reciprocal = Math.abs(Math.round(65536 / steps) - 65536 / steps)
  return bound + (reciprocal * steps * (Math.abs(mean) * Q12 + bound)) / 65536 + unit
}

/**
 * Runs one neuron forward and compares it with the reference; all numbers in steps of Q12.
 * The net input is a sum, floored to Q12 (an error below 1) and clamped.
 */
function compareForward(net: Network, sums: number[]) {
  const [layer] = net.layers
  const { inputs, outputs, inputStep = 1, outputFirst, outputStep = 1 } = layer
  const m = shardOf(net)
  writeI32(m, address(m, part, Part.Sum), sums)
  settleForward(m, part, 0, 0, 1)
  const end = readI16(m, address(m, part, Part.State), 5)
  const signals = readI16(m, address(m, part, Part.BusOut), outputs)

  const u = [0, 0, 0, 0, 0]
  const inputError = [0, 0, 0, 0, 0]
  for (let i = 0; i < inputs; i++) {
    const e = i * inputStep
    u[e] = clampTo(sums[i] / 2 ** (13 + net.signalBits), net.netMin / Q12, net.netMax / Q12)
    inputError[e] = 1
  }
  const [min, max] = [net.elementMin / Q12, net.elementMax / Q12]
  const exact = settle(u, net.steps, min, max)
  const bound = forwardErrorBound(u, inputError, net.steps, min, max)
  const unit = 2 ** (12 - net.signalBits)
  return {
    end: end.map((e, i) => ({ off: Math.abs(e - exact.end[i] * Q12), bound: bound.end[i] })),
    signals: signals.map((s, o) => {
      const i = outputFirst + o * outputStep
      return {
        off: Math.abs(s * unit - exact.mean[i] * Q12),
        bound: meanError(exact.mean[i], bound.mean[i], net.steps, unit),
      }
    }),
  }
}

describe("forward settle", () => {
  test("is within the running error bound of the reference, for all shapes, formats and clamps", () => {
    fc.assert(
      fc.property(
        shape,
        formats,
        clamps,
        fc.array(fc.double({ min: -1.5, max: 1.5, noNaN: true }), { minLength: 5, maxLength: 5 }),
        fc.constantFrom(0.05, 0.3, 1, 4),
        (layer, format, clamp, draws, scale) => {
          const net = network([{ ...layer, neurons: 1 }], { ...format, ...clamp })
          const sums = draws
            .slice(0, layer.inputs)
            .map(d => Math.trunc(d * scale * 2 ** (13 + format.signalBits)))
          const found = compareForward(net, sums)
          for (const { off, bound } of [...found.end, ...found.signals])
            expect(off).toBeLessThanOrEqual(bound + 1e-6)
        },
      ),
      { numRuns: 1000 },
    )
  })

  test("is within 16/4096 of the reference in the presets' range at 6 steps, by the bound", () => {
    const net = network([{ neurons: 1, inputs: 5, outputFirst: 0, outputs: 5 }], { signalBits: 12 })
    const next = uniform(5)
    let largestBound = 0
    let largestOff = 0
    for (let n = 0; n < 1000; n++) {
      const sums = [0, 1, 2, 3, 4].map(() => Math.trunc((-0.2 + 1.2 * next()) * 2 ** 25))
      for (const { off, bound } of compareForward(net, sums).signals) {
        largestBound = Math.max(largestBound, bound)
        largestOff = Math.max(largestOff, off)
      }
    }
    // 14 from the steps, and the floors of the mean.
    expect(largestBound).toBeLessThan(16)
    // Seen: 2.9. The analysis adds up what in fact has both signs.
    expect(largestOff).toBeLessThan(5)
  })

  test("ends exactly on the clamps when driven there, and never beyond", () => {
    const net = network([{ neurons: 1, inputs: 5, outputFirst: 0, outputs: 5 }], {
      netMin: -Q12,
      netMax: 4 * Q12,
      elementMax: 2 * Q12,
      signalBits: 12,
    })
    const m = shardOf(net)
    const run = (u: number) => {
      writeI32(m, address(m, part, Part.Sum), new Array(5).fill(u * 2 ** 25))
      settleForward(m, part, 0, 0, 1)
      return readI16(m, address(m, part, Part.State), 5)
    }
    expect(run(4)).toEqual(new Array(5).fill(2 * Q12))
    expect(run(-1)).toEqual(new Array(5).fill(1229))
  })

  test("gives no signal without input", () => {
    const net = network([{ neurons: 3, inputs: 2, outputFirst: 0, outputs: 5 }])
    const m = shardOf(net)
    settleForward(m, part, 0, 0, 3)
    expect(readI16(m, address(m, part, Part.State), 15)).toEqual(new Array(15).fill(Q12))
    expect(readI16(m, address(m, part, Part.BusOut), 15)).toEqual(new Array(15).fill(0))
  })

  test("a net input beyond its clamp counts as the clamp, on every synapse", () => {
    const net = network([{ neurons: 1, inputs: 5, outputFirst: 0, outputs: 5 }])
    const run = (sums: number[]) => {
      const m = shardOf(net)
      writeI32(m, address(m, part, Part.Sum), sums)
      settleForward(m, part, 0, 0, 1)
      return readI16(m, address(m, part, Part.BusOut), 5)
    }
    const shift = 2 ** (13 + net.signalBits - 12)
    for (let i = 0; i < 5; i++) {
      const alone = (u: number) => [0, 0, 0, 0, 0].map((_, k) => (k === i ? u * shift : 0))
      expect(run(alone(2 * Q12))).toEqual(run(alone(net.netMax)))
      expect(run(alone(net.netMax - 50))).not.toEqual(run(alone(net.netMax)))
      expect(run(alone(-Q12))).toEqual(run(alone(net.netMin)))
      expect(run(alone(net.netMin + 50))).not.toEqual(run(alone(net.netMin)))
    }
  })

  test("a range of neurons is what the neurons are one by one", () => {
    fc.assert(
      fc.property(
        shape,
        fc.integer({ min: 1, max: 9 }),
        fc.integer({ min: 0, max: 2 ** 31 }),
        (layer, neurons, seed) => {
          const net = network([{ ...layer, neurons }])
          const next = uniform(seed)
          const sums = Array.from({ length: neurons * layer.inputs }, () =>
            Math.trunc((next() - 0.4) * 2 ** 23),
          )
          const all = shardOf(net)
          writeI32(all, address(all, part, Part.Sum), sums)
          settleForward(all, part, 0, 0, neurons)
          const signals = readI16(all, address(all, part, Part.BusOut), neurons * layer.outputs)
          for (let n = 0; n < neurons; n++) {
            const one = shardOf(network([{ ...layer, neurons: 1 }]))
            writeI32(
              one,
              address(one, part, Part.Sum),
              sums.slice(n * layer.inputs, (n + 1) * layer.inputs),
            )
            settleForward(one, part, 0, 0, 1)
            expect(readI16(one, address(one, part, Part.BusOut), layer.outputs)).toEqual(
              signals.slice(n * layer.outputs, (n + 1) * layer.outputs),
            )
          }
        },
      ),
      { numRuns: 50 },
    )
  })
})

describe("backward settle", () => {
  /** Runs one neuron backward from a given end state and compares λ with the reference. */
  function compareBackward(net: Network, state: number[], sums: number[], back: number[]) {
    const { inputs, outputs, inputStep = 1, outputFirst, outputStep = 1 } = net.layers[0]
    const m = shardOf(net)
    writeI32(m, address(m, part, Part.Sum), sums)
    writeI16(m, address(m, part, Part.State), state)
    writeI32(m, address(m, part, Part.BackIn), back)
    // What an earlier sample left must not shine through.
    writeI16(m, address(m, part, Part.Lambda), new Array(inputs).fill(77))
    settleBackward(m, part, 0, 1)
    const lambda = readI16(m, address(m, part, Part.Lambda), inputs)

    const limit = net.lambdaMax / Q12
    const input = [0, 0, 0, 0, 0]
    const inputError = [0, 0, 0, 0, 0]
    for (let o = 0; o < outputs; o++) {
      input[outputFirst + o * outputStep] = clampTo(back[o] / 2 ** 25, -limit, limit)
      inputError[outputFirst + o * outputStep] = 1
    }
    const x = state.map(v => v / Q12)
    const held = state.map(v => v <= net.elementMin || v >= net.elementMax)
    const exact = settleBack(x, held, input, net.steps, limit)
    const bound = backwardErrorBound(x, held, input, inputError, net.steps, limit)
    return lambda.map((l, k) => {
      const i = k * inputStep
      const u = Math.floor(sums[k] / 2 ** (1 + net.signalBits))
      const stopped = held[i] || u <= net.netMin || u >= net.netMax
      return {
        lambda: l,
        stopped,
        off: stopped ? Math.abs(l) : Math.abs(l - exact[i] * Q12),
        bound: stopped ? 0 : meanError(exact[i], bound.mean[i], net.steps, 1),
      }
    })
  }

  const states = (min: number, max: number) =>
    fc.array(
      fc.oneof(
        { weight: 6, arbitrary: fc.integer({ min, max }) },
        { weight: 1, arbitrary: fc.constant(min) },
        { weight: 1, arbitrary: fc.constant(max) },
      ),
      { minLength: 5, maxLength: 5 },
    )

  test("is within the running error bound of the reference from any end state; λ is 0 on every clamp", () => {
    let stopped = 0
    let running = 0
    fc.assert(
      fc.property(
        clamps.chain(c => fc.tuple(fc.constant(c), states(c.elementMin, c.elementMax))),
        shape,
        formats,
        fc.array(fc.double({ min: -1.5, max: 1.5, noNaN: true }), { minLength: 10, maxLength: 10 }),
        fc.constantFrom(0.01, 0.2, 1, 8),
        ([clamp, state], layer, format, draws, scale) => {
          const net = network([{ ...layer, neurons: 1 }], { ...format, ...clamp })
          const sums = draws
            .slice(0, layer.inputs)
            .map(d => Math.trunc(d * 2 ** (13 + format.signalBits)))
          const back = draws.slice(5, 5 + layer.outputs).map(d => Math.trunc(d * scale * 2 ** 25))
          for (const found of compareBackward(net, state, sums, back)) {
            expect(found.off).toBeLessThanOrEqual(found.bound + 1e-6)
            if (found.stopped) stopped++
            else if (found.lambda !== 0) running++
          }
        },
      ),
      { numRuns: 1000 },
    )
    // Both kinds were met, or the test has shown nothing.
    expect(Math.min(stopped, running)).toBeGreaterThan(100)
  })

  test("λ stays within lambdaMax, which the bound of the backward sums counts on", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 16 }),
        fc.integer({ min: 1, max: 2 * Q12 }),
        states(1229, 3 * Q12),
        fc.array(fc.constantFrom(-1, 0, 1), { minLength: 5, maxLength: 5 }),
        (steps, lambdaMax, state, signs) => {
          const net = network([{ neurons: 1, inputs: 5, outputFirst: 0, outputs: 5 }], {
            steps,
            lambdaMax,
          })
          const back = signs.map(v => v * 2 ** 30)
          for (const { lambda } of compareBackward(net, state, [0, 0, 0, 0, 0], back))
            expect(Math.abs(lambda)).toBeLessThanOrEqual(lambdaMax)
        },
      ),
      { numRuns: 1000 },
    )
  })

  test("is within 14/4096 of the reference in the presets' range at 6 steps, by the bound", () => {
    const net = network([{ neurons: 1, inputs: 5, outputFirst: 0, outputs: 5 }])
    const next = uniform(6)
    let largestBound = 0
    let largestOff = 0
    for (let n = 0; n < 1000; n++) {
      const state = [0, 1, 2, 3, 4].map(() => Math.round(Q12 * (0.5 + 1.3 * next())))
      const back = [0, 1, 2, 3, 4].map(() => Math.trunc((next() - 0.5) * 2 ** 25))
      for (const { off, bound } of compareBackward(net, state, [0, 0, 0, 0, 0], back)) {
        largestBound = Math.max(largestBound, bound)
        largestOff = Math.max(largestOff, off)
      }
    }
    expect(largestBound).toBeLessThan(14)
    // Seen: 3.2.
    expect(largestOff).toBeLessThan(5)
  })

  test("is the transpose of the forward response: from an output's error to a synapse as back", () => {
    // For a small signal the DC response of element k to synapse i is that of λ[i] to an error on k.
    const steps = 8
    const layer = { neurons: 1, inputs: 5, outputFirst: 0, outputs: 5 }
    const net = network([layer], { steps, signalBits: 12 })
    const small = 205
    for (let i = 0; i < 5; i++) {
      const m = shardOf(net)
      const one = [0, 1, 2, 3, 4].map(k => (k === i ? small : 0))
      writeI32(
        m,
        address(m, part, Part.Sum),
        one.map(v => v * 2 ** 13),
      )
      settleForward(m, part, 0, 0, 1)
      const response = readI16(m, address(m, part, Part.BusOut), 5)
      const back = [0, 1, 2, 3, 4].map(k => {
        writeI32(m, address(m, part, Part.Sum), [0, 0, 0, 0, 0])
        writeI16(m, address(m, part, Part.State), new Array(5).fill(Q12))
        writeI32(
          m,
          address(m, part, Part.BackIn),
          [0, 1, 2, 3, 4].map(e => (e === k ? small * 2 ** 13 : 0)),
        )
        settleBackward(m, part, 0, 1)
        return readI16(m, address(m, part, Part.Lambda), 5)[i]
      })
      for (let k = 0; k < 5; k++) expect(Math.abs(response[k] - back[k])).toBeLessThan(16)
    }
  })

  test("a layer whose λ are finer by g settles as one to which 2^g times as much comes back", () => {
    const seen = new Set<number>()
    fc.assert(
      fc.property(
        shape,
        fc.integer({ min: 0, max: 8 }),
        fc.integer({ min: 0, max: 8 }),
        states(1229, 3 * Q12),
        fc.array(fc.integer({ min: -(2 ** 22), max: 2 ** 22 }), { minLength: 5, maxLength: 5 }),
        (layer, finer, above, state, back) => {
          const lambdas = [finer, 0].map(own => {
            const last = { ...layer, finer: above, fanIn: 60 }
            const m = shardOf(
              network([{ ...layer, neurons: 1, finer: own }, last], { learnShift: 8 }),
            )
            writeI16(m, address(m, part, Part.State), state)
            // What came back is of the layer above, in its bits.
            const scale = 2 ** (own === 0 ? finer : 0)
            writeI32(
              ...([m, address(m, part, Part.BackIn)] as const),
              back.slice(0, layer.outputs).map(v => v * scale),
            )
            settleBackward(m, part, 0, 1)
            return readI16(m, address(m, part, Part.Lambda), layer.inputs)
          })
          expect(lambdas[0]).toEqual(lambdas[1])
          for (const l of lambdas[0]) seen.add(l)
        },
      ),
      { numRuns: 200 },
    )
    expect(seen.size).toBeGreaterThan(50)
  })

  test("a range of neurons is what the neurons are one by one", () => {
    fc.assert(
      fc.property(
        shape,
        fc.integer({ min: 2, max: 6 }),
        fc.integer({ min: 0, max: 2 ** 31 }),
        (layer, neurons, seed) => {
          const next = uniform(seed)
          const one = (n: number) => ({
            state: [0, 1, 2, 3, 4].map(() => 1300 + Math.floor(next() * 9000)),
            sums: Array.from({ length: layer.inputs }, () => Math.floor((next() - 0.3) * 2 ** 23)),
            // Every third neuron has no error, and is passed over.
            back: Array.from({ length: layer.outputs }, () =>
              n % 3 === 2 ? 0 : Math.floor((next() - 0.5) * 2 ** 25),
            ),
          })
          const all = Array.from({ length: neurons }, (_, n) => one(n))
          const run = (chosen: typeof all, cut: number) => {
            const m = shardOf(network([{ ...layer, neurons: chosen.length }]))
            const put = (field: Part) => address(m, part, field)
            writeI32(
              m,
              put(Part.Sum),
              chosen.flatMap(c => c.sums),
            )
            writeI16(
              m,
              put(Part.State),
              chosen.flatMap(c => c.state),
            )
            writeI32(
              m,
              put(Part.BackIn),
              chosen.flatMap(c => c.back),
            )
            settleBackward(m, part, 0, cut)
            settleBackward(m, part, cut, chosen.length)
            return readI16(m, put(Part.Lambda), chosen.length * layer.inputs)
          }
          const together = all.flatMap(c => run([c], 1))
          for (let cut = 0; cut <= neurons; cut++) expect(run(all, cut)).toEqual(together)
        },
      ),
      { numRuns: 50 },
    )
  })

  test("without an error there is no signal, whatever was left before", () => {
    const net = network([{ neurons: 2, inputs: 4, outputFirst: 4, outputs: 1 }])
    const m = shardOf(net)
    writeI16(m, address(m, part, Part.Lambda), new Array(8).fill(5))
    writeI16(m, address(m, part, Part.State), new Array(10).fill(Q12))
    writeI32(m, address(m, part, Part.BackIn), [0, 1 << 25])
    settleBackward(m, part, 0, 2)
    const lambda = readI16(m, address(m, part, Part.Lambda), 8)
    expect(lambda.slice(0, 4)).toEqual([0, 0, 0, 0])
    // The second neuron has one: a neuron without must not shift what the next one reads.
    expect(lambda.slice(4).every(l => l !== 0)).toBe(true)
  })
})

describe("DC response of element i+k to a small constant input on element i", () => {
  // The linear theory: −J⁻¹ of the ring at its fixed point, r = ½.
  const theory = [0.78, 0.878, 0.488, 0.049, -0.195]

  test("in the reference", () => {
    const u = 1e-4
    for (let i = 0; i < 5; i++) {
      const { end } = settle(
        [0, 1, 2, 3, 4].map(k => (k === i ? u : 0)),
        200,
        0.3,
        3,
      )
      for (let k = 0; k < 5; k++)
        expect(Math.abs((end[(i + k) % 5] - 1) / u - theory[k])).toBeLessThan(1e-3)
    }
  })

  test("in the core, after 16 steps", () => {
    const net = network([{ neurons: 1, inputs: 5, outputFirst: 0, outputs: 5 }], { steps: 16 })
    const u = 205
    for (let i = 0; i < 5; i++) {
      const m = shardOf(net)
      writeI32(
        m,
        address(m, part, Part.Sum),
        [0, 1, 2, 3, 4].map(k => (k === i ? u * 2 ** (1 + net.signalBits) : 0)),
      )
      settleForward(m, part, 0, 0, 1)
      const end = readI16(m, address(m, part, Part.State), 5)
      // 12 time units leave 3 % of the slow mode, the curvature at u = 0.05 about 4 %, rounding 2 %.
      for (let k = 0; k < 5; k++)
        expect(Math.abs((end[(i + k) % 5] - Q12) / u - theory[k])).toBeLessThan(0.09)
    }
  })
})

test("the table of input responses is the reference's element 1 under the pixel's net input", () => {
  for (const inputScale of [0, 1229, Q12, 2 * Q12, 4 * Q12]) {
    const net = network([{}], { inputScale, netMin: -400, netMax: 400 })
    const m = buildShard(net, [{ layer: 1, first: 0, count: 4 }], 1)
    const table = readI16(m, m.readInt32LE(Header.InputTable), 256)
    expect(table[0]).toBe(0)
    const [min, max] = [net.elementMin / Q12, net.elementMax / Q12]
    for (let pixel = 0; pixel < 256; pixel++) {
      // u is floored to Q12, and pixel/255 is pixel · 257/65536, low by 1/65536 of itself.
      const u = [(pixel / 255) * (inputScale / Q12), 0, 0, 0, 0]
      const bound = forwardErrorBound(u, [2, 0, 0, 0, 0], net.steps, min, max)
      const exact = settle(u, net.steps, min, max).mean[1]
      expect(Math.abs(table[pixel] * 4 - exact * Q12)).toBeLessThanOrEqual(
        meanError(exact, bound.mean[1], net.steps, 4) + 1e-6,
      )
    }
  }
})
