/** Row 5: a perceptron of MODEL1's layers with ever fewer links. */

import { counted, grouped, percent, rounded } from "../base/numbers"
import { drawSamples } from "../data/samples"
import { linkRatios } from "../network/link-ratio"
import { model1 } from "../network/presets"
import { imageOf, type Lessons, lessons } from "./learning-curve"
import { type Activation, Mlp } from "./mlp"
import { type Finding, pick, type Row, type Task } from "./row"

/** Separates the order of the images from the links' draw. */
const ORDER_SALT = 0x6d6c7000
/** Learning rates, falling by this each epoch: the usual ones of such a descent, not searched for. */
const RATES: Record<Activation, number> = { relu: 0.01, sigmoid: 0.05 }
const FALL = 0.8

export const linkRatioRow: Row = {
  name: "link-ratio",
  title: "A multilayer perceptron of MODEL1's layers against its link ratio",
  source: "paper 001 §3, fig. 3",
  run,
}

interface MlpCurve {
  activation: Activation
  ratio: number
  links: number
  train: number[]
  /** After the last epoch: to name the test images after each would take a fifth of the time. */
  test: number
}

async function* run(task: Task): AsyncGenerator<Finding, void, void> {
  const ratios = pick(task, {
    tiny: [0.5, 0.005],
    quick: [1, 0.3, 0.1, 0.05, 0.03, 0.01, 0.005],
    full: [1, 0.5, 0.3, 0.2, 0.1, 0.07, 0.05, 0.03, 0.02, 0.01, 0.005],
  })
  const epochs = pick(task, { tiny: 1, quick: 2, full: 10 })
  const images = lessons(
    task,
    pick(task, { tiny: 40, quick: 1500, full: 20_000 }),
    pick(task, { tiny: 20, quick: 1000, full: 10_000 }),
  )
  const activations: Activation[] = task.scale === "full" ? ["relu", "sigmoid"] : ["relu"]
  const jobs = activations.flatMap(activation => ratios.map(ratio => ({ activation, ratio })))
  const curves: MlpCurve[] = []
  // The work is about that of the links, and that of the images whatever the links.
  const work = jobs.map(({ ratio }) => ratio + 0.03)
  const all = work.reduce((a, b) => a + b, 0)
  let done = 0
  for (const [i, { activation, ratio }] of jobs.entries()) {
    const curve = await teach(task, activation, ratio, epochs, images, share =>
      task.progress((done + share * work[i]) / all),
    )
    done += work[i]
    curves.push(curve)
    yield finding(task, curves, epochs, images)
  }
}

async function teach(
  task: Task,
  activation: Activation,
  linkRatio: number,
  epochs: number,
  { train, test }: Lessons,
  onShare: (share: number) => void,
): Promise<MlpCurve> {
  const layers = mlpLayers()
  const mlp = new Mlp({ layers, linkRatio, activation, seed: task.seed })
  const curve: MlpCurve = { activation, ratio: linkRatio, links: mlp.links, train: [], test: 0 }
  for (let epoch = 0; epoch < epochs; epoch++) {
    const rate = RATES[activation] * FALL ** epoch
    let right = 0
    const order = drawSamples(train.count, train.count, task.seed, ORDER_SALT + epoch)
    for (const [k, index] of order.entries()) {
      if (mlp.train(imageOf(train, index), train.labels[index], rate)) right++
      onShare((epoch + k / train.count) / epochs)
      await task.breathe()
    }
    curve.train.push(right / train.count)
  }
  let named = 0
  for (let i = 0; i < test.count; i++) {
    if (mlp.predict(imageOf(test, i)) === test.labels[i]) named++
    await task.breathe()
  }
  curve.test = named / test.count
  return curve
}

function mlpLayers(): number[] {
  const { width, layers } = model1(0)
  return [width, ...layers.map(l => l.neurons)]
}

function finding(task: Task, curves: MlpCurve[], epochs: number, images: Lessons): Finding {
  const { ratio: own, links } = linkRatios(model1(task.seed)).pooled
  const named = (c: MlpCurve) => `${percent(c.ratio)}: ${percent(c.test)}`
  const activations = [...new Set(curves.map(c => c.activation))]
  return {
    comparisons: activations.map(activation => ({
      what: `test accuracy of an MLP of MODEL1's layers by link ratio (${activation})`,
      paper:
        "“As LR decreases below 10%, training the model becomes increasingly challenging … almost impossible to train the model effectively when LR is less than 3%” (fig. 3)",
      ours: curves
        .filter(c => c.activation === activation)
        .map(named)
        .join("; "),
    })),
    how: `MLP ${mlpLayers().join("-")}, links of each pair of layers drawn at random, softmax, cross-entropy, stochastic gradient descent of one image at a time at ${activations.map(a => `${RATES[a]} (${a})`).join(" and ")} times ${FALL} an epoch, double precision; ${counted(images.train.count, "training image")}, ${counted(epochs, "epoch")}, ${counted(images.test.count, "test image")}.`,
    tables: [
      {
        title: "After the last epoch",
        head: ["activation", "link ratio", "links", "while learning", "test"],
        rows: curves.map(c => [
          c.activation,
          percent(c.ratio),
          grouped(c.links),
          percent(c.train[c.train.length - 1]),
          percent(c.test),
        ]),
      },
    ],
    charts: [
      {
        title: "MLP of MODEL1's layers: accuracy against link ratio",
        x: { label: "link ratio of each pair of layers", log: true, percent: true },
        y: { label: "test accuracy", min: 0, max: 1, percent: true },
        series: activations.map(activation => ({
          name: activation,
          points: curves.filter(c => c.activation === activation).map(c => [c.ratio, c.test]),
        })),
      },
      {
        title: "MLP of MODEL1's layers: accuracy while learning",
        x: { label: "epoch", whole: true },
        y: { label: "right before it was learnt", min: 0, max: 1, percent: true },
        series: curves.map(c => ({
          name: `${activations.length > 1 ? `${c.activation} ` : ""}${rounded(c.ratio * 100, 1)} %`,
          points: c.train.map((accuracy, epoch) => [epoch + 1, accuracy]),
        })),
      },
    ],
    notes: [
      "The paper names neither activation nor initial weights, rates or number of images; where links are few these decide. Here each neuron's initial weights are scaled to its number of links.",
      `MODEL1 itself has ${grouped(links)} links, ${(own * 100).toFixed(2)} %.`,
      ...(task.scale === "full" ? [] : ["Sigmoid neurons are measured in the full run only."]),
    ],
  }
}
