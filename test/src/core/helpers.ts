/** Networks and views of a shard's memory for the tests of the core. */
import "../../../host/base/memory"
import type { Layer, Network } from "../../../host/network/network"
import { sourcesOf } from "../../../host/network/network"
import { Header, Part, PartFlag } from "../../../src/core/layout"
import { backward, forward, partAt } from "../../../src/core/run"

export const Q12 = 4096

/** A small network with the presets' clamps; every field can be replaced. */
export function network(layers: Partial<Layer>[], fields: Partial<Network> = {}): Network {
  return {
    name: "test",
    width: 20,
    layers: layers.map(l => ({
      neurons: 4,
      inputs: 3,
      outputFirst: 3,
      outputs: 2,
      fanIn: 8,
      ...l,
    })),
    seed: 1,
    steps: 6,
    signalBits: 10,
    inputScale: Q12,
    netMin: -819,
    netMax: Q12,
    elementMin: 1229,
    elementMax: 3 * Q12,
    lambdaMax: Q12,
    learnShift: 12,
    margin: 410,
    ...fields,
  }
}

/** Fewer synapses and signals, where so many do not fit on the ring at the layer's steps. */
export function fitted<
  L extends Partial<Layer> & Pick<Layer, "inputs" | "outputFirst" | "outputs">,
>(layer: L): L {
  const { inputs, inputStep = 1, outputFirst, outputs, outputStep = 1 } = layer
  return {
    ...layer,
    inputs: Math.min(inputs, Math.floor(4 / inputStep) + 1),
    outputs: Math.min(outputs, Math.floor((4 - outputFirst) / outputStep) + 1),
  }
}

export function readI16(m: Buffer, at: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => m.readInt16LE(at + 2 * i))
}

export function readI32(m: Buffer, at: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => m.readInt32LE(at + 4 * i))
}

/** Index in its layer of each source on the bus a part reads. */
export function sourceIds(m: Buffer, part: number): number[] {
  const count = m.readUInt16LE(part + Part.Sources)
  const ids = address(m, part, Part.SourceIds)
  return Array.from({ length: count }, (_, s) => (ids === 0 ? s : m.readUInt16LE(ids + 2 * s)))
}

export function writeI16(m: Buffer, at: number, values: number[]): void {
  for (const [i, v] of values.entries()) m.writeInt16LE(v, at + 2 * i)
}

export function writeI32(m: Buffer, at: number, values: number[]): void {
  for (const [i, v] of values.entries()) m.writeInt32LE(v, at + 4 * i)
}

/** A field of a part that is an address. */
export function address(m: Buffer, part: number, field: Part): number {
  return m.readInt32LE(part + field)
}

export function synapsesOf(m: Buffer, part: number): number {
  return m.readUInt16LE(part + Part.Neurons) * m.readUInt16LE(part + Part.Inputs)
}

export function partsOf(m: Buffer): number[] {
  return Array.from({ length: m.readUInt16LE(Header.Parts) }, (_, i) => partAt(i))
}

export function wholeForward(m: Buffer, part: number): void {
  for (let at = 0; at >= 0; ) at = forward(m, part, 0, at)
}

export function wholeBackward(m: Buffer, part: number): void {
  for (let at = 0; at >= 0; ) at = backward(m, part, 0, at)
}

/** Sources of every synapse of every layer. */
export function allSources(net: Network): number[][][] {
  return net.layers.map((l, k) =>
    Array.from({ length: l.neurons * l.inputs }, (_, t) => sourcesOf(net, k + 1, t)),
  )
}

/** Coefficients in the network's own order, cut into layers and synapses, as real numbers. */
export function realCoefficients(sources: number[][][], all: Buffer): number[][][] {
  let at = 0
  return sources.map(layer =>
    layer.map(s =>
      s.map(() => {
        const c = all.readInt16LE(at) / 8192
        at += 2
        return c
      }),
    ),
  )
}

/** Seeded numbers in 0 … 1 (mulberry32): the tests' own, apart from the core's. */
export function uniform(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

/** A random image with about the given share of ink. */
export function randomImage(width: number, next: () => number, ink = 0.4): Uint8Array {
  return Uint8Array.from({ length: width }, () => (next() < ink ? 1 + Math.floor(next() * 255) : 0))
}

/** The shard, made to list the pixels it gets instead of summing them at once. */
export function listing(m: Buffer): Buffer {
  const at = partAt(0) + Part.Flags
  m.writeUInt16LE(m.readUInt16LE(at) & ~PartFlag.AtOnce, at)
  return m
}
