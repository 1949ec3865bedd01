/** Row 11: a trained network on images with noise. */

import { hash32 } from "../../src/base/random"
import { counted, percent } from "../base/numbers"
import { pico16 } from "../network/presets"
import type { Images } from "../training/training-data"
import type { TrainingEngine } from "../training/training-engine"
import { type Curve, learningCurve, lessons } from "./learning-curve"
import { recipeFor, shapeOf } from "./networks"
import { type Finding, pick, type Row, type Task } from "./row"

export const noiseRow: Row = {
  name: "noise",
  title: "Noise on the input: accuracy of a trained pico-16",
  source: "paper 002 asks for it; the others do not measure it",
  run,
}

/** How the pixels are disturbed, at a level of 0…1. */
const KINDS = {
  "Gaussian noise": (pixel: number, level: number, seed: number, at: number) =>
    pixel + 255 * level * normal(seed, at),
  "pixels set to black or white": (pixel: number, level: number, seed: number, at: number) => {
    const draw = uniform(seed, at)
    return draw < level / 2 ? 0 : draw < level ? 255 : pixel
  },
} as const

export type Noise = keyof typeof KINDS

/** The images with noise; each pixel stays a whole number of 0…255. */
export function disturb(images: Uint8Array, noise: Noise, level: number, seed: number): Uint8Array {
  const disturbed = new Uint8Array(images.length)
  for (let at = 0; at < images.length; at++)
    disturbed[at] = Math.min(
      255,
      Math.max(0, Math.round(KINDS[noise](images[at], level, seed, at))),
    )
  return disturbed
}

function uniform(seed: number, at: number): number {
  return (hash32(seed, at) >>> 0) / 2 ** 32
}

/** Box and Muller's. */
function normal(seed: number, at: number): number {
  const radius = Math.sqrt(-2 * Math.log(1 - uniform(seed, 2 * at)))
  return radius * Math.cos(2 * Math.PI * uniform(seed, 2 * at + 1))
}

async function* run(task: Task): AsyncGenerator<Finding, void, void> {
  const levels = pick(task, {
    tiny: [0, 0.5],
    quick: [0, 0.05, 0.1, 0.2, 0.3, 0.4, 0.6],
    full: [0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.8],
  })
  const epochs = pick(task, { tiny: 1, quick: 4, full: 30 })
  const images = lessons(
    task,
    pick(task, { tiny: 200, quick: 10_000, full: 60_000 }),
    pick(task, { tiny: 50, quick: 2000, full: 10_000 }),
  )
  const network = pico16(task.seed)
  const recipe = recipeFor(network, epochs)
  const noises = Object.keys(KINDS) as Noise[]
  const measured: { noise: Noise; points: [number, number][] }[] = []
  const measure = async (engine: TrainingEngine) => {
    for (const [i, noise] of noises.entries()) {
      const points: [number, number][] = []
      measured.push({ noise, points })
      for (const [j, level] of levels.entries()) {
        points.push([level, await accuracy(engine, task, images.test, noise, level)])
        task.progress(0.6 + (0.4 * (i * levels.length + j + 1)) / (noises.length * levels.length))
        await task.breathe()
      }
    }
  }
  let curve: Curve | undefined
  const onShare = (share: number) => task.progress(0.6 * share)
  for await (const now of learningCurve(task, "pico-16", network, recipe, images, onShare, measure))
    curve = now
  const at = (points: [number, number][]) =>
    points.map(([level, accuracy]) => `${level}: ${percent(accuracy)}`).join("; ")
  yield {
    comparisons: measured.map(({ noise, points }) => ({
      what: `test accuracy by level of ${noise}`,
      paper: "-",
      ours: at(points),
    })),
    how: `Preset pico-16 (${shapeOf(network)}), trained on clean images: ${counted(images.train.count, "image")}, ${counted(epochs, "epoch")}, learning shift ${recipe.learnShift} and one more bit every ${counted(recipe.epochsPerBit, "epoch")}${recipe.shiftImages ? ", images moved by up to a pixel" : ""}; test accuracy by epoch ${curve?.test.map(percent).join(", ")}. Then ${counted(images.test.count, "test image")} with noise: of Gaussian noise the level is the standard deviation as a share of full ink, of the other the share of pixels that are replaced, half black, half white.`,
    tables: [
      {
        title: "Test accuracy",
        head: ["level", ...noises],
        rows: levels.map((level, j) => [level, ...measured.map(m => percent(m.points[j][1]))]),
      },
    ],
    charts: [
      {
        title: "Noise on the input, trained on clean images",
        x: { label: "level of noise" },
        y: { label: "test accuracy", min: 0, max: 1, percent: true },
        series: measured.map(({ noise, points }) => ({ name: noise, points })),
      },
    ],
    notes: ["One in ten is what guessing gives."],
  }
}

async function accuracy(
  engine: TrainingEngine,
  task: Task,
  test: Images,
  noise: Noise,
  level: number,
): Promise<number> {
  const store = engine.store(disturb(test.images, noise, level, task.seed), test.labels)
  const all = Int32Array.from({ length: test.count }, (_, i) => i)
  const classes = await engine.predict(store, all, { signal: task.signal })
  return classes.filter((c, i) => c === test.labels[i]).length / test.count
}
