/** Checkpoints in the store of a Pico in its own time, which loses its power around every command to it. */
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { holdsTwoSlots, mostKept } from "../../host/fleet/keeping"
import { SLOTS } from "../../host/fleet/relay"
import { readBoardProfile } from "../../host/hardware/board-profile"
import { wholeNetwork } from "../../host/network/host-network"
import { picoFast } from "../../host/network/presets"
import { buildShard } from "../../host/network/shard"
import { Header, Part } from "../../src/core/layout"
import { partAt } from "../../src/core/run"
import { net } from "../host/faults/rig"
import { Bench, startPicos } from "./bench"
import { firmware } from "./compiled"

let pico: ReturnType<typeof startPicos>
let bytecode: Uint8Array

beforeAll(async () => {
  bytecode = await firmware()
  pico = startPicos(1)
})
afterAll(() => pico?.stop())

const open = (program = bytecode) => Bench.open(pico.boards.open(0), 0, program, pico.clock)
/** What a program tells its board's settings service to set something. */
const SETTINGS_SET = 0x81
/** A value is written within a few pages, 1 ms each. */
const AFTER_MS = 12

const slices = wholeNetwork(net)
const shard = buildShard(net, slices, SLOTS)

function coefficientBytes(m: Buffer): number {
  const parts = Array.from({ length: m.readUInt16LE(Header.Parts) }, (_, i) => partAt(i))
  return parts.reduce((sum, part) => sum + 2 * m.readInt32LE(part + Part.Links), 0)
}

describe("a checkpoint on a Pico", () => {
  it("holds what a Pico's store is said to hold, over and over, and is there after a reset", async () => {
    const { flashStoreBytes } = readBoardProfile("pico")
    const whole = picoFast(1)
    const large = buildShard(whole, wholeNetwork(whole), SLOTS)
    expect(holdsTwoSlots(flashStoreBytes, coefficientBytes(large))).toBe(true)
    let bench = await open()
    await bench.board.load(large)
    const { layoutHash } = await bench.board.status()
    expect(await bench.board.saved(false)).toBeUndefined()
    for (let i = 1; i <= 4; i++)
      expect(await bench.board.save({ samples: i, run: 5, right: i }), `save ${i}`).toBe(true)
    const before = await bench.board.read(0, large.length)
    await bench.link.close()
    pico.boards.restart(0)
    bench = await open()
    const last = { generation: 4, samples: 4, run: 5, right: 4, layoutHash }
    expect(await bench.board.saved(false)).toEqual(last)
    expect(await bench.board.saved(true)).toMatchObject({ generation: 3, samples: 3 })
    // Nothing is loaded yet to put it into, then a network of the same layout and other coefficients.
    await expect(bench.board.restore(4)).rejects.toMatchObject({ code: "board-refused" })
    const other = Buffer.from(large)
    const at = other.readInt32LE(partAt(0) + Part.Coefficient)
    other.fill(7, at, at + 2 * other.readInt32LE(partAt(0) + Part.Links))
    await bench.board.load(other)
    await bench.board.restore(4)
    expect((await bench.board.read(0, large.length)).equals(before)).toBe(true)
    await bench.link.close()
  })

  it("is refused where the store cannot hold two, and the one before stays", async () => {
    const most = mostKept(readBoardProfile("pico").flashStoreBytes)
    const whole = {
      ...picoFast(1),
      layers: [{ ...picoFast(1).layers[0], neurons: 14 }, picoFast(1).layers[1]],
    }
    const larger = buildShard(whole, wholeNetwork(whole), SLOTS)
    expect(coefficientBytes(larger)).toBeGreaterThan(most)
    const bench = await open()
    await bench.board.load(larger)
    expect(await bench.board.save({ samples: 1, run: 6, right: 0 })).toBe(false)
    expect(await bench.board.saved(false)).toMatchObject({ run: 5, generation: 4 })
    await bench.link.close()
  })

  it("is the old one or the new one, wherever power is lost around a command to the store", async () => {
    // With an empty store.
    await pico.stop()
    pico = startPicos(1)
    const at = shard.readInt32LE(partAt(0) + Part.Coefficient)
    /** The shard as it might be after so many samples. */
    const learnt = (samples: number) => {
      const m = Buffer.from(shard)
      for (let i = 0; i < 40; i++) m.writeInt16LE(samples * 31 + i, at + 2 * i)
      return m
    }
    let bench = await open()
    let kept = 0
    let kills = 0
    for (let line = 1; ; line++) {
      await bench.board.load(learnt(line))
      let commands = 0
      const killed = new Promise<false>(resolve => {
        const kill = () => {
          pico.boards.kill(0)
          resolve(false)
        }
        // As it is given, and once it has been carried out, while the program still pauses.
        bench.link.listen({
          onSelfCommand: ({ command }) => {
            if (command !== SETTINGS_SET || ++commands !== (line + 1) >> 1) return
            if (line & 1) kill()
            else pico.clock.after(AFTER_MS, kill)
          },
        })
      })
      const save = bench.board.save({ samples: line, run: 1, right: 0 }).catch(() => killed)
      if (await Promise.race([save, killed])) {
        // It came to its end: every command has had its turn.
        expect((await bench.board.saved(false))?.samples).toBe(line)
        break
      }
      kills++
      await bench.link.close()
      pico.boards.restart(0)
      bench = await open()
      const newest = await bench.board.saved(false)
      const samples = newest?.samples ?? 0
      expect([kept, line], `killed at step ${line}`).toContain(samples)
      kept = samples
      if (!newest) continue
      await bench.board.load(learnt(999))
      await bench.board.restore(newest.generation)
      const image = shard.readInt32LE(Header.Image)
      const memory = await bench.board.read(0, image)
      expect(memory.equals(learnt(kept).subarray(0, image)), `killed at step ${line}`).toBe(true)
    }
    await bench.link.close()
    expect(kills).toBeGreaterThan(5)
    // The last of them came behind the head.
    expect(kept).toBeGreaterThan(0)
  })
})
