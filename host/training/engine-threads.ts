/**
 * The threads of the training engine: started when first needed, given one job at a time, given back together.
 * An idle one takes over for the next engine of this process, as to start one takes 0.1 s of a core.
 */
import { availableParallelism } from "node:os"
import { Worker } from "node:worker_threads"
import { realClock } from "../base/clock"
import { WuxingError } from "../base/errors"
import { heard } from "../base/heard"
import type { JobOptions } from "./learning-engine"

/** Control words (int32), kept in step with worker.mjs. */
const STOP = 2
const DONE = 3
const RIGHT = 4
const CONTROL_WORDS = 8
/** How often a running job is looked at, ms. */
const POLL_MS = 100

/**
 * A thread that works for nobody may still hold the memories of the engines it worked for: it makes too little
 * garbage to be rid of it. So it ends once they come to this, B, each counted as a sixteenth of it or more.
 */
const MOST_HELD = 64 * 1024 * 1024
const LEAST_HELD = MOST_HELD / 16

/** Those that work for no engine, and what each may hold, B. */
const idle: Worker[] = []
const held = new WeakMap<Worker, number>()

/** An idle thread, or a new one. */
function someThread(): Worker {
  const kept = idle.pop()
  if (kept) return kept
  const started = heard(new Worker(new URL("./worker.mjs", import.meta.url), { execArgv: [] }))
  started.on("exit", () => {
    const at = idle.indexOf(started)
    if (at >= 0) idle.splice(at, 1)
  })
  started.unref()
  return started
}

/** @param bytes of the memory that it had of its engine */
async function giveBack(thread: Worker, bytes: number): Promise<void> {
  const all = (held.get(thread) ?? 0) + Math.max(LEAST_HELD, bytes)
  if (all > MOST_HELD || idle.length >= availableParallelism()) await thread.terminate()
  else {
    held.set(thread, all)
    thread.postMessage({ kind: "begin", of: {} })
    idle.push(thread)
  }
}

export class EngineThreads {
  private readonly control = new Int32Array(new SharedArrayBuffer(4 * CONTROL_WORDS))
  private readonly threads: Worker[] = []
  /** Listeners of each thread, which are taken off before another engine has it. */
  private readonly listeners: { error: (error: Error) => void; exit: (status: number) => void }[] =
    []
  private busy = false
  private failure?: WuxingError
  private closed?: Promise<void>

  /**
   * @param memory of the engine
   * @param dataOf what the thread of a number begins with, beside the memory and the control words
   */
  constructor(
    private readonly memory: WebAssembly.Memory,
    private readonly dataOf: (worker: number) => object,
  ) {}

  /**
   * @param workers how many of the threads do the job
   * @returns samples that were done, and how many of them were right; none of a job that was aborted before
   * @throws WuxingError "engine-thread"; RangeError if a job is running or the engine is closed
   */
  async run(
    workers: number,
    job: object,
    { onProgress, signal }: JobOptions,
  ): Promise<{ done: number; right: number }> {
    const { control } = this
    if (this.failure) throw this.failure
    if (this.closed) throw new RangeError("the engine is closed")
    if (this.busy) throw new RangeError("the engine does one job at a time")
    control.fill(0)
    if (signal?.aborted) return { done: 0, right: 0 }
    this.busy = true
    const stop = () => Atomics.store(control, STOP, 1)
    signal?.addEventListener("abort", stop)
    const timer =
      onProgress && realClock.every(POLL_MS, () => onProgress(control[DONE], control[RIGHT]))
    try {
      await Promise.all(
        Array.from({ length: workers }, (_, worker) =>
          this.done(this.thread(worker), { ...job, workers }),
        ),
      )
      onProgress?.(control[DONE], control[RIGHT])
      return { done: control[DONE], right: control[RIGHT] }
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
    const thread = someThread()
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
    const listeners = {
      error: (error: Error) => lost(error.message, error),
      exit: (status: number) => lost(`exit status ${status}`),
    }
    thread.on("error", listeners.error)
    thread.on("exit", listeners.exit)
    const { memory, control } = this
    thread.postMessage({ kind: "begin", of: { ...this.dataOf(worker), memory, control, worker } })
    this.threads[worker] = thread
    this.listeners[worker] = listeners
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

  /** Gives all threads back; a job under way fails, and its threads end. */
  close(): Promise<void> {
    this.closed ??= this.letGo()
    return this.closed
  }

  private async letGo(): Promise<void> {
    const { busy, failure, listeners, memory } = this
    const ends = this.threads.map((thread, i) => {
      if (busy || failure) return thread.terminate()
      thread.off("error", listeners[i].error)
      thread.off("exit", listeners[i].exit)
      return giveBack(thread, memory.buffer.byteLength)
    })
    await Promise.all(ends)
  }
}
