/**
 * The host's training engine: the core as WebAssembly on one or more threads over one shared memory.
 *
 * With a batch of 1 it does what a board does and ends with the same bits. With larger batches all
 * samples of a batch see the same coefficients and their changes are added up; or, several times as
 * fast, their products, which are rounded once (src/core/once.ts), in lanes of 16 samples side by side.
 * The result depends on the batch size, never on the number of threads.
 */
import "../base/memory"
import { availableParallelism } from "node:os"
import { Header, MOST_LEARN_SHIFT, Part, PartFlag } from "../../src/core/layout"
import { outputError, readout } from "../../src/core/run"
import { WuxingError } from "../base/errors"
import { LANES, Lane } from "../codegen/assembly/lane-layout"
import { coreModule } from "../codegen/core-module"
import { mostRunBytes, writeRuns } from "../data/runs"
import { interrupted } from "../link/wait"
import { exchangeCoefficients, exchangeElements } from "../network/exchange"
import { coefficientsOf, elementsOf, wholeNetwork } from "../network/host-network"
import {
  elementsLearn,
  faultOfCoefficients,
  hasKernels,
  inputImage,
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
import { checkIndices, tooLarge, whole } from "./engine-limits"
import { EngineThreads } from "./engine-threads"
import { LaneMemory, lanesFaultOf } from "./lane-memory"
import type { JobOptions, LabelledImages, LearningEngine, Manner } from "./learning-engine"
import { EXACT_BITS, type Rounding } from "./schedule"

const PAGE = 65536
/** 2 GiB: addresses stay positive as 32-bit numbers. */
const MOST_PAGES = 32768
/** 4 MiB. */
const GROWTH_PAGES = 64
/** More than a batch of this could carry a gathered change out of 32 bits. */
const MOST_BATCH = 65536
/** Behind a shard: four bytes a synapse of a part (assembly/links.ts), and a vector too many. */
const SCRATCH_BYTES = 4 * MAX_SYNAPSES + 64
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
  /** Changes of a batch: each sample's rounded (the default), or their sum once. */
  rounding?: Rounding
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
    const { rounding = "each" } = options
    if (batch > 1 && rounding === "each" && hasKernels(network))
      throw new WuxingError({
        code: "rounding-each",
        kind: "usage",
        message: `network ${network.name} cannot be taught in batches whose images are rounded one by one: it has shared kernels`,
        cause: "a shared coefficient learns from all places of an image at once",
        help: "give --rounding once, or --batch 1",
      })
    const refused = rounding === "once" ? lanesFaultOf(network, batch) : ""
    if (refused)
      throw new WuxingError({
        code: "rounding-once",
        kind: "usage",
        message: `network ${network.name} cannot be taught in batches that are rounded once: ${refused}`,
        cause:
          "samples are computed side by side then, which knows the usual rings and links alone",
        help: "leave out --rounding, or give --rounding each",
      })
    // Every thread must take part in each batch, to have the coefficients it ends with.
    const workers = batch > 1 ? Math.min(batch, threads) : threads
    const module = await coreModule(batch > 1 && rounding === "each")
    return new TrainingEngine(network, batch, workers, rounding, module)
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
  private readonly shardBytes: number
  // Bytes from one thread's region to the next.
  private readonly stride: number
  private readonly parts: number[]
  private readonly partLinks: number[]
  /** Neurons of each part, 0 where elements do not learn. */
  private readonly partNeurons: number[]
  private readonly threads: EngineThreads
  /** What is computed in lanes, and where it lies. */
  private readonly lanes?: { memory: LaneMemory; at: number; table: number; blocks: number }
  /** Has each thread coefficients of its own? */
  private readonly own: boolean
  /** Addresses of two lots of distorted images, once there are any. */
  private stages: number[] = []
  /** First byte that is free. */
  private top: number

  private constructor(
    readonly network: Network,
    readonly batch: number,
    readonly workers: number,
    rounding: Rounding,
    module: WebAssembly.Module,
  ) {
    const shard = buildShard(network, wholeNetwork(network), 1)
    this.shardBytes = shard.length
    this.parts = partsOf(shard)
    this.partLinks = this.parts.map(part => shard.getAt(part + Part.Links, "i32"))
    const elements = elementsLearn(network)
    this.partNeurons = this.parts.map(part =>
      elements ? shard.getAt(part + Part.Neurons, "u16") : 0,
    )
    const gathers = batch > 1 && rounding === "each"
    this.own = gathers && workers > 1 && sumOf(this.partLinks) <= MOST_OWN_LINKS
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
      if (gathers) end = align(end + this.partLinks[i] * 4)
      if (shard.getAt(part + Part.Inhibition, "i32") === 0) continue
      shard.setAt(part + Part.InhibitionDelta, "i32", end)
      if (gathers) end = align(end + shard.getAt(part + Part.Neurons, "u16") * 20)
    }
    const lanes = rounding === "once" ? new LaneMemory(network) : undefined
    const blocks = Math.ceil(batch / LANES / workers)
    const firstBlock = align(end)
    if (lanes) end = firstBlock + blocks * lanes.blockBytes + lanes.scratchBytes
    this.stride = end
    this.top = PAGE + this.stride * workers
    if (lanes) {
      const table = this.top + lanes.sharedBytes
      this.lanes = { memory: lanes, at: this.top, table, blocks: firstBlock }
      this.top = align(table + 4 * blocks * workers)
    }
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
    const { memory, parts, partLinks, partNeurons, own, stride } = this
    const shared = { module, parts, partLinks, partNeurons, own, stride, batched: gathers }
    const laned = lanes && this.fillLanes(shard, blocks)
    this.threads = new EngineThreads(memory, worker => ({
      ...{ ...shared, base: this.regionOf(worker) },
      lanes: laned?.(worker),
    }))
  }

  /**
   * Writes what is computed in lanes.
   *
   * @param blocks of each thread
   * @returns what a thread has to know of it
   */
  private fillLanes(shard: Buffer, blocks: number): (worker: number) => object {
    const { memory, at, table, blocks: first } = this.lanes!
    const all = Buffer.from(this.memory.buffer)
    memory.write(all, at)
    memory.load(all, at, coefficientsOf(this.network, [shard]))
    const blockAt = (worker: number, i: number) =>
      this.regionOf(worker) + first + i * memory.blockBytes
    for (let i = 0; i < blocks * this.workers; i++)
      all.setAt(table + 4 * i, "i32", blockAt(Math.floor(i / blocks), i % blocks))
    const neurons = memory.rings
    const records = neurons.map((_, i) => at + i * Lane.Length)
    return worker => ({
      ...{ records, neurons, table },
      blocks: Array.from({ length: blocks }, (_, i) => blockAt(worker, i)),
      scratch: blockAt(worker, blocks),
    })
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
      const image = inputImage(this.network, images.subarray(i * pixels, (i + 1) * pixels))
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
    const bits = this.lanes ? EXACT_BITS : 0
    for (const rate of rates) whole("rate", rate >> bits, most, leastLearnShift(this.network))
  }

  private async learn(
    { starts, labels, indices, shifts, rates }: Lot,
    options: JobOptions,
  ): Promise<{ done: number; right: number }> {
    const job = { starts, labels, indices, shifts, rates, sample: this.samples, batch: this.batch }
    const workers = Math.min(this.workers, this.batch)
    const figures = await this.threads.run(workers, { kind: "train", ...job }, options)
    this.samples += figures.done
    return figures
  }

  /** While the threads learn some images, this one makes the next. */
  private async learnDistorted(
    { images, labels }: ImageStore,
    indices: Int32Array,
    { distort, rates, signal, onProgress }: JobOptions & Manner & Required<Pick<Manner, "distort">>,
  ): Promise<{ done: number; right: number }> {
    const { network } = this
    const [count, areas] = this.makeStages()
    const lot = { images, labels, indices, rates, distort, network }
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
    await this.threads.run(
      this.workers,
      { kind: "predict", starts, labels, indices, classes },
      options,
    )
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
    return this.readCoefficients(false)
  }

  /** What is kept to learn coefficients of four bits by, and all others, as `coefficients`. */
  get kept(): Buffer {
    return this.readCoefficients(true)
  }

  set kept(all: Buffer) {
    // Who does not learn by them has no use for them.
    if (this.lanes) this.coefficients = all
  }

  private readCoefficients(asKept: boolean): Buffer {
    if (!this.lanes) return coefficientsOf(this.network, [Buffer.from(this.shard)])
    const { memory, at } = this.lanes
    const all = Buffer.alloc(2 * sumOf(this.partLinks))
    memory.read(Buffer.from(this.memory.buffer), at, all, asKept)
    return all
  }

  /** @throws RangeError if there are not as many as links, or one is past the network's clamp */
  set coefficients(all: Buffer) {
    const links = sumOf(this.partLinks)
    if (all.length !== links * 2)
      throw new RangeError(`${all.length} bytes are not ${links} coefficients`)
    const fault = faultOfCoefficients(this.network, all)
    if (fault) throw new RangeError(fault)
    if (this.lanes) {
      this.lanes.memory.load(Buffer.from(this.memory.buffer), this.lanes.at, all)
      return
    }
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

  /** Gives its threads back; a job under way fails. */
  async close(): Promise<void> {
    await this.threads.close()
  }
}

function sumOf(counts: number[]): number {
  return counts.reduce((sum, count) => sum + count, 0)
}

function align(at: number): number {
  return (at + 63) & ~63
}
