/** More frames than a board can take, and frames of any content. */
import { describe, expect, it } from "vitest"
import { Header } from "../../src/core/layout"
import { partAt } from "../../src/core/run"
import { Command, MAX_PAYLOAD } from "../../src/wire/protocol"
import { uniform } from "../src/core/helpers"
import { type Bench, bytes, native } from "./bench"

import {
  all,
  back,
  bench,
  boot,
  boots,
  hiddenShard,
  imageSlice,
  load,
  none,
  outputShard,
  said,
  signals,
  useBoards,
} from "./service"

// WUXING_FUZZ_FRAMES and WUXING_GC_STRESS are for a longer run of the random frames (npm run fuzz).
useBoards(2, { gcStress: process.env.WUXING_GC_STRESS === "1" })

describe("more than the service asks for", () => {
  it("registers are read, written and unknown ones refused by the runtime; the program runs on", async () => {
    for (const command of [
      0x1000, 0x1001, 0x1100, 0x1fff, 0x2000, 0x2001, 0x2101, 0x3000, 0x8000, 0xffff,
    ])
      for (const payload of [none, Buffer.alloc(4, 255), Buffer.alloc(MAX_PAYLOAD, 7)]) {
        const { state } = await bench.exchange(command, payload)
        expect(state.boot).toBe(boot)
      }
  })

  it("says how many messages it lost when more come than it can keep", async () => {
    expect(said(await load(bench, hiddenShard))).toBe("Commit Ok")
    const before = (await bench.fence()).state
    const sent = 120
    const read = bytes({ u16: 0x7777 }, { u32: 0 }, { u16: 200 })
    await Promise.all(Array.from({ length: sent }, () => bench.send(Command.Read, read)))
    // The fence itself may be among the lost.
    await bench.link.clock.sleep(3_000)
    const { reports, state } = await bench.fence()
    const busy = reports.filter(r => said(r) === "Fault 0 Busy")
    const told = busy.reduce((sum, r) => sum + r.payload.readUInt32LE(2), 0)
    const done = reports.filter(r => said(r) === "Read Ok").length
    // Sixteen wait; the replies that go out at once make room for a few more. A native board lets
    // the host wait instead and loses none.
    if (native) expect(done).toBe(sent)
    else expect(done).toBeLessThan(40)
    expect(done + told).toBe(sent)
    expect(state.dropped - before.dropped).toBe(told)
    expect(state.boot).toBe(boot)
    expect(bench.failures).toEqual([])
  })
})

describe("random frames", () => {
  const commands = Object.values(Command).filter((c): c is Command => typeof c === "number")
  const frames = Math.ceil(Number(process.env.WUXING_FUZZ_FRAMES ?? 900) / 2)
  const timeout = Math.max(300_000, frames * 400)

  it(`${2 * frames} of them neither restart a board nor find a defect of its program`, {
    timeout,
  }, async () => {
    await Promise.all(all.benches.map((each, i) => fuzz(each, boots[i], 1 + i)))
  })

  async function fuzz(bench: Bench, boot: number, seed: number): Promise<void> {
    const next = uniform(seed)
    const below = (n: number) => Math.floor(next() * n)
    const shards = [outputShard, hiddenShard]
    let updates = 0
    let learnt = 0
    const counts = new Map<string, number>()
    const valid = (): [number, Buffer] => {
      const sample = below(6)
      const any = [0, 1, 2, 8, 9, below(300)][below(6)]
      // Rarely, as each takes a board a second: what it keeps, and what it had kept.
      if (below(150) === 0)
        return [
          [Command.Save, bytes({ u16: below(9) }, { u32: sample }, { u32: 7 }, { u32: 0 })],
          [Command.Saved, bytes({ u16: below(9) }, { u8: below(2) })],
          [Command.Restore, bytes({ u16: below(9) }, { u32: below(30) })],
        ][below(3)] as [number, Buffer]
      switch (below(7)) {
        case 0:
          return [
            Command.Image,
            imageSlice({ sample, updates, label: below(3), flags: below(16) | 1 }),
          ]
        case 1:
          return [Command.Image, imageSlice({ sample, updates, flags: 7, label: below(3) })]
        case 2:
          return [
            Command.Signals,
            signals({ sample, first: any, values: [below(65536), below(65536)] }),
          ]
        case 3:
          return [
            Command.Back,
            back({ sample, flags: below(2), first: any, values: [below(2 ** 32)] }),
          ]
        case 4:
          return [Command.Read, bytes({ u16: 5 }, { u32: below(900) }, { u16: below(240) })]
        case 5:
          return [Command.Set, bytes({ u16: 5 }, { u8: below(3) }, { u32: below(20) })]
        default:
          return [Command.Commit, bytes({ u16: 5 })]
      }
    }
    for (let i = 0; i < frames; i++) {
      if (i % 60 === 0) {
        // Now and then a shard with damage in its descriptors; what is taken must be harmless too.
        const m = Buffer.from(shards[below(2)])
        if (i % 180 !== 0) {
          const end = partAt(m.readUInt16LE(Header.Parts))
          m.writeUInt16LE(below(3) ? below(40) : below(65536), 2 * below(end / 2))
          // An odd number of bytes has no checksum to send them with.
          m.writeInt32LE(m.readInt32LE(Header.Image) & ~1, Header.Image)
        }
        let reply = await load(bench, m)
        if (said(reply) !== "Commit Ok") reply = await load(bench, shards[below(2)])
        expect(said(reply)).toBe("Commit Ok")
      }
      let [command, payload] = valid()
      if (below(3) === 0) {
        payload = Buffer.from(payload)
        for (let k = below(3); k >= 0 && payload.length > 0; k--)
          payload[below(payload.length)] = below(4) ? below(256) : 255
      } else if (below(4) === 0) {
        command = below(6) ? commands[below(commands.length)] : below(0x1000)
        // Begin would only empty the board; its own tests are above.
        if (command === Command.Begin) command = Command.Image
        payload = Buffer.from(Array.from({ length: below(MAX_PAYLOAD + 1) }, () => below(256)))
      }
      await bench.send(command, payload)
      if (i % 8 !== 7) continue
      const { reports, state } = await bench.fence()
      for (const r of reports) counts.set(said(r), (counts.get(said(r)) ?? 0) + 1)
      expect(state.boot, `restarted within frames ${i - 7}…${i} of seed ${seed}`).toBe(boot)
      expect(bench.failures).toEqual([])
      // A whole learning step, on whatever the frames before have left behind.
      const step = { sample: below(1000), updates: state.updates, flags: 7, label: below(3) }
      await bench.send(Command.Image, imageSlice(step))
      for (const first of [0, 8])
        await bench.send(Command.Signals, signals({ ...step, first, values: [below(65536), 900] }))
      await bench.send(Command.Back, back({ ...step, flags: 1, values: [below(2 ** 32), 1 << 25] }))
      updates = (await bench.fence()).state.updates
      learnt += updates > state.updates ? 1 : 0
    }
    expect([...counts.keys()].filter(what => what.endsWith("Internal"))).toEqual([])
    // It reached what it was to reach: a learning step in some 40 frames, signals in as many.
    expect(learnt).toBeGreaterThanOrEqual(Math.floor(frames / 60))
    expect(counts.get("Signals") ?? 0).toBeGreaterThanOrEqual(Math.floor(frames / 60))
    if (process.env.WUXING_FUZZ_FRAMES)
      console.log(JSON.stringify({ seed, frames, learnt, reports: Object.fromEntries(counts) }))
  }
})

describe("a restart", () => {
  it("shows in the boot number, so that none was missed above", async () => {
    await all.restart(1)
    const { state } = await all.benches[1].fence()
    expect(state.boot).not.toBe(boots[1])
    expect(state).toMatchObject({ state: 0, updates: 0, refused: 0 })
  })
})
