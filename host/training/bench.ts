/**
 * How fast the engine is: samples a second, time per neuron step and link, and the same beside the
 * yardstick (yardstick.ts), so that machines can be compared.
 */
import { setImmediate } from "node:timers/promises"
import type { Network } from "../../src/network"
import { inputSignalsOf, linksOf, signalsOf } from "../../src/network"
import type { Images } from "./training-data"
import { TrainingEngine } from "./training-engine"
import { Yardstick } from "./yardstick"

export interface Rate {
  /** Best of several runs, which other programs disturb least. */
  samplesPerSecond: number
  /** Of the best run, over all threads: what the work costs, waiting left out. */
  samplesPerCpuSecond: number
}

export interface NetworkBench {
  network: string
  neurons: number
  links: number
  steps: number
  train: { batch1: Rate; batched: Rate; batchedTwoWorkers: Rate }
  infer: { oneWorker: Rate; twoWorkers: Rate }
  yardstick: { train: Rate; infer: Rate }
  /** Forward: one Heun step of one neuron, and one link whose source is not silent. */
  nsPerNeuronStep: number
  nsPerLink: number
  ratios: {
    /** Engine, one thread, to yardstick. */
    train: number
    infer: number
    /** Two threads to one. */
    trainTwoWorkers: number
    inferTwoWorkers: number
  }
}

export interface BenchOptions {
  /** Of each measurement, s. */
  seconds: number
  signal?: AbortSignal
  /** What is being measured. */
  onStep?: (what: string) => void
}

/**
 * Samples that learn together in the batched figures: so many that it hardly counts what threads
 * tell each other after each batch.
 */
export const BATCH = 256
const RUNS = 3

export async function benchNetwork(
  net: Network,
  images: Images,
  options: BenchOptions,
): Promise<NetworkBench> {
  const step = (what: string) => options.onStep?.(`${net.name}: ${what}`)
  step("learning one by one")
  const one = await benchEngine(net, images, { batch: 1, workers: 1 }, options)
  step(`learning in batches of ${BATCH}`)
  const batched = await benchEngine(net, images, { batch: BATCH, workers: 1 }, options)
  step("on two threads")
  const two = await benchEngine(net, images, { batch: BATCH, workers: 2 }, options)
  step("in double precision")
  const yardstick = await benchYardstick(net, images, options)
  step("the settle by itself")
  const settled = async (steps: number) =>
    (await benchEngine({ ...net, steps }, images, { batch: 1, workers: 1 }, options, false)).infer
  const few = 1e9 / (await settled(4)).samplesPerCpuSecond
  const many = 1e9 / (await settled(16)).samplesPerCpuSecond
  const neurons = net.layers.reduce((sum, l) => sum + l.neurons, 0)
  const nsPerNeuronStep = (many - few) / (12 * neurons)
  const links = net.layers.reduce((sum, _, k) => sum + linksOf(net, k + 1), 0)
  // What is left when no step is made: the links, and all that is done once for a sample.
  const nsPerLink = (few - 4 * neurons * nsPerNeuronStep) / activeLinks(net, images)
  return {
    ...{ network: net.name, neurons, links, steps: net.steps },
    train: { batch1: one.train, batched: batched.train, batchedTwoWorkers: two.train },
    infer: { oneWorker: one.infer, twoWorkers: two.infer },
    ...{ yardstick, nsPerNeuronStep, nsPerLink },
    ratios: {
      train: ratio(one.train, yardstick.train),
      infer: ratio(one.infer, yardstick.infer),
      trainTwoWorkers: two.train.samplesPerSecond / batched.train.samplesPerSecond,
      inferTwoWorkers: two.infer.samplesPerSecond / one.infer.samplesPerSecond,
    },
  }
}

/** Of two programs on one thread: by CPU time, since others may use the machine. */
function ratio(a: Rate, b: Rate): number {
  return a.samplesPerCpuSecond / b.samplesPerCpuSecond
}

/** Links an image makes work for, on average. */
function activeLinks(net: Network, { images, count }: Images): number {
  const pixels = images.reduce((sum, v) => sum + (v === 0 ? 0 : 1), 0) / count
  const share = (pixels * inputSignalsOf(net)) / signalsOf(net, 0)
  return net.layers.reduce((sum, _, k) => sum + linksOf(net, k + 1) * (k === 0 ? share : 1), 0)
}

async function benchEngine(
  net: Network,
  { images, labels, count }: Images,
  how: { batch: number; workers: number },
  { seconds, signal }: BenchOptions,
  learning = true,
): Promise<{ train: Rate; infer: Rate }> {
  const engine = await TrainingEngine.start(net, how)
  try {
    const store = engine.store(images, labels)
    const indices = (n: number) => Int32Array.from({ length: n }, (_, i) => i % count)
    const fresh = engine.coefficients
    const infer = await rate(seconds, signal, n => engine.predict(store, indices(n), { signal }))
    const train = learning
      ? await rate(
          seconds,
          signal,
          n => engine.train(store, indices(n), { signal }),
          // Each run learns the same, from the same: what is known already costs less.
          () => {
            engine.coefficients = fresh
            engine.samples = 0
          },
        )
      : infer
    return { train, infer }
  } finally {
    await engine.close()
  }
}

async function benchYardstick(
  net: Network,
  { images, labels, count }: Images,
  { seconds, signal }: BenchOptions,
): Promise<{ train: Rate; infer: Rate }> {
  const engine = await TrainingEngine.start(net)
  const fresh = engine.coefficients
  await engine.close()
  const image = (i: number) =>
    images.subarray((i % count) * net.width, ((i % count) + 1) * net.width)
  const yardstick = new Yardstick(net, fresh)
  const infer = await rate(seconds, signal, async n => {
    for (let i = 0; i < n; i++) yardstick.predict(image(i))
  })
  const train = await rate(
    seconds,
    signal,
    async n => {
      for (let i = 0; i < n; i++) yardstick.train(image(i), labels[i % count])
    },
    () => yardstick.reset(fresh),
  )
  return { train, infer }
}

/**
 * Finds how many samples take the given time, then runs so many several times.
 *
 * @param work does n samples
 * @param before is done before each run and not counted
 */
export async function rate(
  seconds: number,
  signal: AbortSignal | undefined,
  work: (n: number) => Promise<unknown>,
  before: () => void = () => {},
): Promise<Rate> {
  const timed = async (n: number) => {
    // Between runs, so that Ctrl-C is heard.
    await setImmediate()
    signal?.throwIfAborted()
    before()
    const cpu = process.cpuUsage()
    const start = performance.now()
    await work(n)
    const wall = (performance.now() - start) / 1000
    const { user, system } = process.cpuUsage(cpu)
    return { wall, cpu: (user + system) / 1e6 }
  }
  // Also the time in which code is compiled for speed.
  let n = 50
  let last = await timed(n)
  while (last.wall < seconds / 2 && n < 2 ** 22) {
    n *= 2
    last = await timed(n)
  }
  n = Math.max(1, Math.round((n * seconds) / last.wall))
  let best = { wall: Number.POSITIVE_INFINITY, cpu: 0 }
  for (let run = 0; run < RUNS; run++) {
    const now = await timed(n)
    if (now.wall < best.wall) best = now
  }
  return { samplesPerSecond: n / best.wall, samplesPerCpuSecond: n / best.cpu }
}
