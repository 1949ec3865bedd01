/** The rules on the virtual machine: its bits against Node's, and no chunk it would cut short. */
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { type Member, Relay, SLOTS } from "../../host/fleet/relay"
import { readBoardProfile } from "../../host/hardware/board-profile"
import { exchangeCoefficients, exchangeElements } from "../../host/network/exchange"
import { HostNetwork } from "../../host/network/host-network"
import type { Network } from "../../host/network/network"
import { buildShard } from "../../host/network/shard"
import { addSlices, type Slice } from "../../host/network/slices"
import { checkLinks, isSound } from "../../src/core/check"
import { Header, Part, Rule } from "../../src/core/layout"
import { partAt } from "../../src/core/run"
import { network, randomImage, uniform } from "../src/core/helpers"
import { networkOf, rules } from "../src/core/rule-helpers"
import { type Benches, startBenches } from "./bench"

const SAMPLES = 6
const BOARDS = 2

/** Hidden layers cut in two, the last layer whole on the second board. */
function cut(net: Network): Slice[][] {
  const shares: Slice[][] = [[], []]
  net.layers.forEach((l, k) => {
    const half = k === net.layers.length - 1 ? 0 : l.neurons >> 1
    if (half > 0) addSlices(net, shares[0], k + 1, 0, half)
    addSlices(net, shares[1], k + 1, half, l.neurons - half)
  })
  return shares
}

function trusted(m: Buffer): boolean {
  if (!isSound(m, m.length)) return false
  for (let i = 0; i < m.readUInt16LE(Header.Parts); i++) {
    let at = 0
    while (at >= 0) at = checkLinks(m, partAt(i), at)
    if (at !== -1) return false
  }
  return true
}

describe("a shard with a rule", () => {
  for (const [name, fields] of Object.entries(rules)) {
    const net = networkOf(fields)
    it(`${name}: is sound, and not with its arrays elsewhere`, () => {
      for (const slices of cut(net)) {
        const m = buildShard(net, slices, 2)
        expect(trusted(m)).toBe(true)
        const image = m.readInt32LE(Header.Image)
        const rule = m.readUInt16LE(Header.Rule)
        const refused = (at: number, value: number) => {
          const bad = Buffer.from(m)
          bad.writeInt32LE(value, at)
          expect(trusted(bad), `${value} at ${at}`).toBe(false)
        }
        const outside = [-4, m.length, m.length - 4, 0x7ffffff0]
        if ((rule & Rule.OfNeurons) !== 0)
          for (const value of [...outside, 0, image - 4]) refused(Header.Scratch, value)
        for (let i = 0; i < slices.length; i++) {
          const at = (field: Part) => partAt(i) + field
          const target = m.readInt32LE(at(Part.Coefficient))
          if ((rule & Rule.OfNeurons) !== 0)
            for (const value of [...outside, 0, image - 4]) refused(at(Part.Displacement), value)
          if ((rule & Rule.Elements) !== 0) {
            for (const value of [...outside, 0, target, image]) {
              refused(at(Part.Inhibition), value)
              refused(at(Part.Rest), value)
            }
            for (const value of [...outside, target, image]) refused(at(Part.RestBack), value)
          } else
            for (const field of [Part.Inhibition, Part.Rest, Part.RestBack])
              refused(at(field), image - 64)
          if ((rule & Rule.Pid) === 0) continue
          if ((rule & Rule.FixedLinks) === 0)
            for (const value of [...outside, 0, image - 4]) refused(at(Part.LinkPid), value)
          if ((rule & Rule.Elements) !== 0)
            for (const value of [...outside, 0, image - 4]) refused(at(Part.ElementPid), value)
        }
        const unknown = Buffer.from(m)
        unknown.writeUInt16LE(256, Header.Rule)
        expect(trusted(unknown)).toBe(false)
        if ((rule & Rule.Ring) === 0) continue
        for (const [field, value] of [
          [Header.Generation, 0],
          [Header.Generation, 4097],
          [Header.Generation, m.readUInt16LE(Header.Decay)],
          [Header.Decay, 0],
          [Header.Rule, rule | Rule.Fine],
          [Header.Rule, rule | Rule.Elements],
        ]) {
          const bad = Buffer.from(m)
          bad.writeUInt16LE(value, field)
          expect(trusted(bad), `${value} at ${field}`).toBe(false)
        }
      }
    })
  }

  it("is not sound with chunks that suit the plain product alone", () => {
    const one = network([{ neurons: 51, inputs: 5, outputFirst: 4, outputs: 1, fanIn: 28 }], {
      width: 784,
      steps: 16,
    })
    const large = (fields: Partial<Network>) =>
      buildShard({ ...one, ...fields }, [{ layer: 1, first: 0, count: 51 }], 1)
    const usual = large({})
    const own = large(rules["mixed, all at once"])
    expect(trusted(own)).toBe(true)
    own.writeUInt16LE(
      usual.readUInt16LE(partAt(0) + Part.ChunkNeurons),
      partAt(0) + Part.ChunkNeurons,
    )
    expect(trusted(own)).toBe(false)
  })
})

describe("on the virtual machine", () => {
  let all: Benches
  beforeAll(async () => {
    // The largest parts of sixteen steps take a Pico longer than any deadline.
    all = await startBenches(BOARDS, { profile: readBoardProfile("virtual") })
  })
  afterAll(() => all?.stop())

  async function same(net: Network, shares: Slice[][], ink: number): Promise<void> {
    const shards = shares.map(slices => buildShard(net, slices, SLOTS))
    const members: Member[] = shares.map((slices, i) => ({ board: all.benches[i].board, slices }))
    await Promise.all(members.map(({ board }, i) => board.load(shards[i])))
    const relay = new Relay(net, members)
    const host = new HostNetwork(net)
    const start = [host.coefficients(), host.elements()]
    const next = uniform(net.seed)
    const classes = net.layers.at(-1)?.neurons ?? 1
    let updates = 0
    for (let sample = 0; sample < SAMPLES; sample++) {
      const image = randomImage(net.width, next, ink)
      const predicted = host.train(image, sample % classes)
      const step = await relay.learn(image, sample % classes, sample, updates)
      if (step.learned) updates++
      expect(step.predicted, `sample ${sample}`).toBe(predicted)
    }
    // A board whose share is learnt last tells nobody: its status answers after it.
    await Promise.all(members.map(({ board }) => board.status()))
    const coefficients = Buffer.alloc(host.coefficients().length)
    const elements = Buffer.alloc(host.elements().length)
    for (const [i, { board }] of members.entries()) {
      const m = Buffer.from(await board.read(0, shards[i].length))
      exchangeCoefficients(m, net, coefficients, false)
      exchangeElements(m, net, elements, false)
    }
    expect(coefficients.equals(host.coefficients())).toBe(true)
    expect(elements.equals(host.elements())).toBe(true)
    expect(updates).toBeGreaterThan(2)
    expect([coefficients, elements]).not.toEqual(start)
    expect(all.benches.flatMap(b => b.failures)).toEqual([])
  }

  for (const [name, fields] of Object.entries(rules))
    it(`${name}: on two boards the bits of Node`, async () => {
      const net = networkOf(fields)
      await same(net, cut(net), 0.4)
    })

  for (const name of [
    ...["mixed, all at once", "mixed"],
    ...["links, finer elements", "links, finer elements, a small rate", "links, other K1 to K3"],
  ])
    it(`${name}: the largest part of a board, every pixel lit`, async () => {
      // As much as a board can be asked to do between two yields.
      const layers = [
        { neurons: 51, inputs: 5, outputFirst: 3, outputs: 2, fanIn: 4 },
        { neurons: 10, inputs: 2, outputs: 1, fanIn: 30 },
      ]
      const net = network(layers, { width: 200, steps: 16, margin: 32358, ...rules[name] })
      const slices: Slice[] = []
      net.layers.forEach((l, k) => {
        addSlices(net, slices, k + 1, 0, l.neurons)
      })
      await same(net, [slices], 1)
    })
})
