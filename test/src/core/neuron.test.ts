import fc from "fast-check"
import { describe, expect, test } from "vitest"
import "../../../host/base/memory"
import { HostNetwork } from "../../../host/network/host-network"
import { Header, Part } from "../../../src/core/layout"
import {
  loadAdjoint,
  loadNeuron,
  Neuron,
  relaxNeuron,
  settleAdjoint,
  settleNeuron,
} from "../../../src/core/neuron"
import {
  address,
  partsOf,
  randomImage,
  readI16,
  readI32,
  uniform,
  writeI16,
  writeI32,
} from "./helpers"
import { networkOf, rules } from "./rule-helpers"
import { adjoint, fixedPoint, settle } from "./rule-reference"

const Q12 = 4096
const MIN = 0.3
const MAX = 2.8
const LIMIT = 1.5
/** Where the arrays and the record are. */
const K3 = Header.Length
const REST = K3 + 10
const SCRATCH = REST + 12

function memory(k3: number[], rest: number[] = [1, 1, 1, 1, 1]): Buffer {
  const m = Buffer.alloc(SCRATCH + Neuron.Length)
  m.writeInt16LE(Math.round(MIN * Q12), Header.ElementMin)
  m.writeInt16LE(Math.round(MAX * Q12), Header.ElementMax)
  m.writeInt16LE(LIMIT * Q12, Header.LambdaMax)
  writeI16(
    m,
    K3,
    k3.map(k => Math.round(k * 2 ** 14)),
  )
  writeI16(
    m,
    REST,
    rest.map(b => Math.round(b * Q12)),
  )
  return m
}

const real = (values: number[]) => values.map(v => v / Q12)
const farthest = (a: number[], b: number[]) => Math.max(...a.map((v, i) => Math.abs(v - b[i])))
/** K3 as far as it may be clamped: 4823/2^14 … 13926/2^14. */
const five = (min: number, max: number) =>
  fc.array(fc.double({ min, max, noNaN: true }), { minLength: 5, maxLength: 5 })
const inhibition = five(0.2944, 0.85)

/** Net inputs that do not drive the ring to its clamps, where a last bit could decide. */
const net = five(-0.05, 0.5)

describe("a neuron with K3 of its own", () => {
  for (const reversed of [false, true])
    test(`settles as the ${reversed ? "backward" : "forward"} equation does`, () => {
      fc.assert(
        fc.property(inhibition, net, (k3, u) => {
          const rest = fixedPoint(k3, reversed)
          const m = memory(k3, rest)
          const place = (i: number) => (reversed ? (5 - i) % 5 : i)
          loadNeuron(m, SCRATCH, K3, REST, reversed)
          writeI32(
            m,
            SCRATCH + Neuron.Input,
            u.map((_, i) => Math.round(u[place(i)] * Q12)),
          )
          settleNeuron(m, SCRATCH, 8)
          const exact = settle(k3, rest, u, 8, [MIN, MAX], reversed)
          const end = real(readI32(m, SCRATCH + Neuron.Element, 5))
          const sum = real(readI32(m, SCRATCH + Neuron.Sum, 5))
          // A few roundings of a step, damped by the ring.
          expect(
            farthest(
              end,
              end.map((_, i) => exact.end[place(i)]),
            ),
          ).toBeLessThan(8 / Q12)
          expect(
            farthest(
              sum.map((s, i) => s / 8 - rest[place(i)]),
              sum.map((_, i) => exact.mean[place(i)]),
            ),
          ).toBeLessThan(8 / Q12)
        }),
        { numRuns: 300 },
      )
    })

  test("sends the linear signal back as the transposed Jacobian says", () => {
    fc.assert(
      fc.property(inhibition, five(0.2, 2.9), five(-0.3, 0.3), (k3, state, input) => {
        const m = memory(k3, state)
        const x = real(readI16(m, REST, 5))
        loadAdjoint(m, SCRATCH, K3, REST, true)
        writeI32(
          m,
          SCRATCH + Neuron.Input,
          input.map(v => Math.round(v * Q12)),
        )
        settleAdjoint(m, SCRATCH, 6)
        const held = readI16(m, REST, 5).map(
          v => v <= m.readInt16LE(Header.ElementMin) || v >= m.readInt16LE(Header.ElementMax),
        )
        const exact = adjoint(k3, x, input, 6, LIMIT, held)
        const sum = real(readI32(m, SCRATCH + Neuron.Sum, 5))
        // Where all elements are large the step itself does not damp, so errors of a bit may grow.
        const tolerance = Math.max(...x) < 1.6 ? 12 / Q12 : 0.25
        expect(
          farthest(
            sum.map(s => s / 6),
            exact,
          ),
        ).toBeLessThan(tolerance)
      }),
      { numRuns: 300 },
    )
  })

  test("with K3 = ½ has the bits of the usual kernels", () => {
    const usual = new HostNetwork(networkOf({}))
    const own = new HostNetwork(networkOf({ ...rules.mixed }))
    const next = uniform(5)
    for (let i = 0; i < 50; i++) {
      const image = randomImage(30, next)
      expect(own.predict(image)).toBe(usual.predict(image))
      const [a, b] = [usual, own].map(({ memory: m }) =>
        partsOf(m).map(part =>
          readI16(m, address(m, part, Part.State), 5 * m.readUInt16LE(part + Part.Neurons)),
        ),
      )
      expect(b).toEqual(a)
    }
  })
})

describe("fixed points by relaxation", () => {
  const rested = (k3: number[], steps: number, times: number, reversed: boolean) => {
    const m = memory(k3)
    for (let i = 0; i < times; i++) relaxNeuron(m, SCRATCH, K3, REST, reversed, steps)
    return m
  }

  test("come within 4/4096 of the exact ones over the whole range of K3, and stay", () => {
    // Every corner of the range, and random ones.
    const corners: number[][] = Array.from({ length: 32 }, (_, c) =>
      [0, 1, 2, 3, 4].map(i => ((c >> i) & 1 ? 0.85 : 0.2944)),
    )
    const next = uniform(3)
    for (let i = 0; i < 100; i++) corners.push([0, 1, 2, 3, 4].map(() => 0.2944 + 0.5556 * next()))
    for (const k3 of corners)
      for (const reversed of [false, true]) {
        const m = rested(k3, 60, 1, reversed)
        const b = readI16(m, REST, 5)
        expect(farthest(real(b), fixedPoint(k3, reversed)), k3.join()).toBeLessThan(4 / Q12)
        expect(Math.min(...b)).toBeGreaterThan(MIN * Q12 * 1.3)
        expect(Math.max(...b)).toBeLessThan((MAX * Q12) / 1.3)
        relaxNeuron(m, SCRATCH, K3, REST, reversed, 1)
        expect(farthest(readI16(m, REST, 5), b)).toBeLessThanOrEqual(1)
      }
  })

  test("lose about a fifth of their distance in each step", () => {
    const k3 = [0.45, 0.55, 0.5, 0.52, 0.48]
    const distance = (times: number) =>
      farthest(real(readI16(rested(k3, 2, times, false), REST, 5)), fixedPoint(k3))
    // 0.79^20 = 0.009 of about 0.1.
    expect(distance(1)).toBeGreaterThan(distance(4))
    expect(distance(10)).toBeLessThan(distance(1) / 20)
    expect(distance(10)).toBeLessThan(4 / Q12)
  })

  test("are stable whatever a uniform K3 is, since r = (K1 − K2)/K1 stays ½", () => {
    // The threshold for five elements is 0.854.
    for (const k of [0.2944, 0.5, 0.85]) {
      const m = memory([k, k, k, k, k], fixedPoint([k, k, k, k, k]))
      writeI16(m, REST, [5000, 4000, 4000, 4000, 4500])
      relaxNeuron(m, SCRATCH, K3, REST, false, 60)
      expect(
        farthest(
          real(readI16(m, REST, 5)),
          [1, 1, 1, 1, 1].map(() => 0.5 / k),
        ),
      ).toBeLessThan(4 / Q12)
    }
  })
})
