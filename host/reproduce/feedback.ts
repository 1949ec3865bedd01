/** Row 15: what the error returns over: the learnt coefficients, fixed ones, or nothing. */
import { counted, grouped, percent } from "../base/numbers"
import { linkRatios } from "../network/link-ratio"
import type { Network } from "../network/network"
import { recipeOf } from "../training/recipes"
import type { Recipe } from "../training/train-model"
import { type Curve, lastOf, learningCurve, lessons, testPoints } from "./learning-curve"
import { adderNetwork, HIDDEN, shapeOf } from "./networks"
import { type Finding, pick, type Row, type Task } from "./row"

export const feedbackRow: Row = {
  name: "feedback",
  title: "What the error returns over: learnt coefficients, fixed random ones, or nothing",
  source:
    "none of the papers; feedback alignment (Lillicrap et al., 2016) asks it of other networks",
  run,
}

/** In the order of the report; "the last layer alone" is what random rings below give by themselves. */
const WAYS = [
  { name: "learnt coefficients", feedback: undefined },
  { name: "fixed random ones", feedback: "fixed" },
  { name: "nothing: the last layer learns alone", feedback: "none" },
] as const

const DEPTHS = [1, 2]

export function feedbackNetwork(
  seed: number,
  hiddenLayers: number,
  feedback: Network["feedback"],
): Network {
  const net = adderNetwork(seed, hiddenLayers, HIDDEN)
  return feedback ? { ...net, feedback } : net
}

async function* run(task: Task): AsyncGenerator<Finding, void, void> {
  const epochs = pick(task, { tiny: 1, quick: 3, full: 10 })
  const images = lessons(
    task,
    pick(task, { tiny: 64, quick: 4000, full: 60_000 }),
    pick(task, { tiny: 20, quick: 2000, full: 10_000 }),
  )
  const runs = DEPTHS.flatMap(depth =>
    WAYS.map(way => ({ depth, ...way, network: feedbackNetwork(task.seed, depth, way.feedback) })),
  )
  const recipe: Recipe = {
    ...recipeOf(runs[0].network),
    ...{ epochs, batch: 32, rounding: "once", shiftImages: false },
    smooth: { eighths: 8, warm: 100 },
  }
  const curves: Curve[] = []
  const describe = (): Finding => ({
    comparisons: DEPTHS.map(depth => ({
      what: `test accuracy with ${counted(depth, "hidden layer")}, by what the error returns over: ${WAYS.map(({ name }) => name).join("; ")}`,
      paper: "-",
      ours: runs
        .flatMap((each, i) => (each.depth === depth && curves[i] ? [lastOf(curves[i])] : []))
        .map(percent)
        .join("; "),
    })),
    how: `Integer core, hidden layers of ${HIDDEN} rings, fan-in ${HIDDEN}, formats of preset fleet-64. Fixed coefficients are drawn by the seed from the distribution that the learnt ones begin with, apart from them. All else is the same: ${counted(epochs, "epoch")}, batches of ${recipe.batch} rounded once, learning shift ${recipe.learnShift} falling with half a cosine, pictures as they are; ${counted(images.train.count, "training image")}, ${counted(images.test.count, "test image")}.`,
    tables: [
      {
        title: "By what the error returns over",
        head: ["network", "links", "the error returns over", "while learning", "test"],
        rows: curves.map((curve, i) => [
          shapeOf(runs[i].network),
          grouped(linkRatios(runs[i].network).pooled.links),
          runs[i].name,
          percent(curve.train[curve.train.length - 1] ?? Number.NaN),
          percent(lastOf(curve)),
        ]),
      },
    ],
    charts: [
      {
        title: "What the error returns over",
        x: { label: "epoch", whole: true },
        y: { label: "test accuracy", min: 0, max: 1, percent: true },
        series: curves.map((curve, i) => ({
          name: `${shapeOf(runs[i].network)}, ${runs[i].name.replace(/:.*/, "")}`,
          points: testPoints(curve),
        })),
      },
    ],
    notes: [
      "One seed each, all at the preset's rate: with twice and half of it fixed coefficients named no more of 10,000 training images that were kept apart (4 epochs of 20,000 others: 93.3 % at this rate, 93.0 and 93.1 %, with two hidden layers 92.6, 92.5 and 92.3 %), learnt ones 95.5 % with twice the rate in place of 95.4 %, and 95.8 in place of 95.4 %.",
    ],
  })
  for (const [i, { network, name }] of runs.entries()) {
    const onShare = (share: number) => task.progress((i + share) / runs.length)
    for await (const curve of learningCurve(task, name, network, recipe, images, onShare))
      curves[i] = curve
    yield describe()
  }
}
