/**
 * The host's training engine: the core as WebAssembly on one or more threads over one shared memory.
 *
 * With a batch of 1 it does what a board does and ends with the same bits. With larger batches all
 * samples of a batch see the same coefficients and their changes are added up; the result depends
 * on the batch size, never on the number of threads.
 */
import { realClock } from "../base/clock"
import "../base/memory"
import { availableParallelism } from "node:os"
import { Worker } from "node:worker_threads"
import { Header, MOST_LEARN_SHIFT, Part, PartFlag } from "../../src/core/layout"
import { outputError, readout } from "../../src/core/run"
import { WuxingError } from "../base/errors"
import { heard } from "../base/heard"
import { coreModule } from "../codegen/core-module"
import { blanked, mostRunBytes, writeRuns } from "../data/runs"
import { interrupted } from "../link/wait"
import { exchangeCoefficients, exchangeElements } from "../network/exchange"
import { coefficientsOf, elementsOf, wholeNetwork } from "../network/host-network"
import {
  coefficientMax,
  elementsLearn,
  inputFloorOf,
  leastLearnShift,
  mostFiner,
  mostLearnShift,
  type Network,
  signalsOf,
} from "../network/network"
import { buildShard } from "../network/shard"
import { partsOf } from "../network/shard-parts"
import { MAX_SYNAPSES } from "../network/slices"
import { faultOf } from "../network/validate"
import { type Lot, lotSize, makeLot } from "./distorted-lots"
import { checkClamp, checkIndices, tooLarge, whole } from "./engine-limits"
import type { JobOptions, LabelledImages, LearningEngine, Manner } from "./learning-engine"

/** Control words (int32), kept in step with worker.mjs. */
const STOP = 2
const DONE = 3
const RIGHT = 4
const CONTROL_WORDS = 8
const PAGE = 65536
/** 2 GiB: addresses stay positive as 32-bit numbers. */
const MOST_PAGES = 32768
/** 4 MiB. */
const GROWTH_PAGES = 64
/** More than a batch of this could carry a gathered change out of 32 bits. */
const MOST_BATCH = 65536
/** Behind a shard: four bytes a synapse of a part (assembly/links.ts), and a vector too many. */
const SCRATCH_BYTES = 4 * MAX_SYNAPSES + 64
/** How often a running job is looked at, ms. */
const POLL_MS = 100
/** Images in the engine's memory, as runs of non-zero pixels. */
export interface ImageStore extends LabelledImages {
  /** As they came. */
  readonly images: Uint8Array
  /** Address of each image's runs, and of the end. */
  readonly starts: Int32Array
  readonly labels: Uint8Array
}

export interface EngineOptions {
  /** Samples that learn together, 1…65,536; 1 (the default) as on boards. */
  batch?: number
  /** Threads, 1…64 (default: one a core). A batch of n uses n at most to learn. */
  workers?: number
}

/**
 * Up to here each thread has coefficients of its own, and adds all threads' changes to them: to fetch
 * what another core wrote takes longer than to add it up twice. Of more links each thread adds up
 * a share for all.
 */
const MOST_OWN_LINKS = 32768

/** Arrays that all threads read from the first one's region. */
const SHARED = [Part.Start, Part.Target, Part.Inhibition, Part.Rest, Part.RestBack]

type Learnt = Pick<LearningEngine, "coefficients" | "elements">

export class TrainingEngine implements LearningEngine {
  /** Samples learnt so far; the next one's number in the stochastic rounding. */
  samples = 0

  /** @throws WuxingError "core-compile"; RangeError if the network or an option makes no sense */
  static async start(network: Network, options: EngineOptions = {}): Promise<TrainingEngine> {
    const fault = faultOf(network)
    if (fault) throw new RangeError(`network ${network.name} cannot be run: ${fault}`)
    const batch = whole("batch", options.batch ?? 1, MOST_BATCH)
    if (batch > 1 && network.pid)
      throw new RangeError(
        `network ${network.name} cannot be taught in batches: PID control follows one sample after the other`,
      )
    const threads = whole("workers", options.workers ?? availableParallelism(), 64)
    // Every thread must take part in each batch, to have the coefficients it ends with.
    const workers = batch > 1 ? Math.min(batch, threads) : threads
    return new TrainingEngine(network, batch, workers, await coreModule(batch > 1))
  }

  /**
   * An engine that goes on from what another has learnt.
   *
   * @param learnt elements: empty where none learn
   * @throws as start
   */
  static async startFrom(
    network: Network,
    { coefficients, elements }: Learnt,
    options?: EngineOptions,
  ): Promise<TrainingEngine> {
    const engine = await TrainingEngine.start(network, options)
    engine.coefficients = coefficients
    if (elements.length > 0) engine.elements = elements
    return engine
  }

  private readonly memory: WebAssembly.Memory
  private readonly control = new Int32Array(new SharedArrayBuffer(4 * CONTROL_WORDS))
  private readonly shardBytes: number
  // Bytes from one thread's region to the next.
  private readonly stride: number
  private readonly parts: number[]
  private readonly partLinks: number[]
  /** Neurons of each part, 0 where elements do not learn. */
  private readonly partNeurons: number[]
  private readonly threads: Worker[] = []
  /** Has each thread coefficients of its own? */
  private readonly own: boolean
  /** Addresses of two lots of distorted images, once there are any. */
  private stages: number[] = []
  /** First byte that is free. */
  private top: number
  private busy = false
  private failure?: WuxingError

  private constructor(
    readonly network: Network,
    readonly batch: number,
    readonly workers: number,
    private readonly module: WebAssembly.Module,
  ) {
    const shard = buildShard(network, wholeNetwork(network), 1)
    this.shardBytes = shard.length
    this.parts = partsOf(shard)
    this.partLinks = this.parts.map(part => shard.getAt(part + Part.Links, "i32"))
    const elements = elementsLearn(network)
    this.partNeurons = this.parts.map(part =>
      elements ? shard.getAt(part + Part.Neurons, "u16") : 0,
    )
    this.own = batch > 1 && workers > 1 && sumOf(this.partLinks) <= MOST_OWN_LINKS
    // One region a thread: a copy of the shard, then what its samples of a batch have gathered.
    let end = align(shard.length) + SCRATCH_BYTES
    for (const [i, part] of this.parts.entries()) {
      shard.setAt(part + Part.Delta, "i32", end)
      // The loops over listed pixels are the ones with a fast form here.
      const flags = shard.getAt(part + Part.Flags, "u16")
      shard.setAt(part + Part.Flags, "u16", flags & ~PartFlag.AtOnce)
      // Nobody waits for a thread, so that it need not pause within a part as boards do.
      for (const chunk of [Part.ChunkSources, Part.ChunkSynapses, Part.ChunkNeurons])
        shard.setAt(part + chunk, "u16", 65535)
      if (batch > 1) end = align(end + this.partLinks[i] * 4)
      if (shard.getAt(part + Part.Inhibition, "i32") === 0) continue
      shard.setAt(part + Part.InhibitionDelta, "i32", end)
      if (batch > 1) end = align(end + shard.getAt(part + Part.Neurons, "u16") * 20)
    }
    this.stride = end
    this.top = PAGE + this.stride * workers
    if (this.top > MOST_PAGES * PAGE) throw tooLarge("the network")
    this.memory = new WebAssembly.Memory({
      initial: Math.ceil(this.top / PAGE),
      maximum: MOST_PAGES,
      shared: true,
    })
    for (let worker = 0; worker < workers; worker++) {
      const copy = Buffer.from(shard)
      // All threads read the first one's links: addresses are relative, so they point backwards.
      for (const part of this.parts)
        for (const field of this.own ? SHARED : [...SHARED, Part.Coefficient])
          if (shard.getAt(part + field, "i32") !== 0)
            copy.setAt(part + field, "i32", shard.getAt(part + field, "i32") - worker * this.stride)
      copy.copy(this.bytes(this.regionOf(worker), shard.length))
    }
  }

  private regionOf(worker: number): number {
    return PAGE + worker * this.stride
  }

  private bytes(at: number, length: number): Buffer {
    return Buffer.from(this.memory.buffer, at, length)
  }

  /** Has the memory so many bytes, or can it grow to have them? It does then, by some more at once. */
  private holds(bytes: number): boolean {
    const { byteLength } = this.memory.buffer
    if (bytes <= byteLength) return true
    if (bytes > MOST_PAGES * PAGE) return false
    const pages = Math.ceil((bytes - byteLength) / PAGE)
    this.memory.grow(Math.min(MOST_PAGES - byteLength / PAGE, Math.max(pages, GROWTH_PAGES)))
    return true
  }

  /** The shard of the first thread, whose links all use. */
  private get shard(): Buffer {
    return this.bytes(PAGE, this.shardBytes)
  }

  /** Pixels of an image, and classes the network tells apart. */
  get pixels(): number {
    return this.network.width
  }

  get classes(): number {
    return signalsOf(this.network, this.network.layers.length)
  }

  /**
   * Copies images into the engine's memory.
   *
   * @param images one byte a pixel, one image behind the other
   * @param labels one for each image, each below the number of the network's outputs
   * @throws RangeError if the lengths do not fit the network or a label is out of range;
   *   WuxingError "engine-memory" (kind capacity)
   */
  store(images: Uint8Array, labels: Uint8Array): ImageStore {
    const { pixels, classes } = this
    const floor = inputFloorOf(this.network)
    if (images.length !== labels.length * pixels)
      throw new RangeError(
        `${images.length} bytes are not ${labels.length} images of the network's ${pixels} pixels`,
      )
    const wrong = labels.findIndex(label => label >= classes)
    if (wrong >= 0)
      throw new RangeError(
        `label ${wrong} is ${labels[wrong]}, but the network has ${classes} outputs`,
      )
    const starts = new Int32Array(new SharedArrayBuffer(4 * (labels.length + 1)))
    const most = mostRunBytes(pixels)
    let end = this.top
    for (let i = 0; i < labels.length; i++) {
      starts[i] = end
      if (!this.holds(end + most)) throw tooLarge(`${labels.length} images`)
      const image = blanked(images.subarray(i * pixels, (i + 1) * pixels), floor)
      end += writeRuns(image, 0, this.bytes(end, most)).used
    }
    starts[labels.length] = end
    this.top = align(end)
    const shared = new Uint8Array(new SharedArrayBuffer(labels.length))
    shared.set(labels)
    return { images, starts, labels: shared }
  }

  /** As store, for as long as `work` takes: the memory is free again then. */
  async lend<T>(
    images: Uint8Array,
    labels: Uint8Array,
    work: (store: ImageStore) => Promise<T>,
  ): Promise<T> {
    const { top } = this
    try {
      return await work(this.store(images, labels))
    } finally {
      this.top = top
    }
  }

  /**
   * Learns images in the given order.
   *
   * @param indices of images in the store; one may come more than once
   * @returns how many were learnt (fewer than given only if aborted, then whole batches), and how
   *   many of them the network had right before it learnt them
   * @throws RangeError if indices, shifts or rates do not fit; WuxingError "engine-thread"
   */
  async train(
    store: ImageStore,
    indices: Int32Array,
    options: JobOptions & Manner = {},
  ): Promise<{ done: number; right: number }> {
    checkIndices(store.labels.length, indices)
    const { distort, rates, shifts = new Int32Array(indices.length) } = options
    if (shifts.length !== indices.length)
      throw new RangeError(`${shifts.length} shifts for ${indices.length} images`)
    if (rates) this.checkRates(rates, indices.length)
    const before = this.learnShift
    try {
      if (distort) return await this.learnDistorted(store, indices, { ...options, distort })
      return await this.learn({ ...store, indices, shifts, rates }, options)
    } finally {
      if (rates) this.learnShift = before
    }
  }

  private checkRates(rates: Uint8Array, count: number): void {
    if (rates.length !== count) throw new RangeError(`${rates.length} rates for ${count} images`)
    const most = MOST_LEARN_SHIFT - mostFiner(this.network)
    for (const rate of rates) whole("rate", rate, most, leastLearnShift(this.network))
  }

  private async learn(
    { starts, labels, indices, shifts, rates }: Lot,
    options: JobOptions,
  ): Promise<{ done: number; right: number }> {
    const job = { starts, labels, indices, shifts, rates, sample: this.samples, batch: this.batch }
    await this.run(Math.min(this.workers, this.batch), { kind: "train", ...job }, options)
    const done = this.control[DONE]
    this.samples += done
    return { done, right: this.control[RIGHT] }
  }

  /** While the threads learn some images, this one makes the next. */
  private async learnDistorted(
    { images, labels }: ImageStore,
    indices: Int32Array,
    { distort, rates, signal, onProgress }: JobOptions & Manner & Required<Pick<Manner, "distort">>,
  ): Promise<{ done: number; right: number }> {
    const { pixels } = this
    const [count, areas] = this.makeStages()
    const floor = inputFloorOf(this.network)
    const lot = { images, labels, indices, rates, distort, pixels, floor }
    const make = (from: number, area: number) => makeLot(lot, from, count, this.memory.buffer, area)
    let done = 0
    let right = 0
    let next = make(0, areas[0])
    for (let turn = 1; done < indices.length && !signal?.aborted; turn++) {
      const now = next
      const job = this.learn(now, {
        signal,
        onProgress: onProgress && ((d, r) => onProgress(done + d, right + r)),
      })
      const to = done + now.indices.length
      if (to < indices.length) next = make(to, areas[turn & 1])
      const learnt = await job
      done += learnt.done
      right += learnt.right
    }
    return { done, right }
  }

  /** Room for two lots of distorted images, which is kept; and how many there are in a lot. */
  private makeStages(): [number, number[]] {
    const { count, bytes } = lotSize(this.pixels, this.batch)
    if (this.stages.length === 0) {
      this.stages = [this.top, this.top + bytes]
      if (!this.holds(this.top + 2 * bytes)) throw tooLarge(`${2 * count} distorted images`)
      this.top += 2 * bytes
    }
    return [count, this.stages]
  }

  /**
   * Classes the network names for images.
   *
   * @throws RangeError if the indices do not fit; WuxingError "interrupted" or "engine-thread"
   */
  async predict(
    store: ImageStore,
    indices: Int32Array,
    options: JobOptions = {},
  ): Promise<Int32Array> {
    checkIndices(store.labels.length, indices)
    const classes = new Int32Array(new SharedArrayBuffer(4 * indices.length))
    const { starts, labels } = store
    await this.run(this.workers, { kind: "predict", starts, labels, indices, classes }, options)
    if (options.signal?.aborted)
      throw interrupted("the images to be classified", options.signal.reason)
    return classes
  }

  /** The outputs of the image that the first thread ran last, signal format. */
  outputs(): Int16Array {
    const { shard, last } = this
    const at = shard.getAt(last + Part.BusOut, "i32")
    return Int16Array.from({ length: this.classes }, (_, i) => shard.getAt(at + 2 * i, "i16"))
  }

  /**
   * What the first thread made of the image it learnt last: the class it named before, and whether there
   * was an error at the outputs, without which nothing is learnt.
   */
  lastOf(label: number): { classified: number; error: boolean } {
    const { shard, last } = this
    // It writes the error where the next sample puts its own.
    return { classified: readout(shard, last, 0), error: outputError(shard, last, 0, label) }
  }

  /** The part with the outputs. */
  private get last(): number {
    return this.parts[this.parts.length - 1]
  }

  private async run(
    workers: number,
    job: object,
    { onProgress, signal }: JobOptions,
  ): Promise<void> {
    if (this.busy) throw new RangeError("the engine does one job at a time")
    this.control.fill(0)
    if (signal?.aborted) return
    this.busy = true
    const stop = () => Atomics.store(this.control, STOP, 1)
    signal?.addEventListener("abort", stop)
    const timer =
      onProgress &&
      realClock.every(POLL_MS, () => onProgress(this.control[DONE], this.control[RIGHT]))
    try {
      await Promise.all(
        Array.from({ length: workers }, (_, worker) =>
          this.done(this.thread(worker), { ...job, workers }),
        ),
      )
      onProgress?.(this.control[DONE], this.control[RIGHT])
    } catch (error) {
      // The others may wait for the lost one for ever.
      await this.close()
      throw error
    } finally {
      this.busy = false
      timer?.stop()
      signal?.removeEventListener("abort", stop)
    }
  }

  /** The thread of that number, started when it is first needed. */
  private thread(worker: number): Worker {
    const running = this.threads[worker]
    if (running) return running
    const thread = heard(
      new Worker(new URL("./worker.mjs", import.meta.url), {
        execArgv: [],
        workerData: {
          ...{ module: this.module, memory: this.memory, control: this.control },
          ...{ parts: this.parts, partLinks: this.partLinks, partNeurons: this.partNeurons },
          ...{ batched: this.batch > 1, own: this.own },
          ...{ base: this.regionOf(worker), worker, stride: this.stride },
        },
      }),
    )
    const lost = (why: string, cause?: Error) => {
      this.failure ??= new WuxingError(
        {
          code: "engine-thread",
          kind: "internal",
          message: `thread ${worker} of the training engine ended: ${why}`,
          cause: "a defect in wuxing, or too little memory",
          help: "try with --workers 1; if it repeats, report it",
        },
        { cause },
      )
    }
    thread.on("error", error => lost(error.message, error))
    thread.on("exit", status => lost(`exit status ${status}`))
    thread.unref()
    this.threads[worker] = thread
    return thread
  }

  /** Gives a thread its job and waits for the end of either. */
  private done(thread: Worker, job: object): Promise<void> {
    return new Promise<void>((resolve, reject) => {
      if (this.failure) {
        reject(this.failure)
        return
      }
      const settle = (end: () => void) => {
        thread.off("message", done)
        thread.off("exit", failed)
        thread.unref()
        end()
      }
      const done = () => settle(resolve)
      // After the listener that names the failure; an error in a thread is followed by its exit.
      const failed = () => settle(() => reject(this.failure))
      thread.ref()
      thread.on("message", done)
      thread.on("exit", failed)
      thread.postMessage(job)
    })
  }

  /**
   * Bits by which learning shifts, {@link leastLearnShift}…{@link mostLearnShift}: the rate, for schedules. The rate of elements that learn
   * falls (or rises) with it.
   */
  set learnShift(bits: number) {
    this.shard.setAt(
      Header.LearnShift,
      "u16",
      whole("learnShift", bits, mostLearnShift(this.network), leastLearnShift(this.network)),
    )
    const { elements, learnShift } = this.network
    if (elements) {
      const shift = elements.shift + bits - learnShift
      this.shard.setAt(Header.ElementShift, "u16", Math.max(4, Math.min(24, shift)))
    }
    // Every thread has number formats and rates of its own.
    for (let worker = 1; worker < this.workers; worker++)
      this.shard.copy(this.bytes(this.regionOf(worker), Header.Length), 0, 0, Header.Length)
  }

  get learnShift(): number {
    return this.shard.getAt(Header.LearnShift, "u16")
  }

  /** Coefficients in the network's order, int16, Q13. */
  get coefficients(): Buffer {
    return coefficientsOf(this.network, [Buffer.from(this.shard)])
  }

  /** @throws RangeError if there are not as many as links, or one is past the network's clamp */
  set coefficients(all: Buffer) {
    const links = sumOf(this.partLinks)
    if (all.length !== links * 2)
      throw new RangeError(`${all.length} bytes are not ${links} coefficients`)
    checkClamp(all, coefficientMax(this.network))
    exchangeCoefficients(this.shard, this.network, all, true)
    if (!this.own) return
    for (const [i, part] of this.parts.entries()) {
      const at = this.shard.getAt(part + Part.Coefficient, "i32")
      const own = this.bytes(PAGE + at, this.partLinks[i] * 2)
      for (let worker = 1; worker < this.workers; worker++)
        own.copy(this.bytes(this.regionOf(worker) + at, own.length))
    }
  }

  /** K3 and fixed points of every element, as `exchangeElements` orders them; empty if all are ½ and 1. */
  get elements(): Buffer {
    return elementsOf(this.network, [Buffer.from(this.shard)])
  }

  set elements(all: Buffer) {
    exchangeElements(this.shard, this.network, all, true)
  }

  /** Ends all threads; a job under way fails. */
  async close(): Promise<void> {
    await Promise.all(this.threads.filter(Boolean).map(thread => thread.terminate()))
  }
}

function sumOf(counts: number[]): number {
  return counts.reduce((sum, count) => sum + count, 0)
}

function align(at: number): number {
  return (at + 63) & ~63
}
