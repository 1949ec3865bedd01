/**
 * docs/spec decodes a run: what went between the host and a virtual board is read here by the tables of
 * that page, with nothing of the tool, and compared with what was meant.
 */
import { createHash } from "node:crypto"
import { readFileSync } from "node:fs"
import { beforeAll, describe, expect, it } from "vitest"
import { pickSlices } from "../../host/data/runs"
import { encodeFrame } from "../../host/link/jdusb"
import { loadModel } from "../../host/models/model-file"
import { HostNetwork, wholeNetwork } from "../../host/network/host-network"
import { coefficientMaxOf, sourcesOf } from "../../host/network/network"
import { buildShard } from "../../host/network/shard"
import { pickedShare, pickedSources } from "../../host/network/shard-places"
import { sizedNetwork } from "../../host/network/sized-network"
import { CountedBoard } from "../../host/profile/counted-board"
import { firmware } from "../firmware/compiled"
import { ROOT } from "../root"
import { network, randomImage, uniform } from "../src/core/helpers"

// The reader: it knows the page and these two ways of reading a table, no more.

const page = readFileSync(`${ROOT}docs/spec/README.md`, "utf8")

/** The rows of the table that follows a line which begins so. */
function tableAfter(heading: string): string[][] {
  const from = page.slice(page.indexOf(heading))
  const lines = from.slice(from.indexOf("\n|")).trimStart().split("\n")
  const end = lines.findIndex(line => !line.startsWith("|"))
  return lines.slice(2, end).map(line =>
    line
      .split(/(?<!\\)\|/)
      .slice(1, -1)
      .map(cell => cell.trim().replaceAll("`", "")),
  )
}

type Row = Record<string, number>

function number(bytes: Buffer, at: number, format: string): number {
  const length = Number(format.slice(1)) / 8
  return format[0] === "i" ? bytes.readIntLE(at, length) : bytes.readUIntLE(at, length)
}

/** The plain numbers of a table of offsets. */
function record(bytes: Buffer, at: number, table: string[][]): Row {
  return Object.fromEntries(
    table
      .filter(([, format]) => /^[iu](?:8|16|32)$/.test(format))
      .map(([offset, format, field]) => [field, number(bytes, at + Number(offset), format)]),
  )
}

const FRAME = tableAfter("## Frames")
const PACKET = tableAfter("A packet, at most")
const MESSAGES = tableAfter("## Messages")
const HEADER = tableAfter("The header, 160 bytes")
const PART = tableAfter("The descriptor of part i")
const FLAGS = Object.fromEntries(tableAfter("`Flags` is a sum of").map(([v, name]) => [name, +v]))

/** Frames of a stream, without quotes. */
function framesOf(stream: Buffer): Buffer[] {
  const frames: Buffer[] = []
  let frame: number[] | undefined
  for (let i = 0; i < stream.length; i++) {
    if (stream[i] !== 0xfe) frame?.push(stream[i])
    else {
      const what = stream[++i]
      if (what === 0xfc) frame = []
      else if (what === 0xfd) {
        if (frame) frames.push(Buffer.from(frame))
        frame = undefined
      } else if (what === 0xf8) frame?.push(0xfe)
    }
  }
  return frames
}

function crcOf(bytes: Buffer): number {
  let crc = 0xffff
  for (const byte of bytes) {
    crc ^= byte << 8
    for (let bit = 0; bit < 8; bit++) crc = ((crc << 1) ^ (crc & 0x8000 ? 0x1021 : 0)) & 0xffff
  }
  return crc
}

interface Message {
  name: string
  fields: Row
  rest: Buffer
}

/** Messages of the service in a frame, by the page's table of them. */
function messagesOf(frame: Buffer): Message[] {
  const { crc, size, flags } = record(frame, 0, FRAME)
  expect(crc).toBe(crcOf(frame.subarray(2, 12 + size)))
  const direction = flags & 1 ? "to the board" : "from the board"
  const messages: Message[] = []
  for (let at = 12; at < 12 + size; ) {
    const { length, service, command } = record(frame, at, PACKET)
    const payload = frame.subarray(at + 4, at + 4 + length)
    at += (4 + length + 3) & ~3
    const row = MESSAGES.find(
      ([of, , way]) => Number(of) === command && (way === "both" || way === direction),
    )
    if ((service & 63) !== 1 || !row) continue
    const fields: Row = {}
    let from = 0
    for (const item of row[3].split(", ")) {
      const [name, format] = item.split(" ")
      if (!format) continue
      fields[name] = number(payload, from, format)
      from += Number(format.slice(1)) / 8
    }
    messages.push({ name: row[1], fields, rest: payload.subarray(from) })
  }
  return messages
}

const I16 = (bytes: Buffer) =>
  Array.from({ length: bytes.length >> 1 }, (_, i) => bytes.readInt16LE(2 * i))

// The run.

const net = network(
  [
    { neurons: 5, fanIn: 7 },
    { neurons: 3, outputs: 1 },
  ],
  { margin: 4096 },
)
const next = uniform(11)
const images = Array.from({ length: 3 }, () => randomImage(net.width, next, 0.6))
const host = new HostNetwork(net)
let sent: Message[]
let received: Message[]
const named: number[] = []
let learnt: { learned: boolean; predicted: number }

beforeAll(async () => {
  const toBoard: Buffer[] = []
  const fromBoard: Buffer[] = []
  const board = await CountedBoard.start(await firmware())
  const { machine } = board
  const send = machine.send.bind(machine)
  machine.send = frame => {
    toBoard.push(Buffer.from(encodeFrame(frame)))
    send(frame)
  }
  const take = machine.onFrame
  machine.onFrame = frame => {
    fromBoard.push(Buffer.from(encodeFrame(frame)))
    take?.(frame)
  }
  await board.load(buildShard(net, wholeNetwork(net), 1))
  for (const [i, image] of images.slice(0, 2).entries()) {
    await board.infer(image, i)
    named.push(host.predict(image))
  }
  learnt = await board.learn(images[2], 1, 2)
  await board.status()
  const decoded = (stream: Buffer[]) => framesOf(Buffer.concat(stream)).flatMap(messagesOf)
  sent = decoded(toBoard)
  received = decoded(fromBoard)
})

const ofName = (messages: Message[], name: string) => messages.filter(m => m.name === name)

describe("a captured run, decoded by docs/spec", () => {
  it("loads a shard whose checksum and layout hash are as announced", () => {
    const [begin] = ofName(sent, "Begin")
    const shard = Buffer.concat(ofName(sent, "Slice").map(({ rest }) => rest))
    expect(shard.length).toBe(begin.fields.bytes)
    let a = 0
    let b = 0
    for (let at = 0; at < shard.length; at += 2) {
      a = (a + shard.readUInt16LE(at)) % 65536
      b = (b + a) % 65536
    }
    expect(begin.fields.checksum).toBe(b * 65536 + a)
    const [commit] = ofName(received, "Commit")
    expect(commit.fields).toMatchObject({ status: 0, received: shard.length })
    const header = record(shard, 0, HEADER)
    expect(header.LayoutHash >>> 0).toBe(begin.fields.layoutHash)
    let hash = 0x811c9dc5
    const add = (bytes: Uint8Array) => {
      for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0
    }
    const head = Buffer.from(shard.subarray(0, 160 + 136 * header.Parts))
    head.writeUInt32LE(0, 124)
    add(head)
    for (let i = 0; i < header.Parts; i++) {
      const { Target, Links } = record(shard, 160 + 136 * i, PART)
      if (Target !== 0) add(shard.subarray(Target, Target + Links))
    }
    expect(hash).toBe(begin.fields.layoutHash)
  })

  it("holds the network: its layers, and every coefficient by its synapse", () => {
    const shard = Buffer.concat(ofName(sent, "Slice").map(({ rest }) => rest))
    const header = record(shard, 0, HEADER)
    expect(header).toMatchObject({ Magic: 0x5857, Version: 6, Width: net.width, Steps: net.steps })
    const all: number[] = []
    for (let i = 0; i < header.Parts; i++) {
      const part = record(shard, 160 + 136 * i, PART)
      const layer = net.layers[part.Layer - 1]
      expect(part).toMatchObject({ Neurons: layer.neurons, Inputs: layer.inputs, InputStep: 1 })
      const synapses: number[][] = Array.from({ length: part.Neurons * part.Inputs }, () => [])
      const coefficient = (link: number) => shard.readInt16LE(part.Coefficient + 2 * link)
      if (part.Flags & FLAGS.Dense)
        for (const [t, of] of synapses.entries())
          for (let s = 0; s < part.Sources; s++) of.push(coefficient(t * part.Sources + s))
      else
        for (let s = 0; s < part.Sources; s++) {
          const at = part.Start + 2 * s
          for (let l = shard.readUInt16LE(at); l < shard.readUInt16LE(at + 2); l++)
            synapses[shard[part.Target + l]].push(coefficient(l))
        }
      all.push(...synapses.flat())
    }
    expect(all).toEqual(I16(host.coefficients()))
  })

  it("has a share's links synapse by synapse, and the lit pixels of an image by them", () => {
    const wide = network(
      [
        { neurons: 5, inputs: 2, fanIn: 40 },
        { neurons: 3, outputs: 1 },
      ],
      {
        ...{ width: 300, seed: 5 },
      },
    )
    const slices = pickedShare(wide, [{ layer: 1, first: 2, count: 2 }])!
    const shard = buildShard(wide, slices, 1)
    const part = record(shard, 160, PART)
    expect(part.Flags & FLAGS.Picked).toBe(FLAGS.Picked)
    const image = randomImage(300, next, 0.3)
    const bytes = Buffer.concat(
      pickSlices(image, pickedSources(wide, slices)!, 99).map(({ runs }) => runs),
    )
    const own = I16(new HostNetwork(wide).coefficients().subarray(2 * 4 * 40, 2 * 8 * 40))
    // A link's source from its salt.
    const inverse = Array.from({ length: 32768 }, (_, i) => 2 * i + 1).find(
      i => (i * 40503) % 65536 === 1,
    )!
    let at = 0
    for (let t = 0; t < 4; t++) {
      const first = shard.readUInt16LE(part.Start + 2 * t)
      const end = shard.readUInt16LE(part.Start + 2 * t + 2)
      expect([first, end]).toEqual([40 * t, 40 * t + 40])
      const expected: number[] = []
      const given: number[] = []
      for (let l = first; l < end; l++) {
        expect(shard.readInt16LE(part.Coefficient + 2 * l)).toBe(own[l])
        const source = (shard.readUInt16LE(part.Target + 2 * l) * inverse) % 65536
        expect(sourcesOf(wide, 1, 4 + t)[l - first]).toBe(source)
        expected.push(image[source])
        given.push(0)
      }
      for (let l = bytes[at++]; l < 40; l += bytes[at++]) given[l] = bytes[at++]
      expect(given).toEqual(expected)
    }
    expect(at).toBe(bytes.length)
  })

  it("gives the images, and the class each was named", () => {
    const sentImages = ofName(sent, "Image").map(({ fields, rest }) => {
      const image = new Uint8Array(net.width)
      let pixel = fields.pixel
      for (let at = 0; at < rest.length; ) {
        pixel += rest[at]
        const count = rest[at + 1]
        image.set(rest.subarray(at + 2, at + 2 + count), pixel)
        pixel += count
        at += 2 + count
      }
      return image
    })
    expect(sentImages).toEqual(images)
    const classes = ofName(received, "Signals").map(({ rest }) => {
      const outputs = I16(rest)
      return outputs.indexOf(Math.max(...outputs))
    })
    expect(classes).toEqual(named)
  })

  it("gives what was learnt, and the board's account of itself", () => {
    const [back] = ofName(received, "Back")
    expect(back.fields).toMatchObject({ sample: 2, predicted: learnt.predicted })
    expect((back.fields.flags & 2) !== 0).toBe(learnt.learned)
    const status = ofName(received, "Status").at(-1)!
    expect(status.fields).toMatchObject({ status: 0, state: 2, updates: learnt.learned ? 1 : 0 })
    expect(status.rest.readUInt32LE(8)).toBe(1)
  })
})

it("a model file is decoded by docs/spec", () => {
  const bytes = readFileSync(`${ROOT}models/pico-fast.wuxing`)
  const table = tableAfter("## Model file")
  const { version, headerBytes } = record(bytes, 0, table)
  const magic = table[0][3].split(" ").map(byte => Number.parseInt(byte, 16))
  expect([...bytes.subarray(0, 8)]).toEqual(magic)
  expect(version).toBe(1)
  const header = JSON.parse(bytes.subarray(16, 16 + headerBytes).toString("utf8"))
  const values = header.arrays.reduce((sum: number, a: { values: number }) => sum + a.values, 0)
  expect(bytes.length).toBe(16 + headerBytes + 2 * values + 32)
  const sum = createHash("sha256").update(bytes.subarray(0, -32)).digest()
  expect(bytes.subarray(-32).equals(sum)).toBe(true)
  expect(header.arrays[0]).toEqual({ name: "coefficients", values: 1776 })
})

it("coefficients of four bits are decoded by docs/spec", () => {
  const bytes = readFileSync(`${ROOT}models/mnist-tiny.wuxing`)
  const { headerBytes } = record(bytes, 0, tableAfter("## Model file"))
  const header = JSON.parse(bytes.subarray(16, 16 + headerBytes).toString("utf8"))
  expect(page).toContain("a whole number −7…7, in two's complement of 4 bits")
  expect(header.arrays).toEqual([{ name: "coefficients", values: 23_680 }])
  const at = 16 + headerBytes
  expect(bytes.length - at - 32).toBe(11_840)
  const all: number[] = []
  // Links of each layer, counted by hand: none is odd.
  for (const [layer, links] of [720, 14_000, 8960].entries()) {
    const { bits, exponent } = header.network.layers[layer].quantised
    expect(bits).toBe(4)
    for (let link = 0; link < links; link++) {
      const half = (bytes[at + (all.length >> 1)] >> (4 * (all.length & 1))) & 15
      all.push((half > 7 ? half - 16 : half) * 2 ** (13 - exponent))
    }
  }
  expect(all).toEqual(I16(loadModel(`${ROOT}models/mnist-tiny.wuxing`).coefficients))
  expect(new Set(all.slice(0, 720).map(c => c / 512)).size).toBe(15)
})

it("the kernels of a shard are read by docs/spec", () => {
  const net = sizedNetwork("784-3c6x4s2-10", 7)
  const shard = buildShard(net, wholeNetwork(net), 1)
  const part = record(shard, 160, PART)
  expect(part.Flags & FLAGS.Shared).toBe(FLAGS.Shared)
  expect(record(shard, part.Start, tableAfter("A part with `Shared`"))).toEqual({
    ...{ Across: 28, Down: 28, Width: 6, Height: 4, Stride: 2, Columns: 12, Rows: 13 },
    ...{ Signals: 1, Synapses: 6, CoefficientMax: coefficientMaxOf(net, 1) },
  })
  // Coefficients by source of a window, then synapse; in the network's order the other way round.
  const all = new HostNetwork(net).coefficients()
  for (let rank = 0; rank < 24; rank++)
    for (let synapse = 0; synapse < 6; synapse++)
      expect(shard.readInt16LE(part.Coefficient + 2 * (rank * 6 + synapse))).toBe(
        all.readInt16LE(2 * (synapse * 24 + rank)),
      )
})
