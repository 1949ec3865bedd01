/**
 * Runs through the ring's functions and gives what came out as text, case by case. One source for
 * both sides: the test runs it in Node, and compiled on DeviceScript's own virtual machine. So it
 * keeps to the subset of TypeScript that both know, and each case to one turn of a board.
 */
import {
  clampedElement,
  collapses,
  findFixedPoint,
  formulaFixedPoint,
  relax,
  ringRatio,
  stepHolds,
  uniformFixedPoint,
} from "../../../src/ring/fixed-point"
import { step, stepPair } from "../../../src/ring/heun"
import {
  element,
  fixedPoint,
  makeRing,
  Parameter,
  parameter,
  Ring,
  ringBytes,
  Side,
  setElement,
  setInput,
  setParameter,
} from "../../../src/ring/ring"
import {
  cosine,
  heunLimit,
  leadingMode,
  modeAngle,
  modeGrowth,
  oscillationThreshold,
  sine,
} from "../../../src/ring/stability"
import { storeFixedPoint, storeRound, targetRefusal } from "../../../src/ring/store"
import {
  backwardMean,
  integral,
  mean,
  settle,
  settlePair,
  signal,
} from "../../../src/ring/trajectory"

export const CASES = 40

/** A number in 0…65535 from a case and a counter, the same everywhere. */
function draw(seed: number, i: number): number {
  let h = Math.imul(seed + 1, 0x9e3779b1 | 0) ^ Math.imul(i + 7, 0x85ebca6b | 0)
  h = Math.imul(h ^ (h >>> 15), 0x2c1b3c6d)
  return (h ^ (h >>> 13)) & 65535
}

/** The hash of a whole record, so that no bit of it escapes. */
function hash(m: Buffer): number {
  let h = 17
  for (let at = 0; at < m.length; at += 4) h = Math.imul(h ^ m.getAt(at, "i32"), 16777619)
  return h | 0
}

function record(n: number, seed: number, wild: boolean): Buffer {
  const m = Buffer.alloc(ringBytes(n, 3))
  makeRing(m, 0, n, 3, 1 + (draw(seed, 99) & 127))
  for (let i = 0; i < n; i++)
    for (let set = 0; set < 3; set++) {
      const d = draw(seed, set * n + i)
      const k = wild ? 1 + (d & 16383) : (set === Parameter.K1 ? 3900 : 1900) + (d & 255)
      setParameter(m, 0, set, i, k)
    }
  if (wild) {
    m.setAt(Ring.ElementMin, "i16", 0)
    m.setAt(Ring.ElementMax, "i16", 32767)
    m.setAt(Ring.InputMin, "i16", -32767)
    m.setAt(Ring.InputMax, "i16", 32767)
    m.setAt(Ring.LambdaMax, "i16", 32767)
    m.setAt(Ring.Step, "u16", 256)
  }
  for (let i = 0; i < n; i++)
    for (let side = 0; side < 3; side++)
      setInput(m, 0, side, i, wild ? draw(seed, 200 + side * n + i) - 32768 : draw(seed, i) & 1023)
  return m
}

/** @returns what case c gives: numbers, most of them hashes of the memory */
export function runCase(c: number): string {
  const n = 1 + (c % 7)
  if (c < 14) {
    const m = record(n, c, c >= 7)
    if (c >= 7) for (let i = 0; i < n; i++) setElement(m, 0, Side.Forward, i, draw(c, 300 + i) >> 1)
    step(m, 0, Side.Forward)
    settle(m, 0, Side.Forward, 3)
    settle(m, 0, Side.Backward, 3)
    settle(m, 0, Side.OperatingPoint, 3)
    let text = `${hash(m)}`
    for (let i = 0; i < n; i++)
      text += ` ${mean(m, 0, Side.Backward, i, 3)} ${backwardMean(m, 0, i, 3)}`
    return text
  }
  if (c < 21) {
    const m = record(n, c, false)
    settlePair(m, 0, 2)
    for (let s = 0; s < 3; s++) {
      setInput(m, 0, Side.Forward, 0, draw(c, s) & 2047)
      stepPair(m, 0)
    }
    return `${hash(m)} ${integral(m, 0, Side.Forward, 0)} ${integral(m, 0, Side.Backward, n - 1)} ${signal(m, 0, Side.Forward, 0)} ${element(m, 0, Side.Backward, 0)}`
  }
  if (c < 28) {
    const m = record(n, c, false)
    const outcome = formulaFixedPoint(m, 0, Side.Forward)
    const reach = relax(m, 0, Side.Forward, 16)
    return `${outcome} ${reach} ${hash(m)} ${collapses(m, 0)} ${clampedElement(m, 0, Side.Forward)} ${fixedPoint(m, 0, Side.Forward, 0)}`
  }
  if (c < 32) {
    // A search in one go is for the host: only one element's fits into a turn.
    const m = Buffer.alloc(ringBytes(n, 1))
    makeRing(m, 0, n, 1, 128)
    setParameter(m, 0, Parameter.K1, 0, 4000 + c)
    const uneven = n < 2 ? findFixedPoint(m, 0, Side.Forward, 4) : -1
    for (let i = 0; i < n; i++) setParameter(m, 0, Parameter.K1, i, 4500 + 100 * c)
    const even = formulaFixedPoint(m, 0, Side.Forward)
    const holds = n < 2 ? stepHolds(m, 0, Side.Forward, 1) : false
    return `${uneven} ${even} ${holds} ${ringRatio(m, 0)} ${hash(m)}`
  }
  if (c < 36) {
    const m = record(5, c, false)
    const targets = [3277, 2458, 6144, 4096, 3686 + c]
    const errors: number[] = []
    const largest = storeRound(m, 0, targets, Parameter.K1, 100, errors)
    const stored = storeFixedPoint(m, 0, targets, Parameter.K1, 128, 3, 1)
    const refused = storeFixedPoint(m, 0, targets, Parameter.K3, 128, 3, 1)
    let text = `${largest} ${errors.join(",")} ${stored.ends.join(",")} ${stored.errors.join(",")} ${stored.parameters.join(",")}`
    text += ` ${refused.refusal} ${refused.element} ${parameter(m, 0, Parameter.K1, 2)}`
    for (let i = 0; i < 5; i++) text += ` ${targetRefusal(m, 0, targets, Parameter.K3, i)}`
    return text
  }
  let text = ""
  for (let i = 0; i < 6; i++) {
    const many = 1 + ((c * 37 + i * 11) % 40)
    const k = (c + 3 * i) % many
    const r = draw(c, i) & 4095
    text += ` ${cosine(k, many)} ${sine(k, many)} ${modeGrowth(many, k, r)} ${modeAngle(many, k, r)}`
    text += ` ${oscillationThreshold(many)} ${leadingMode(many, r)}`
    text += ` ${uniformFixedPoint(1 + (draw(c, i + 40) & 16383), r + 1, 1 + (draw(c, i + 50) & 16383))}`
  }
  return `${text} ${heunLimit(5, 4096 + c, 2048)}`
}
