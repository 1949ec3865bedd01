/**
 * One thread of the training engine. Plain JavaScript, since a worker starts without the tool's
 * TypeScript loader. It only calls the compiled core and keeps step with the other threads.
 */
import { parentPort, workerData } from "node:worker_threads"

const { module, memory, control, base, parts, partLinks, worker, workers, stride, batched } =
  workerData

/** Control words (int32): kept in step with engine.ts. */
const ARRIVED = 0
const GENERATION = 1
const STOP = 2
const DONE = 3
const RIGHT = 4

const core = new WebAssembly.Instance(module, { env: { memory } }).exports

/** Waits until every thread has come here. */
function barrier() {
  if (workers === 1) return
  const generation = Atomics.load(control, GENERATION)
  if (Atomics.add(control, ARRIVED, 1) === workers - 1) {
    Atomics.store(control, ARRIVED, 0)
    Atomics.add(control, GENERATION, 1)
    Atomics.notify(control, GENERATION)
    return
  }
  // The others are at most a few samples behind: spinning first saves a sleep and a wake-up.
  for (let spin = 0; spin < 20000; spin++)
    if (Atomics.load(control, GENERATION) !== generation) return
  while (Atomics.load(control, GENERATION) === generation)
    Atomics.wait(control, GENERATION, generation, 100)
}

/** Applies a batch: every thread merges its share of each part's links. */
function merge() {
  for (let i = 0; i < parts.length; i++) {
    const from = Math.floor((partLinks[i] * worker) / workers)
    const to = Math.floor((partLinks[i] * (worker + 1)) / workers)
    core.mergeDeltas(base - worker * stride, parts[i], workers, stride, from, to)
  }
}

/** Learns one image; one that a shift would push out of its frame is learnt unshifted. */
function learn(job, k) {
  const i = job.indices[k]
  const from = job.starts[i]
  const to = job.starts[i + 1]
  const label = job.labels[i]
  let named = core.learnWhole(base, 0, from, to, job.shifts[k], label, job.sample + k)
  if (named < 0) named = core.learnWhole(base, 0, from, to, 0, label, job.sample + k)
  return named === label ? 1 : 0
}

function train(job) {
  const count = job.indices.length
  for (let first = 0; first < count; first += job.batch) {
    const end = Math.min(count, first + job.batch)
    let right = 0
    for (let k = first + worker; k < end; k += workers) right += learn(job, k)
    Atomics.add(control, RIGHT, right)
    if (batched) {
      barrier()
      merge()
    }
    // Every thread must see the same answer, so one asks and all wait for it.
    if (worker === 0) {
      Atomics.store(control, DONE, end)
      if (Atomics.load(control, STOP) === 1) Atomics.store(control, STOP, 2)
    }
    barrier()
    if (Atomics.load(control, STOP) === 2) return
  }
}

function predict(job) {
  const count = job.indices.length
  const share = Math.ceil(count / workers)
  const end = Math.min(count, share * (worker + 1))
  for (let k = share * worker; k < end; k++) {
    const i = job.indices[k]
    job.classes[k] = core.predictWhole(base, 0, job.starts[i], job.starts[i + 1], 0)
    if (worker === 0) Atomics.store(control, DONE, k * workers)
    if (Atomics.load(control, STOP) !== 0) return
  }
}

parentPort.on("message", job => {
  if (job.kind === "train") train(job)
  else predict(job)
  parentPort.postMessage("done")
})
