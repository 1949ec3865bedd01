/**
 * The program of the demo "alone": a board that goes through its images for ever, names each by
 * flashes of its LED, and learns what the button says instead. Network, images and what was learnt are
 * in its flash; it needs a host for none of it.
 */
import * as ds from "@devicescript/core"
import { Server, startServer } from "@devicescript/server"
import { readSlots, restoreSlot, SlotHead, saveSlot, slotOf } from "../../../src/base/slots"
import { activateRuns, clearImage } from "../../../src/core/image"
import { Header, Part } from "../../../src/core/layout"
import {
  backward,
  beginLearning,
  forward,
  outputError,
  partAt,
  readout,
} from "../../../src/core/run"
import {
  ALONE_READ_BYTES,
  ALONE_SAMPLE_BYTES,
  ALONE_SAMPLES,
  AloneLight,
  AloneRead,
  AloneState,
  DemoStatus,
  LESSON_STEPS,
  SampleField,
} from "../../../src/wire/demo-protocol"
import { store } from "../../value-store"
import { keep } from "../keep"
import { shard } from "./shard"

/** An image of any ink at all, as runs with a byte a pixel. */
const MOST_RUNS = 784 + ALONE_SAMPLE_BYTES
/** In units of the pace: the light of a round and of a lesson, and how long the button is awaited. */
const LONG = 4
const LISTEN = 10
const LISTEN_ON = 6
const START_MS = 1_500

const arena = Buffer.alloc(shard.getAt(Header.Size, "i32"))
const runs = Buffer.alloc(MOST_RUNS)
const boot = Math.floor(Math.random() * 0x7fffffff)
const control = new ds.Control("control[int:0]")
const button = new ds.Button()
const parts = shard.getAt(Header.Parts, "u16")
/** Where the coefficients are, and how many bytes, part by part. */
const areas: number[] = []

let pace = 200
const samples: Buffer[] = []
/** Learning steps since the network was shipped: the number of the next one. */
let lessons = 0
let generation = 0
let presses = 0
let pressedAt = 0
/** The host changes images or what was learnt: the round in hand ends. */
let changed = false
/** The arena is in use by one at a time. */
let busy = false

class AloneServer extends Server {
  constructor() {
    super(ds.WuxingAlone.spec, {})
  }

  async forget(_p: Buffer) {
    changed = true
    while (busy) await ds.sleep(5)
    busy = true
    // An empty head is no slot.
    await store.set("wa", Buffer.alloc(0))
    await store.set("wb", Buffer.alloc(0))
    for (let i = 0; i < ALONE_SAMPLES; i++) await store.set(`s${i}`, Buffer.alloc(0))
    await load()
    busy = false
    return status(DemoStatus.Ok)
  }

  async sample(p: Buffer) {
    const bytes = p.length - SampleField.Runs
    if (bytes < 2 || bytes > ALONE_SAMPLE_BYTES || (bytes & 1) !== 0)
      return status(DemoStatus.BadLength)
    const place = p.getAt(SampleField.Place, "u8")
    const count = p.getAt(SampleField.Count, "u8")
    const ms = p.getAt(SampleField.Pace, "u16")
    if (count > ALONE_SAMPLES || place >= count || ms < 20 || ms > 2000)
      return status(DemoStatus.BadValue)
    if (!fits(p.slice(SampleField.Runs))) return status(DemoStatus.BadValue)
    const settings = Buffer.alloc(3)
    settings.setAt(0, "u8", count)
    settings.setAt(1, "u16", ms)
    const kept =
      (await keep(`s${place}`, p.slice(SampleField.Runs))) && (await keep("sc", settings))
    if (place === count - 1) {
      await loadSamples()
      changed = true
    }
    return status(kept ? DemoStatus.Ok : DemoStatus.NotKept)
  }

  state(_p: Buffer) {
    const reply = Buffer.alloc(AloneState.Length)
    reply.setAt(AloneState.Samples, "u8", samples.length)
    reply.setAt(AloneState.Generation, "i32", generation)
    reply.setAt(AloneState.Lessons, "i32", lessons)
    reply.setAt(AloneState.Boot, "i32", boot)
    return reply
  }

  async read(p: Buffer) {
    if (p.length !== 2) return status(DemoStatus.BadLength)
    while (busy) await ds.sleep(5)
    let skip = p.getAt(0, "u16")
    for (let i = 0; i < areas.length; i += 2) {
      if (skip >= areas[i + 1]) {
        skip -= areas[i + 1]
        continue
      }
      const n = Math.min(ALONE_READ_BYTES, areas[i + 1] - skip)
      const reply = Buffer.alloc(AloneRead.Coefficients + n)
      reply.blitAt(AloneRead.Coefficients, arena, areas[i] + skip, n)
      return reply
    }
    return status(DemoStatus.BadValue)
  }
}

function status(of: DemoStatus): Buffer {
  const reply = Buffer.alloc(2)
  reply.setAt(0, "u8", of)
  return reply
}

/** Do these runs stay within the image? */
function fits(pairs: Buffer): boolean {
  let pixel = 0
  for (let at = 0; at < pairs.length; at++) pixel += pairs.getAt(at, "u8")
  return pixel <= arena.getAt(Header.Width, "u16")
}

/** The network as it was shipped, then what flash has of it. */
async function load(): Promise<void> {
  arena.fillAt(0, arena.length, 0)
  arena.blitAt(0, shard, 0, shard.length)
  while (areas.length > 0) areas.pop()
  for (let i = 0; i < parts; i++) {
    areas.push(arena.getAt(partAt(i) + Part.Coefficient, "i32"))
    areas.push(arena.getAt(partAt(i) + Part.Links, "i32") << 1)
  }
  lessons = 0
  generation = 0
  const slots = await readSlots(store)
  const head = slotOf(slots, false)
  if (head !== undefined && head.getAt(SlotHead.Facts, "i32") === layoutHash()) {
    const found = head.getAt(SlotHead.Generation, "i32")
    if (await restoreSlot(store, slots, found, arena, areas)) {
      generation = found
      lessons = head.getAt(SlotHead.Facts + 4, "i32")
    }
  }
  await loadSamples()
}

function layoutHash(): number {
  return arena.getAt(Header.LayoutHash, "i32")
}

async function loadSamples(): Promise<void> {
  while (samples.length > 0) samples.pop()
  const settings = await store.get("sc")
  if (settings.length !== 3) return
  pace = settings.getAt(1, "u16")
  const count = settings.getAt(0, "u8")
  for (let i = 0; i < count; i++) {
    const pairs = await store.get(`s${i}`)
    if (pairs.length > 0 && fits(pairs)) samples.push(pairs)
  }
}

/** Runs of ink as the core takes them, a byte a pixel. @returns their length */
function expand(pairs: Buffer): number {
  let to = 0
  for (let at = 0; at + 2 <= pairs.length; at += 2) {
    const ink = pairs.getAt(at + 1, "u8")
    runs.setAt(to, "u8", pairs.getAt(at, "u8"))
    runs.setAt(to + 1, "u8", ink)
    runs.fillAt(to + 2, ink, 255)
    to += 2 + ink
  }
  return to
}

/** As predictWhole and learnWhole (src/core/whole.ts), with pauses. @returns the class named before */
async function look(pairs: Buffer, brief: boolean): Promise<number> {
  const length = expand(pairs)
  arena.setAt(Header.Brief, "u16", brief ? 1 : 0)
  clearImage(arena, partAt(0))
  activateRuns(arena, partAt(0), runs, 0, length, 0)
  for (let i = 0; i < parts; i++) {
    let at = 0
    while (at >= 0) {
      await ds.sleep(0)
      at = forward(arena, partAt(i), 0, at)
    }
  }
  return readout(arena, partAt(parts - 1), 0)
}

async function learn(pairs: Buffer, label: number): Promise<void> {
  await look(pairs, false)
  beginLearning(arena, lessons)
  lessons++
  if (!outputError(arena, partAt(parts - 1), 0, label)) return
  for (let i = parts - 1; i >= 0; i--) {
    let at = 0
    while (at >= 0) {
      await ds.sleep(0)
      at = backward(arena, partAt(i), 0, at)
    }
  }
}

/** Steps until the image is named so, and what came of it into flash. */
async function lesson(pairs: Buffer, label: number): Promise<boolean> {
  let named = await look(pairs, true)
  for (let k = 0; k < LESSON_STEPS && named !== label; k++) {
    await learn(pairs, label)
    named = await look(pairs, true)
  }
  const kept = await saveSlot(store, await readSlots(store), arena, areas, [
    layoutHash(),
    lessons,
    0,
    0,
    0,
  ])
  if (kept !== 0) generation = kept
  return kept !== 0 && named === label
}

async function light(colour: AloneLight): Promise<void> {
  await control.setStatusLight((colour >> 16) & 255, (colour >> 8) & 255, colour & 255, 0)
}

async function shine(colour: AloneLight, units: number): Promise<void> {
  await light(colour)
  await ds.sleep(units * pace)
  await light(AloneLight.Dark)
  await ds.sleep(pace)
}

/** Waits for presses. @returns how many there were */
async function listen(): Promise<number> {
  presses = 0
  await light(AloneLight.Listening)
  await ds.sleep(1)
  let end = ds.millis() + LISTEN * pace
  while (ds.millis() < end && !changed) {
    const before = presses
    await ds.sleep(20)
    if (presses > before) end = pressedAt + LISTEN_ON * pace
  }
  await light(AloneLight.Dark)
  await ds.sleep(pace)
  return presses
}

async function round(): Promise<void> {
  await shine(AloneLight.Round, LONG)
  for (let i = 0; i < samples.length && !changed; i++) {
    busy = true
    const named = await look(samples[i], true)
    busy = false
    const flashes = named === 0 ? 10 : named
    for (let k = 0; k < flashes; k++) await shine(AloneLight.Flash, 1)
    const pressed = await listen()
    if (pressed === 0 || changed) continue
    busy = true
    const learnt = await lesson(samples[i], pressed % 10)
    busy = false
    await shine(learnt ? AloneLight.Learnt : AloneLight.Failed, LONG)
  }
}

busy = true
await load()
busy = false
startServer(new AloneServer())
button.down.subscribe(() => {
  presses++
  pressedAt = ds.millis()
})
console.log(`alone: ${samples.length} images, ${lessons} steps, generation ${generation}`)
// Whoever watches the LED is to see the first round whole.
await ds.sleep(START_MS)
while (true) {
  changed = false
  if (samples.length > 0) await round()
  else await ds.sleep(100)
}
