/**
 * The heap, by the only means there is: the machine does not say how much is left, so the firmware
 * is built with a further Buffer of a given size, and either runs or runs out of memory.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { ARENA_BYTES } from "../../firmware/arena"
import { Relay, SLOTS } from "../../host/fleet/relay"
import { Machine } from "../../host/hardware/machine"
import { MachineBoards } from "../../host/hardware/machine-boards"
import { wholeNetwork } from "../../host/network/host-network"
import { pico16 } from "../../host/network/presets"
import { buildShard } from "../../host/network/shard"
import { Command } from "../../src/wire/protocol"
import { randomImage, uniform } from "../src/core/helpers"
import { programWith } from "./ballast"
import { Bench } from "./bench"
import { firmware } from "./compiled"

/** RP2040, ESP32, -S3, -C3 and the machine on Linux. */
const HEAP_BYTES = 65_536
const OUT_OF_MEMORY = 60_004
const SAMPLES = 16

const net = { ...pico16(1), margin: 4096 }
const slices = wholeNetwork(net)
const shard = buildShard(net, slices, SLOTS)

const withBallast = (bytes: number) => programWith(ARENA_BYTES, bytes)

/** @returns the panic a program ends with within a second of its start */
async function panicAtStart(bytecode: Uint8Array): Promise<number> {
  const machine = await Machine.start(bytecode)
  const why = await machine.run(() => false, 1_000).catch(error => error.message)
  return Number(/panic (\d+)/.exec(why)?.[1] ?? 0)
}

describe("the heap", () => {
  let boards: MachineBoards
  let heapBytes: number

  beforeAll(async () => {
    boards = await MachineBoards.start(1)
    const bench = await Bench.open(boards.ports[0], 0, await firmware())
    heapBytes = (await bench.board.status()).heapBytes
    await bench.link.close()
  })
  afterAll(() => boards?.stop())

  /** Runs and teaches the demo's network, whole, on one board. @returns the panic it ended with, 0 if none */
  async function run(
    bytecode: Uint8Array,
    then?: (bench: Bench) => Promise<void>,
  ): Promise<number> {
    await boards.restart(0, { clearFlash: true })
    let panic = 0
    const bench = await Bench.open(boards.ports[0], 0, bytecode).catch(error => {
      if (error.code !== "program-not-running") throw error
    })
    // It says nothing on the way to the host then: the same machine, in this process, does.
    if (!bench) return await panicAtStart(bytecode)
    try {
      const relay = new Relay(net, [{ board: bench.board, slices }])
      bench.link.listen({
        onPanic: code => {
          panic = code
          relay.fail(new Error(`panic ${code}`))
        },
      })
      const images = Array.from({ length: SAMPLES }, () => randomImage(784, uniform(1), 0.5))
      await bench.board.load(shard)
      await relay.infer(i => images[i], SAMPLES, { first: 0x40000000, onOutput: () => {} })
      let updates = 0
      for (let i = 0; i < SAMPLES; i++)
        if ((await relay.learn(images[i], i % 10, i, updates)).learned) updates++
      expect(updates).toBeGreaterThan(SAMPLES / 2)
      await bench.board.read(0, shard.length)
      await then?.(bench)
    } catch (error) {
      if (panic === 0) throw error
    } finally {
      await bench.link.close()
    }
    return panic
  }

  it("holds 5 % more than the program says it uses", async () => {
    expect(heapBytes).toBeGreaterThan(40_960)
    expect(await run(await withBallast(Math.floor(HEAP_BYTES - heapBytes * 1.05)))).toBe(0)
  })

  it("does not hold 5 % less", async () => {
    expect(await run(await withBallast(Math.floor(HEAP_BYTES - heapBytes * 0.95)))).toBe(
      OUT_OF_MEMORY,
    )
  })

  it("has 8 KiB to spare even while as many messages wait as may", async () => {
    const panic = await run(await withBallast(8_192), async bench => {
      const before = (await bench.fence()).state
      const full = Buffer.alloc(236, 1)
      await Promise.all(Array.from({ length: 60 }, () => bench.send(Command.Signals, full)))
      await new Promise(resolve => setTimeout(resolve, 1_000))
      const { state } = await bench.fence()
      expect(state.dropped).toBeGreaterThan(before.dropped)
      expect(state.boot).toBe(before.boot)
    })
    expect(panic).toBe(0)
  })
})
