/** Row 13: copies of a network that each learn data of their own, and are averaged. */
import { counted, percent } from "../base/numbers"
import { HostNetwork } from "../network/host-network"
import { pico16 } from "../network/presets"
import { AveragedEngine, HostLearner } from "../training/averaged-engine"
import type { LearningEngine } from "../training/learning-engine"
import type { Images } from "../training/training-data"
import { TrainingEngine } from "../training/training-engine"
import { type Lessons, lessons } from "./learning-curve"
import { recipeFor, shapeOf } from "./networks"
import { type Finding, pick, type Row, type Task } from "./row"

/** Each has two of the ten digits. */
const BOARDS = 5
const POINTS = 10

export const ownDataRow: Row = {
  name: "own-data",
  title: "Boards with data of their own: two digits each, pico-16 averaged",
  source:
    "none of the papers; federated averaging (McMahan et al., 2017) asks it of other networks",
  run,
}

/** Images of one board: those of its two digits, in the order of the data. */
export function ownOf({ labels, count }: Images, board: number): number[] {
  return Array.from({ length: count }, (_, i) => i).filter(i => labels[i] >> 1 === board)
}

/** Of one round: a share for each board, one behind the other, each of its own images alone. */
export function roundOf(own: number[][], round: number, average: number): Int32Array {
  return Int32Array.from(
    own.flatMap(images =>
      Array.from({ length: average }, (_, k) => images[(round * average + k) % images.length]),
    ),
  )
}

async function* run(task: Task): AsyncGenerator<Finding, void, void> {
  const average = pick(task, { tiny: 5, quick: 50, full: 50 })
  const rounds = pick(task, { tiny: 10, quick: 60, full: 240 })
  const images = lessons(
    task,
    pick(task, { tiny: 300, quick: 15_000, full: 60_000 }),
    pick(task, { tiny: 50, quick: 2000, full: 10_000 }),
  )
  const preset = pico16(task.seed)
  const { softmaxGain, learnShift } = recipeFor(preset, 1)
  const network = { ...preset, softmaxGain, learnShift }
  const own = Array.from({ length: BOARDS }, (_, b) => ownOf(images.train, b))
  const all = Array.from({ length: rounds }, (_, r) => roundOf(own, r, average))
  const work = rounds * average * BOARDS
  // Averaged, each alone, and one board that gets everybody's images in turn.
  let done = 0
  const learnt = (samples: number) => {
    done += samples
    task.progress(done / (3 * work))
  }

  const engine = new AveragedEngine(
    network,
    own.map(() => new HostLearner(network)),
    { replicas: BOARDS, average, start: new HostNetwork(network).coefficients() },
  )
  const curve: [number, number][] = []
  const store = engine.store(images.train.images, images.train.labels)
  for (const [r, indices] of all.entries()) {
    await engine.train(store, indices, { signal: task.signal })
    learnt(indices.length)
    await task.breathe()
    if ((r + 1) % Math.ceil(rounds / POINTS) === 0 || r === rounds - 1)
      curve.push([engine.samples, rightOf(await namedBy(engine, images, task), images.test)])
  }
  const together = await namedBy(engine, images, task)

  const alone: Int32Array[] = []
  for (const mine of own) {
    const share = Int32Array.from({ length: rounds * average }, (_, k) => mine[k % mine.length])
    alone.push(await namedAfter(share))
  }
  const mixed = new Int32Array(work)
  for (const [r, indices] of all.entries())
    for (let k = 0; k < average; k++)
      for (let b = 0; b < BOARDS; b++)
        mixed[r * indices.length + k * BOARDS + b] = indices[b * average + k]
  const inTurn = await namedAfter(mixed)

  async function namedAfter(indices: Int32Array): Promise<Int32Array> {
    const single = await TrainingEngine.start(network)
    try {
      await single.train(single.store(images.train.images, images.train.labels), indices, {
        signal: task.signal,
      })
      learnt(indices.length)
      await task.breathe()
      return await namedBy(single, images, task)
    } finally {
      await single.close()
    }
  }

  const { test } = images
  const lines = own.map((_, b) => {
    const ofOwn = (i: number) => test.labels[i] >> 1 === b
    return [
      ...[b + 1, `${2 * b} and ${2 * b + 1}`],
      ...[rightOf(alone[b], test, ofOwn), rightOf(alone[b], test)].map(percent),
      percent(rightOf(together, test, ofOwn)),
    ]
  })
  const mean = alone.reduce((sum, classes) => sum + rightOf(classes, test), 0) / BOARDS
  yield {
    comparisons: [
      {
        what: "all test images, named by what each board learnt alone (mean), and by the average",
        ...{ paper: "-", ours: `${percent(mean)}; ${percent(rightOf(together, test))}` },
      },
      {
        what: "the same images learnt one after the other by one board",
        ...{ paper: "-", ours: percent(rightOf(inTurn, test)) },
      },
    ],
    how: `Preset pico-16 (${shapeOf(network)}), ${counted(BOARDS, "board")} with two digits each of ${counted(images.train.count, "training image")}: ${counted(rounds, "round")} of ${counted(average, "sample")} a board, averaged after each as train --share samples does, learning shift ${learnShift}, each board alone as many samples of its own. ${counted(test.count, "test image")}.`,
    tables: [
      {
        title: "Test images named correctly",
        head: ["board", "digits", "alone, its digits", "alone, all", "averaged, its digits"],
        rows: lines,
      },
    ],
    charts: [
      {
        title: "Two digits a board: the average on all test images",
        x: { label: "samples learnt by all" },
        y: { label: "test accuracy", min: 0, max: 1, percent: true },
        series: [{ name: "averaged", points: curve }],
      },
    ],
    notes: [
      "A board that has seen two digits names every image one of them: alone it cannot come far above one in five.",
    ],
  }
}

async function namedBy(engine: LearningEngine, { test }: Lessons, { signal }: Task) {
  const store = engine.store(test.images, test.labels)
  return await engine.predict(
    store,
    Int32Array.from({ length: test.count }, (_, i) => i),
    { signal },
  )
}

/** Share of the images that are named correctly, of those that count. */
function rightOf(
  classes: Int32Array,
  { labels }: Images,
  counts: (i: number) => boolean = () => true,
) {
  const those = [...classes.keys()].filter(counts)
  return those.filter(i => classes[i] === labels[i]).length / those.length
}
