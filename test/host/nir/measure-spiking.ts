/**
 * `npm run spiking:measure`: how well networks exported as integrate-and-fire neurons classify all
 * 10,000 test images, by the simulator of the tests (equations.ts). Writes docs/figures/spiking.json and
 * docs/spiking.svg.
 *
 *     npm run spiking:measure -- [rows by number, such as 0,1; `none` only draws]
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { renderCharts } from "../../../host/base/chart"
import { readMnist } from "../../../host/data/mnist"
import { loadModel } from "../../../host/models/model-file"
import { trainedPath } from "../../../host/models/trained"
import { spikingGraph } from "../../../host/nir/spiking/compile"
import { quantise } from "../../../host/nir/spiking/quantise"
import { byEquations } from "./equations"

interface SpikingRow {
  model: string
  steps: number
  neuron: "if" | "lif"
  weightBits: number | null
  images: number
  accuracy: number
  spikesPerImage: number
}

const FILE = "docs/figures/spiking.json"
const row = (
  model: string,
  steps: number,
  weightBits: number | null = null,
  neuron: "if" | "lif" = "if",
) => ({ model, steps, neuron, weightBits })
const ROWS = [
  row("pico-16", 128),
  row("pico-16", 128, 8),
  row("pico-16", 64),
  row("pico-16", 32),
  row("pico-16", 16),
  row("fleet-300", 128),
  row("pico-16", 256),
  row("pico-16", 128, null, "lif"),
  row("fleet-300", 128, 8),
]

const { images, labels } = readMnist().test
const wanted =
  process.argv[2]?.split(",").map(Number).filter(Number.isInteger) ?? ROWS.map((_, i) => i)
for (const index of wanted) {
  const { model, steps, neuron, weightBits } = ROWS[index]
  const whole = spikingGraph(loadModel(trainedPath(model)), { steps, neuron })
  const run = byEquations(weightBits ? quantise(whole, weightBits).graph : whole)
  let right = 0
  let spikes = 0
  for (const [i, label] of labels.entries()) {
    const counted = run(
      Array.from(images.subarray(784 * i, 784 * (i + 1)), pixel => pixel / 255),
      steps,
    )
    if (counted.sums.indexOf(Math.max(...counted.sums)) === label) right++
    spikes += counted.spikes
  }
  const measured: SpikingRow = {
    ...{ ...ROWS[index], images: labels.length, accuracy: right / labels.length },
    spikesPerImage: Math.round(spikes / labels.length),
  }
  const rows: SpikingRow[] = existsSync(FILE) ? JSON.parse(readFileSync(FILE, "utf8")) : []
  const key = (r: Omit<SpikingRow, "images" | "accuracy" | "spikesPerImage">) =>
    JSON.stringify([r.model, r.steps, r.neuron, r.weightBits])
  const kept = [...rows.filter(r => key(r) !== key(measured)), measured]
  kept.sort((a, b) => (key(a) < key(b) ? -1 : 1))
  writeFileSync(FILE, `${JSON.stringify(kept, null, 2)}\n`)
  console.log(JSON.stringify(measured))
}

const measured = (JSON.parse(readFileSync(FILE, "utf8")) as SpikingRow[])
  .filter(r => r.model === "pico-16" && r.neuron === "if" && r.weightBits === null)
  .sort((a, b) => a.steps - b.steps)
writeFileSync(
  "docs/spiking.svg",
  renderCharts([
    {
      title: "pico-16 as integrate-and-fire neurons",
      x: { label: "steps", log: true, whole: true },
      y: { label: "test accuracy", percent: true, max: 1 },
      series: [
        { name: "spiking", points: measured.map(r => [r.steps, r.accuracy] as const) },
        {
          name: "on boards",
          dashed: true,
          draw: "line",
          points: [
            [16, 0.9616],
            [256, 0.9616],
          ],
        },
      ],
    },
    {
      title: "",
      x: { label: "steps", log: true, whole: true },
      y: { label: "spikes an image", min: 0 },
      series: [{ name: "spikes", points: measured.map(r => [r.steps, r.spikesPerImage] as const) }],
    },
  ]),
)
