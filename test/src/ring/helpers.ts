/** Rings in memory for the tests, from and to plain numbers. */
import "../../../host/base/memory"
import fc from "fast-check"
import {
  element,
  type Field,
  fieldAt,
  makeRing,
  Parameter,
  Ring,
  ringBytes,
  type Side,
  setInput,
  setParameter,
} from "../../../src/ring/ring"
import type { FloatRing } from "./reference"

export const Q12 = 4096
export const q12 = (x: number) => Math.round(x * Q12)

/** A ring's parameters, Q12. */
export interface Parameters {
  k1: number[]
  k2: number[]
  k3: number[]
}

export interface Clamps {
  elementMin?: number
  elementMax?: number
  inputMin?: number
  inputMax?: number
  lambdaMax?: number
}

export const AT = 12

/** A ring with three sides at `AT` (not at 0: the address must count). */
export function ringOf(parameters: Parameters, dt: number, clamps: Clamps = {}): Buffer {
  const n = parameters.k1.length
  const m = Buffer.alloc(AT + ringBytes(n, 3), 0xa5)
  makeRing(m, AT, n, 3, dt)
  const { k1, k2, k3 } = parameters
  for (let i = 0; i < n; i++) {
    setParameter(m, AT, Parameter.K1, i, k1[i])
    setParameter(m, AT, Parameter.K2, i, k2[i])
    setParameter(m, AT, Parameter.K3, i, k3[i])
  }
  if (clamps.elementMin !== undefined) m.writeInt16LE(clamps.elementMin, AT + Ring.ElementMin)
  if (clamps.elementMax !== undefined) m.writeInt16LE(clamps.elementMax, AT + Ring.ElementMax)
  if (clamps.inputMin !== undefined) m.writeInt16LE(clamps.inputMin, AT + Ring.InputMin)
  if (clamps.inputMax !== undefined) m.writeInt16LE(clamps.inputMax, AT + Ring.InputMax)
  if (clamps.lambdaMax !== undefined) m.writeInt16LE(clamps.lambdaMax, AT + Ring.LambdaMax)
  return m
}

export function uniformRing(
  n: number,
  k1: number,
  k2: number,
  k3: number,
  dt: number,
  clamps: Clamps = {},
): Buffer {
  const all = (k: number) => new Array<number>(n).fill(k)
  return ringOf({ k1: all(k1), k2: all(k2), k3: all(k3) }, dt, clamps)
}

export const real = ({ k1, k2, k3 }: Parameters): FloatRing => ({
  k1: k1.map(k => k / Q12),
  k2: k2.map(k => k / Q12),
  k3: k3.map(k => k / Q12),
})

export function setInputs(m: Buffer, side: Side, u: number[]): void {
  for (const [i, v] of u.entries()) setInput(m, AT, side, i, v)
}

export function elements(m: Buffer, side: Side): number[] {
  const n = m.readUInt16LE(AT + Ring.Elements)
  return Array.from({ length: n }, (_, i) => element(m, AT, side, i))
}

/** The raw values of a side's array. */
export function field(m: Buffer, side: Side, which: Field): number[] {
  const n = m.readUInt16LE(AT + Ring.Elements)
  const at = fieldAt(m, AT, side, which)
  return Array.from({ length: n }, (_, i) => m.readInt32LE(at + 4 * i))
}

export function writeField(m: Buffer, side: Side, which: Field, values: number[]): void {
  const at = fieldAt(m, AT, side, which)
  for (const [i, v] of values.entries()) m.writeInt32LE(v, at + 4 * i)
}

const vector = (n: number, min: number, max: number) =>
  fc.array(fc.integer({ min, max }), { minLength: n, maxLength: n })

/** Parameters of a ring of 1…9 elements within ± a share of the papers' own. */
export const mildParameters = fc
  .tuple(fc.integer({ min: 1, max: 9 }), fc.constantFrom(0, 0.1, 0.3, 0.6))
  .chain(([n, spread]) => {
    const about = (k: number) =>
      vector(n, Math.round(k * (1 - spread)), Math.round(k * (1 + spread)))
    return fc.record({ k1: about(4096), k2: about(2048), k3: about(2048) })
  })

/** Anything a record can hold. */
export const wildParameters = fc.integer({ min: 1, max: 7 }).chain(n => {
  const any = fc.array(
    fc.oneof(fc.integer({ min: 1, max: 16384 }), fc.constantFrom(1, 2, 4096, 16384)),
    { minLength: n, maxLength: n },
  )
  return fc.record({ k1: any, k2: any, k3: any })
})

export { vector }
