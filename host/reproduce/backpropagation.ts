/** Row 12: the same network by backpropagation. */

import { counted, percent } from "../base/numbers"
import { HostNetwork } from "../network/host-network"
import { coefficientMax, lambdaBits, type Network } from "../network/network"
import { pico16 } from "../network/presets"
import { type Backward, SettledNetwork } from "../ring/settled-network"
import { learnShiftAt } from "../training/schedule"
import { epochOrder, type Recipe } from "../training/train-model"
import {
  type Curve,
  imageOf,
  type Lessons,
  lastOf,
  learningCurve,
  lessons,
  testPoints,
} from "./learning-curve"
import { recipeFor, shapeOf } from "./networks"
import { type Finding, pick, type Row, type Task } from "./row"

export const backpropagationRow: Row = {
  name: "backpropagation",
  title: "The same network by backpropagation",
  source: "papers 000, 001 and 003 say that the signals replace it; none compares the same network",
  run,
}

/** With a small error the papers' signal is nearly linear, and far from its clamps. */
const SMALL = 1 / 32

const FLOATS: { how: Backward; name: string; error: number }[] = [
  { how: "exact", name: "backpropagation, float64", error: 1 },
  { how: "operating-point", name: "operating point, float64", error: 1 },
  { how: "bsp", name: "BSP, float64", error: 1 },
  { how: "bsp", name: "BSP, float64, error/32", error: SMALL },
]

async function* run(task: Task): AsyncGenerator<Finding, void, void> {
  const network = pico16(task.seed)
  const epochs = pick(task, { tiny: 1, quick: 2, full: 5 })
  const images = lessons(
    task,
    pick(task, { tiny: 40, quick: 4000, full: 30_000 }),
    pick(task, { tiny: 20, quick: 1000, full: 10_000 }),
  )
  // Moved images are the engine's alone; the error is the network's own, by margin.
  const recipe = { ...recipeFor(network, epochs), shiftImages: false, softmaxGain: 0 }
  const total = FLOATS.length + 1
  const curves: Curve[] = []
  const inEngine = (share: number) => task.progress(share / total)
  for await (const curve of learningCurve(
    task,
    "operating point, integer core",
    network,
    recipe,
    images,
    inEngine,
  ))
    curves[0] = curve
  for (const [i, { how, name, error }] of FLOATS.entries()) {
    const onShare = (share: number) => task.progress((i + 1 + share) / total)
    curves.push(await floatCurve(task, name, how, error, network, recipe, images, onShare))
    yield finding(network, recipe, images, curves)
  }
}

async function floatCurve(
  task: Task,
  name: string,
  how: Backward,
  size: number,
  network: Network,
  recipe: Recipe,
  { train, test }: Lessons,
  onShare: (share: number) => void,
): Promise<Curve> {
  const net = new SettledNetwork(network, new HostNetwork(network).coefficients())
  const most = coefficientMax(network) / 8192
  const margin = network.margin / 4096
  const accuracy = async () => {
    let right = 0
    for (let i = 0; i < test.count; i++) {
      if (net.predict(imageOf(test, i)) === test.labels[i]) right++
      await task.breathe()
    }
    return right / test.count
  }
  const curve: Curve = { name, train: [], test: [], untrained: await accuracy() }
  const error = new Float64Array(net.outputs.length)
  for (let epoch = 0; epoch < recipe.epochs; epoch++) {
    // As much as with an error of 1. A product of two Q-formats shifted right, counted in
    // units of 2^−13.
    const bits = network.signalBits + lambdaBits(network) - 13
    const rate = (1 / size) * 2 ** (bits - learnShiftAt(recipe, epoch, network))
    let right = 0
    for (const [k, index] of epochOrder(train.count, task.seed, epoch).entries()) {
      const label = train.labels[index]
      if (net.predict(imageOf(train, index)) === label) right++
      const { outputs } = net
      let other = label === 0 ? 1 : 0
      for (let o = 0; o < outputs.length; o++)
        if (o !== label && outputs[o] > outputs[other]) other = o
      if (outputs[label] - outputs[other] < margin) {
        error.fill(0)
        error[label] = size
        error[other] = -size
        net.backward(error, how)
        net.learn(rate, most)
      }
      onShare((epoch + k / train.count) / recipe.epochs)
      await task.breathe()
    }
    curve.train.push(right / train.count)
    curve.test.push(await accuracy())
  }
  return curve
}

function finding(network: Network, recipe: Recipe, images: Lessons, curves: Curve[]): Finding {
  return {
    comparisons: [
      {
        what: `test accuracy of ${network.name} after ${counted(recipe.epochs, "epoch")}`,
        paper:
          "“the BSP method can effectively replace the traditional back-propagation algorithm” (paper 001 §3; no figures)",
        ours: curves.map(c => `${c.name} ${percent(lastOf(c))}`).join("; "),
      },
    ],
    how: `${network.name}, ${shapeOf(network)}: the same links, initial coefficients, order of ${counted(images.train.count, "image")}, error (±1 below a margin of ${(network.margin / 4096).toFixed(2)}) and rates (learning shift ${recipe.learnShift}, one more bit every ${counted(recipe.epochsPerBit, "epoch")}) for all; ${counted(images.test.count, "test image")}. Backpropagation is the exact gradient through the settled network: the transposed Heun steps, in float64.`,
    tables: [
      {
        title: "Test accuracy",
        head: ["epoch", ...curves.map(c => c.name)],
        rows: Array.from({ length: recipe.epochs + 1 }, (_, epoch) => [
          epoch,
          ...curves.map(c => percent(epoch === 0 ? c.untrained : c.test[epoch - 1])),
        ]),
      },
    ],
    charts: [
      {
        title: `${network.name}: what comes back to the links`,
        x: { label: "epoch", whole: true },
        y: { label: "test accuracy", min: 0, max: 1, percent: true },
        series: curves.map(c => ({ name: c.name, points: testPoints(c) })),
      },
    ],
    notes: [
      "“error/32” sends back a 32nd of the error and learns from it 32 times as fast.",
      "Not a perceptron: the same rings with the same links, so that only the way back differs.",
    ],
  }
}
