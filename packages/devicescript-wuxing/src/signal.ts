/** A sensor's readings as they come: cut into movements or windows, each of which becomes the network's inputs. */
import * as ds from "@devicescript/core"
import { hasSignal, networkEnd, verifyModel } from "./model-bytes"
import type { Prediction } from "./prediction"
import { features } from "./signals/features"
import { FeatureKind, Plan } from "./signals/plan"
import { beginSequence, endSequence, stepRings, takeMoment } from "./signals/reservoir"
import { clearStream, followStream, nextStream, Stream, streamSamples } from "./signals/segment"
import { SignalBlock } from "./signals/signal-block"
import { storedModel } from "./stored-model"

export class Signal {
  /** Numbers of a reading. */
  channels = 0
  /** From one reading to the next, as the network was taught. */
  intervalMs = 0
  /** What the network reads of the last window: a byte an input. */
  inputs: Buffer
  /** Samples of the last window. */
  samples = 0
  private unit = 0
  private unknown = 0
  private hold = 0
  private plan: Buffer
  private state: Buffer
  private signal: Buffer
  private work: Buffer
  private sequence = false
  private dueMs = -1
  private last = -1
  private held = 0
  private said = -1

  /**
   * @param model as `Wuxing.load` takes it
   * @throws Error if it is damaged, there is none of that name, or it reads no signal
   */
  static async load(model: Buffer | string): Promise<Signal> {
    const signal = new Signal()
    if (typeof model === "string") await signal.take(await storedModel(model))
    else await signal.take(model)
    return signal
  }

  private async take(model: Buffer): Promise<void> {
    await verifyModel(model)
    if (!hasSignal(model)) throw new Error("wuxing: the model reads no signal")
    const at = networkEnd(model)
    this.unit = model.getAt(at + SignalBlock.Unit, "f64")
    this.intervalMs = model.getAt(at + SignalBlock.IntervalUs, "i32") / 1000
    this.unknown = model.getAt(at + SignalBlock.Unknown, "i32")
    this.hold = model.getAt(at + SignalBlock.Hold, "i32")
    const plan = at + SignalBlock.Plan
    this.plan = Buffer.alloc(model.length - plan)
    this.plan.blitAt(0, model, plan, model.length - plan)
    this.state = Buffer.alloc(Stream.Size)
    this.state.blitAt(0, model, at + SignalBlock.Stream, Stream.Size)
    this.work = Buffer.alloc(model.getAt(at + SignalBlock.WorkBytes, "i32"))
    this.channels = this.state.getAt(Stream.Channels, "i32")
    this.signal = Buffer.alloc(2 * this.channels * streamSamples(this.state))
    this.inputs = Buffer.alloc(this.plan.getAt(Plan.Width, "u16"))
    this.sequence = this.plan.getAt(Plan.Kind, "u16") === FeatureKind.Reservoir
  }

  /**
   * Takes the next reading.
   *
   * @param reading a number a channel, in the unit the network was taught in
   * @returns has a movement or a window ended with it, whose features are in `inputs` now?
   * @throws Error if the number of channels is wrong
   */
  async put(reading: number[]): Promise<boolean> {
    if (reading.length !== this.channels)
      throw new Error(`wuxing: ${reading.length} channels, not ${this.channels}`)
    let at = this.state.getAt(Stream.Fill, "i32") * this.channels * 2
    for (let c = 0; c < this.channels; c++) {
      const value = Math.round(reading[c] * this.unit)
      this.signal.setAt(at, "i16", Math.max(-32768, Math.min(32767, value)))
      at = at + 2
    }
    const count = followStream(this.state, this.signal)
    if (count === 0) return false
    this.samples = count
    let made = 0
    // The runtime ends what takes long without a pause; the tool that wrote the model saw to the others.
    await ds.sleep(0)
    if (this.sequence) made = await this.ofSequence(count)
    else made = features(this.plan, this.work, this.signal, 0, count, this.inputs, 0)
    nextStream(this.state, this.signal)
    return made > 0
  }

  private async ofSequence(count: number): Promise<number> {
    if (count < this.plan.getAt(Plan.Least, "u16")) return 0
    const moments = beginSequence(this.plan, this.work, this.signal, 0, count)
    for (let i = 0; i < moments; i++) {
      await ds.sleep(0)
      takeMoment(this.plan, this.work, this.signal, i)
      stepRings(this.plan, this.work)
    }
    endSequence(this.plan, this.work, this.inputs, 0)
    return this.inputs.length
  }

  /**
   * What is to be said of the last window: of a movement its class, of windows a class that is new and
   * held for some in a row.
   *
   * @returns the class; −1: nothing, or none that is known
   */
  classOf(prediction: Prediction): number {
    const best = prediction.class
    let next = -32768
    for (let i = 0; i < prediction.outputs.length; i++)
      if (i !== best && prediction.outputs[i] > next) next = prediction.outputs[i]
    const known = prediction.outputs[best] - next >= this.unknown ? best : -1
    if (this.hold === 0) return known
    this.held = known === this.last ? this.held + 1 : 1
    this.last = known
    if (this.held < this.hold || known === this.said) return -1
    this.said = known
    return known
  }

  /** The sensor was away: what comes now does not go on from what was. */
  clear(): void {
    clearStream(this.state)
    this.last = -1
    this.held = 0
    this.said = -1
    this.dueMs = -1
  }

  /** Waits until the next reading is due. */
  async pace(): Promise<void> {
    const now = ds.millis()
    // Behind by more than a reading: from here on, not in a rush.
    if (this.dueMs < 0 || now - this.dueMs > this.intervalMs) this.dueMs = now
    this.dueMs = this.dueMs + this.intervalMs
    await ds.sleep(Math.max(0, this.dueMs - now))
  }
}
