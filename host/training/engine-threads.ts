/** The threads of the training engine: started when first needed, given one job at a time, stopped together. */
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

export class EngineThreads {
  private readonly control = new Int32Array(new SharedArrayBuffer(4 * CONTROL_WORDS))
  private readonly threads: Worker[] = []
  private busy = false
  private failure?: WuxingError

  /** @param dataOf what the thread of a number begins with, beside the control words */
  constructor(private readonly dataOf: (worker: number) => object) {}

  /**
   * @param workers how many of the threads do the job
   * @returns samples that were done, and how many of them were right; none of a job that was aborted before
   * @throws WuxingError "engine-thread"; RangeError if a job is running
   */
  async run(
    workers: number,
    job: object,
    { onProgress, signal }: JobOptions,
  ): Promise<{ done: number; right: number }> {
    const { control } = this
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
    const thread = heard(
      new Worker(new URL("./worker.mjs", import.meta.url), {
        execArgv: [],
        workerData: { ...this.dataOf(worker), control: this.control, worker },
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

  /** Ends all threads; a job under way fails. */
  async close(): Promise<void> {
    await Promise.all(this.threads.filter(Boolean).map(thread => thread.terminate()))
  }
}
