/** A trained network in a DeviceScript program: names, learns, keeps what it learnt. */
import * as ds from "@devicescript/core"
import { readSlots, restoreSlot, SlotHead, saveSlot, slotOf } from "./base/slots"
import { checkLinks, isSound } from "./core/check"
import { activateRuns, clearImage } from "./core/image"
import { Header, Part, Rule } from "./core/layout"
import { backward, beginLearning, forward, outputError, partAt, readout } from "./core/run"
import { HEAD_BYTES, networkAt, networkEnd, verifyModel } from "./model-bytes"
import type { Prediction } from "./prediction"
import { storedModel, storeModel } from "./stored-model"
import { store } from "./value-store"

export { hear } from "./hear"
export { Prediction } from "./prediction"
export { Signal } from "./signal"

/** Inputs taken at a time: their sums fit one run of the board. */
const PIECE = 200
/** Gain of the shares for networks taught by margins: 10 · log2 e in Q4. */
const GAIN = 231

export class Wuxing {
  /** Names of the classes. */
  labels: string[] = []
  /** Bytes of one sample's inputs. */
  inputs = 0
  /** Bits after the point of an output. */
  signalBits = 0
  /** Samples learnt; their number decides the rounding. */
  samples = 0
  private memory: Buffer
  private runs: Buffer
  private busy = false

  /**
   * @param model what `wuxing export --format devicescript` wrote: a constant in flash, a Buffer from
   *   elsewhere, or the name of one that was stored in the board's settings
   * @throws Error if it is damaged, there is none of that name, or it needs more memory than there is
   */
  static async load(model: Buffer | string): Promise<Wuxing> {
    const net = new Wuxing()
    if (typeof model === "string") await net.take(await storedModel(model))
    else await net.take(model)
    return net
  }

  /**
   * Keeps a model in the board's settings, to be loaded by its name. It is there whole or not at all,
   * whenever power goes.
   *
   * @param name 1 to 12 letters
   * @param model as `load` takes it; an empty Buffer takes out what is kept by this name
   * @throws Error if it is damaged, or there is no room for it: then there is none of this name
   */
  static async store(name: string, model: Buffer): Promise<void> {
    if (model.length > 0) await verifyModel(model)
    await storeModel(name, model)
  }

  private async take(model: Buffer): Promise<void> {
    await verifyModel(model)
    const image = networkAt(model)
    const size = model.getAt(image + Header.Size, "i32")
    let from = HEAD_BYTES
    while (from < image && model.getAt(from, "u8") !== 0) {
      const n = model.getAt(from, "u8")
      this.labels.push(model.slice(from + 1, from + 1 + n).toString())
      from = from + 1 + n
    }
    const m = Buffer.alloc(size)
    m.blitAt(0, model, image, networkEnd(model) - image)
    if (!isSound(m, size)) throw new Error("wuxing: the model is damaged")
    const parts = m.getAt(Header.Parts, "u16")
    for (let i = 0; i < parts; i++) {
      let at = 0
      while (at >= 0) {
        at = checkLinks(m, partAt(i), at)
        await ds.sleep(0)
      }
      if (at !== -1) throw new Error("wuxing: the model is damaged")
    }
    this.memory = m
    this.runs = Buffer.alloc(2 * PIECE + 2)
    this.inputs = m.getAt(Header.Width, "u16")
    const fine = (m.getAt(Header.Rule, "u16") & Rule.Fine) !== 0
    this.signalBits = (fine ? 30 : 28) - m.getAt(Header.SignalShift, "u16")
  }

  /**
   * Runs the network.
   *
   * @param inputs a byte each, 0 for silence
   * @throws Error if their number is wrong
   */
  async predict(inputs: Buffer): Promise<Prediction> {
    this.check(inputs)
    await this.begin()
    this.memory.setAt(Header.Brief, "u16", 1)
    const best = await this.run(inputs)
    this.memory.setAt(Header.Brief, "u16", 0)
    const prediction = this.shares(best)
    this.busy = false
    return prediction
  }

  /**
   * One step of learning: runs the network and teaches it what it should have named.
   *
   * @param label a class, 0 and up
   * @returns the class it named before
   * @throws Error if the number of inputs is wrong, or there is no such class
   */
  async learn(inputs: Buffer, label: number): Promise<number> {
    this.check(inputs)
    if (label < 0 || label >= this.labels.length || label !== (label | 0))
      throw new Error(`wuxing: there is no class ${label}`)
    await this.begin()
    const m = this.memory
    const best = await this.run(inputs)
    const parts = m.getAt(Header.Parts, "u16")
    beginLearning(m, this.samples)
    this.samples = this.samples + 1
    if (outputError(m, partAt(parts - 1), 0, label)) {
      for (let i = parts - 1; i >= 0; i--) {
        let at = 0
        while (at >= 0) {
          at = backward(m, partAt(i), 0, at)
          await ds.sleep(0)
        }
      }
    }
    this.busy = false
    return best
  }

  /**
   * Keeps what was learnt in the board's settings.
   *
   * @throws Error if they have no room for it: what was kept before still is
   */
  async save(): Promise<void> {
    await this.begin()
    // Another network of the program may have saved since.
    const slots = await readSlots(store)
    const hash = this.memory.getAt(Header.LayoutHash, "i32")
    const facts = [this.samples, 0, hash, 0, 0]
    const kept = await saveSlot(store, slots, this.memory, this.learnt(), facts)
    this.busy = false
    if (kept === 0) throw new Error("wuxing: the settings have no room for what was learnt")
  }

  /** Takes back what was kept; false if there is none of this network. */
  async restore(): Promise<boolean> {
    await this.begin()
    const slots = await readSlots(store)
    let done = false
    for (let before = 0; before < 2 && !done; before++) {
      const head = slotOf(slots, before === 1)
      if (head === undefined) continue
      const hash = head.getAt(SlotHead.Facts + 8, "i32")
      if (hash !== this.memory.getAt(Header.LayoutHash, "i32")) continue
      const generation = head.getAt(SlotHead.Generation, "i32")
      done = await restoreSlot(store, slots, generation, this.memory, this.learnt())
      if (done) this.samples = head.getAt(SlotHead.Facts, "i32")
    }
    this.busy = false
    return done
  }

  private check(inputs: Buffer): void {
    if (inputs.length !== this.inputs)
      throw new Error(`wuxing: ${inputs.length} inputs, not ${this.inputs}`)
  }

  /** One at a time: other fibers wait. */
  private async begin(): Promise<void> {
    while (this.busy) await ds.sleep(1)
    this.busy = true
  }

  /** Where what is learnt lies, and how many bytes: of each part its coefficients. */
  private learnt(): number[] {
    const areas: number[] = []
    const parts = this.memory.getAt(Header.Parts, "u16")
    for (let i = 0; i < parts; i++) {
      areas.push(this.memory.getAt(partAt(i) + Part.Coefficient, "i32"))
      areas.push(this.memory.getAt(partAt(i) + Part.Links, "i32") * 2)
    }
    return areas
  }

  private async run(inputs: Buffer): Promise<number> {
    const m = this.memory
    clearImage(m, partAt(0))
    for (let from = 0; from < this.inputs; from += PIECE) {
      const bytes = this.encode(inputs, from, Math.min(this.inputs, from + PIECE))
      activateRuns(m, partAt(0), this.runs, 0, bytes, from)
      await ds.sleep(0)
    }
    const parts = m.getAt(Header.Parts, "u16")
    for (let i = 0; i < parts; i++) {
      let at = 0
      while (at >= 0) {
        at = forward(m, partAt(i), 0, at)
        await ds.sleep(0)
      }
    }
    return readout(m, partAt(parts - 1), 0)
  }

  /** The inputs from…to−1 as runs (image.ts); returns their bytes. */
  private encode(inputs: Buffer, from: number, to: number): number {
    const runs = this.runs
    let out = 0
    let at = from
    while (at < to) {
      let skip = 0
      while (at < to && inputs.getAt(at, "u8") === 0) {
        skip = skip + 1
        at = at + 1
      }
      const head = out
      out = out + 2
      let v = at < to ? inputs.getAt(at, "u8") : 0
      while (v !== 0) {
        runs.setAt(out, "u8", v)
        out = out + 1
        at = at + 1
        v = at < to ? inputs.getAt(at, "u8") : 0
      }
      runs.setAt(head, "u8", skip)
      runs.setAt(head + 1, "u8", out - head - 2)
    }
    return out
  }

  /** Outputs, and the softmax of the best among them as softmaxError (run.ts) has it. */
  private shares(best: number): Prediction {
    const m = this.memory
    const last = partAt(m.getAt(Header.Parts, "u16") - 1)
    const bus = m.getAt(last + Part.BusOut, "i32")
    const gain = m.getAt(Header.SoftmaxGain, "u16") || GAIN
    const most = m.getAt(bus + best + best, "i16")
    const outputs: number[] = []
    let sum = 0
    for (let i = 0; i < this.labels.length; i++) {
      const v = m.getAt(bus + i + i, "i16")
      outputs.push(v)
      const x = ((most - v) * gain) >> (this.signalBits - 1)
      if (x < 512) sum = sum + (m.getAt(Header.PowerTable + ((x & 31) << 1), "u16") >> (x >> 5))
    }
    return { class: best, confidence: Math.idiv(3276800 + (sum >> 1), sum), outputs }
  }
}
