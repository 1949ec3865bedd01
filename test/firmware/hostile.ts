/**
 * Hostile input for a board's program, the same for both kinds of board: shards that claim what is not
 * so, most of them one or a few numbers away from a sound one, and messages to whatever was loaded.
 */
import { encodeRuns } from "../../host/data/runs"
import { wholeNetwork } from "../../host/network/host-network"
import type { Network } from "../../host/network/network"
import { buildShard } from "../../host/network/shard"
import type { Slice } from "../../host/network/slices"
import { checkLinks, isSound } from "../../src/core/check"
import { Header, Kernel, Part, PartFlag, Rule } from "../../src/core/layout"
import {
  BackField,
  BackFlag,
  Command,
  checksum,
  ImageFlag,
  PROTOCOL_VERSION,
  SignalsField,
  SumsField,
} from "../../src/wire/protocol"
import { network, partsOf, randomImage, uniform } from "../src/core/helpers"
import { kernelNetwork } from "../src/core/kernel-networks"
import { bytes } from "./bytes"

/** A command as a board gets it. */
export interface Message {
  command: number
  payload: Buffer
}

const SLOTS = 4
const three = network([
  { neurons: 5, fanIn: 7 },
  { neurons: 4, fanIn: 6 },
  { neurons: 3, outputs: 1 },
])
const mixed = network([{}, {}, { neurons: 3, outputs: 1 }], {
  rule: "mixed",
  linkBound: 3,
  pid: { proportional: 16, integral: 4, differential: 4, memory: 5 },
  elements: { signal: "gradient", shift: 14, bound: 3, min: 4096, max: 13926 },
})
const papers = network(
  [
    { neurons: 4, inputs: 5 },
    { neurons: 3, outputs: 1 },
  ],
  {
    backward: "bsp",
    targets: { high: 1200, low: -200 },
  },
)
const finer = network(
  [
    { inputs: 2, outputFirst: 1 },
    { neurons: 3, outputs: 1 },
  ],
  {
    elementBits: 16,
    elementMax: 11776,
    softmaxGain: 400,
  },
)
const two = network(
  [
    { inputs: 2, outputFirst: 1 },
    { neurons: 3, inputs: 2, outputFirst: 1, outputs: 1 },
  ],
  { softmaxGain: 300 },
)
const kernels = kernelNetwork(
  [5, 4],
  [
    { channels: 2, width: 2, height: 2, stride: 1, inputs: 2, outputFirst: 1, outputs: 2 },
    { channels: 3, width: 2, height: 3, stride: 2, inputs: 1, outputFirst: 1, outputs: 2 },
  ],
  3,
  {},
)
const signals = network([{}, { neurons: 3, outputs: 1 }], { inputSignals: 2, width: 9 })

/** Sound shards that between them have every kind of part, list, table and rule. */
export const soundShards: [string, Buffer][] = [
  ["three layers", whole(three)],
  ["that reports", buildShard(three, [{ layer: 1, first: 1, count: 3 }], SLOTS)],
  ["that awaits", part(three, { layer: 2, first: 1, count: 2 }, { layer: 3, first: 0, count: 3 })],
  [
    "of some outputs",
    part(three, { layer: 1, first: 0, count: 5 }, { layer: 3, first: 0, count: 1 }),
  ],
  [
    "of chosen neurons",
    buildShard(three, [{ layer: 1, first: 0, count: 2, neurons: [1, 4] }], SLOTS),
  ],
  [
    "of two parts a layer",
    part(three, { layer: 1, first: 0, count: 2 }, { layer: 1, first: 2, count: 2 }),
  ],
  [
    "of outputs all boards add up",
    part(three, { layer: 2, first: 1, count: 3 }, { layer: 3, first: 0, count: 3, partial: true }),
  ],
  ["that learns all", whole(mixed)],
  ["of the papers", whole(papers)],
  ["of finer elements", whole(finer)],
  ["of the smallest neurons", whole(two)],
  ["of several signals a pixel", whole(signals)],
  ["of single links", whole({ ...three, linking: "strict" })],
  ["of shared kernels", whole(kernels)],
  ["of kernels that others read", part(kernels, { layer: 1, first: 0, count: 24 })],
  [
    "of kernels that await",
    part(kernels, { layer: 2, first: 0, count: 6 }, { layer: 3, first: 0, count: 3 }),
  ],
]

function whole(net: Network): Buffer {
  return buildShard(net, wholeNetwork(net), SLOTS)
}

function part(net: Network, ...slices: Slice[]): Buffer {
  return buildShard(net, slices, SLOTS)
}

type Change = [at: number, bits: 16 | 32, value: number]
const first = Header.Length
const second = first + Part.Length
const MOST = 0x7fffffff

/** Shards that led the native program out of its memory, or would without one of the checks. */
export const namedShards: [string, Buffer][] = [
  ...[Part.Start, Part.Target, Part.Coefficient, Part.Sum, Part.State, Part.BusOut].flatMap(field =>
    [3, 7, 63, 999].map((less): [string, Buffer] => [
      `${Part[field]} ${less + 1} below 2^31`,
      changed("three layers", [first + field, 32, MOST - less]),
    ]),
  ),
  ...[Part.BusIn, Part.BackIn, Part.BackOut, Part.Lambda, Part.Noise, Part.List].map(
    (field): [string, Buffer] => [
      `${Part[field]} just below 2^31`,
      changed("three layers", [second + field, 32, MOST - 3]),
    ],
  ),
  ["as many links as there are numbers", changed("three layers", [first + Part.Links, 32, MOST])],
  ["a table below 2^31", changed("three layers", [Header.InputTable, 32, MOST - 511])],
  ["a scratch record below 2^31", changed("that learns all", [Header.Scratch, 32, MOST - 123])],
  [
    "neurons and inputs of 2^16",
    changed("three layers", [first + 2, 32, -1], [first + 6, 16, 65535]),
  ],
  ["net inputs from high to low", changed("three layers", [Header.NetMin, 16, 5000])],
  ["elements from high to low", changed("of the smallest neurons", [Header.ElementMax, 16, 1000])],
  ["no room between clamps", changed("of the smallest neurons", [Header.ElementMax, 16, 1229])],
  ["a negative clamp of λ", changed("of the smallest neurons", [Header.LambdaMax, 16, 0x8000])],
  ["a negative clamp of C", changed("three layers", [Header.CoefficientMax, 16, 0x8000])],
  ["K3 from high to low", changed("that learns all", [Header.InhibitionMin, 16, 16000])],
  ["a signal shift of 0", changed("of finer elements", [Header.SignalShift, 16, 0])],
  ["a signal shift of 31", changed("of the smallest neurons", [Header.SignalShift, 16, 31])],
  ["PID at a shift of 2", changed("that learns all", [Header.LearnShift, 16, 2])],
  ["PID at a shift of 0", changed("that learns all", [Header.LearnShift, 16, 0])],
  ...kernelShards(),
]

/** Sound, with backward signals of the second layer that are finer: its rate is a sum. */
export const finerSignals = (): Buffer => changed("three layers", [second + Part.Finer, 16, 4])

/** Kernels that reach past their layer, their coefficients or the memory, or are not a whole layer. */
function kernelShards(): [string, Buffer][] {
  const sound = whole(kernels)
  const shards: [string, Buffer][] = []
  const change = (name: string, at: number, value: number, bits: 16 | 32 = 16) => {
    shards.push([name, changed("of shared kernels", [at, bits, value])])
  }
  for (const [i, part] of [first, second].entries()) {
    const kernel = sound.readInt32LE(part + Part.Start)
    for (let field = 0; field < Kernel.CoefficientMax; field += 2) {
      const old = sound.readUInt16LE(kernel + field)
      // Windows as far apart as they like, where there is one alone.
      const values = field === Kernel.Stride ? [0] : [0, old + 1, 257, 4096, 32768, 65535]
      for (const value of values)
        change(`layer ${i + 1}, ${Kernel[field]} ${value}`, kernel + field, value)
    }
    change("a clamp of kernels past 2^15", kernel + Kernel.CoefficientMax, 32768)
    for (const field of [Part.Start, Part.Coefficient, Part.Sum, Part.State, Part.Lambda])
      change(`layer ${i + 1}, ${Part[field]} below 2^31`, part + field, MOST - 3, 32)
    for (const field of [Part.Neurons, Part.Inputs, Part.Sources, Part.Links, Part.Outputs])
      for (const more of [1, 1000])
        change(
          `layer ${i + 1}, ${more} more ${Part[field]}`,
          part + field,
          sound.readUInt16LE(part + field) + more,
        )
    change(`layer ${i + 1}, kernels at an odd address`, part + Part.Start, kernel + 1, 32)
    change(`layer ${i + 1}, no coefficients`, part + Part.Links, 0, 32)
    const flags = sound.readUInt16LE(part + Part.Flags)
    for (const name of ["Output", "Dense", "Await", "AtOnce", "Partial", "Picked"] as const)
      change(`layer ${i + 1}, and ${name}`, part + Part.Flags, flags | PartFlag[name])
  }
  change("pixels laid out below 2^31", first + Part.BusIn, MOST - 3, 32)
  change(
    "pixels laid out over their list",
    first + Part.BusIn,
    sound.readInt32LE(first + Part.List),
    32,
  )
  change("kernels by another rule", Header.Rule, Rule.FixedLinks)
  return shards
}

function changed(name: string, ...changes: Change[]): Buffer {
  const m = Buffer.from(soundShards.find(([called]) => called === name)![1])
  for (const [at, bits, value] of changes) {
    if (bits === 16) m.writeUInt16LE(value & 0xffff, at)
    else m.writeInt32LE(value, at)
  }
  return m
}

/** Both checks, as a board runs them. */
export function isTrusted(m: Buffer): boolean {
  if (!isSound(m, m.length)) return false
  for (const at of partsOf(m)) {
    let link = 0
    while (link >= 0) link = checkLinks(m, at, link)
    if (link !== -1) return false
  }
  return true
}

/** The shard in as much memory as a board has, of which what it does not load is 0. */
export function inMemory(shard: Buffer, size: number): Buffer {
  const m = Buffer.alloc(size)
  const image = shard.readInt32LE(Header.Image)
  shard.copy(m, 0, 0, Math.min(image > 0 ? image : shard.length, shard.length, size))
  return m
}

/** A shard of that number: a sound one with a few numbers changed, or a header of random ones. */
export function hostileShard(number: number): Buffer {
  const next = uniform(number)
  const below = (n: number) => Math.floor(next() * n)
  const m = Buffer.from(soundShards[below(soundShards.length)][1])
  const parts = m.readUInt16LE(Header.Parts)
  const descriptors = Header.Length + parts * Part.Length
  const image = m.readInt32LE(Header.Image)
  if (next() < 0.1) {
    // Magic, version and sizes stay, or it would not be looked at any further.
    for (let at = Header.Parts; at < descriptors; at++) if (next() < 0.5) m[at] = below(256)
    return m
  }
  if (next() < 0.3) m.writeInt32LE(m.length + 4 * below(600), Header.Size)
  const changes = 1 + below(4)
  for (let i = 0; i < changes; i++) {
    // Fields are often read from the descriptors, sometimes from links and tables.
    const at = 2 * below((next() < 0.85 ? descriptors : image) >> 1)
    if (at === Header.Image || at === Header.LayoutHash) continue
    const wide = next() < 0.5 && at + 4 <= image
    const old = wide ? m.readInt32LE(at) : m.readUInt16LE(at)
    const elsewhere = 4 * below(descriptors >> 2)
    const values = [
      below(8),
      old + below(17) - 8,
      below(m.length),
      m.readInt32LE(elsewhere),
      MOST - below(1500),
      -1 - below(1500),
      below(65536),
      32767 + below(3),
      1 << below(31),
    ]
    const value = values[below(values.length)]
    if (wide) m.writeInt32LE(value | 0, at)
    else m.writeUInt16LE(value & 0xffff, at)
  }
  return m
}

/** What loads a shard, with the right checksum and hash, so that only its soundness is in question. */
export function loading(shard: Buffer): Message[] {
  const size = shard.readInt32LE(Header.Image)
  const image = shard.subarray(0, size > 0 && size <= shard.length ? size & ~1 : shard.length & ~1)
  const sum = checksum(image, 0, image.length, 0)
  const messages: Message[] = [
    {
      command: Command.Begin,
      payload: bytes(
        { u16: 1 },
        { u16: PROTOCOL_VERSION },
        { u32: image.length },
        { u32: sum },
        { u32: shard.readInt32LE(Header.LayoutHash) },
      ),
    },
  ]
  for (let at = 0; at < image.length; at += 224)
    messages.push({
      command: Command.Slice,
      payload: bytes({ u32: at }, { raw: image.subarray(at, at + 224) }),
    })
  messages.push({ command: Command.Commit, payload: bytes({ u16: 2 }) })
  return messages
}

/**
 * Messages to whatever shard is loaded: samples named and learnt as a host would, settings at their
 * ends, signals and sums of any value, and among them such as no host sends.
 */
export function hostileMessages(number: number): Message[] {
  const next = uniform(number ^ 0x5ca1ab1e)
  const below = (n: number) => Math.floor(next() * n)
  const word = () => [below(70000), -1 - below(9), MOST - below(9), below(MOST)][below(4)]
  const messages: Message[] = []
  const send = (command: number, ...fields: Parameters<typeof bytes>) =>
    messages.push({ command, payload: bytes(...fields) })
  let updates = 0
  let sample = below(100)
  for (let i = 0; i < 10; i++) {
    sample += 1 + below(2)
    const kind = below(10)
    if (kind === 0)
      send(Command.Set, { u16: 3 }, { u8: below(4) }, { u32: next() < 0.5 ? below(26) : word() })
    else if (kind === 1)
      send(
        Command.Read,
        { u16: 4 },
        { u32: next() < 0.5 ? below(4000) : word() },
        { u16: next() < 0.8 ? below(240) : below(65536) },
      )
    else if (kind === 2)
      messages.push({
        command: next() < 0.5 ? 0x80 + below(0x14) : below(65536),
        payload: Buffer.from(Array.from({ length: below(237) }, () => below(256))),
      })
    else if (kind === 3) send(Command.Save, { u16: below(3) }, { u32: i }, { u32: 1 }, { u32: 1 })
    else if (kind === 4) send(Command.Restore, { u16: 5 }, { u32: below(4) })
    else {
      const learns = next() < 0.7
      const flags = ImageFlag.First | ImageFlag.Last | (learns ? ImageFlag.Learn : ImageFlag.Flush)
      const runs =
        next() < 0.9
          ? encodeRuns(randomImage(next() < 0.9 ? 20 : 9, next, 0.5))
          : Buffer.from(Array.from({ length: below(224) }, () => below(next() < 0.5 ? 6 : 256)))
      send(
        Command.Image,
        { u32: next() < 0.95 ? sample : word() },
        { u32: updates },
        { u8: flags },
        { u8: below(4) },
        { u16: 0 },
        { raw: Buffer.from(runs) },
      )
      // As if other boards had sent what this one awaits.
      for (const layer of [1, 2, 3]) {
        if (next() < 0.5) continue
        const count = 1 + below(12)
        const values = Buffer.alloc(2 * count)
        for (let k = 0; k < count; k++) values.writeUInt16LE(below(65536), 2 * k)
        const at = Buffer.alloc(SignalsField.Length)
        at.writeInt32LE(sample, SignalsField.Sample)
        at[SignalsField.Layer] = layer
        at[SignalsField.Count] = count
        at.writeUInt16LE(next() < 0.5 ? 0 : below(14), SignalsField.First)
        send(Command.Signals, { raw: at }, { raw: values })
      }
      if (next() < 0.5) {
        const count = next() < 0.9 ? 9 : below(58)
        const at = Buffer.alloc(SumsField.Length)
        at.writeInt32LE(sample, SumsField.Sample)
        at[SumsField.Layer] = 3
        at[SumsField.Count] = count
        const sums = Buffer.alloc(4 * count)
        for (let k = 0; k < sums.length; k += 4) sums.writeInt32LE(word(), k)
        send(Command.Sums, { raw: at }, { raw: sums })
      }
      for (const layer of [3, 2, 1]) {
        if (next() < 0.5) continue
        const at = Buffer.alloc(BackField.Length)
        at.writeInt32LE(sample, BackField.Sample)
        at[BackField.Layer] = layer
        at[BackField.Flags] = BackFlag.Last
        const sums = Buffer.alloc(4 * below(9))
        for (let k = 0; k < sums.length; k += 4) sums.writeInt32LE(word(), k)
        send(Command.Back, { raw: at }, { raw: sums })
      }
      if (learns) updates += next() < 0.8 ? 1 : 0
    }
  }
  return messages
}
