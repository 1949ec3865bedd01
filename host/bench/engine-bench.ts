/**
 * How fast the engine is: samples a second, time per neuron step and link, and the same beside the
 * yardstick (yardstick.ts), so that machines can be compared.
 */
import { type Clock, realClock, takeTurns } from "../base/clock"
import type { Network } from "../network/network"
import { inputSignalsOf, linksOf, signalsOf } from "../network/network"
import { refuseKernels } from "../network/refuse-kernels"
import { lanesFaultOf } from "../training/lane-memory"
import type { Images } from "../training/training-data"
import { type EngineOptions, TrainingEngine } from "../training/training-engine"
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
  /** `once`: batches that are rounded once, where the network can be taught by them. */
  train: { batch1: Rate; batched: Rate; batchedTwoWorkers: Rate; once?: Rate }
  infer: { oneWorker: Rate; twoWorkers: Rate }
  yardstick: { train: Rate; infer: Rate }
  /** Forward: one Heun step of one neuron, and one link whose source is not silent. */
  nsPerNeuronStep: number
  nsPerLink: number
  ratios: {
    /** Engine, one thread, to yardstick. */
    train: number
    infer: number
    /** Two threads to one, each the median of runs in turn. */
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
/** Samples of a batch that is rounded once: as many as a training takes. */
export const ROUNDED_ONCE = 32
const ROUNDS = 3
/** More, since the median of ratios is to hold. */
const ROUNDS_IN_TURN = 7

export async function benchNetwork(
  net: Network,
  images: Images,
  options: BenchOptions,
): Promise<NetworkBench> {
  refuseKernels(net, "be timed beside double precision", "bench another network")
  const step = (what: string) => options.onStep?.(`${net.name}: ${what}`)
  step("learning one by one")
  const [one] = await benchEngines(net, images, [{ batch: 1, workers: 1 }], options)
  step(`learning in batches of ${BATCH}, on one thread and on two in turn`)
  const [batched, two] = await benchEngines(
    net,
    images,
    [1, 2].map(workers => ({ batch: BATCH, workers })),
    options,
  )
  const laned = lanesFaultOf(net, ROUNDED_ONCE) === ""
  if (laned) step(`learning in batches of ${ROUNDED_ONCE} that are rounded once`)
  const once: EngineOptions = { batch: ROUNDED_ONCE, workers: 1, rounding: "once" }
  const [lanes] = laned ? await benchEngines(net, images, [once], options) : []
  step("in double precision")
  const yardstick = await benchYardstick(net, images, options)
  step("the settle by itself")
  const nsPerSample = async (steps: number) => {
    const how = [{ batch: 1, workers: 1 }]
    const [{ infer }] = await benchEngines({ ...net, steps }, images, how, options, false)
    return 1e9 / infer.rate.samplesPerCpuSecond
  }
  const few = await nsPerSample(4)
  const many = await nsPerSample(16)
  const neurons = net.layers.reduce((sum, l) => sum + l.neurons, 0)
  // A difference of two times: where both were too short to tell, it may be below nothing.
  const nsPerNeuronStep = Math.max(0, (many - few) / (12 * neurons))
  const links = net.layers.reduce((sum, _, k) => sum + linksOf(net, k + 1), 0)
  // What is left when no step is made: the links, and all that is done once for a sample.
  const perLinks = Math.max(0, few - 4 * neurons * nsPerNeuronStep)
  const nsPerLink = perLinks / activeLinks(net, images)
  return {
    ...{ network: net.name, neurons, links, steps: net.steps },
    train: {
      batch1: one.train.rate,
      batched: batched.train.rate,
      batchedTwoWorkers: two.train.rate,
      ...(lanes && { once: lanes.train.rate }),
    },
    infer: { oneWorker: batched.infer.rate, twoWorkers: two.infer.rate },
    ...{ yardstick, nsPerNeuronStep, nsPerLink },
    ratios: {
      train: ratio(one.train.rate, yardstick.train),
      infer: ratio(one.infer.rate, yardstick.infer),
      trainTwoWorkers: two.train.timesFirst,
      inferTwoWorkers: two.infer.timesFirst,
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

/**
 * Engines of several kinds, their runs in turn.
 *
 * @param learning whether learning is measured too; if not, `train` is that of naming
 */
async function benchEngines(
  net: Network,
  { images, labels, count }: Images,
  kinds: EngineOptions[],
  { seconds, signal }: BenchOptions,
  learning = true,
): Promise<{ train: InTurn; infer: InTurn }[]> {
  const engines: TrainingEngine[] = []
  try {
    for (const how of kinds) engines.push(await TrainingEngine.start(net, how))
    const indices = (n: number) => Int32Array.from({ length: n }, (_, i) => i % count)
    const works = engines.map(engine => {
      const store = engine.store(images, labels)
      const fresh = engine.coefficients
      return {
        infer: { work: (n: number) => engine.predict(store, indices(n), { signal }) },
        train: {
          work: (n: number) => engine.train(store, indices(n), { signal }),
          // Each run learns the same, from the same: what is known already costs less.
          before: () => {
            engine.coefficients = fresh
            engine.samples = 0
          },
        },
      }
    })
    const infer = await inTurn(
      seconds,
      signal,
      works.map(w => w.infer),
    )
    const train = learning
      ? await inTurn(
          seconds,
          signal,
          works.map(w => w.train),
        )
      : infer
    return engines.map((_, k) => ({ train: train[k], infer: infer[k] }))
  } finally {
    for (const engine of engines) await engine.close()
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
  const [infer] = await inTurn(seconds, signal, [
    {
      work: async n => {
        for (let i = 0; i < n; i++) yardstick.predict(image(i))
      },
    },
  ])
  const [train] = await inTurn(seconds, signal, [
    {
      work: async n => {
        for (let i = 0; i < n; i++) yardstick.train(image(i), labels[i % count])
      },
      before: () => yardstick.reset(fresh),
    },
  ])
  return { train: train.rate, infer: infer.rate }
}

export interface Work {
  /** Does n samples. */
  work: (n: number) => Promise<unknown>
  /** Done before each run and not counted. */
  before?: () => void
}

export interface InTurn {
  rate: Rate
  /** Samples a second in times of the first one's in the same round: the median of all rounds. */
  timesFirst: number
}

/**
 * Finds for each work how many samples take the given time, then runs all in turn, several rounds:
 * what slows the machine down for a while then slows down all of them, and their ratio holds.
 */
export async function inTurn(
  seconds: number,
  signal: AbortSignal | undefined,
  works: Work[],
  clock: Clock = realClock,
): Promise<InTurn[]> {
  const timed = async ({ work, before }: Work, n: number) => {
    // Between runs, so that Ctrl-C is heard.
    await takeTurns()
    signal?.throwIfAborted()
    before?.()
    const cpu = process.cpuUsage()
    const start = clock.now()
    await work(n)
    const wall = (clock.now() - start) / 1000
    const { user, system } = process.cpuUsage(cpu)
    return { samplesPerSecond: n / wall, cpu: (user + system) / 1e6, wall, n }
  }
  const counts: number[] = []
  for (const work of works) {
    // Also the time in which code is compiled for speed.
    let n = 50
    let last = await timed(work, n)
    while (last.wall < seconds / 2 && n < 2 ** 22) {
      n *= 2
      last = await timed(work, n)
    }
    counts.push(Math.max(1, Math.round((n * seconds) / last.wall)))
  }
  const runs: Awaited<ReturnType<typeof timed>>[][] = works.map(() => [])
  const rounds = works.length > 1 ? ROUNDS_IN_TURN : ROUNDS
  for (let round = 0; round < rounds; round++)
    for (const [k, work] of works.entries()) runs[k].push(await timed(work, counts[k]))
  return runs.map(mine => {
    const best = mine.reduce((a, b) => (b.samplesPerSecond > a.samplesPerSecond ? b : a))
    return {
      rate: {
        samplesPerSecond: best.samplesPerSecond,
        samplesPerCpuSecond: best.n / best.cpu,
      },
      timesFirst: median(mine.map((r, i) => r.samplesPerSecond / runs[0][i].samplesPerSecond)),
    }
  })
}

function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  return (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2
}
