/** Row 16: the same preset from several seeds, as published networks are stated: mean and deviation. */
import { counted } from "../base/numbers"
import type { Network } from "../network/network"
import { fleet300, mnistWindows, pico16 } from "../network/presets"
import { recipeOf } from "../training/recipes"
import type { Recipe } from "../training/train-model"
import { lastOf, learningCurve, lessons } from "./learning-curve"
import { type Finding, pick, type Row, type Task } from "./row"

export const seedsRow: Row = {
  name: "seeds",
  title: "Presets from several seeds: mean and standard deviation",
  source: "none of the papers (one run each); paper 002 asks for error bars",
  run,
}

/** With how many seeds in full: what some 25 minutes of a processor teach, two at least. */
const PRESETS = [
  { make: mnistWindows, seeds: 5 },
  { make: pico16, seeds: 3 },
  { make: fleet300, seeds: 2 },
]

interface Result {
  preset: string
  seed: number
  train: number
  test: number
}

async function* run(task: Task): AsyncGenerator<Finding, void, void> {
  const short = task.scale === "full" ? undefined : pick(task, { tiny: 1, quick: 3, full: 0 })
  const images = {
    ...lessons(
      task,
      pick(task, { tiny: 64, quick: 4000, full: 60_000 }),
      pick(task, { tiny: 20, quick: 2000, full: 10_000 }),
    ),
    lastOnly: true,
  }
  const runs = PRESETS.flatMap(({ make, seeds }) =>
    Array.from({ length: short ? 2 : seeds }, (_, i) => make(task.seed + i)),
  )
  const epochs = [...new Set(runs.map(net => `${net.name} ${recipeFor(net).epochs}`))]
  // About the work of an image, forward and back: its links and what is the same of all.
  const work = runs.map(net => recipeFor(net).epochs * (net.name === "fleet-300" ? 4 : 1))
  const all = work.reduce((sum, w) => sum + w, 0)
  const results: Result[] = []
  let done = 0
  for (const [i, network] of runs.entries()) {
    const recipe = recipeFor(network)
    const own = { ...task, seed: network.seed, data: task.data }
    const onShare = (share: number) => task.progress((done + share * work[i]) / all)
    for await (const curve of learningCurve(own, network.name, network, recipe, images, onShare))
      if (curve.test.length > 0)
        results.push({
          ...{ preset: network.name, seed: network.seed, test: lastOf(curve) },
          train: curve.train[curve.train.length - 1],
        })
    done += work[i]
    yield describe()
  }

  function recipeFor(network: Network): Recipe {
    const own = recipeOf(network)
    return short ? { ...own, epochs: short } : own
  }

  function describe(): Finding {
    const presets = [...new Set(results.map(({ preset }) => preset))]
    const of = (preset: string) => results.filter(each => each.preset === preset)
    return {
      comparisons: presets.map(preset => ({
        what: `test accuracy of ${preset}, ${counted(of(preset).length, "seed")}`,
        paper: "-",
        ours: spread(of(preset).map(({ test }) => test)),
      })),
      how: `Integer core, each preset by its own recipe (wuxing train --model <preset> --seed <n>), ${short ? `but ${counted(short, "epoch")}` : `all its epochs (${epochs.join(", ")})`}; ${counted(images.train.count, "training image")}, ${counted(images.test.count, "test image")}, named once after the last epoch. A seed decides links, windows, initial coefficients, the images' order, how they are moved or distorted, and the rounding. The deviation is that of a sample (n − 1).`,
      tables: [
        {
          title: "By seed",
          head: ["preset", "seed", "while learning", "test"],
          rows: results.map(({ preset, seed, train, test }) => [
            preset,
            seed,
            hundredths(train),
            hundredths(test),
          ]),
        },
      ],
      charts: [
        {
          title: "Presets from several seeds",
          x: { label: "seed", whole: true },
          y: { label: "test accuracy", percent: true },
          series: presets.map(preset => ({
            name: preset,
            points: of(preset).map(({ seed, test }) => [seed, test]),
          })),
        },
      ],
      notes: [
        "Of 10,000 images at 96 % one standard deviation of counting alone is 0.20 %, at 99.3 % it is 0.08 %; all seeds are measured on the same images, so between seeds there is less of it.",
      ],
    }
  }
}

function hundredths(share: number): string {
  return `${(share * 100).toFixed(2)} %`
}

/** "99.31 ± 0.04 %, 99.25 to 99.35 %": mean, deviation of a sample (n − 1), least and largest. */
export function spread(shares: number[]): string {
  const mean = shares.reduce((sum, s) => sum + s, 0) / shares.length
  if (shares.length < 2) return hundredths(mean)
  const square = shares.reduce((sum, s) => sum + (s - mean) ** 2, 0) / (shares.length - 1)
  const deviation = (Math.sqrt(square) * 100).toFixed(2)
  const range = `${(Math.min(...shares) * 100).toFixed(2)} to ${hundredths(Math.max(...shares))}`
  return `${(mean * 100).toFixed(2)} ± ${deviation} %, ${range}`
}
