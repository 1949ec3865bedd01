/** Shared kernels on the DeviceScript machine: as much between two yields as a board takes from a shard. */
import { afterAll, beforeAll, expect, it } from "vitest"
import { HostNetwork, wholeNetwork } from "../../host/network/host-network"
import { buildShard } from "../../host/network/shard"
import { sizedNetwork } from "../../host/network/sized-network"
import { CountedBoard } from "../../host/profile/counted-board"
import { isSound } from "../../src/core/check"
import { Part } from "../../src/core/layout"
import { MOST_OPERATIONS } from "../../src/core/operations"
import { partAt } from "../../src/core/run"
import { randomImage, uniform } from "../src/core/helpers"
import { firmware } from "./compiled"

const net = { ...sizedNetwork("784-4c6s4-10", 3), softmaxGain: 231 }
const CHUNKS = [Part.ChunkSources, Part.ChunkSynapses, Part.ChunkNeurons]

/** The shard with each chunk of its kernels as large as is sound. */
function stretched(): Buffer {
  const m = buildShard(net, wholeNetwork(net), 1)
  for (const field of CHUNKS) {
    const at = partAt(0) + field
    let chunk = m.readUInt16LE(at)
    while (isSound(m, m.length)) m.writeUInt16LE(++chunk, at)
    m.writeUInt16LE(chunk - 1, at)
  }
  return m
}

let board: CountedBoard
beforeAll(async () => {
  board = await CountedBoard.start(await firmware())
})
afterAll(() => {
  expect(board.machine.log.filter(line => /exception|InfiniteLoop|panic/i.test(line))).toEqual([])
})

it("the machine lets the largest chunks that are sound run to their end, every pixel lit", async () => {
  const shard = stretched()
  const usual = buildShard(net, wholeNetwork(net), 1)
  for (const field of CHUNKS)
    expect(shard.readUInt16LE(partAt(0) + field)).toBeGreaterThan(
      1.1 * usual.readUInt16LE(partAt(0) + field),
    )
  expect(MOST_OPERATIONS).toBeLessThan(131_072)
  await board.load(shard)
  const host = new HostNetwork(net)
  const next = uniform(5)
  for (let i = 0; i < 3; i++) {
    const image = randomImage(net.width, next, 1)
    const { predicted, learned } = await board.learn(image, i, i)
    expect(learned).toBe(true)
    expect(predicted).toBe(host.train(image, i))
  }
  const { bytes, at } = coefficientsIn(shard)
  expect((await board.read(at, bytes)).equals(host.memory.subarray(at, at + bytes))).toBe(true)
})

/** Of all parts, from the first to the last. */
function coefficientsIn(m: Buffer): { at: number; bytes: number } {
  const at = m.readInt32LE(partAt(0) + Part.Coefficient)
  const last = partAt(1)
  const end = m.readInt32LE(last + Part.Coefficient) + 2 * m.readInt32LE(last + Part.Links)
  return { at, bytes: end - at }
}
