import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { encodeRuns } from "../../../host/data/runs"
import { signalsOf } from "../../../host/network/network"
import { buildShard } from "../../../host/network/shard"
import { faultOf } from "../../../host/network/validate"
import { checkLinks, isSound } from "../../../src/core/check"
import { activateRuns, clearImage } from "../../../src/core/image"
import { Header, Part } from "../../../src/core/layout"
import { partAt } from "../../../src/core/run"
import { address, listing, network, Q12, randomImage, uniform } from "../../src/core/helpers"

const part = partAt(0)
const build = (inputSignals: number | undefined, width = 20, fields = {}) =>
  listing(
    buildShard(
      network([{ neurons: 3, fanIn: 7 }], { width, inputSignals, ...fields }),
      [{ layer: 1, first: 0, count: 3 }],
      1,
    ),
  )

function listOf(m: Buffer): [number, number][] {
  const list = address(m, part, Part.List)
  return Array.from({ length: m.readInt32LE(list) }, (_, i) => [
    m.readUInt16LE(list + 4 + 4 * i),
    m.readInt16LE(list + 6 + 4 * i),
  ])
}

/** Mean displacements of a neuron with u on element 0, by the equations in float64. */
function response(u: number, steps: number): number[] {
  const slope = (e: number[]) =>
    e.map((x, i) => e[(i + 4) % 5] - 0.5 * x - 0.5 * x * e[(i + 3) % 5] + (i === 0 ? u : 0))
  let e = [1, 1, 1, 1, 1]
  const sum = [0, 0, 0, 0, 0]
  for (let n = 0; n < steps; n++) {
    const f = slope(e)
    const g = slope(e.map((x, i) => x + 0.75 * f[i]))
    e = e.map((x, i) => Math.min(3, Math.max(0.3, x + 0.375 * (f[i] + g[i]))))
    e.forEach((x, i) => {
      sum[i] += x - 1
    })
  }
  return sum.map(x => x / steps)
}

describe("an input neuron of several signals", () => {
  test("responds on each of the elements 1, 2, 3 and 4 as the equations say", () => {
    for (const scale of [0.3, 1, 2]) {
      const m = build(4, 20, { inputScale: Math.round(scale * Q12), signalBits: 12, steps: 8 })
      const table = m.readInt32LE(Header.InputTable)
      for (let pixel = 0; pixel < 256; pixel += 5) {
        const expected = response((pixel / 255) * scale, 8)
        for (let k = 0; k < 4; k++)
          // A mean of eight steps that each round a few parts of 2^12.
          expect(
            Math.abs(m.readInt16LE(table + 2 * (pixel * 4 + k)) / Q12 - expected[k + 1]),
          ).toBeLessThan(8 / Q12)
      }
      for (let k = 0; k < 4; k++) expect(m.readInt16LE(table + 2 * k)).toBe(0)
    }
  })

  test("gives on element 1 what an input neuron of one signal gives, which stays the default", () => {
    const one = build(undefined)
    const four = build(4)
    for (let pixel = 0; pixel < 256; pixel++)
      expect(four.readInt16LE(four.readInt32LE(Header.InputTable) + 8 * pixel)).toBe(
        one.readInt16LE(one.readInt32LE(Header.InputTable) + 2 * pixel),
      )
    expect(build(1).equals(one)).toBe(true)
  })

  test("is listed once for each signal, in order, up to a full image", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 4 }),
        fc.integer({ min: 1, max: 300 }),
        fc.nat(),
        (signals, width, seed) => {
          const m = build(signals, width)
          const image = randomImage(width, uniform(seed), 0.7)
          const table = m.readInt32LE(Header.InputTable)
          const runs = encodeRuns(image)
          clearImage(m, part)
          expect(activateRuns(m, part, runs, 0, runs.length, 0)).toBeGreaterThanOrEqual(0)
          expect(listOf(m)).toEqual(
            [...image].flatMap((pixel, i) =>
              pixel === 0
                ? []
                : Array.from({ length: signals }, (_, k) => [
                    i * signals + k,
                    m.readInt16LE(table + 2 * (pixel * signals + k)),
                  ]),
            ),
          )
        },
      ),
      { numRuns: 60 },
    )
    const m = build(4, 50)
    const full = encodeRuns(new Uint8Array(50).fill(255))
    clearImage(m, part)
    expect(activateRuns(m, part, full, 0, full.length, 0)).toBe(50)
    expect(listOf(m).length).toBe(200)
    // The list is full: no pixel fits, and what lies behind it is untouched.
    const end = address(m, part, Part.List) + 4 + 4 * 200
    const before = m.subarray(end).toString("hex")
    expect(activateRuns(m, part, full, 0, full.length, 0)).toBe(-1)
    expect(m.subarray(end).toString("hex")).toBe(before)
  })

  test("is told from others by a board's check and by the layout hash", () => {
    const sound = (m: Buffer) => {
      let at = isSound(m, m.length) ? 0 : -2
      while (at >= 0) at = checkLinks(m, part, at)
      return at === -1
    }
    for (const signals of [1, 2, 3, 4]) expect(sound(build(signals))).toBe(true)
    for (const wrong of [0, 3, 5, 60000]) {
      const m = build(4)
      m.writeUInt16LE(wrong, Header.InputSignals)
      expect(sound(m), `${wrong} signals`).toBe(false)
    }
    // A table of 2 KiB that would end behind the part of memory that is loaded.
    const m = build(4)
    m.writeInt32LE(m.readInt32LE(Header.Image) - 2047, Header.InputTable)
    expect(sound(m)).toBe(false)
    expect(build(4).readInt32LE(Header.LayoutHash)).not.toBe(
      build(1).readInt32LE(Header.LayoutHash),
    )
  })

  test("is counted in the signals, and refused past four or 65,535", () => {
    expect(signalsOf(network([{}], { width: 784, inputSignals: 4 }), 0)).toBe(3136)
    expect(faultOf(network([{}], { inputSignals: 5 }))).toContain("inputSignals")
    expect(faultOf(network([{}], { inputSignals: 0 }))).toContain("inputSignals")
    expect(faultOf(network([{}], { inputSignals: 4, width: 16384 }))).toContain("65,535")
    expect(faultOf(network([{}], { inputSignals: 4, width: 16383 }))).toBe("")
  })
})
