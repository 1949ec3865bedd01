/** Row 14: rings that read a window of the picture, against links from anywhere, on digits and on clothes. */
import { WuxingError } from "../base/errors"
import { counted, grouped, percent } from "../base/numbers"
import { readFashion } from "../data/fashion"
import { linkRatios } from "../network/link-ratio"
import type { Network } from "../network/network"
import { fashionWindows } from "../network/presets"
import { recipeOf } from "../training/recipes"
import {
  type Curve,
  first,
  type Lessons,
  lastOf,
  learningCurve,
  lessons,
  testPoints,
} from "./learning-curve"
import { shapeOf } from "./networks"
import { type Finding, pick, type Row, type Task } from "./row"

export const windowsRow: Row = {
  name: "windows",
  title: "Windows of the picture against links from anywhere",
  source: "paper 001 §3 (adders are proposed; where their links come from is left open)",
  run,
}

/** One hidden layer of preset fashion-windows, a ring at each of its places, with or without its windows. */
export function windowNetwork(seed: number, windows: boolean): Network {
  const base = fashionWindows(seed)
  const [hidden, , output] = base.layers
  const { window, ...anywhere } = hidden
  const neurons = 144
  return {
    ...base,
    name: windows ? "windows" : "from anywhere",
    layers: [
      { ...(windows ? hidden : anywhere), neurons },
      { ...output, fanIn: 2 * neurons },
    ],
  }
}

async function* run(task: Task): AsyncGenerator<Finding, void, void> {
  const epochs = pick(task, { tiny: 1, quick: 3, full: 10 })
  const train = pick(task, { tiny: 64, quick: 4000, full: 60_000 })
  const test = pick(task, { tiny: 20, quick: 2000, full: 10_000 })
  const sets: [string, Lessons][] = [["MNIST", lessons(task, train, test)]]
  const notes: string[] = []
  try {
    const clothes = { train: readFashion("train"), test: readFashion("test") }
    sets.push([
      "Fashion-MNIST",
      { train: first(clothes.train, train), test: first(clothes.test, test) },
    ])
  } catch (error) {
    if (!(error instanceof WuxingError && error.code === "fashion-missing")) throw error
    notes.push(`Fashion-MNIST was not measured: ${error.message}.`)
  }
  const runs = sets.flatMap(([set, images]) =>
    [true, false].map(windows => ({ set, images, network: windowNetwork(task.seed, windows) })),
  )
  const own = recipeOf(fashionWindows(task.seed))
  const recipe = { ...own, epochs, distortion: undefined }
  const curves: Curve[] = []
  const describe = (): Finding => ({
    comparisons: sets.map(([set]) => ({
      what: `test accuracy on ${set}: windows; as many links from anywhere`,
      paper: "-",
      ours: runs
        .flatMap((each, i) => (each.set === set && curves[i] ? [percent(lastOf(curves[i]))] : []))
        .join("; "),
    })),
    how: `Integer core, ${shapeOf(runs[0].network)} with the formats of preset fashion-windows: 144 rings of two synapses that each read 6 x 6 pixels, at 12 x 12 places two pixels apart, or 36 pixels drawn by the seed. ${counted(epochs, "epoch")}, batches of ${recipe.batch} rounded once, learning shift ${recipe.learnShift} falling with half a cosine, pictures as they are; ${counted(sets[0][1].train.count, "training image")}, ${counted(sets[0][1].test.count, "test image")}.`,
    tables: [
      {
        title: "By where links come from",
        head: ["data", "links of a ring", "links", "while learning", "test"],
        rows: curves.map((curve, i) => [
          runs[i].set,
          runs[i].network.name,
          grouped(linkRatios(runs[i].network).pooled.links),
          percent(curve.train[curve.train.length - 1] ?? Number.NaN),
          percent(lastOf(curve)),
        ]),
      },
    ],
    charts: [
      {
        title: "Windows of the picture against links from anywhere",
        x: { label: "epoch", whole: true },
        y: { label: "test accuracy", min: 0, max: 1, percent: true },
        series: curves.map((curve, i) => ({
          name: `${runs[i].set}, ${runs[i].network.name}`,
          points: testPoints(curve),
        })),
      },
    ],
    notes,
  })
  for (const [i, { network, images }] of runs.entries()) {
    const onShare = (share: number) => task.progress((i + share) / runs.length)
    for await (const curve of learningCurve(task, network.name, network, recipe, images, onShare))
      curves[i] = curve
    yield describe()
  }
}
