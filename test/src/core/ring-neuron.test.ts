/** Neurons with other K1, K2 and K3: against the equations, against neuron.ts, and in networks. */
import fc from "fast-check"
import { describe, expect, test } from "vitest"
import "../../../host/base/memory"
import { runnerOf } from "../../../host/models/run-model"
import { HostNetwork } from "../../../host/network/host-network"
import { faultOf } from "../../../host/network/validate"
import { SettledNetwork } from "../../../host/ring/settled-network"
import { Header } from "../../../src/core/layout"
import {
  loadAdjoint,
  loadNeuron,
  Neuron,
  settleAdjoint,
  settleNeuron,
} from "../../../src/core/neuron"
import { loadRingAdjoint, settleRingAdjoint, settleRingNeuron } from "../../../src/core/ring-neuron"
import { randomImage, readI32, uniform, writeI16, writeI32 } from "./helpers"
import { networkOf } from "./rule-helpers"

const Q12 = 4096
const DT = 0.75
const STATE = Header.Length
const SCRATCH = STATE + 12

interface Parameters {
  k1: number
  k2: number
}

/** Q12, as faultOf lets them be. */
const parameters = fc
  .record({
    k1: fc.integer({ min: 512, max: 4096 }),
    share: fc.double({ min: 0.16, max: 0.98, noNaN: true }),
  })
  .map(({ k1, share }) => ({ k1, k2: Math.floor(k1 * share) }))
  .filter(({ k1, k2 }) => faultOf(networkOf({ ring: { k1, k2, k3: k1 - k2 } })) === "")

const five = (min: number, max: number) =>
  fc.array(fc.double({ min, max, noNaN: true }), { minLength: 5, maxLength: 5 })

function memory({ k1, k2 }: Parameters): Buffer {
  const m = Buffer.alloc(SCRATCH + Neuron.Length)
  m.writeInt16LE(Math.round(0.3 * Q12), Header.ElementMin)
  m.writeInt16LE(Math.round(2.8 * Q12), Header.ElementMax)
  m.writeInt16LE(1.5 * Q12, Header.LambdaMax)
  m.writeUInt16LE(k1, Header.Generation)
  m.writeUInt16LE(k2, Header.Decay)
  loadNeuron(m, SCRATCH, 0, 0, false)
  return m
}

const at = (ring: number[], i: number) => ring[(i + 10) % 5]

/** The equation itself, in float64: the state after some steps, and the mean of E − 1. */
function settled({ k1, k2 }: Parameters, u: number[], steps: number) {
  const [a, b, c] = [k1 / Q12, k2 / Q12, (k1 - k2) / Q12]
  const rate = (e: number[]) =>
    e.map((x, i) => a * at(e, i - 1) - b * x - c * x * at(e, i - 2) + u[i])
  let e = [1, 1, 1, 1, 1]
  const mean = [0, 0, 0, 0, 0]
  for (let s = 0; s < steps; s++) {
    const f = rate(e)
    const g = rate(e.map((x, i) => x + DT * f[i]))
    e = e.map((x, i) => Math.min(2.8, Math.max(0.3, x + (DT / 2) * (f[i] + g[i]))))
    e.forEach((x, i) => {
      mean[i] += (x - 1) / steps
    })
  }
  return { e, mean }
}

const farthest = (a: number[], b: number[]) => Math.max(...a.map((v, i) => Math.abs(v - b[i])))
const real = (values: number[]) => values.map(v => v / Q12)

describe("a neuron with other K1, K2 and K3", () => {
  test("settles as its equation does", () => {
    fc.assert(
      fc.property(parameters, five(-0.05, 0.4), (ring, u) => {
        const m = memory(ring)
        const whole = u.map(v => Math.round(v * Q12))
        writeI32(m, SCRATCH + Neuron.Input, whole)
        settleRingNeuron(m, SCRATCH, 8)
        const exact = settled(ring, real(whole), 8)
        expect(farthest(real(readI32(m, SCRATCH + Neuron.Element, 5)), exact.e)).toBeLessThan(0.004)
        const mean = readI32(m, SCRATCH + Neuron.Sum, 5).map(s => (s - 8 * Q12) / 8 / Q12)
        expect(farthest(mean, exact.mean)).toBeLessThan(0.003)
      }),
    )
  })

  test("rests at 1 without an input, whatever its parameters", () => {
    fc.assert(
      fc.property(parameters, ring => {
        const m = memory(ring)
        settleRingNeuron(m, SCRATCH, 16)
        for (const e of readI32(m, SCRATCH + Neuron.Element, 5))
          expect(Math.abs(e - Q12)).toBeLessThanOrEqual(8)
      }),
    )
  })

  test("has with K1 = 1 and K2 = ½ the bits of the others, forward and back", () => {
    fc.assert(
      fc.property(five(-4, 4), five(-1.5, 1.5), five(0.3, 2.8), (u, drive, state) => {
        const inputs = u.map(v => Math.round(v * Q12))
        const [one, other] = [memory({ k1: 4096, k2: 2048 }), memory({ k1: 1, k2: 1 })]
        for (const m of [one, other]) {
          writeI32(m, SCRATCH + Neuron.Input, inputs)
          writeI16(
            m,
            STATE,
            state.map(v => Math.round(v * Q12)),
          )
          loadNeuron(m, SCRATCH, 0, 0, false)
        }
        settleRingNeuron(one, SCRATCH, 8)
        settleNeuron(other, SCRATCH, 8)
        const results = (m: Buffer, field: number) => readI32(m, SCRATCH + field, 5)
        for (const field of [Neuron.Element, Neuron.Sum])
          expect(results(one, field)).toEqual(results(other, field))
        for (const m of [one, other])
          writeI32(
            m,
            SCRATCH + Neuron.Input,
            drive.map(v => Math.round(v * Q12)),
          )
        loadRingAdjoint(one, SCRATCH, STATE, true)
        settleRingAdjoint(one, SCRATCH, 8)
        loadAdjoint(other, SCRATCH, 0, STATE, true)
        settleAdjoint(other, SCRATCH, 8)
        expect(results(one, Neuron.Sum)).toEqual(results(other, Neuron.Sum))
      }),
    )
  })

  test("keeps every product within 32 bits at the ends of all ranges", () => {
    const ends = [-4 * Q12, 4 * Q12]
    for (const k1 of [512, 4096])
      for (const k2 of [Math.ceil(0.15 * k1), Math.floor(0.97 * k1)])
        for (let bits = 0; bits < 32; bits++) {
          const m = memory({ k1, k2 })
          m.writeInt16LE(1, Header.ElementMin)
          m.writeInt16LE(3 * Q12, Header.ElementMax)
          const u = [0, 1, 2, 3, 4].map(i => ends[(bits >> i) & 1])
          writeI32(m, SCRATCH + Neuron.Input, u)
          settleRingNeuron(m, SCRATCH, 16)
          const e = readI32(m, SCRATCH + Neuron.Element, 5)
          // The same with numbers that cannot overflow.
          const exact = unbounded({ k1, k2 }, u, 16)
          expect(e).toEqual(exact)
        }
  })
})

/** The whole-number step without any limit of 32 bits. */
function unbounded({ k1, k2 }: Parameters, u: number[], steps: number): number[] {
  const [a, c] = [BigInt(k1), BigInt(k1 - k2)]
  const decay = BigInt(k2 << 1)
  const net = u.map(BigInt)
  const of = (e: bigint[], i: number) => e[(i + 10) % 5]
  let e = net.map(() => 4096n)
  const rate = (x: bigint[]) =>
    x.map(
      (v, i) =>
        ((a * of(x, i - 1)) >> 12n) - ((v * (decay + ((c * of(x, i - 2)) >> 11n))) >> 13n) + net[i],
    )
  for (let s = 0; s < steps; s++) {
    const f = rate(e)
    const g = rate(e.map((v, i) => v + ((3n * f[i]) >> 2n)))
    e = e.map((v, i) => {
      const next = v + ((3n * (f[i] + g[i])) >> 3n)
      return next < 1n ? 1n : next > 12288n ? 12288n : next
    })
  }
  return e.map(Number)
}

describe("a network of them", () => {
  const ring = { k1: 4096, k2: 1024, k3: 3072 }

  test("gives the signals of float64 arithmetic, and other ones than K2 = ½", () => {
    for (const seed of [1, 2, 3]) {
      const net = networkOf({ ring }, seed)
      const core = new HostNetwork(net)
      const run = runnerOf({ network: net, coefficients: core.coefficients(), training: null })
      const [float, usual] = [net, { ...net, ring: undefined }].map(
        of => new SettledNetwork(of, core.coefficients()),
      )
      const next = uniform(seed)
      for (let i = 0; i < 10; i++) {
        const image = randomImage(net.width, next)
        float.predict(image)
        usual.predict(image)
        const outputs = Array.from(run(image), o => o / 2 ** net.signalBits)
        expect(farthest(outputs, [...float.outputs])).toBeLessThan(0.005)
        expect(farthest([...usual.outputs], [...float.outputs])).toBeGreaterThan(0.015)
      }
    }
  })

  test.each([
    [{ k1: 5000, k2: 2500, k3: 2500 }, /k1 must lie in 1…4096/],
    [{ k1: 4096, k2: 4096, k3: 0 }, /k2 must lie between 0 and k1/],
    [{ k1: 4096, k2: 2048, k3: 2000 }, /k3 must be k1 − k2 = 2048/],
    [{ k1: 4096, k2: 500, k3: 3596 }, /swing by themselves/],
    [{ k1: 4000, k2: 592, k3: 3408 }, /steps of 3\/4 are too long/],
  ])("with %j is refused", (wrong, why) => {
    expect(faultOf(networkOf({ ring: wrong }))).toMatch(why)
  })

  test("with finer backward signals is refused: boards know these of the plain product only", () => {
    const net = networkOf({ ring })
    const layers = net.layers.map(layer => ({ ...layer, finer: 1 }))
    expect(faultOf({ ...net, layers })).toMatch(/finer backward signals need/)
    expect(faultOf({ ...net, layers, ring: undefined })).toBe("")
  })

  test("whose K3 learns, or of finer elements, is refused", () => {
    expect(faultOf(networkOf({ ring, elementBits: 16, elementMax: 11469 }))).toMatch(/K3 does not/)
  })
})
