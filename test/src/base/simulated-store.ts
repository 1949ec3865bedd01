/**
 * Flash under a log of settings, kept as DeviceScript's runtime keeps them: entries grow from the
 * front of an area of two pages, values from its end; when it is full, what is current moves to the
 * other area, whose header is written last. Each byte programmed and each page erased is a step, so
 * that power can be cut at every one.
 */
import type { ValueStore } from "../../../src/base/slots"

export const PAGE = 512
const AREA = 2 * PAGE
const HEADER = 24
const ENTRY = 24
const MAGIC = [0x52545346, 0x6becea0a]

export type Step = { at: number; byte: number } | { page: number }

/**
 * What a store does with bytes that no entry points to, since power went while they were written:
 * the runtime of boards takes the whole store for damaged and formats it; a careful one goes on.
 */
export type Tail = "formats" | "goes on"

export class SimulatedStore implements ValueStore {
  readonly steps: Step[] = []
  formatted = false
  private base = 0
  private entries = 0
  private data = AREA
  private index = new Map<string, { offset: number; size: number }>()

  constructor(
    readonly tail: Tail,
    readonly flash: Buffer,
  ) {
    const generations = [0, AREA].map(base => this.generationAt(base))
    this.base = generations[1] > generations[0] ? AREA : 0
    if (Math.max(...generations) === 0 || !this.mount()) this.format()
  }

  static fresh(tail: Tail): SimulatedStore {
    return new SimulatedStore(tail, Buffer.alloc(2 * AREA, 0xff))
  }

  /** What a board finds that starts with this flash. */
  static found(tail: Tail, flash: Buffer): SimulatedStore {
    return new SimulatedStore(tail, Buffer.from(flash))
  }

  static apply(flash: Buffer, step: Step): void {
    if ("page" in step) flash.fill(0xff, step.page * PAGE, (step.page + 1) * PAGE)
    else flash[step.at] = step.byte
  }

  /** Bytes an empty store has for values and their entries. */
  static get room(): number {
    return AREA - HEADER - ENTRY
  }

  private program(at: number, bytes: Uint8Array): void {
    for (const [i, byte] of bytes.entries()) {
      // Programming only clears bits.
      if (this.flash[at + i] !== 0xff) throw new Error(`byte ${at + i} was not erased`)
      const step = { at: at + i, byte }
      SimulatedStore.apply(this.flash, step)
      this.steps.push(step)
    }
  }

  private erase(base: number): void {
    for (let page = base / PAGE; page < (base + AREA) / PAGE; page++) {
      SimulatedStore.apply(this.flash, { page })
      this.steps.push({ page })
    }
  }

  private format(): void {
    this.formatted = true
    this.base = 0
    this.erase(0)
    this.programHeader(1)
    this.entries = 0
    this.data = AREA
    this.index.clear()
  }

  private programHeader(generation: number): void {
    const header = Buffer.alloc(HEADER)
    header.writeUInt32LE(MAGIC[0], 0)
    header.writeUInt32LE(MAGIC[1], 4)
    header.writeUInt32LE(generation, 8)
    this.program(this.base, header)
  }

  /** 0 where there is no whole header. */
  private generationAt(base: number): number {
    const sound = MAGIC.every((word, i) => this.flash.readUInt32LE(base + 4 * i) === word)
    const rest = this.flash.subarray(base + 12, base + HEADER).every(byte => byte === 0)
    return sound && rest ? this.flash.readUInt32LE(base + 8) : 0
  }

  /** @returns false if the runtime of boards would not take it */
  private mount(): boolean {
    for (; HEADER + (this.entries + 1) * ENTRY <= this.data; this.entries++) {
      const { key, offset, size } = this.entryAt(this.entries)
      if (offset === 0xffffffff) break
      this.data = Math.min(this.data, offset)
      this.index.set(key, { offset, size })
    }
    const from = HEADER + this.entries * ENTRY
    const used = () => {
      for (let at = from; at < this.data; at++) if (this.flash[this.base + at] !== 0xff) return at
      return -1
    }
    const dirty = used()
    if (dirty < 0) return true
    if (this.tail === "formats") return false
    // A cut-off value lies at the end of what is free, a cut-off entry at its beginning.
    if (dirty < from + ENTRY) this.entries++
    const next = HEADER + this.entries * ENTRY
    for (let at = next; at < this.data; at++)
      if (this.flash[this.base + at] !== 0xff) this.data = Math.max(next, at & ~7)
    return true
  }

  private entryAt(i: number) {
    const at = this.base + HEADER + i * ENTRY
    return {
      key: this.flash.toString("latin1", at, at + 16).replace(/\0.*$/s, ""),
      offset: this.flash.readUInt32LE(at + 16),
      size: this.flash.readUInt32LE(at + 20),
    }
  }

  private get free(): number {
    return this.data - HEADER - this.entries * ENTRY - ENTRY
  }

  async pause(): Promise<void> {}

  async get(key: string): Promise<Buffer> {
    const entry = this.index.get(key)
    if (!entry) return Buffer.alloc(0)
    const from = this.base + entry.offset
    // A damaged entry may point anywhere.
    return Buffer.from(this.flash.subarray(from, from + Math.min(entry.size, AREA)))
  }

  async set(key: string, value: Buffer): Promise<void> {
    const there = this.index.get(key)
    if (there && Buffer.from(await this.get(key)).equals(value)) return
    const room = sizeOf(value) + ENTRY
    if (this.free < room) await this.collect()
    // The runtime refuses without a word.
    if (this.free < room) return
    this.append(key, value)
  }

  private append(key: string, value: Buffer): void {
    this.data -= sizeOf(value)
    this.program(this.base + this.data, value)
    const entry = Buffer.alloc(ENTRY)
    entry.write(key, 0, "latin1")
    entry.writeUInt32LE(this.data, 16)
    entry.writeUInt32LE(value.length, 20)
    this.program(this.base + HEADER + this.entries * ENTRY, entry)
    this.entries++
    this.index.set(key, { offset: this.data, size: value.length })
  }

  private async collect(): Promise<void> {
    const live: [string, Buffer][] = []
    for (const [key, { offset, size }] of this.index)
      if (offset + size <= AREA) live.push([key, await this.get(key)])
    const generation = this.generationAt(this.base) + 1
    this.base = AREA - this.base
    this.erase(this.base)
    this.entries = 0
    this.data = AREA
    this.index.clear()
    for (const [key, value] of live) this.append(key, value)
    this.programHeader(generation)
  }
}

/** An empty value takes room too. */
function sizeOf(value: Buffer): number {
  return Math.max(8, (value.length + 7) & ~7)
}
