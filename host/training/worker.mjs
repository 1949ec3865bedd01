/**
 * One thread of the training engine. Plain JavaScript, since a worker starts without the tool's
 * TypeScript loader. It only calls the compiled core and keeps step with the other threads.
 */
import { parentPort } from "node:worker_threads"

/** Of the engine that it works for (engine-threads.ts): one after the other may have it. */
let control, base, parts, partLinks, partNeurons, worker, stride, batched, own, lanes
/** What the core exports, and the header of the thread's shard. */
let core, header

/** Control words (int32): kept in step with training-engine.ts. */
const ARRIVED = 0
const GENERATION = 1
const STOP = 2
const DONE = 3
const RIGHT = 4
const NEXT = 5

/** Place of the rate in a shard's header (layout.ts, `Header.LearnShift`). */
const LEARN_SHIFT = 44

/** Images a thread takes at once to classify, and samples of a block (assembly/lane-layout.ts). */
const CHUNK = 16
/** Bits of a rate in eighths (schedule.ts), and what they count from. */
const EXACT_BITS = 3
const LEAST_EIGHTHS = 8
/** Of a batch, samples a thread that are not shared out beforehand: what threads differ by. */
const LATE = 8
/** A few and some hundred microseconds. */
const LEAST_SPINS = 4000
const MOST_SPINS = 100000

let spins

/** @param of what an engine tells its threads; nothing to let go of the one before, and of its memory */
function begin(of) {
  ;({ control, base, parts, partLinks, partNeurons, worker, stride, batched, own, lanes } = of)
  const { module, memory } = of
  core = module && new WebAssembly.Instance(module, { env: { memory } }).exports
  header = memory && new DataView(memory.buffer, base, LEARN_SHIFT + 2)
  spins = MOST_SPINS
}

/** Waits until all threads of the job have come here. */
function barrier(workers) {
  if (workers === 1) return
  const generation = Atomics.load(control, GENERATION)
  if (Atomics.add(control, ARRIVED, 1) === workers - 1) {
    Atomics.store(control, ARRIVED, 0)
    Atomics.add(control, GENERATION, 1)
    Atomics.notify(control, GENERATION)
    return
  }
  // The others are at most a sample behind: spinning saves a sleep and a wake-up where every thread
  // has a core of its own. Where it has not, spinning only takes time from the others: then less.
  for (let spin = 0; spin < spins; spin++)
    if (Atomics.load(control, GENERATION) !== generation) {
      spins = Math.min(MOST_SPINS, spins * 2)
      return
    }
  spins = Math.max(LEAST_SPINS, spins >> 1)
  while (Atomics.load(control, GENERATION) === generation)
    Atomics.wait(control, GENERATION, generation, 100)
}

/**
 * Applies a batch: to this thread's own coefficients, or to its share of those all have together; and
 * to its share of the elements that learn.
 */
function merge(workers) {
  const first = base - worker * stride
  for (let i = 0; i < parts.length; i++) {
    if (own) core.applyDeltas(base, parts[i], first, workers, stride, partLinks[i])
    else core.mergeDeltas(first, parts[i], workers, stride, ...shareOf(partLinks[i], workers))
    core.mergeInhibition(
      ...[first, parts[i], workers, stride, worker],
      ...shareOf(partNeurons[i], workers),
    )
  }
}

/** From and to of this thread's share of 0…count−1. */
function shareOf(count, workers) {
  return [Math.floor((count * worker) / workers), Math.floor((count * (worker + 1)) / workers)]
}

/** Forgets what this thread gathered, once all threads have added it up. */
function clear() {
  for (let i = 0; i < parts.length; i++) core.clearDeltas(base, parts[i], partLinks[i])
}

/** Learns one image; one that a shift would push out of its frame is learnt unshifted. */
function learn(job, k) {
  const i = job.indices[k]
  const from = job.starts[i]
  const to = job.starts[i + 1]
  const label = job.labels[i]
  if (job.rates) header.setUint16(LEARN_SHIFT, job.rates[k], true)
  let named = core.learnWhole(base, 0, from, to, job.shifts[k], label, job.sample + k)
  if (named < 0) named = core.learnWhole(base, 0, from, to, 0, label, job.sample + k)
  return named === label ? 1 : 0
}

/** Of the samples of a batch that all take from as they have time: how many were, in all. */
let taken = 0

/**
 * Learns this thread's samples of a batch: a share of its own first, which costs no talk with other
 * cores, then of the rest whenever it has time, since samples with nothing to learn take half as
 * long. The sum over a batch does not depend on who learnt what.
 */
function learnBatch(job, first, end) {
  const { workers } = job
  let right = 0
  const count = end - first
  const mine = Math.floor((count - Math.min(count / 4, workers * LATE)) / workers)
  const from = first + worker * mine
  for (let k = from; k < from + mine; k++) right += learn(job, k)
  const rest = first + workers * mine
  for (;;) {
    const k = rest + Atomics.add(control, NEXT, 1) - taken
    if (k >= end) break
    right += learn(job, k)
  }
  // Every thread has asked once too often.
  taken += end - rest + workers
  return right
}

/** Runs a block on images from…end−1 of a job. */
function fillBlock(job, block, from, end) {
  const { records } = lanes
  core.laneClear(records[0], records.length, block)
  for (let k = from; k < end; k++) {
    const i = job.indices[k]
    const runs = [job.starts[i], job.starts[i + 1]]
    const shift = job.shifts ? job.shifts[k] : 0
    // One that a shift would push out of its frame is taken unshifted.
    if (!core.laneImage(base, block, k - from, ...runs, shift))
      core.laneImage(base, block, k - from, ...runs, 0)
  }
  core.laneForward(base, records[0], records.length, block)
}

/** What the block named for its k-th sample; a label makes it ready to learn. */
function nameLane(block, k, label) {
  return core.laneError(base, parts[parts.length - 1], lanes.records.at(-1), block, k, label)
}

/** Forward and backward of this thread's blocks of a batch. */
function gatherLanes(job, first, end) {
  const { records, blocks } = lanes
  let right = 0
  for (let b = 0; b < blocks.length; b++) {
    const from = first + (worker * blocks.length + b) * CHUNK
    const to = Math.min(end, from + CHUNK)
    if (from >= to) break
    fillBlock(job, blocks[b], from, to)
    for (let k = from; k < to; k++) {
      const label = job.labels[job.indices[k]]
      if (nameLane(blocks[b], k - from, label) === label) right++
    }
    core.laneBackward(base, records[0], records.length, blocks[b])
  }
  return right
}

/** This thread's share of the rings of every layer learns from all blocks of a batch. */
function learnLanes(job, first, end) {
  const { records, neurons, table, scratch } = lanes
  const count = Math.ceil((end - first) / CHUNK)
  const rate = job.rates ? job.rates[first] : header.getUint16(LEARN_SHIFT, true) << EXACT_BITS
  const eighths = LEAST_EIGHTHS + (rate & ((1 << EXACT_BITS) - 1))
  for (let i = 0; i < records.length; i++)
    core.laneLearn(
      ...[base, records[i], table, count, scratch, job.sample + first, eighths, rate >> EXACT_BITS],
      ...shareOf(neurons[i], job.workers),
    )
}

function train(job) {
  const count = job.indices.length
  taken = 0
  for (let first = 0; first < count; first += job.batch) {
    const end = Math.min(count, first + job.batch)
    const right = (lanes ? gatherLanes : learnBatch)(job, first, end)
    if (lanes) {
      barrier(job.workers)
      learnLanes(job, first, end)
    }
    if (batched) {
      barrier(job.workers)
      merge(job.workers)
    }
    // Every thread must see the same answer, so one asks and all wait for it.
    if (worker === 0) {
      Atomics.store(control, DONE, end)
      if (Atomics.load(control, STOP) === 1) Atomics.store(control, STOP, 2)
    }
    // After what is done: whoever looks meanwhile is not to see more right than done.
    Atomics.add(control, RIGHT, right)
    barrier(job.workers)
    if (own) clear()
    if (Atomics.load(control, STOP) === 2) return
  }
}

function predict(job) {
  const count = job.indices.length
  for (;;) {
    const first = Atomics.add(control, NEXT, CHUNK)
    const end = Math.min(count, first + CHUNK)
    if (first >= count || Atomics.load(control, STOP) !== 0) return
    let right = 0
    if (lanes) fillBlock(job, lanes.blocks[0], first, end)
    for (let k = first; k < end; k++) {
      const i = job.indices[k]
      const named = lanes
        ? nameLane(lanes.blocks[0], k - first, -1)
        : core.predictWhole(base, 0, job.starts[i], job.starts[i + 1], 0)
      job.classes[k] = named
      if (named === job.labels[i]) right++
    }
    Atomics.add(control, RIGHT, right)
    Atomics.add(control, DONE, end - first)
  }
}

parentPort.on("message", job => {
  if (job.kind === "begin") {
    begin(job.of)
    return
  }
  if (job.kind === "train") train(job)
  else predict(job)
  parentPort.postMessage("done")
})
