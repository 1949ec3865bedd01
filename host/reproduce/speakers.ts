/** Row 19: digits of a speaker who was left out, by fixed kernels and an error by squares. */
import { existsSync } from "node:fs"
import { counted, grouped } from "../base/numbers"
import { linkRatios } from "../network/link-ratio"
import { sizedNetwork } from "../network/sized-network"
import type { Recording } from "../signals/recording"
import { readRecordingSet } from "../signals/recording-set"
import { parseVariation } from "../signals/vary"
import { recipeOf } from "../training/recipes"
import { bySquares } from "../training/rule"
import { signalDataOf } from "../training/signal-data"
import type { Recipe } from "../training/train-model"
import type { Images } from "../training/training-data"
import { type Curve, lastOf, learningCurve, testPoints } from "./learning-curve"
import { type Finding, pick, type Row, type Task } from "./row"
import { spread } from "./seeds"

/** Recordings that are no part of the project (docs/signals.md says whose), and what examples/voices.ts makes. */
const SPOKEN = "../shared/data/spoken"
const VOICES = "voices"
const SPEAKERS = ["a", "b", "c", "d", "e"]

/** As docs/signals.md teaches them. */
const FEATURES =
  "bands,frames=24,bands=20,from=100,to=3300,scale=spread,level=0.3,octaves=8.3,trim=6,kernels=200"
const VARY = "copies=2,speed=0.18,warp=0.08,noise=0.05,tilt=0.6"
const SIZE = "4000-10"
const RECIPE: Partial<Recipe> = {
  ...{ epochs: 15, learnShift: 16, softmaxGain: 0, batch: 32, rounding: "once" },
  smooth: { eighths: 8, warm: 100 },
}

export const speakersRow: Row = {
  name: "speakers",
  title: "Spoken digits of a speaker who was left out",
  source: "none of the papers (their inputs are pictures)",
  ...(!existsSync(SPOKEN) && { notYet: `the recordings of ${SPOKEN} are not on this machine` }),
  run,
}

interface Taught {
  speaker: string
  curve: Curve
}

async function* run(task: Task): AsyncGenerator<Finding, void, void> {
  const every = pick(task, { tiny: 97, quick: 5, full: 1 })
  const some = (all: Recording[]) => all.filter((_, i) => i % every === 0)
  const left = SPEAKERS.slice(0, pick(task, { tiny: 1, quick: 5, full: 5 }))
  const steps = SPEAKERS.length + 1 + left.length
  const spoken = new Map<string, { learnt: Images; asked: Images }>()
  for (const [i, speaker] of SPEAKERS.entries()) {
    const { test } = await readRecordingSet(SPOKEN, { testNames: new RegExp(`_${speaker}_`) })
    spoken.set(speaker, await imagesOf(some(test), task))
    task.progress((i + 1) / steps)
  }
  const voices = existsSync(VOICES)
    ? (await imagesOf(some(await voicesOf()), task)).learnt
    : undefined
  const network = bySquares(sizedNetwork(SIZE, task.seed))
  const recipe = {
    ...recipeOf(network),
    ...RECIPE,
    epochs: pick(task, { tiny: 1, quick: 15, full: 15 }),
  }
  const taught: Taught[] = []
  for (const [i, speaker] of left.entries()) {
    const others = SPEAKERS.filter(other => other !== speaker).map(
      other => spoken.get(other)!.learnt,
    )
    const train = together(voices ? [...others, voices] : others)
    const lessons = { train, test: spoken.get(speaker)!.asked }
    const onShare = (share: number) => task.progress((SPEAKERS.length + 1 + i + share) / steps)
    for await (const curve of learningCurve(task, speaker, network, recipe, lessons, onShare))
      if (curve.test.length === 1) taught.push({ speaker, curve })
    yield describe(taught, lessons, voices?.count ?? 0, linkRatios(network).pooled.links)
  }
}

async function voicesOf(): Promise<Recording[]> {
  const { train, test } = await readRecordingSet(VOICES, { rate: 8000 })
  return [...train, ...test]
}

/** Of recordings: themselves and their variants, which are learnt, and themselves alone. */
async function imagesOf(
  recordings: Recording[],
  task: Task,
): Promise<{ learnt: Images; asked: Images }> {
  const { channels, rate } = recordings[0]
  const classes = Array.from({ length: 10 }, (_, digit) => String(digit))
  const set = { train: recordings, test: recordings, classes, channels, rate: rate!, notes: [] }
  const options = { features: FEATURES, vary: parseVariation(VARY) }
  const { train, test } = await signalDataOf("digits", set, options)
  await task.breathe()
  return { learnt: train, asked: test }
}

function together(all: Images[]): Images {
  const { width, height } = all[0]
  return {
    ...{ width, height, count: all.reduce((sum, { count }) => sum + count, 0) },
    images: new Uint8Array(Buffer.concat(all.map(({ images }) => images))),
    labels: new Uint8Array(Buffer.concat(all.map(({ labels }) => labels))),
  }
}

function describe(
  taught: Taught[],
  { train, test }: { train: Images; test: Images },
  voices: number,
  links: number,
): Finding {
  const of = ({ curve }: Taught) => lastOf(curve)
  const from = `${grouped(train.count - voices)} recordings of the other four and their variants, and ${grouped(voices)} of synthetic voices`
  return {
    comparisons: [
      {
        what: `accuracy on a speaker who was left out: ${SIZE}, ${grouped(links)} links, mean of ${counted(taught.length, "speaker")}`,
        paper: "-",
        ours: spread(taught.map(of)),
      },
    ],
    how: `Integer core. Each speaker in turn is left out entirely: learnt from ${from} (examples/voices.ts), asked for ${counted(test.count, "recording")} of the fifth. --features ${FEATURES} --vary ${VARY}; --error squares, ${taught[0].curve.train.length} epochs, batches of 32.${voices === 0 ? ` There is no folder ${VOICES}: nothing synthetic was learnt.` : ""}`,
    tables: [
      {
        title: "By the speaker who was left out",
        head: ["speaker", "learnt", "left out"],
        rows: taught.map(({ speaker, curve }) => [
          speaker,
          `${(curve.train[curve.train.length - 1] * 100).toFixed(1)} %`,
          `${(lastOf(curve) * 100).toFixed(1)} %`,
        ]),
      },
    ],
    charts: [
      {
        title: "Spoken digits of each speaker who was left out",
        x: { label: "epoch", whole: true },
        y: { label: "test accuracy", min: 0, max: 1, percent: true },
        series: taught.map(({ speaker, curve }) => ({ name: speaker, points: testPoints(curve) })),
      },
    ],
    notes: [
      "Settings were chosen by leaving a second speaker out; but there are only these five, and one recording is a fifth of a percent.",
    ],
  }
}
