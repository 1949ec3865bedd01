import { describe, expect, test } from "vitest"
import { HostNetwork } from "../../../host/network/host-network"
import type { Network } from "../../../host/network/network"
import { Header, Part } from "../../../src/core/layout"
import { outputError } from "../../../src/core/run"
import {
  address,
  network,
  partsOf,
  randomImage,
  readI16,
  readI32,
  uniform,
  writeI16,
} from "./helpers"

/** One dense and one sparse layer behind the input. */
const netOf = (fields: Partial<Network>) =>
  network(
    [
      { neurons: 4, fanIn: 8 },
      { neurons: 5, fanIn: 4 },
      { neurons: 3, inputs: 4, outputFirst: 4, outputs: 1, fanIn: 60 },
    ],
    { width: 20, seed: 5, learnShift: 8, margin: 32358, ...fields },
  )

interface Link {
  part: number
  link: number
  source: number
  synapse: number
}

/** All links behind the first layer, as the shard stores them. */
function linksOf(m: Buffer): Link[] {
  return partsOf(m)
    .slice(1)
    .flatMap(part => {
      const sources = m.readUInt16LE(part + Part.Sources)
      const links = m.readInt32LE(part + Part.Links)
      const start = address(m, part, Part.Start)
      if (start === 0)
        return Array.from({ length: links }, (_, link) => ({
          part,
          link,
          source: link % sources,
          synapse: Math.floor(link / sources),
        }))
      return Array.from({ length: sources }, (_, source) => {
        const found: Link[] = []
        const end = m.readUInt16LE(start + 2 * source + 2)
        for (let link = m.readUInt16LE(start + 2 * source); link < end; link++)
          found.push({
            ...{ part, link, source },
            synapse: m[address(m, part, Part.Target) + link],
          })
        return found
      }).flat()
    })
}

const coefficient = (m: Buffer, { part, link }: Link) =>
  m.readInt16LE(address(m, part, Part.Coefficient) + 2 * link)

/** Signal · λ of a link, as real numbers. */
function product(m: Buffer, net: Network, { part, source, synapse }: Link): number {
  const signal = m.readInt16LE(address(m, part, Part.BusIn) + 2 * source)
  const lambda = m.readInt16LE(address(m, part, Part.Lambda) + 2 * synapse)
  return (signal * lambda) / 2 ** (net.signalBits + 12)
}

/** Teaches samples and compares every change with `expected` (in units of G), within `room` bits. */
function compare(
  net: Network,
  samples: number,
  room: number,
  expected: (g: number, key: string) => number,
): number {
  const one = new HostNetwork(net)
  const m = one.memory
  const links = linksOf(m)
  const next = uniform(8)
  // ΔC in Q13 is G in Q(signalBits + 12), shifted right.
  const rate = 2 ** (net.signalBits + 12 - net.learnShift)
  const max = m.readInt16LE(Header.CoefficientMax)
  let farthest = 0
  for (let sample = 0; sample < samples; sample++) {
    const before = links.map(link => coefficient(m, link))
    one.train(randomImage(net.width, next), Math.floor(next() * 3))
    links.forEach((link, i) => {
      const g = product(m, net, link)
      const by = g === 0 ? 0 : rate * expected(g, `${link.part},${link.link}`)
      const after = Math.min(max, Math.max(-max, before[i] + by))
      expect(Math.abs(coefficient(m, link) - after)).toBeLessThan(room)
      farthest = Math.max(farthest, Math.abs(coefficient(m, link) - before[i] - rate * g))
    })
  }
  return farthest
}

describe("method 2", () => {
  test("bounded is ΔC = rate · atan(kt·G)/kt on sparse and dense links", () => {
    // 2^-14 of the bend is lost where G is cut to Q12: 3 · 2^(10 − 5) in Q22, far below a bit of C.
    const net = netOf({ linkBound: 5 })
    const farthest = compare(net, 40, 1.4, g => Math.atan(32 * g) / 32)
    // The bound must have done something.
    expect(farthest).toBeGreaterThan(50)
  })

  test("under PID control follows G, its running mean and its change", () => {
    const net = netOf({
      pid: { proportional: 24, integral: 16, differential: 8, memory: 3 },
    })
    const integral = new Map<string, number>()
    const last = new Map<string, number>()
    const farthest = compare(net, 40, 1.5, (g, key) => {
      const mean = (integral.get(key) ?? 0) + (g - (integral.get(key) ?? 0)) / 8
      const by = 1.5 * g + mean + 0.5 * (g - (last.get(key) ?? 0))
      integral.set(key, mean)
      last.set(key, g)
      return by
    })
    expect(farthest).toBeGreaterThan(50)
  })

  test("held fixed still sends the signal back: the same λ as links that learn", () => {
    const elements = { shift: 24, bound: 12, min: 8191, max: 8193, signal: "product" as const }
    const usual = new HostNetwork(netOf({}))
    const fixed = new HostNetwork(netOf({ rule: "elements", elements }))
    const image = randomImage(20, uniform(3))
    usual.train(image, 1)
    fixed.train(image, 1)
    const lambdas = (m: Buffer) =>
      partsOf(m).map(part =>
        readI16(
          m,
          address(m, part, Part.Lambda),
          m.readUInt16LE(part + Part.Neurons) * m.readUInt16LE(part + Part.Inputs),
        ),
      )
    expect(lambdas(fixed.memory)).toEqual(lambdas(usual.memory))
    expect(
      lambdas(fixed.memory)
        .flat()
        .some(l => l !== 0),
    ).toBe(true)
  })
})

describe("the papers' two targets", () => {
  const one = new HostNetwork(netOf({ targets: { high: 1000, low: -300 }, errorShift: 1 }))
  const m = one.memory
  const part = partsOf(m)[2]
  const set = (outputs: number[]) => {
    writeI16(m, address(m, part, Part.BusOut), outputs)
    m.fill(0, address(m, part, Part.BackIn), address(m, part, Part.BackIn) + 12)
  }

  test("on failure: target − O on every output, here halved", () => {
    // Signals have 10 bits: the targets 0.244 and −0.073 are 250 and −75.
    set([40, -10, 30])
    expect(outputError(m, part, 0, 2)).toBe(true)
    const errors = readI32(m, address(m, part, Part.BackIn), 3).map(v => (2 * v) / 2 ** 25)
    expect(errors).toEqual([(-75 - 40) / 1024, (-75 + 10) / 1024, (250 - 30) / 1024])
  })

  test("nothing on success, however small the lead", () => {
    set([40, -10, 41])
    expect(outputError(m, part, 0, 2)).toBe(false)
    expect(readI32(m, address(m, part, Part.BackIn), 3)).toEqual([0, 0, 0])
  })

  test("by squares of every sample: on success too, target − O on every output", () => {
    const squares = new HostNetwork(netOf({ targets: { high: 1000, low: -300, always: true } }))
    const all = squares.memory
    const last = partsOf(all)[2]
    writeI16(all, address(all, last, Part.BusOut), [40, -10, 260])
    expect(outputError(all, last, 0, 2)).toBe(true)
    const errors = readI32(all, address(all, last, Part.BackIn), 3).map(v => v / 2 ** 25)
    expect(errors).toEqual([(-75 - 40) / 1024, (-75 + 10) / 1024, (250 - 260) / 1024])
  })
})
