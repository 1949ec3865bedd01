/** `wuxing eval --nir`: a NIR graph run on the test images, step by step. */
import { realClock } from "../base/clock"
import { grouped, percent } from "../base/numbers"
import { sha256 } from "../base/sha256"
import type { Context, Outcome } from "./command"
import { firstOf } from "./eval"
import { outputFile } from "./options/output-file"
import { startProgress } from "./terminal/progress"

/** Most spikes that are kept for a trace: a CSV line of about 20 bytes each. */
const MOST_SPIKES = 5_000_000

interface NirOptions {
  data: string
  limit?: number
  steps: number
  dt: number
  trace?: string
  force?: boolean
}

export async function evaluateNir(
  path: string,
  { data: dataName, limit, steps, dt, trace, force }: NirOptions,
  { output, signal }: Context,
): Promise<Outcome> {
  const { readModelBytes } = await import("../models/model-file")
  const { decodeNir } = await import("../nir/read-nir")
  const { simulationOf } = await import("../nir/simulate")
  const { networkOfSize, runImages } = await import("../nir/run-images")
  const { readTrainingData } = await import("../training/training-data")
  const { checkImages } = await import("../training/training")
  const { evaluate } = await import("../training/confusion")

  const file = trace && outputFile(trace, { code: "trace-unwritable", what: "trace" }, force)
  const bytes = readModelBytes(path, "NIR file")
  const simulation = simulationOf(await decodeNir(bytes, path), path, dt)
  const network = networkOfSize(path, simulation.inputs, simulation.outputs)
  const data = await readTrainingData(dataName, network, { testOnly: true })
  checkImages(network, data.name, data.test)
  const { images, labels, count } = firstOf(data.test, limit)
  const lines = ["image,node,neuron,step"]
  let left = MOST_SPIKES
  const onSpike = (image: number, node: number, neuron: number, step: number) => {
    if (left-- > 0) lines.push(`${image},${simulation.spiking[node].name},${neuron},${step}`)
  }
  const progress = startProgress(output, "testing", count)
  const start = realClock.now()
  const { named, spikes } = await runImages(simulation, images, labels, steps, {
    ...{ signal, onImage: progress.sample },
    ...(file ? { onSpike } : {}),
  }).finally(() => progress.stop())
  const seconds = (realClock.now() - start) / 1000
  const classes = Array.from({ length: simulation.outputs }, (_, i) => data.classes[i] ?? String(i))
  const { right, accuracy, confusion, perClass } = evaluate(labels, named, classes)
  if (file) file.write(`${lines.join("\n")}\n`)
  if (left < 0) output.status(`the trace holds the first ${grouped(MOST_SPIKES)} spikes only`)
  output.field("test accuracy", `${percent(accuracy)} (${grouped(right)} of ${grouped(count)})`)
  output.field("steps", `${grouped(steps)} of length ${dt}`)
  output.field("spikes an image", grouped(Math.round(spikes)))
  if (file) output.field("written", file.path)
  return {
    document: {
      ...{ nir: path, sha256: sha256(bytes), data: data.name, steps, dt },
      ...{ testAccuracy: accuracy, tested: count, right, seconds, spikesPerImage: spikes },
      ...{ classes, confusion, perClass, trace: trace ?? null },
    },
  }
}
