/** Row 15: coefficients of four bits, learnt so or rounded once at the end, against the 16 that links have. */
import { keptMost, quantised } from "../../src/core/once"
import { counted, grouped, percent } from "../base/numbers"
import { packedBytes } from "../models/few-bits"
import { coefficientRanges, type Network, quantisedShift } from "../network/network"
import { mnistTiny } from "../network/presets"
import { recipeOf } from "../training/recipes"
import type { TrainingEngine } from "../training/training-engine"
import { type Curve, lastOf, learningCurve, lessons, testPoints } from "./learning-curve"
import { shapeOf } from "./networks"
import { type Finding, pick, type Row, type Task } from "./row"

export const fourBitsRow: Row = {
  name: "four-bits",
  title: "Coefficients of four bits against 16",
  source: "no claim of the papers: how finely coefficients have to be kept",
  run,
}

/** Preset mnist-tiny without its four bits. */
export function sixteenBits(network: Network): Network {
  const layers = network.layers.map(({ quantised: _, ...layer }) => layer)
  return { ...network, name: "16 bits", layers }
}

/** Coefficients of 16 bits as the nearest that the layers of `few` can have. */
export function roundedTo(few: Network, coefficients: Buffer): Buffer {
  const all = Buffer.from(coefficients)
  for (const [i, { from, to, max }] of coefficientRanges(few).entries()) {
    const shift = quantisedShift(few, i + 1)
    const most = keptMost(max, shift)
    for (let at = from; at < to; at += 2) {
      const kept = Math.min(most, Math.max(-most, all.readInt16LE(at)))
      all.writeInt16LE(quantised(kept, shift), at)
    }
  }
  return all
}

async function* run(task: Task): AsyncGenerator<Finding, void, void> {
  const epochs = pick(task, { tiny: 1, quick: 3, full: 6 })
  const train = pick(task, { tiny: 64, quick: 4000, full: 60_000 })
  const test = pick(task, { tiny: 20, quick: 2000, full: 10_000 })
  const images = lessons(task, train, test)
  const few = mnistTiny(task.seed)
  const networks = [{ ...few, name: "4 bits" }, sixteenBits(few)]
  const recipe = { ...recipeOf(few), epochs, distortion: undefined }
  const curves: Curve[] = []
  let afterwards = Number.NaN
  const roundAfterwards = async (engine: TrainingEngine) => {
    engine.coefficients = roundedTo(few, engine.coefficients)
    const { labels } = images.test
    const all = Int32Array.from(labels, (_, i) => i)
    const { signal } = task
    const classes = await engine.lend(images.test.images, labels, store =>
      engine.predict(store, all, { signal }),
    )
    afterwards = classes.filter((c, i) => c === labels[i]).length / labels.length
  }
  const bytes = (network: Network) => grouped(packedBytes(network))
  const describe = (): Finding => ({
    comparisons: [
      {
        what: "test accuracy on MNIST: 4 bits while learning; 16 bits; these rounded to 4 at the end",
        paper: "-",
        ours: [
          ...curves.map(curve => percent(lastOf(curve))),
          ...(Number.isNaN(afterwards) ? [] : [percent(afterwards)]),
        ].join("; "),
      },
    ],
    how: `Integer core, preset mnist-tiny (${shapeOf(few)}, shared kernels): with coefficients −7…7 times 2^−4, 2^−5 and 2^−5 forward and backward, and 16 bits beside them that learn; or with 16 bits throughout. ${counted(epochs, "epoch")}, batches of ${recipe.batch} rounded once, learning shift ${recipe.learnShift} falling with half a cosine, pictures as they are; ${counted(images.train.count, "training image")}, ${counted(images.test.count, "test image")}.`,
    tables: [
      {
        title: "By bits of a coefficient",
        head: ["coefficients", "bytes", "while learning", "test"],
        rows: [
          ...curves.map((curve, i) => [
            networks[i].name,
            bytes(networks[i]),
            percent(curve.train[curve.train.length - 1] ?? Number.NaN),
            percent(lastOf(curve)),
          ]),
          ...(Number.isNaN(afterwards)
            ? []
            : [["16 bits, rounded to 4 at the end", bytes(few), "–", percent(afterwards)]]),
        ],
      },
    ],
    charts: [
      {
        title: "Coefficients of four bits against 16",
        x: { label: "epoch", whole: true },
        y: { label: "test accuracy", min: 0, max: 1, percent: true },
        series: curves.map((curve, i) => ({ name: networks[i].name, points: testPoints(curve) })),
      },
    ],
  })
  for (const [i, network] of networks.entries()) {
    const onShare = (share: number) => task.progress((i + share) / networks.length)
    const then = network.layers.some(layer => layer.quantised) ? undefined : roundAfterwards
    for await (const curve of learningCurve(
      ...([task, network.name, network, recipe, images, onShare, then] as const),
    ))
      curves[i] = curve
    yield describe()
  }
}
