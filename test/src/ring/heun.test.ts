import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { buildShard } from "../../../host/network/shard"
import { Header, Part } from "../../../src/core/layout"
import { partAt } from "../../../src/core/run"
import { settleBackward, settleForward } from "../../../src/core/settle"
import { step } from "../../../src/ring/heun"
import {
  Field,
  makeRing,
  Parameter,
  parameter,
  Ring,
  ringBytes,
  Side,
  setElement,
  setInput,
  setParameter,
  setUniform,
  start,
} from "../../../src/ring/ring"
import { backwardMean, mean, settle } from "../../../src/ring/trajectory"
import { backwardErrorBound, forwardErrorBound } from "../core/error-bound"
import { address, network, readI16, writeI16, writeI32 } from "../core/helpers"
import {
  AT,
  elements,
  field,
  mildParameters,
  type Parameters,
  Q12,
  q12,
  real,
  ringOf,
  setInputs,
  uniformRing,
  vector,
  wildParameters,
  writeField,
} from "./helpers"
import { clampTo, type Direction, run, runLinear, wrap } from "./reference"

const sides: [Direction, Side][] = [
  ["forward", Side.Forward],
  ["backward", Side.Backward],
]

/** One integer step as its description says, in numbers that cannot overflow. */
function describedStep(
  { k1, k2, k3 }: Parameters,
  side: Side,
  state: number[],
  u: number[],
  x: number[],
  dt: number,
  min: number,
  max: number,
): number[] {
  const n = state.length
  const shift = (v: number, bits: number) => Math.floor(v / 2 ** bits)
  const q = (v: number) => shift(v + 2048, 12)
  const rates = (p: number[]) =>
    p.map((v, i) => {
      const next = wrap(i + 1, n)
      const two = wrap(i + 2, n)
      const back = wrap(i - 2, n)
      if (side === Side.Forward)
        return q(k1[i] * p[wrap(i - 1, n)]) - q((k2[i] + q(k3[i] * p[back])) * v) + u[i]
      if (side === Side.Backward)
        return q(k1[next] * p[next]) - q((k2[i] + q(k3[two] * p[two])) * v) + u[i]
      return (
        q(k1[next] * p[next]) -
        q((k2[i] + q(k3[i] * x[back])) * v) -
        q(q(k3[two] * x[two]) * p[two]) +
        u[i]
      )
    })
  const f = rates(state.map(e => shift(e + 128, 8)))
  const p = state.map((e, i) => clampTo(shift(e + dt * f[i] + 128, 8), -65536, 65536))
  const g = rates(p)
  return state.map((e, i) => clampTo(e + shift(dt * (f[i] + g[i]), 1), min * 256, max * 256))
}

describe("one step", () => {
  test("is what its description says to the bit, for anything a record can hold", () => {
    let far = 0
    fc.assert(
      fc.property(
        wildParameters.chain(p => {
          const n = p.k1.length
          return fc.record({
            p: fc.constant(p),
            state: vector(n, 1, 32767 * 256 - 1),
            forward: vector(n, 2, 32766),
            lambda: vector(n, -32767 * 256, 32767 * 256),
            u: vector(n, -32767, 32767),
            dt: fc.oneof(fc.constant(256), fc.integer({ min: 1, max: 256 })),
          })
        }),
        ({ p, state, forward, lambda, u, dt }) => {
          const m = ringOf(p, dt, {
            elementMin: 0,
            elementMax: 32767,
            inputMin: -32767,
            inputMax: 32767,
            lambdaMax: 32767,
          })
          for (const side of [Side.Forward, Side.Backward]) {
            writeField(m, side, Field.Element, state)
            setInputs(m, side, u)
            step(m, AT, side)
            const expected = describedStep(p, side, state, u, [], dt, 0, 32767)
            expect(field(m, side, Field.Element)).toEqual(expected)
            if (field(m, side, Field.Point).some(v => Math.abs(v) === 65536)) far++
          }
          for (const [i, e] of forward.entries()) setElement(m, AT, Side.Forward, i, e)
          writeField(m, Side.OperatingPoint, Field.Element, lambda)
          setInputs(m, Side.OperatingPoint, u)
          step(m, AT, Side.OperatingPoint)
          const expected = describedStep(
            p,
            Side.OperatingPoint,
            lambda,
            u,
            forward,
            dt,
            -32767,
            32767,
          )
          expect(field(m, Side.OperatingPoint, Field.Element)).toEqual(expected)
        },
      ),
      { numRuns: 2000 },
    )
    // The predictor's own limit was met, or the widest products were not.
    expect(far).toBeGreaterThan(100)
  })

  test("touches only its own side and nothing beyond the record", () => {
    for (const side of [Side.Forward, Side.Backward, Side.OperatingPoint]) {
      const bytes = ringBytes(5, 3)
      const m = Buffer.alloc(AT + bytes + 16, 0xa5)
      makeRing(m, AT, 5, 3, 128)
      setInput(m, AT, side, 2, 1000)
      const before = Buffer.from(m)
      settle(m, AT, side, 5)
      expect(m.subarray(0, AT)).toEqual(before.subarray(0, AT))
      expect(m.subarray(AT + bytes)).toEqual(before.subarray(AT + bytes))
      for (const other of [Side.Forward, Side.Backward, Side.OperatingPoint]) {
        const at = AT + Ring.Length + (3 + other * Field.Count) * 20
        const same = m
          .subarray(at, at + Field.Count * 20)
          .equals(before.subarray(at, at + Field.Count * 20))
        expect(same).toBe(other !== side)
      }
    }
  })
})

describe("settled", () => {
  const inputs = (n: number) => vector(n, -3000, 6000)

  for (const [direction, side] of sides)
    test(`${direction}, is within the running error bound of the equations, for all n`, () => {
      let clamped = 0
      let tight = 0
      fc.assert(
        fc.property(
          mildParameters.chain(p => fc.tuple(fc.constant(p), inputs(p.k1.length))),
          fc.integer({ min: 13, max: 200 }),
          fc.integer({ min: 1, max: 24 }),
          fc.constantFrom([1229, 12288], [3000, 6000]),
          ([p, u], dt, steps, [min, max]) => {
            const m = ringOf(p, dt, { elementMin: min, elementMax: max })
            setInputs(m, side, u)
            settle(m, AT, side, steps)
            const n = u.length
            const ones = new Array<number>(n).fill(1)
            const net = u.map(v => clampTo(v, -819, Q12) / Q12)
            const exact = run(
              real(p),
              direction,
              ones,
              ones,
              new Array<number[]>(steps).fill(net),
              { dt: dt / 256, min: min / Q12, max: max / Q12 },
            )
            for (const [i, e] of field(m, side, Field.Element).entries()) {
              expect(Math.abs(e / 256 - exact.end[i] * Q12)).toBeLessThanOrEqual(
                exact.endBound[i] + 1e-6,
              )
              if (e === min * 256 || e === max * 256) clamped++
              if (exact.endBound[i] < 12) tight++
              const off = mean(m, AT, side, i, steps) - (exact.sum[i] / steps) * Q12
              expect(Math.abs(off)).toBeLessThanOrEqual(exact.sumBound[i] / steps + 0.5 + 1e-6)
            }
          },
        ),
        { numRuns: 600 },
      )
      // Clamps were met, and the bound is no mere formality.
      expect(clamped).toBeGreaterThan(30)
      expect(tight).toBeGreaterThan(500)
    })

  test("operating point, is within the running error bound of the equations, for all n", () => {
    let held = 0
    fc.assert(
      fc.property(
        mildParameters.chain(p =>
          fc.record({
            p: fc.constant(p),
            x: fc.array(
              fc.oneof(
                { weight: 6, arbitrary: fc.integer({ min: 1400, max: 7000 }) },
                { weight: 1, arbitrary: fc.constantFrom(1229, 12288) },
              ),
              { minLength: p.k1.length, maxLength: p.k1.length },
            ),
            input: vector(p.k1.length, -3000, 3000),
            limit: fc.constantFrom(600, 8192),
          }),
        ),
        fc.integer({ min: 13, max: 160 }),
        fc.integer({ min: 1, max: 16 }),
        ({ p, x, input, limit }, dt, steps) => {
          const m = ringOf(p, dt, { lambdaMax: limit })
          for (const [i, e] of x.entries()) setElement(m, AT, Side.Forward, i, e)
          setInputs(m, Side.OperatingPoint, input)
          settle(m, AT, Side.OperatingPoint, steps)
          const stopped = x.map(e => e === 1229 || e === 12288)
          const exact = runLinear(
            real(p),
            x.map(e => e / Q12),
            stopped,
            input.map(v => v / Q12),
            steps,
            { dt: dt / 256, min: 0, max: limit / Q12 },
          )
          for (const [i, l] of field(m, Side.OperatingPoint, Field.Element).entries()) {
            expect(Math.abs(l / 256 - exact.end[i] * Q12)).toBeLessThanOrEqual(
              exact.endBound[i] + 1e-6,
            )
            const off = mean(m, AT, Side.OperatingPoint, i, steps) - (exact.sum[i] / steps) * Q12
            expect(Math.abs(off)).toBeLessThanOrEqual(exact.sumBound[i] / steps + 0.5 + 1e-6)
            if (stopped[i]) {
              held++
              expect(l).toBe(0)
            }
          }
        },
      ),
      { numRuns: 600 },
    )
    expect(held).toBeGreaterThan(100)
  })

  test("λ becomes zero when its element comes onto a clamp", () => {
    const m = uniformRing(5, 4096, 2048, 2048, 128)
    setInputs(m, Side.OperatingPoint, [1000, 1000, 1000, 1000, 1000])
    settle(m, AT, Side.OperatingPoint, 6)
    expect(elements(m, Side.OperatingPoint).every(l => l !== 0)).toBe(true)
    setElement(m, AT, Side.Forward, 3, 12288)
    step(m, AT, Side.OperatingPoint)
    expect(elements(m, Side.OperatingPoint).map(l => l === 0)).toEqual([
      false,
      false,
      false,
      true,
      false,
    ])
  })

  test("a synapse whose net input is clamped passes no λ on", () => {
    const m = uniformRing(5, 4096, 2048, 2048, 128)
    setInputs(m, Side.Forward, [-819, -818, 0, 4095, 4096])
    setInputs(m, Side.OperatingPoint, [1000, 1000, 1000, 1000, 1000])
    settle(m, AT, Side.OperatingPoint, 6)
    const passed = [0, 1, 2, 3, 4].map(i => backwardMean(m, AT, i, 6))
    expect(passed.map(l => l !== 0)).toEqual([false, true, true, true, false])
    expect(passed[2]).toBe(mean(m, AT, Side.OperatingPoint, 2, 6))
  })

  test("the mean is rounded to nearest, halves away from zero", () => {
    const m = uniformRing(1, 4096, 2048, 2048, 128)
    const cases = [
      [7, 2, 4],
      [-7, 2, -4],
      [5, 3, 2],
      [-5, 3, -2],
      [4, 3, 1],
      [-4, 3, -1],
      [0, 6, 0],
      [-1, 6, 0],
    ]
    for (const [sum, steps, expected] of cases) {
      writeField(m, Side.Forward, Field.Sum, [sum])
      expect(mean(m, AT, Side.Forward, 0, steps)).toBe(expected)
    }
  })
})

describe("clamps", () => {
  test("of parameters: within the ring's range, whatever is set", () => {
    const m = uniformRing(3, 4096, 2048, 2048, 128)
    m.writeInt16LE(100, AT + Ring.ParameterMin)
    m.writeInt16LE(9000, AT + Ring.ParameterMax)
    expect(setParameter(m, AT, Parameter.K3, 1, -5)).toBe(100)
    expect(setParameter(m, AT, Parameter.K3, 2, 20000)).toBe(9000)
    setUniform(m, AT, Parameter.K1, 50)
    expect([0, 1, 2].map(i => parameter(m, AT, Parameter.K1, i))).toEqual([100, 100, 100])
    expect([0, 1, 2].map(i => parameter(m, AT, Parameter.K3, i))).toEqual([2048, 100, 9000])
    expect(parameter(m, AT, Parameter.K2, 0)).toBe(2048)
  })

  test("of inputs: beyond them counts as them, just inside does not", () => {
    for (const side of [Side.Forward, Side.Backward])
      for (let i = 0; i < 4; i++) {
        const response = (u: number) => {
          const m = uniformRing(4, 4096, 2048, 2048, 128)
          setInput(m, AT, side, i, u)
          settle(m, AT, side, 4)
          return field(m, side, Field.Sum)
        }
        expect(response(1 << 30)).toEqual(response(4096))
        expect(response(4000)).not.toEqual(response(4096))
        expect(response(-(1 << 30))).toEqual(response(-819))
        expect(response(-800)).not.toEqual(response(-819))
      }
  })

  test("of elements: a ring driven hard ends on them exactly", () => {
    // A small step: a large one overshoots at the predictor, which is not clamped.
    const m = uniformRing(5, 4096, 2048, 2048, 64, {
      inputMin: -32767,
      inputMax: 32767,
      elementMax: 2 * Q12,
    })
    setInputs(m, Side.Forward, new Array(5).fill(20000))
    settle(m, AT, Side.Forward, 30)
    expect(elements(m, Side.Forward)).toEqual(new Array(5).fill(2 * Q12))
    setInputs(m, Side.Forward, new Array(5).fill(-20000))
    settle(m, AT, Side.Forward, 30)
    expect(elements(m, Side.Forward)).toEqual(new Array(5).fill(1229))
  })
})

describe("the backward equation", () => {
  test("is the forward one on the mirrored ring, to the bit: i → −i, each parameter with its pair", () => {
    fc.assert(
      fc.property(
        wildParameters.chain(p =>
          fc.record({
            p: fc.constant(p),
            state: vector(p.k1.length, 2000, 12000),
            u: vector(p.k1.length, -819, 4096),
          }),
        ),
        fc.integer({ min: 1, max: 256 }),
        ({ p, state, u }, dt) => {
          const n = u.length
          const mirror = (v: number[], shift: number) => v.map((_, i) => v[wrap(shift - i, n)])
          const m = ringOf(p, dt)
          const other = ringOf(
            { k1: mirror(p.k1, 1), k2: mirror(p.k2, 0), k3: mirror(p.k3, 2) },
            dt,
          )
          for (let i = 0; i < n; i++) {
            setElement(m, AT, Side.Backward, i, state[i])
            setElement(other, AT, Side.Forward, wrap(-i, n), state[i])
          }
          setInputs(m, Side.Backward, u)
          setInputs(other, Side.Forward, mirror(u, 0))
          for (let s = 0; s < 8; s++) {
            step(m, AT, Side.Backward)
            step(other, AT, Side.Forward)
          }
          expect(field(m, Side.Backward, Field.Element)).toEqual(
            mirror(field(other, Side.Forward, Field.Element), 0),
          )
        },
      ),
      { numRuns: 300 },
    )
  })
})

describe("beside the kernels for five elements and the default parameters", () => {
  const part = partAt(0)
  const layer = { neurons: 1, inputs: 5, outputFirst: 0, outputs: 5 }
  const defaults = {
    k1: new Array(5).fill(4096),
    k2: new Array(5).fill(2048),
    k3: new Array(5).fill(2048),
  }

  /** Both round by their own rules; each is within its own bound of the equations, so within both of each other. */
  test("forward, both are within the sum of their bounds of each other", () => {
    let largest = 0
    fc.assert(
      fc.property(vector(5, -2000, 5000), fc.integer({ min: 2, max: 16 }), (u, steps) => {
        const net = network([layer], { steps, signalBits: 12 })
        const shard = buildShard(net, [{ layer: 1, first: 0, count: 1 }], 1)
        expect(shard.readInt16LE(Header.ElementMin)).toBe(1229)
        writeI32(
          shard,
          address(shard, part, Part.Sum),
          u.map(v => v * 8192),
        )
        settleForward(shard, part, 0, 0, 1)
        const end = readI16(shard, address(shard, part, Part.State), 5)
        const signals = readI16(shard, address(shard, part, Part.BusOut), 5)

        const m = ringOf(defaults, 192)
        setInputs(m, Side.Forward, u)
        settle(m, AT, Side.Forward, steps)

        const net1 = u.map(v => clampTo(v, -819, Q12) / Q12)
        const theirs = forwardErrorBound(net1, [0, 0, 0, 0, 0], steps, 1229 / Q12, 3)
        const ones = [1, 1, 1, 1, 1]
        const ours = run(real(defaults), "forward", ones, ones, new Array(steps).fill(net1), {
          dt: 0.75,
          min: 1229 / Q12,
          max: 3,
        })
        for (let i = 0; i < 5; i++) {
          const off = Math.abs(end[i] - field(m, Side.Forward, Field.Element)[i] / 256)
          expect(off).toBeLessThanOrEqual(theirs.end[i] + ours.endBound[i] + 1e-6)
          // Their mean: the reciprocal of the steps is off by at most ½/65536, and it is floored.
          const d = Math.abs(signals[i] - mean(m, AT, Side.Forward, i, steps))
          const reciprocal = Math.abs(Math.round(65536 / steps) / 65536 - 1 / steps)
          expect(d).toBeLessThanOrEqual(
            theirs.mean[i] +
              ours.sumBound[i] / steps +
              0.5 +
              1 +
              reciprocal *
                (Math.abs(ours.sum[i]) * Q12 + ours.sumBound[i] + theirs.mean[i] * steps) +
              1e-6,
          )
          largest = Math.max(largest, d)
        }
      }),
      { numRuns: 300 },
    )
    expect(largest).toBeGreaterThan(0)
    expect(largest).toBeLessThan(12)
  })

  test("backward, both are within the sum of their bounds of each other", () => {
    let largest = 0
    fc.assert(
      fc.property(
        vector(5, 1300, 7500),
        vector(5, -3000, 3000),
        fc.integer({ min: 2, max: 16 }),
        (x, input, steps) => {
          const net = network([layer], { steps, signalBits: 12, lambdaMax: 8192 })
          const shard = buildShard(net, [{ layer: 1, first: 0, count: 1 }], 1)
          writeI32(shard, address(shard, part, Part.Sum), [0, 0, 0, 0, 0])
          writeI16(shard, address(shard, part, Part.State), x)
          writeI32(
            shard,
            address(shard, part, Part.BackIn),
            input.map(v => v * 8192),
          )
          settleBackward(shard, part, 0, 1)
          const theirs = readI16(shard, address(shard, part, Part.Lambda), 5)

          const m = ringOf(defaults, 192)
          for (const [i, e] of x.entries()) setElement(m, AT, Side.Forward, i, e)
          setInputs(m, Side.OperatingPoint, input)
          settle(m, AT, Side.OperatingPoint, steps)
          const free = [false, false, false, false, false]
          const state = x.map(e => e / Q12)
          const drive = input.map(v => v / Q12)
          const bound = backwardErrorBound(state, free, drive, [0, 0, 0, 0, 0], steps, 2)
          const ours = runLinear(real(defaults), state, free, drive, steps, {
            dt: 0.75,
            min: 0,
            max: 2,
          })
          for (let i = 0; i < 5; i++) {
            const d = Math.abs(theirs[i] - backwardMean(m, AT, i, steps))
            const reciprocal = Math.abs(Math.round(65536 / steps) / 65536 - 1 / steps)
            const limit =
              bound.mean[i] + ours.sumBound[i] / steps + 1.5 + reciprocal * (2 * Q12 * steps) + 1e-6
            expect(d).toBeLessThanOrEqual(limit)
            largest = Math.max(largest, d)
          }
        },
      ),
      { numRuns: 300 },
    )
    expect(largest).toBeGreaterThan(0)
    expect(largest).toBeLessThan(24)
  })
})

describe("at rest", () => {
  test("the default ring gives no signal without input, on any side, for any n", () => {
    for (let n = 1; n <= 13; n++)
      for (const side of [Side.Forward, Side.Backward, Side.OperatingPoint]) {
        const m = uniformRing(n, 4096, 2048, 2048, 192)
        settle(m, AT, side, 40)
        expect(field(m, side, Field.Sum)).toEqual(new Array(n).fill(0))
        start(m, AT, side)
        expect(elements(m, side)).toEqual(
          new Array(n).fill(side === Side.OperatingPoint ? 0 : q12(1)),
        )
      }
  })
})
