/** Row 10: adder networks of one to four hidden layers. */

import { counted, grouped, percent } from "../base/numbers"
import { linkRatios } from "../network/link-ratio"
import { fleet64 } from "../network/presets"
import { type Curve, lastOf, learningCurve, lessons, testPoints } from "./learning-curve"
import { adderNetwork, HIDDEN, recipeFor, shapeOf } from "./networks"
import { type Finding, pick, type Row, type Task } from "./row"

const FAN_IN = 64

export const depthRow: Row = {
  name: "depth",
  title: "Depth: adder networks of one to four hidden layers",
  source: "paper 001 §3 uses six layers throughout; paper 002 asks for others",
  run,
}

async function* run(task: Task): AsyncGenerator<Finding, void, void> {
  const depths = pick(task, { tiny: [1, 2], quick: [1, 2, 3, 4], full: [1, 2, 3, 4] })
  const epochs = pick(task, { tiny: 1, quick: 2, full: 10 })
  const images = lessons(
    task,
    pick(task, { tiny: 40, quick: 4000, full: 60_000 }),
    pick(task, { tiny: 20, quick: 2000, full: 10_000 }),
  )
  const recipe = recipeFor(fleet64(task.seed), epochs)
  const networks = depths.map(depth => adderNetwork(task.seed, depth, FAN_IN))
  const curves: Curve[] = []
  const describe = (): Finding => ({
    comparisons: [
      {
        what: `test accuracy by hidden layers of ${HIDDEN}, ${counted(epochs, "epoch")}`,
        paper: "- (six layers throughout)",
        ours: curves.map((c, i) => `${depths[i]}: ${percent(lastOf(c))}`).join("; "),
      },
    ],
    how: `Integer core, hidden layers of ${HIDDEN} neurons, fan-in ${FAN_IN}, formats and rates of preset fleet-64, the same for every depth: learning shift ${recipe.learnShift} and one more bit every ${counted(recipe.epochsPerBit, "epoch")}; ${counted(images.train.count, "training image")}, ${counted(images.test.count, "test image")}.`,
    tables: [
      {
        title: "By depth",
        head: ["hidden layers", "network", "links", "while learning", "test"],
        rows: curves.map((c, i) => [
          depths[i],
          shapeOf(networks[i]),
          grouped(linkRatios(networks[i]).pooled.links),
          percent(c.train[c.train.length - 1] ?? Number.NaN),
          percent(lastOf(c)),
        ]),
      },
    ],
    charts: [
      {
        title: "Depth: accuracy by epoch",
        x: { label: "epoch", whole: true },
        y: { label: "test accuracy", min: 0, max: 1, percent: true },
        series: curves.map((c, i) => ({
          name: counted(depths[i], "hidden layer"),
          points: testPoints(c),
        })),
      },
    ],
  })
  for (const [i, network] of networks.entries()) {
    const onShare = (share: number) => task.progress((i + share) / networks.length)
    for await (const curve of learningCurve(task, network.name, network, recipe, images, onShare)) {
      curves[i] = curve
      yield describe()
    }
  }
}
