import fc from "fast-check"
import { describe, expect, test } from "vitest"
import type { Network } from "../../../host/network/network"
import { largestSignal } from "../../../host/network/network"
import { buildShard } from "../../../host/network/shard"
import { faultOf } from "../../../host/network/validate"
import { Header, Part, PartFlag } from "../../../src/core/layout"
import { partAt } from "../../../src/core/run"
import { settleForward } from "../../../src/core/settle"
import { settleBackwardFine, settleForwardFine } from "../../../src/core/settle-fine"
import { backwardErrorBound, FINE_BACKWARD, FINE_FORWARD, forwardErrorBound } from "./error-bound"
import { address, network, Q12, readI16, uniform, writeI16, writeI32 } from "./helpers"
import { settle, settleBack } from "./reference"

const part = partAt(0)
const Q14 = 16384
const Q16 = 65536
const FIVE = { neurons: 1, inputs: 5, outputFirst: 0, outputs: 5 }

/** The extremes that a network may have, where every bound is at its tightest. */
const EXTREME = { netMin: -2 * Q12, netMax: 2 * Q12, elementMin: 1, elementMax: 11776 }
const LAMBDA_MOST = 6144

function fine(layer: Parameters<typeof network>[0][0], fields: Partial<Network> = {}): Network {
  const clamp = { netMin: -Q12, netMax: 2 * Q12, elementMin: 1229, elementMax: 11469 }
  const net = network([{ ...FIVE, ...layer }], {
    elementBits: 16,
    signalBits: 14,
    ...clamp,
    ...fields,
  })
  expect(faultOf(net)).toBe("")
  return net
}

function shardOf(net: Network): Buffer {
  return buildShard(net, [{ layer: 1, first: 0, count: net.layers[0].neurons }], 1)
}

const clamps = fc.oneof(
  fc.constant({}),
  fc.constant(EXTREME),
  fc.record({
    netMin: fc.integer({ min: -2 * Q12, max: 0 }),
    netMax: fc.integer({ min: 0, max: 2 * Q12 }),
    elementMin: fc.integer({ min: 1, max: Q12 - 1 }),
    elementMax: fc.integer({ min: Q12 + 1, max: 11776 }),
  }),
)
const formats = fc.record({
  steps: fc.integer({ min: 2, max: 16 }),
  signalBits: fc.integer({ min: 6, max: 14 }),
  lambdaMax: fc.integer({ min: 1, max: LAMBDA_MOST }),
})
const shape = fc
  .record({
    inputs: fc.integer({ min: 1, max: 5 }),
    outputFirst: fc.integer({ min: 0, max: 4 }),
    outputs: fc.integer({ min: 1, max: 5 }),
  })
  .map(l => ({ ...l, outputs: Math.min(l.outputs, 5 - l.outputFirst) }))

const clampTo = (x: number, min: number, max: number) => Math.min(max, Math.max(min, x))

/** How far the mean may be off, in steps of Q16, when it is stored with `bits`, rounded to the nearest. */
function meanError(mean: number, bound: number, steps: number, bits: number): number {
  const reciprocal = Math.abs(Math.round(65536 / steps) - 65536 / steps)
  // The sum is floored to Q14 first.
  const floor = 4 / steps
  return (
    bound + floor + (reciprocal * steps * (Math.abs(mean) * Q16 + bound)) / 65536 + 2 ** (15 - bits)
  )
}

function compareForward(net: Network, sums: number[]) {
  const { inputs, outputFirst, outputs } = net.layers[0]
  const m = shardOf(net)
  writeI32(m, address(m, part, Part.Sum), sums)
  settleForwardFine(m, part, 0, 0, 1)
  const end = readI16(m, address(m, part, Part.State), 5)
  const signals = readI16(m, address(m, part, Part.BusOut), outputs)
  const u = [0, 0, 0, 0, 0]
  const inputError = [0, 0, 0, 0, 0]
  for (let i = 0; i < inputs; i++) {
    u[i] = clampTo(sums[i] / 2 ** (13 + net.signalBits), net.netMin / Q12, net.netMax / Q12)
    inputError[i] = 1
  }
  const [min, max] = [net.elementMin / Q12, net.elementMax / Q12]
  const exact = settle(u, net.steps, min, max)
  const bound = forwardErrorBound(u, inputError, net.steps, min, max, FINE_FORWARD)
  return {
    end: end.map((d, i) => ({
      off: Math.abs(4 * d - (exact.end[i] - 1) * Q16),
      bound: bound.end[i] + 4,
    })),
    signals: signals.map((s, o) => {
      const i = outputFirst + o
      return {
        off: Math.abs(s * 2 ** (16 - net.signalBits) - exact.mean[i] * Q16),
        bound: meanError(exact.mean[i], bound.mean[i], net.steps, net.signalBits),
      }
    }),
  }
}

describe("fine forward settle", () => {
  test("is within the running error bound of the reference, for all shapes, formats and clamps", () => {
    fc.assert(
      fc.property(
        shape,
        formats,
        clamps,
        fc.array(fc.double({ min: -1.5, max: 1.5, noNaN: true }), { minLength: 5, maxLength: 5 }),
        fc.constantFrom(0.01, 0.1, 0.5, 2, 5),
        (layer, format, clamp, draws, scale) => {
          const sums = draws
            .slice(0, layer.inputs)
            .map(d => Math.trunc(d * scale * 2 ** (13 + format.signalBits)))
          const found = compareForward(fine(layer, { ...format, ...clamp }), sums)
          for (const { off, bound } of [...found.end, ...found.signals])
            expect(off).toBeLessThanOrEqual(bound + 1e-6)
        },
      ),
      { numRuns: 1000 },
    )
  })

  test("keeps 31 bits where every clamp is at its extreme, whichever way each synapse is driven", () => {
    // Every product of a settle, shifted by JavaScript, would wrap round past 2^31; here the elements
    // swing too widely for the running bound to say anything, so the next step is compared.
    for (let drive = 0; drive < 3 ** 5; drive++) {
      const sums = [0, 1, 2, 3, 4].map(i => ((Math.floor(drive / 3 ** i) % 3) - 1) * 2 ** 30)
      let before = [0, 0, 0, 0, 0]
      for (let steps = 2; steps <= 16; steps++) {
        const net = fine({}, { ...EXTREME, steps })
        const m = shardOf(net)
        writeI32(m, address(m, part, Part.Sum), sums)
        settleForwardFine(m, part, 0, 0, 1)
        const end = readI16(m, address(m, part, Part.State), 5)
        const u = sums.map(s => Math.sign(s) * 2)
        const next = stepFrom(before, u, EXTREME.elementMin / Q12, EXTREME.elementMax / Q12)
        if (steps > 2)
          for (const [i, d] of end.entries())
            expect(Math.abs(d / Q14 - next[i])).toBeLessThan(0.005)
        before = end.map(d => d / Q14)
      }
    }
  })

  /** One Heun step of 3/4 in displacements, in doubles. */
  function stepFrom(d: number[], u: number[], min: number, max: number): number[] {
    const rate = (e: number[]) =>
      e.map((x, i) => e[(i + 4) % 5] - x / 2 - (x * e[(i + 3) % 5]) / 2 + u[i])
    const e = d.map(x => x + 1)
    const f = rate(e)
    const g = rate(e.map((x, i) => x + 0.75 * f[i]))
    return e.map((x, i) => clampTo(x + 0.375 * (f[i] + g[i]), min, max) - 1)
  }

  test("is eight times closer to the reference than the coarse one, where signals are small", () => {
    const next = uniform(5)
    let fineOff = 0
    let coarseOff = 0
    for (let n = 0; n < 500; n++) {
      const sums = [0, 1, 2, 3, 4].map(() => Math.trunc((next() - 0.5) * 0.1 * 2 ** 25))
      for (const { off } of compareForward(
        fine({}, { signalBits: 14 }),
        sums.map(s => s * 4),
      ).signals)
        fineOff += off / Q16
      const net = network([FIVE], { signalBits: 12, netMin: -Q12 })
      const m = shardOf(net)
      writeI32(m, address(m, part, Part.Sum), sums)
      settleForward(m, part, 0, 0, 1)
      const exact = settle(
        sums.map(s => s / 2 ** 25),
        net.steps,
        0.3,
        3,
      )
      for (const [i, s] of readI16(m, address(m, part, Part.BusOut), 5).entries())
        coarseOff += Math.abs(s / Q12 - exact.mean[i])
    }
    expect(fineOff * 8).toBeLessThan(coarseOff)
  })

  test("gives no signal without input, and ends on the clamps when driven there", () => {
    const net = fine({ neurons: 2 }, { elementMax: 2 * Q12 })
    const m = shardOf(net)
    settleForwardFine(m, part, 0, 0, 2)
    expect(readI16(m, address(m, part, Part.State), 10)).toEqual(new Array(10).fill(0))
    expect(readI16(m, address(m, part, Part.BusOut), 10)).toEqual(new Array(10).fill(0))
    writeI32(m, address(m, part, Part.Sum), [
      ...new Array(5).fill(2 ** 30),
      ...new Array(5).fill(-(2 ** 30)),
    ])
    settleForwardFine(m, part, 0, 0, 2)
    expect(readI16(m, address(m, part, Part.State), 10)).toEqual([
      ...new Array(5).fill(Q14),
      ...new Array(5).fill((1229 - Q12) << 2),
    ])
  })
})

describe("fine backward settle", () => {
  function compareBackward(
    net: Network,
    state: number[],
    sums: number[],
    back: number[],
    backBits: number,
  ) {
    const { inputs, outputFirst, outputs } = net.layers[0]
    const m = shardOf(net)
    const flags = backBits === 25 ? PartFlag.Input | PartFlag.Output : PartFlag.Input
    m.writeUInt16LE(flags, part + Part.Flags)
    writeI32(m, address(m, part, Part.Sum), sums)
    writeI16(m, address(m, part, Part.State), state)
    writeI32(m, address(m, part, Part.BackIn), back)
    writeI16(m, address(m, part, Part.Lambda), new Array(inputs).fill(77))
    settleBackwardFine(m, part, 0, 1)
    const lambda = readI16(m, address(m, part, Part.Lambda), inputs)
    const limit = net.lambdaMax / Q12
    const input = [0, 0, 0, 0, 0]
    const inputError = [0, 0, 0, 0, 0]
    for (let o = 0; o < outputs; o++) {
      input[outputFirst + o] = clampTo(back[o] / 2 ** backBits, -limit, limit)
      inputError[outputFirst + o] = 1
    }
    const x = state.map(d => 1 + d / Q14)
    const [min, max] = [net.elementMin, net.elementMax].map(e => (e - Q12) << 2)
    const held = state.map(d => d <= min || d >= max)
    const exact = settleBack(x, held, input, net.steps, limit)
    const bound = backwardErrorBound(x, held, input, inputError, net.steps, limit, FINE_BACKWARD)
    return lambda.map((l, i) => {
      const u = Math.floor(sums[i] / 2 ** (net.signalBits - 3))
      const stopped = held[i] || u <= net.netMin << 4 || u >= net.netMax << 4
      return {
        lambda: l,
        stopped,
        off: stopped ? 4 * Math.abs(l) : Math.abs(4 * l - exact[i] * Q16),
        bound: stopped ? 0 : meanError(exact[i], bound.mean[i], net.steps, 14),
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
        clamps.chain(c => {
          const net = fine({}, c)
          const [min, max] = [net.elementMin, net.elementMax].map(e => (e - Q12) << 2)
          return fc.tuple(fc.constant(c), states(min, max))
        }),
        shape,
        formats,
        fc.array(fc.double({ min: -1.5, max: 1.5, noNaN: true }), { minLength: 10, maxLength: 10 }),
        fc.constantFrom(0.001, 0.05, 1, 4),
        fc.constantFrom(25, 27),
        ([clamp, state], layer, format, draws, scale, backBits) => {
          const net = fine(layer, { ...format, ...clamp })
          const sums = draws
            .slice(0, layer.inputs)
            .map(d => Math.trunc(d * 2 ** (13 + format.signalBits)))
          const back = draws
            .slice(5, 5 + layer.outputs)
            .map(d => Math.trunc(d * scale * 2 ** backBits))
          for (const found of compareBackward(net, state, sums, back, backBits)) {
            expect(found.off).toBeLessThanOrEqual(found.bound + 1e-6)
            if (found.stopped) stopped++
            else if (found.lambda !== 0) running++
          }
        },
      ),
      { numRuns: 1000 },
    )
    expect(Math.min(stopped, running)).toBeGreaterThan(100)
  })

  test("keeps 31 bits at the largest state, error and clamp, and λ within its clamp", () => {
    const most = (11776 - Q12) << 2
    const least = (1 - Q12) << 2
    fc.assert(
      fc.property(
        // Next to the clamps, where elements are not held.
        fc.array(fc.constantFrom(least + 4, -8000, 0, 12000, most - 4), {
          minLength: 5,
          maxLength: 5,
        }),
        fc.array(fc.constantFrom(-1, 0, 1), { minLength: 5, maxLength: 5 }),
        (state, signs) => {
          // The first step from zero, which any wrapped product would throw far off.
          const net = fine({}, { ...EXTREME, lambdaMax: LAMBDA_MOST, steps: 2 })
          for (const { lambda, off, bound } of compareBackward(
            net,
            state,
            [0, 0, 0, 0, 0],
            signs.map(s => s * 2 ** 30),
            25,
          )) {
            expect(Math.abs(lambda)).toBeLessThanOrEqual(LAMBDA_MOST << 2)
            expect(off).toBeLessThanOrEqual(bound + 1e-6)
            expect(bound).toBeLessThan(0.1 * Q16)
          }
        },
      ),
      { numRuns: 500 },
    )
  })
})

test("the table of input responses is the reference's element 1 under the pixel's net input", () => {
  for (const inputScale of [0, 1229, 2 * Q12]) {
    const net = fine({}, { inputScale })
    const m = buildShard(net, [{ layer: 1, first: 0, count: 1 }], 1)
    const table = readI16(m, m.readInt32LE(Header.InputTable), 256)
    for (let pixel = 0; pixel < 256; pixel++) {
      const u = [(pixel / 255) * (inputScale / Q12), 0, 0, 0, 0]
      const [min, max] = [net.elementMin / Q12, net.elementMax / Q12]
      // pixel/255 is pixel · 257/65536, low by 1/65536 of itself.
      const bound = forwardErrorBound(u, [4, 0, 0, 0, 0], net.steps, min, max, FINE_FORWARD)
      const exact = settle(u, net.steps, min, max).mean[1]
      expect(Math.abs(table[pixel] * 4 - exact * Q16)).toBeLessThanOrEqual(
        meanError(exact, bound.mean[1], net.steps, 14) + 1e-6,
      )
    }
  }
})

test("largestSignal is not passed by any settle, whatever the clamps, steps and format", () => {
  fc.assert(
    fc.property(
      formats,
      clamps,
      fc.constantFrom(-2, 2),
      fc.array(fc.boolean(), { minLength: 5, maxLength: 5 }),
      (format, clamp, u, on) => {
        const net = fine({}, { ...format, ...clamp, netMin: -2 * Q12, netMax: 2 * Q12 })
        const m = shardOf(net)
        writeI32(
          m,
          address(m, part, Part.Sum),
          on.map(yes => (yes ? u * 2 ** (13 + net.signalBits) : 0)),
        )
        settleForwardFine(m, part, 0, 0, 1)
        for (const s of readI16(m, address(m, part, Part.BusOut), 5))
          expect(Math.abs(s)).toBeLessThanOrEqual(largestSignal(net))
      },
    ),
    { numRuns: 500 },
  )
})

test("finer elements are refused where their bounds do not hold", () => {
  const good = (): Network => fine({}, {})
  const ends: Partial<Network>[] = [EXTREME, { lambdaMax: 6144 }, { softmaxGain: 32767 }]
  for (const change of ends) expect(faultOf({ ...good(), ...change })).toBe("")
  const faults: [string, Partial<Network>][] = [
    ["elementBits", { elementBits: 14 }],
    ["signalBits", { signalBits: 15 }],
    ["signalBits", { elementBits: 12, signalBits: 13 }],
    ["elementMax", { elementMax: 11777 }],
    ["netMin", { netMin: -2 * Q12 - 1 }],
    ["netMax", { netMax: 2 * Q12 + 1 }],
    ["inputScale", { inputScale: 2 * Q12 + 1 }],
    ["lambdaMax", { lambdaMax: 6145 }],
    ["softmaxGain", { softmaxGain: 32768 }],
    ["only links learn", { backward: "bsp" }],
    ["only links learn", { linkBound: 2 }],
    ["only links learn", { pid: { proportional: 16, integral: 1, differential: 0, memory: 3 } }],
  ]
  for (const [what, change] of faults) expect(faultOf({ ...good(), ...change })).toContain(what)
})
