/**
 * The host's training engine: the core as WebAssembly on one or more threads over one shared memory.
 *
 * With a batch of 1 it does what a board does and ends with the same bits. With larger batches all
 * samples of a batch see the same coefficients and their changes are added up; the result depends
 * on the batch size, never on the number of threads.
 */
import "../device-script-buffer"
import { availableParallelism } from "node:os"
import { Worker } from "node:worker_threads"
import { Header, Part } from "../../src/layout"
import type { Network } from "../../src/network"
import { partAt } from "../../src/run"
import { buildShard, exchangeCoefficients } from "../../src/shard"
import { encodeRuns } from "../data/runs"
import { coefficientsOf, wholeNetwork } from "../engine"
import { interrupted } from "../link/wait"
import { coreBinary } from "./core-module"

/** Control words (int32), kept in step with worker.mjs. */
const STOP = 2
const DONE = 3
const RIGHT = 4
const CONTROL_WORDS = 8
const PAGE = 65536
const MOST_PAGES = 65536
/** How often a running job is looked at, ms. */
const POLL_MS = 100

/** Images in the engine's memory, as runs of non-zero pixels. */
export interface ImageStore {
  /** Address of each image's runs, and of the end. */
  readonly starts: Int32Array
  readonly labels: Uint8Array
}

export interface EngineOptions {
  /** Samples that learn together; 1 (the default) as on boards. */
  batch?: number
  /** Threads (default: one for a batch of 1, else one a core). */
  workers?: number
}

type Progress = (done: number, right: number) => void

export class TrainingEngine {
  /** Samples learnt so far; the next one's number in the stochastic rounding. */
  samples = 0
  private top: number

  /** @throws WuxingError "core-compile" */
  static async start(network: Network, options: EngineOptions = {}): Promise<TrainingEngine> {
    const batch = options.batch ?? 1
    const workers = batch === 1 ? 1 : Math.min(batch, options.workers ?? availableParallelism())
    const binary = await coreBinary(batch > 1)
    return new TrainingEngine(network, batch, workers, new WebAssembly.Module(binary))
  }

  private readonly memory: WebAssembly.Memory
  private readonly control = new Int32Array(new SharedArrayBuffer(4 * CONTROL_WORDS))
  private readonly shardBytes: number
  /** Bytes from one thread's region to the next. */
  private readonly stride: number
  private readonly threads: Worker[] = []
  private failure?: Error

  private constructor(
    readonly network: Network,
    readonly batch: number,
    readonly workers: number,
    module: WebAssembly.Module,
  ) {
    const shard = buildShard(network, wholeNetwork(network), 1)
    this.shardBytes = shard.length
    const parts = Array.from({ length: shard.getAt(Header.Parts, "u16") }, (_, i) => partAt(i))
    const partLinks = parts.map(part => shard.getAt(part + Part.Links, "i32"))
    // One region a thread: a copy of the shard, then what its samples of a batch have gathered.
    let end = align(shard.length)
    for (const [i, part] of parts.entries()) {
      shard.setAt(part + Part.Delta, "i32", end)
      if (batch > 1) end = align(end + partLinks[i] * 4)
    }
    const stride = end
    this.stride = stride
    this.top = PAGE + stride * workers
    this.memory = new WebAssembly.Memory({
      initial: Math.ceil(this.top / PAGE),
      maximum: MOST_PAGES,
      shared: true,
    })
    for (let worker = 0; worker < workers; worker++) {
      const copy = Buffer.from(shard)
      // All threads read the first one's links: addresses are relative, so they point backwards.
      for (const part of parts)
        for (const field of [Part.Coefficient, Part.Start, Part.Target])
          if (shard.getAt(part + field, "i32") !== 0)
            copy.setAt(part + field, "i32", shard.getAt(part + field, "i32") - worker * stride)
      copy.copy(this.bytes(PAGE + worker * stride, shard.length))
      const thread = new Worker(new URL("./worker.mjs", import.meta.url), {
        execArgv: [],
        workerData: {
          ...{ module, memory: this.memory, control: this.control, parts, partLinks },
          ...{ base: PAGE + worker * stride, worker, workers, stride, batched: batch > 1 },
        },
      })
      thread.on("error", error => {
        this.failure = error
      })
      thread.unref()
      this.threads.push(thread)
    }
  }

  private bytes(at: number, length: number): Buffer {
    return Buffer.from(this.memory.buffer, at, length)
  }

  /** The shard of the first thread, whose links all use. */
  private get shard(): Buffer {
    return this.bytes(PAGE, this.shardBytes)
  }

  /**
   * Copies images into the engine's memory.
   *
   * @param images one byte a pixel, one image behind the other
   */
  store(images: Uint8Array, labels: Uint8Array): ImageStore {
    const pixels = this.network.width
    const runs: Buffer[] = []
    const starts = new Int32Array(new SharedArrayBuffer(4 * (labels.length + 1)))
    let bytes = 0
    for (let i = 0; i < labels.length; i++) {
      const encoded = encodeRuns(images.subarray(i * pixels, (i + 1) * pixels))
      runs.push(encoded)
      starts[i] = this.top + bytes
      bytes += encoded.length
    }
    starts[labels.length] = this.top + bytes
    const missing = Math.ceil((this.top + bytes - this.memory.buffer.byteLength) / PAGE)
    if (missing > 0) this.memory.grow(missing)
    Buffer.concat(runs).copy(this.bytes(this.top, bytes))
    this.top = align(this.top + bytes)
    const shared = new Uint8Array(new SharedArrayBuffer(labels.length))
    shared.set(labels)
    return { starts, labels: shared }
  }

  /**
   * Learns images in the given order.
   *
   * @param shifts for each by how many pixels to move it (rows · width + columns); none moves where
   *   it would leave its frame
   * @returns how many were learnt (fewer than given only if aborted), and how many of them the
   *   network had right before it learnt them
   */
  async train(
    store: ImageStore,
    indices: Int32Array,
    options: { shifts?: Int32Array; onProgress?: Progress; signal?: AbortSignal } = {},
  ): Promise<{ done: number; right: number }> {
    const shifts = options.shifts ?? new Int32Array(indices.length)
    await this.run(
      { kind: "train", ...store, indices, shifts, sample: this.samples, batch: this.batch },
      options,
    )
    const done = this.control[DONE]
    this.samples += done
    return { done, right: this.control[RIGHT] }
  }

  /** Classes the network names for images. @throws WuxingError "interrupted" */
  async predict(
    store: ImageStore,
    indices: Int32Array,
    options: { onProgress?: Progress; signal?: AbortSignal } = {},
  ): Promise<Int32Array> {
    const classes = new Int32Array(new SharedArrayBuffer(4 * indices.length))
    await this.run({ kind: "predict", ...store, indices, classes }, options)
    if (options.signal?.aborted)
      throw interrupted("the images to be classified", options.signal.reason)
    return classes
  }

  private async run(
    job: object,
    { onProgress, signal }: { onProgress?: Progress; signal?: AbortSignal },
  ): Promise<void> {
    this.control.fill(0)
    const stop = () => Atomics.store(this.control, STOP, 1)
    if (signal?.aborted) stop()
    signal?.addEventListener("abort", stop)
    const timer =
      onProgress && setInterval(() => onProgress(this.control[DONE], this.control[RIGHT]), POLL_MS)
    try {
      await Promise.all(
        this.threads.map(
          thread =>
            new Promise<void>((resolve, reject) => {
              if (this.failure) return reject(this.failure)
              thread.ref()
              const done = () => settle(resolve)
              const failed = (error: Error) => settle(() => reject(error))
              const settle = (end: () => void) => {
                thread.off("message", done)
                thread.off("error", failed)
                thread.unref()
                end()
              }
              thread.on("message", done)
              thread.on("error", failed)
              thread.postMessage(job)
            }),
        ),
      )
    } finally {
      clearInterval(timer)
      signal?.removeEventListener("abort", stop)
    }
  }

  /** Bits by which learning shifts: the rate, for schedules. */
  set learnShift(bits: number) {
    this.shard.setAt(Header.LearnShift, "u16", bits)
    this.share()
  }

  /** Gives every thread the first one's number formats and rates. */
  private share(): void {
    for (let worker = 1; worker < this.workers; worker++) {
      this.shard.copy(this.bytes(PAGE + worker * this.stride, Header.Length), 0, 0, Header.Length)
    }
  }

  /** Coefficients in the network's order, int16, Q13. */
  get coefficients(): Buffer {
    return coefficientsOf(this.network, [Buffer.from(this.shard)])
  }

  set coefficients(all: Buffer) {
    exchangeCoefficients(this.shard, this.network, all, true)
  }

  async close(): Promise<void> {
    await Promise.all(this.threads.map(thread => thread.terminate()))
  }
}

function align(at: number): number {
  return (at + 63) & ~63
}
