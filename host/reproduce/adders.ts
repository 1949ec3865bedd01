/** Row 7: adders before the synapses, from one link each to many. */

import { counted, grouped, percent } from "../base/numbers"
import { linkRatios } from "../network/link-ratio"
import { fleet64 } from "../network/presets"
import { type Curve, lastOf, learningCurve, lessons, testPoints } from "./learning-curve"
import { adderNetwork, recipeFor, shapeOf } from "./networks"
import { type Finding, pick, type Row, type Task } from "./row"

export const addersRow: Row = {
  name: "adders",
  title: "Adders: accuracy against fan-in",
  source: "paper 001 §3 (adders are proposed, not measured)",
  run,
}

async function* run(task: Task): AsyncGenerator<Finding, void, void> {
  const fanIns = pick(task, {
    tiny: [1, 16],
    quick: [1, 4, 16, 64, 128],
    full: [1, 2, 4, 8, 16, 32, 64, 128, 192, 256],
  })
  const epochs = pick(task, { tiny: 1, quick: 2, full: 10 })
  const images = lessons(
    task,
    pick(task, { tiny: 40, quick: 4000, full: 60_000 }),
    pick(task, { tiny: 20, quick: 2000, full: 10_000 }),
  )
  const recipe = recipeFor(fleet64(task.seed), epochs)
  const networks = fanIns.map(fanIn => adderNetwork(task.seed, 1, fanIn))
  const work = fanIns.map(fanIn => fanIn + 30)
  const all = work.reduce((a, b) => a + b, 0)
  let done = 0
  const curves: Curve[] = []
  const describe = (): Finding => ({
    comparisons: [
      {
        what: `test accuracy of ${shapeOf(networks[0])} by fan-in, ${counted(epochs, "epoch")}`,
        paper:
          "“an adder in front of the synapse of each neuron … the neural network framework we designed achieves full integration with modern neural network frameworks” (no figures)",
        ours: curves.map((c, i) => `${fanIns[i]}: ${percent(lastOf(c))}`).join("; "),
      },
    ],
    how: `Integer core, ${shapeOf(networks[0])} with the formats of preset fleet-64; fan-in is per synapse, three synapses a hidden neuron and four an output neuron, the output layer's at most its 128 signals. Learning shift ${recipe.learnShift} and one more bit every ${counted(recipe.epochsPerBit, "epoch")}${recipe.shiftImages ? ", images moved by up to a pixel" : ""}; ${counted(images.train.count, "training image")}, ${counted(images.test.count, "test image")}.`,
    tables: [
      {
        title: "By fan-in",
        head: ["fan-in", "links", "link ratio", "while learning", "test"],
        rows: curves.map((c, i) => {
          const { links, ratio } = linkRatios(networks[i]).pooled
          return [
            fanIns[i],
            grouped(links),
            percent(ratio),
            percent(c.train[c.train.length - 1] ?? Number.NaN),
            percent(lastOf(c)),
          ]
        }),
      },
    ],
    charts: [
      {
        title: "Adders: accuracy against fan-in",
        x: { label: "links a synapse sums", log: true },
        y: { label: "test accuracy", min: 0, max: 1, percent: true },
        series: [
          {
            name: `${shapeOf(networks[0])}, ${counted(epochs, "epoch")}`,
            points: curves.map((c, i) => [fanIns[i], lastOf(c)]),
          },
        ],
      },
      {
        title: "Adders: accuracy by epoch",
        x: { label: "epoch", whole: true },
        y: { label: "test accuracy", min: 0, max: 1, percent: true },
        series: curves.map((c, i) => ({ name: `fan-in ${fanIns[i]}`, points: testPoints(c) })),
      },
    ],
  })
  for (const [i, network] of networks.entries()) {
    const onShare = (share: number) => task.progress((done + share * work[i]) / all)
    for await (const curve of learningCurve(task, network.name, network, recipe, images, onShare))
      curves[i] = curve
    done += work[i]
    yield describe()
  }
}
