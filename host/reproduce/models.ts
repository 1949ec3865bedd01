/** Row 6: MODEL1 against MODEL2. */

import { counted, grouped, percent } from "../base/numbers"
import { linkRatios } from "../network/link-ratio"
import { recipeOf } from "../training/recipes"
import { type Curve, lastOf, learningCurve, lessons, testPoints } from "./learning-curve"
import { model1, model2, recipeFor, shapeOf } from "./networks"
import { type Finding, pick, type Row, type Task } from "./row"

export const modelsRow: Row = {
  name: "models",
  title: "MODEL1 against MODEL2: more neurons, as many links",
  source: "paper 001 §3, fig. 4",
  run,
}

async function* run(task: Task): AsyncGenerator<Finding, void, void> {
  const networks = [model1(task.seed), model2(task.seed)]
  const epochs = pick(task, { tiny: 1, quick: 4, full: recipeOf(networks[0]).epochs })
  const images = lessons(
    task,
    pick(task, { tiny: 40, quick: 3000, full: 60_000 }),
    pick(task, { tiny: 20, quick: 1000, full: 10_000 }),
  )
  const curves: Curve[] = []
  const describe = (): Finding => {
    const ratios = networks.map(net => linkRatios(net).pooled)
    const first = recipeFor(networks[0], epochs)
    return {
      comparisons: [
        {
          what: "link ratios",
          paper: "MODEL1 0.51 %, MODEL2 0.38 %",
          ours: ratios
            .map(
              (r, i) => `MODEL${i + 1} ${(r.ratio * 100).toFixed(2)} % (${grouped(r.links)} links)`,
            )
            .join(", "),
        },
        {
          what: `test accuracy after ${counted(epochs, "epoch")} of method 2`,
          paper:
            "“both models can improve the accuracy. However, since MODEL 2 has a stronger learning ability, the training effect on MODEL 2 is more satisfactory” (fig. 4; no figures in the text)",
          ours: curves
            .map(
              c =>
                `${c.name} ${percent(lastOf(c))}${c.test.length < epochs ? ` (after ${c.test.length})` : ""}`,
            )
            .join(", "),
        },
      ],
      how: `Integer core, settled, method 2 with the operating-point signal, one image at a time; learning shift ${first.learnShift} and one more bit every ${counted(first.epochsPerBit, "epoch")}${first.shiftImages ? ", images moved by up to a pixel" : ""}; ${counted(images.train.count, "training image")}, ${counted(images.test.count, "test image")}. ${networks.map((n, i) => `MODEL${i + 1}: ${shapeOf(n)}`).join(". ")}.`,
      tables: [
        {
          title: "Test accuracy",
          head: ["epoch", ...curves.map(c => c.name)],
          rows: Array.from({ length: epochs + 1 }, (_, epoch) => [
            epoch,
            ...curves.map(c => {
              const accuracy = epoch === 0 ? c.untrained : c.test[epoch - 1]
              return accuracy === undefined ? "" : percent(accuracy)
            }),
          ]),
        },
      ],
      charts: [
        {
          title: "MODEL1 and MODEL2",
          x: { label: "epoch", whole: true },
          y: { label: "test accuracy", min: 0, max: 1, percent: true },
          series: curves.map(c => ({ name: c.name, points: testPoints(c) })),
        },
      ],
    }
  }
  for (const [i, network] of networks.entries()) {
    const recipe = recipeFor(network, epochs)
    const onShare = (share: number) => task.progress((i + share) / networks.length)
    for await (const curve of learningCurve(
      task,
      `MODEL${i + 1}`,
      network,
      recipe,
      images,
      onShare,
    )) {
      curves[i] = curve
      yield describe()
    }
  }
}
