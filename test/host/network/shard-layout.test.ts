/** Where a shard has what. */
import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { HostNetwork } from "../../../host/network/host-network"
import { isDense, type Network } from "../../../host/network/network"
import { pico16 } from "../../../host/network/presets"
import { buildShard } from "../../../host/network/shard"
import type { Slice } from "../../../host/network/slices"
import { Header, Part } from "../../../src/core/layout"
import { address, network, partsOf, sourceIds, synapsesOf, uniform } from "../../src/core/helpers"

import { networkOf, networks, randomPlan } from "./random-networks"

const layerOf = (m: Buffer, part: number) => m.readUInt16LE(part + Part.Layer)

/** Every area of a shard, by name, as its first byte and the one behind its last. */
function areasOf(m: Buffer, net: Network): Map<string, [number, number]> {
  const areas = new Map<string, [number, number]>()
  const slots = m.readUInt16LE(Header.Slots)
  const parts = partsOf(m)
  const put = (name: string, at: number, bytes: number) => {
    const known = areas.get(name)
    // Shared areas: the same address from each part; the longest use of it counts.
    if (known) expect(at).toBe(known[0])
    areas.set(name, [at, Math.max(at + bytes, known?.[1] ?? 0)])
  }
  put("header", 0, Header.Length)
  put("descriptors", Header.Length, parts.length * Part.Length)
  put("input table", m.readInt32LE(Header.InputTable), 512)
  for (const [i, part] of parts.entries()) {
    const layer = layerOf(m, part)
    const links = m.readInt32LE(part + Part.Links)
    const synapses = synapsesOf(m, part)
    const sources = sourceIds(m, part).length
    const width = m.readUInt16LE(part + Part.BusOutWidth)
    put(`coefficients ${i}`, address(m, part, Part.Coefficient), 2 * links)
    if (isDense(net, layer)) {
      for (const field of [Part.Start, Part.Target, Part.List])
        expect(address(m, part, field)).toBe(0)
    } else {
      put(`starts ${i}`, address(m, part, Part.Start), 2 * (sources + 1))
      put(`targets ${i}`, address(m, part, Part.Target), links)
      const list = layer === 1 ? "image list" : "signal list"
      put(list, address(m, part, Part.List), 4 + 4 * sources)
    }
    const ids = address(m, part, Part.SourceIds)
    if (ids !== 0) put(`sources of ${layer}`, ids, 2 * sources)
    const neurons = address(m, part, Part.NeuronIds)
    if (neurons !== 0) put(`neurons ${i}`, neurons, 2 * m.readUInt16LE(part + Part.Neurons))
    put(`sums ${i}`, address(m, part, Part.Sum), 4 * synapses)
    put(`states ${i}`, address(m, part, Part.State), 10 * m.readUInt16LE(part + Part.Neurons))
    put(`lambda ${i}`, address(m, part, Part.Lambda), 2 * synapses)
    put(`noise ${i}`, address(m, part, Part.Noise), 2 * synapses)
    put(`bus ${layer}`, address(m, part, Part.BusOut), 2 * slots * width)
    put(`backward sums ${layer}`, address(m, part, Part.BackIn), 4 * width)
    if (layer > 1) {
      put(`bus ${layer - 1}`, address(m, part, Part.BusIn), 2 * slots * sources)
      put(`backward sums ${layer - 1}`, address(m, part, Part.BackOut), 4 * sources)
    } else {
      expect(address(m, part, Part.BusIn)).toBe(0)
      expect(address(m, part, Part.BackOut)).toBe(0)
    }
  }
  return areas
}

const LOADED = /^(header|descriptors|input table|coefficients|starts|targets|sources|neurons)/

function checkLayout(m: Buffer, net: Network): void {
  const image = m.readInt32LE(Header.Image)
  expect(m.readInt32LE(Header.Size)).toBe(m.length)
  let end = 0
  let before = "start"
  const sorted = [...areasOf(m, net)].sort((a, b) => a[1][0] - b[1][0] || a[1][1] - b[1][1])
  for (const [name, [from, to]] of sorted) {
    expect(from, `${name} overlaps ${before}`).toBeGreaterThanOrEqual(end)
    // Two bytes of alignment at most a part's odd bytes ask for; the rest would be waste.
    expect(from - end, `between ${before} and ${name}`).toBeLessThan(4)
    expect(to, name).toBeLessThanOrEqual(LOADED.test(name) ? image : m.length)
    if (!LOADED.test(name)) expect(from, name).toBeGreaterThanOrEqual(image)
    end = to
    before = name
  }
  expect(m.length - end).toBeLessThan(4)
}

describe("the layout of a shard", () => {
  test("has no two areas that overlap, and no gap beyond alignment", () => {
    fc.assert(
      fc.property(
        networks,
        fc.integer({ min: 1, max: 4 }),
        fc.integer({ min: 1, max: 5 }),
        fc.nat(),
        (shape, count, slots, salt) => {
          const net = networkOf(shape)
          for (const slices of randomPlan(net, count, uniform(salt)))
            checkLayout(buildShard(net, slices, slots), net)
        },
      ),
      { numRuns: 150 },
    )
  })

  test("has no overlaps either when the slices come in another order", () => {
    const net = network([{ neurons: 2 }, { neurons: 8, fanIn: 3 }, { neurons: 2, fanIn: 3 }])
    checkLayout(
      buildShard(
        net,
        [
          { layer: 2, first: 0, count: 8 },
          { layer: 1, first: 0, count: 2 },
          { layer: 3, first: 0, count: 2 },
        ],
        1,
      ),
      net,
    )
  })

  test("grows with neurons, slots and parts", () => {
    const net = network([{ neurons: 9, fanIn: 6 }, { neurons: 5 }])
    const size = (slices: Slice[], slots = 1) => buildShard(net, slices, slots).length
    for (const layer of [1, 2])
      for (let count = 1; count < net.layers[layer - 1].neurons; count++)
        expect(size([{ layer, first: 0, count: count + 1 }])).toBeGreaterThan(
          size([{ layer, first: 0, count }]),
        )
    const slice = { layer: 1, first: 0, count: 3 }
    // One slot of its own six signals of two bytes.
    expect(size([slice], 2) - size([slice], 1)).toBe(12)
    expect(size([slice, { layer: 2, first: 0, count: 1 }])).toBeGreaterThan(size([slice]))
  })

  test("states the number formats the network asks for", () => {
    for (let steps = 2; steps <= 16; steps++)
      for (const signalBits of [6, 10, 12]) {
        const net = network([{}], { steps, signalBits, margin: 999, learnShift: 13, seed: -7 })
        const m = buildShard(net, [{ layer: 1, first: 0, count: 4 }], 3)
        const u16 = (field: Header) => m.readUInt16LE(field)
        expect(u16(Header.Steps)).toBe(steps)
        // The nearest, not the floor: the mean of a signal would lie low.
        expect(Math.abs(u16(Header.Reciprocal) - 65536 / steps)).toBeLessThanOrEqual(0.5)
        expect(u16(Header.SignalShift)).toBe(28 - signalBits)
        expect(u16(Header.NetShift)).toBe(signalBits + 1)
        expect(u16(Header.Margin)).toBe(Math.floor(999 / 2 ** (12 - signalBits)))
        expect(u16(Header.LearnShift)).toBe(13)
        expect(u16(Header.Slots)).toBe(3)
        expect(u16(Header.Width)).toBe(20)
        expect(m.readInt32LE(Header.Seed)).toBe(-7)
      }
  })

  test("zeroes the working memory and says nothing of the sample before the first", () => {
    const m = new HostNetwork(pico16(1)).memory
    expect(m.subarray(m.readInt32LE(Header.Image)).every(byte => byte === 0)).toBe(true)
  })

  test("is told by the layout hash: another seed, cut, clamp or link structure has another", () => {
    const net = network([{ neurons: 5, fanIn: 7 }, { neurons: 4 }])
    const hash = (n: Network, slices: Slice[], slots = 1) =>
      buildShard(n, slices, slots).readInt32LE(Header.LayoutHash)
    const slice = { layer: 1, first: 0, count: 3 }
    const hashes = [
      hash(net, [slice]),
      hash({ ...net, seed: 2 }, [slice]),
      hash(net, [{ ...slice, first: 1 }]),
      hash(net, [{ ...slice, count: 2 }]),
      hash(net, [slice], 2),
      hash({ ...net, learnShift: 11 }, [slice]),
      hash({ ...net, netMax: 4000 }, [slice]),
      hash({ ...net, steps: 7 }, [slice]),
    ]
    expect(new Set(hashes).size).toBe(hashes.length)
    expect(hash(net, [slice])).toBe(hashes[0])
  })

  test("more synapses than a byte can name are refused", () => {
    const net = network([{ neurons: 86, inputs: 3, fanIn: 4 }])
    expect(() => buildShard(net, [{ layer: 1, first: 0, count: 86 }], 1)).toThrow("256 synapses")
    expect(buildShard(net, [{ layer: 1, first: 0, count: 85 }], 1).length).toBeGreaterThan(0)
  })
})
