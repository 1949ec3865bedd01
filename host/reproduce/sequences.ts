/** Row 17: strokes of a wand as sequences, read by rings that keep their state, and as pictures. */
import { existsSync } from "node:fs"
import { counted, grouped } from "../base/numbers"
import { linkRatios } from "../network/link-ratio"
import type { Network } from "../network/network"
import { sizedNetwork } from "../network/sized-network"
import { recipeOf } from "../training/recipes"
import { readSignalData, type SignalData } from "../training/signal-data"
import type { Recipe } from "../training/train-model"
import { type Curve, lastOf, learningCurve, testPoints } from "./learning-curve"
import { type Finding, pick, type Row, type Task } from "./row"
import { spread } from "./seeds"

/** Recordings that are no part of the project (docs/signals.md says whose). */
const WAND = "../shared/data/wand"

export const sequencesRow: Row = {
  name: "sequences",
  title: "Strokes as sequences, by rings that keep their state, against the same as pictures",
  source: "none of the papers (their inputs stand still)",
  ...(!existsSync(WAND) && { notYet: `the recordings of ${WAND} are not on this machine` }),
  run,
}

interface Way {
  name: string
  size: string
  features: string
  recipe: Partial<Recipe>
}

/** As docs/signals.md teaches them. */
function waysOf(seed: number, epochs: Record<"picture" | "sequence", number | undefined>): Way[] {
  return [
    {
      ...{ name: "a picture of 32 points", size: "64-16-10", features: "trace" },
      recipe: epochs.picture ? { epochs: epochs.picture } : {},
    },
    {
      ...{ name: "a sequence", size: "40-10", features: `reservoir,seed=${seed}` },
      recipe: {
        ...{ epochs: epochs.sequence ?? 100, learnShift: 11, softmaxGain: 0 },
        smooth: { eighths: 8, warm: 500 },
      },
    },
  ]
}

interface Taught {
  way: Way
  seed: number
  links: number
  epochs: number
  curve: Curve
}

async function* run(task: Task): AsyncGenerator<Finding, void, void> {
  const seeds = pick(task, { tiny: 1, quick: 2, full: 5 })
  const few = pick(task, { tiny: 1, quick: 10, full: undefined })
  const taught: Taught[] = []
  let data: SignalData | undefined
  for (let i = 0; i < seeds; i++) {
    const seed = task.seed + i
    for (const [k, way] of waysOf(seed, { picture: few, sequence: few }).entries()) {
      data = await readSignalData(WAND, { rate: 25, testEvery: 4, features: way.features })
      const network: Network = sizedNetwork(way.size, seed)
      const recipe: Recipe = { ...recipeOf(network), ...way.recipe }
      const own = { ...task, seed, data: task.data }
      const lessons = { train: data.train, test: data.test }
      const onShare = (share: number) => task.progress((i + (k + share) / 2) / seeds)
      const { links } = linkRatios(network).pooled
      for await (const curve of learningCurve(own, way.name, network, recipe, lessons, onShare)) {
        if (curve.test.length === 1) taught.push({ way, seed, links, epochs: recipe.epochs, curve })
      }
      yield describe(taught, data)
    }
  }
}

function describe(taught: Taught[], { train, test }: SignalData): Finding {
  const names = [...new Set(taught.map(({ way }) => way.name))]
  const of = (name: string) => taught.filter(({ way }) => way.name === name)
  return {
    comparisons: names.map(name => ({
      what: `test accuracy of strokes as ${name}: ${of(name)[0].way.size}, ${grouped(of(name)[0].links)} links that learn, ${counted(of(name).length, "seed")}`,
      paper: "-",
      ours: spread(of(name).map(({ curve }) => lastOf(curve))),
    })),
    how: `Digits drawn in the air by one person, at 25 Hz, every fourth of each kept: ${counted(train.count, "stroke")} learnt, ${counted(test.count, "test stroke")}. Integer core, one stroke at a time, as wuxing train --data ${WAND} --rate 25 --test-every 4 does. As a picture: 32 points, x and y, at once. As a sequence: 24 points one after another, read by 20 rings with fixed links drawn by the seed (--features reservoir), whose mean signals the outputs learn to read. Epochs: ${names.map(name => of(name)[0].epochs).join(" and ")}.`,
    tables: [
      {
        title: "By seed",
        head: ["seed", ...names],
        rows: of(names[0]).map(({ seed }) => [
          seed,
          ...names.map(name => {
            const found = of(name).find(each => each.seed === seed)
            return found ? `${(lastOf(found.curve) * 100).toFixed(1)} %` : ""
          }),
        ]),
      },
    ],
    charts: [
      {
        title: "Strokes as pictures and as sequences, the first seed",
        x: { label: "epoch", whole: true },
        y: { label: "test accuracy", min: 0, max: 1, percent: true },
        series: names.map(name => ({ name, points: testPoints(of(name)[0].curve) })),
      },
    ],
    notes: [
      "One stroke is half a percent. All strokes are by one person, so how well another's are classified is not measured.",
    ],
  }
}
