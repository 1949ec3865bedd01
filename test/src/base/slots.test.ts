/** The two slots on a simulated store whose power is cut at every byte and page. */
import "../../../host/base/memory"
import { crc32 as referenceCrc32 } from "node:zlib"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { mostKept, slotBytes } from "../../../host/fleet/keeping"
import { crc32 } from "../../../src/base/crc32"
import {
  readSlots,
  restoreSlot,
  SlotHead,
  saveSlot,
  slotOf,
  type ValueStore,
} from "../../../src/base/slots"
import { PAGE, SimulatedStore, type Tail } from "./simulated-store"

/** Content that differs everywhere from one sample to the next, in two areas of a memory. */
const MEMORY = 1_000
const memoryOf = (samples: number) =>
  Buffer.from(Array.from({ length: MEMORY }, (_, i) => (i * 7 + samples * 13) & 0xff))
const areasOf = (bytes: number) => [600, bytes - 40, 10, 40]
const contentOf = (samples: number, bytes: number) => {
  const m = memoryOf(samples)
  return Buffer.concat([m.subarray(600, 600 + bytes - 40), m.subarray(10, 50)])
}

async function save(store: ValueStore, samples: number, bytes: number): Promise<number> {
  const facts = [samples, 1, -2, 2 ** 31 - 1, -(2 ** 31)]
  return await saveSlot(store, await readSlots(store), memoryOf(samples), areasOf(bytes), facts)
}

/** Samples of each sound slot, the newest first; throws where its content is another one. */
async function found(store: ValueStore, bytes: number): Promise<number[]> {
  const slots = await readSlots(store)
  const samples: number[] = []
  for (const before of [false, true]) {
    const head = slotOf(slots, before)
    if (!head) continue
    const at = head.getAt(SlotHead.Facts, "i32")
    const m = Buffer.alloc(MEMORY)
    const generation = head.getAt(SlotHead.Generation, "i32")
    if (!(await restoreSlot(store, slots, generation, m, areasOf(bytes))))
      throw new Error(`generation ${generation} is sound and was not restored`)
    const got = Buffer.concat([m.subarray(600, 600 + bytes - 40), m.subarray(10, 50)])
    if (!got.equals(contentOf(at, bytes))) throw new Error(`other content, sample ${at}`)
    samples.push(at)
  }
  return samples
}

/** Saves again and again until the store has changed areas so often; every step on the way. */
async function eachCut(
  tail: Tail,
  bytes: number,
  moves: number,
  look: (board: SimulatedStore, samples: number, step: number) => Promise<void>,
): Promise<void> {
  const store = SimulatedStore.fresh(tail)
  expect(await save(store, 1, bytes)).toBe(1)
  for (let samples = 2, moved = 0; moved < moves; samples++) {
    const flash = Buffer.from(store.flash)
    const from = store.steps.length
    expect(await save(store, samples, bytes)).toBe(samples)
    const steps = store.steps.slice(from)
    if (steps.some(step => "page" in step)) moved++
    for (const [i, step] of steps.entries()) {
      await look(SimulatedStore.found(tail, flash), samples, i)
      if ("page" in step) {
        // An erase that was cut off leaves anything.
        const half = Buffer.from(flash)
        for (let at = step.page * PAGE; at < (step.page + 1) * PAGE; at++)
          half[at] |= (at * 37 + samples * 11) & 0xff
        await look(SimulatedStore.found(tail, half), samples, i)
      }
      SimulatedStore.apply(flash, step)
    }
  }
}

describe("two slots in a board's store", () => {
  it("have the CRC that zlib computes, in pieces too", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(300), (bytes, cut) => {
        const m = Buffer.from(bytes)
        const at = Math.min(cut, m.length)
        expect(crc32(m, at, m.length, crc32(m, 0, at, 0)) >>> 0).toBe(referenceCrc32(m))
      }),
    )
  })

  it("fit at the size that is said to fit, again and again, and not far above it", async () => {
    const bytes = mostKept(SimulatedStore.room)
    expect(bytes).toBeGreaterThan(200)
    const store = SimulatedStore.fresh("formats")
    for (let samples = 1; samples < 30; samples++) {
      expect(await save(store, samples, bytes)).toBe(samples)
      expect(await found(store, bytes)).toEqual([samples, samples - 1].filter(at => at > 0))
    }
    // What is left free for others' values takes no third of a slot more.
    const more = bytes + 64
    expect(slotBytes(more)).toBeGreaterThan(slotBytes(bytes))
    const full = SimulatedStore.fresh("formats")
    const generations: number[] = []
    for (let samples = 1; samples <= 3; samples++) generations.push(await save(full, samples, more))
    expect(generations).toContain(0)
    // The one that was not taken has not cost the one before it.
    expect(await found(full, more)).toEqual([generations.indexOf(0)])
  })

  it("cut off at every byte and page leave the state before, or have the new one whole", async () => {
    let cuts = 0
    await eachCut("goes on", 300, 3, async (board, samples, step) => {
      const [newest, ...rest] = await found(board, 300)
      if (newest !== samples && newest !== samples - 1)
        throw new Error(`cut before step ${step} of saving ${samples}: ${newest} is the newest`)
      if (newest === samples && rest[0] !== samples - 1) throw new Error("the older one is gone")
      // And the next one is taken, whatever was left lying about.
      if (cuts++ % 7 === 0) {
        expect(await save(board, 999, 300), `saved after step ${step}`).toBeGreaterThan(samples - 1)
        expect((await found(board, 300))[0]).toBe(999)
      }
    })
    expect(cuts).toBeGreaterThan(2_000)
  })

  it("in a store that formats itself over a cut are whole or gone, never wrong", async () => {
    let cuts = 0
    let formatted = 0
    let kept = 0
    await eachCut("formats", 300, 3, async (board, samples) => {
      cuts++
      const [newest] = await found(board, 300)
      if (board.formatted) formatted++
      // Formatted over, it may find what the other area still has: older, and whole.
      else if (newest === samples || newest === samples - 1) kept++
      else throw new Error(`${newest} is the newest while ${samples} is saved`)
      if (newest !== undefined && newest > samples) throw new Error("from the future")
    })
    expect(kept + formatted).toBe(cuts)
    // The runtime of boards does this: see docs/faults.md.
    expect(formatted).toBeGreaterThan(0)
  })

  it("with any of their bytes wrong are not taken for sound", async () => {
    const store = SimulatedStore.fresh("goes on")
    for (const samples of [1, 2]) await save(store, samples, 300)
    for (let at = 0; at < store.flash.length; at++) {
      const flash = Buffer.from(store.flash)
      flash[at] ^= 1 << (at & 7)
      // Throws where what is taken for sound is anything else.
      await found(SimulatedStore.found("goes on", flash), 300)
    }
  })

  it("of random bytes are none", async () => {
    const names = fc.constantFrom("wa", "wa0", "wa1", "wb", "wb0")
    await fc.assert(
      fc.asyncProperty(fc.dictionary(names, fc.uint8Array({ maxLength: 230 })), async all => {
        const store: ValueStore = {
          pause: async () => {},
          get: async name => Buffer.from(all[name] ?? []),
          set: async () => {},
        }
        expect(await readSlots(store)).toEqual([undefined, undefined])
        // A store that takes nothing is found out.
        expect(await save(store, 1, 300)).toBe(0)
      }),
    )
  })
})
