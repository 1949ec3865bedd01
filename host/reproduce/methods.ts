/** Rows 3 and 4: MODEL1 by method 1, by method 2 and by both. */

import { counted, percent } from "../base/numbers"
import { elementsLearn, type Network } from "../network/network"
import { coarse, withRule } from "../training/rule"
import type { Recipe } from "../training/train-model"
import { type Curve, lastOf, learningCurve, lessons, testPoints } from "./learning-curve"
import { model1, shapeOf } from "./networks"
import { type Finding, pick, type Row, type Task } from "./row"

type Method = "method 1" | "method 1, the papers' own signals" | "method 2" | "mixed"

function networkOf(method: Method, seed: number): Network {
  const base = coarse(model1(seed))
  if (method === "method 2") return base
  if (method === "mixed") return withRule(base, "mixed")
  const one = withRule(base, "elements")
  if (method === "method 1" || !one.elements) return one
  // As in the papers: the product of the two signals' means, by the papers' backward equation.
  return { ...one, elements: { ...one.elements, signal: "product" }, backward: "bsp" }
}

export const methodOneRow: Row = {
  name: "method-1",
  title: "Method 1 on MODEL1: only K3 is adjusted",
  source: "paper 000 §5.2, eq. 5.5–5.7, fig. 4",
  run: task =>
    compare(task, ["method 1", "method 1, the papers' own signals"], {
      epochs: { tiny: 1, quick: 3, full: 10 },
      paper: "25.7 % on the training set, 25.9 % on the test set after 10 epochs (“60 %” once)",
    }),
}

export const methodsRow: Row = {
  name: "methods",
  title: "MODEL1 by method 1, method 2 and both",
  source: "paper 001 §3, fig. 2",
  run: task =>
    compare(task, ["method 1", "method 2", "mixed"], {
      epochs: { tiny: 1, quick: 3, full: 12 },
      paper:
        "“both the second method and the first method can effectively train the neural network, and if the two methods are mixed, the accuracy can be further improved” (fig. 2; no figures in the text)",
    }),
}

async function* compare(
  task: Task,
  methods: Method[],
  { epochs, paper }: { epochs: Record<Task["scale"], number>; paper: string },
): AsyncGenerator<Finding, void, void> {
  const images = lessons(
    task,
    pick(task, { tiny: 20, quick: 2000, full: 60_000 }),
    pick(task, { tiny: 10, quick: 1000, full: 10_000 }),
  )
  const networks = methods.map(method => networkOf(method, task.seed))
  const count = pick(task, epochs)
  const recipe: Recipe = {
    epochs: count,
    learnShift: networks[0].learnShift,
    epochsPerBit: Math.ceil(count / 6),
    shiftImages: false,
    softmaxGain: 0,
  }
  const curves: Curve[] = []
  const describe = (): Finding => ({
    comparisons: [
      {
        what: `test accuracy of MODEL1 after ${counted(recipe.epochs, "epoch")} of ${counted(images.train.count, "image")}`,
        paper,
        ours: curves
          .map(
            c =>
              `${c.name} ${percent(lastOf(c))} (${percent(c.train[c.train.length - 1] ?? Number.NaN)} while learning${c.test.length < recipe.epochs ? `, after ${c.test.length}` : ""})`,
          )
          .join("; "),
      },
    ],
    how: `Integer core, MODEL1 (${shapeOf(networks[0])}), settled, one image at a time, ${counted(images.test.count, "test image")}; learning shift ${recipe.learnShift} and one more bit every ${counted(recipe.epochsPerBit, "epoch")}. ${elementsOf(networks)} Rates fall together. For all: elements and signals in Q12, ±1 at the outputs below a margin of ${(networks[0].margin / 4096).toFixed(2)}.`,
    tables: [
      {
        title: "Test accuracy",
        head: ["epoch", ...curves.map(c => c.name)],
        rows: Array.from({ length: recipe.epochs + 1 }, (_, epoch) => [
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
        title: `MODEL1: ${methods.length > 2 ? "methods 1 and 2 and both" : "method 1"}`,
        x: { label: "epoch", whole: true },
        y: { label: "test accuracy", min: 0, max: 1, percent: true },
        series: curves.map(c => ({ name: c.name, points: testPoints(c) })),
      },
    ],
    notes: [
      "Method 1's rates were chosen for the gradient, on training images apart; the papers' own signals learn at the same rate, which need not be the best for them.",
      "“Method 1” and “mixed” use the gradient at the operating point, “the papers' own signals” the product of the two means by the papers' backward equation.",
    ],
  })
  for (const [i, network] of networks.entries()) {
    const onShare = (share: number) => task.progress((i + share) / networks.length)
    for await (const curve of learningCurve(task, methods[i], network, recipe, images, onShare)) {
      curves[i] = curve
      yield describe()
    }
  }
}

/** How elements learn in those of the networks where they do. */
function elementsOf(networks: Network[]): string {
  const [first] = networks.filter(elementsLearn)
  if (!first.elements) return ""
  const { min, max, bound } = first.elements
  const rates = networks
    .filter(elementsLearn)
    .map(n => `2^${18 - (n.elements?.shift ?? 0)} ${n.rule === "mixed" ? "beside links" : "alone"}`)
  return `Method 1: K3 multiplied within ${(min / 16384).toFixed(2)}…${(max / 16384).toFixed(2)}, kt = 2^${bound}, rate ${[...new Set(rates)].join(", ")}.`
}
