/** `wuxing eval`: how well a network names images it has not learnt. */
import { createHash } from "node:crypto"
import type { Command } from "commander"
import type { Context, Outcome, Run } from "./command"
import { grouped, percent } from "./output"
import { startProgress } from "./progress"
import { integerOption, pathOption, usageError } from "./usage"

const MOST_SEED = 2 ** 31 - 1

interface EvalOptions {
  model?: string
  trained?: boolean
  data: string
  seed: number
  workers?: number
}

export function addEval(program: Command, run: Run): void {
  program
    .command("eval")
    .description("measure how well a network names the test images")
    .option("--model <network>", "a preset, a model file or a links file")
    .option("--trained", "the preset as trained, from the repository, not as drawn by its seed")
    .option("--data <what>", "mnist, or a folder of images", pathOption("--data"), "mnist")
    .option(
      "--seed <n>",
      "seed of a preset; files have their own",
      integerOption("--seed", 0, MOST_SEED),
      1,
    )
    .option(
      "--workers <n>",
      "threads; the result does not depend on them (default: one a core)",
      integerOption("--workers", 1, 64),
    )
    .action(run(evaluateModel))
}

async function evaluateModel(
  { model: what, trained, data: dataName, seed, workers }: EvalOptions,
  { output, signal }: Context,
): Promise<Outcome> {
  if (what === undefined)
    throw usageError("--model is missing", "for example --model pico-16 --trained")
  // Loaded here so that `--version`, `help` and wrong options need not wait for them.
  const { readModel } = await import("../model-source")
  const { trainedModel } = await import("../training/trained")
  const { readTrainingData } = await import("../training/training-data")
  const { checkImages, classesOf, loadModelInto } = await import("../training/training")
  const { TrainingEngine } = await import("../training/training-engine")
  const { evaluate } = await import("../training/confusion")
  const { linkRatios } = await import("../link-ratio")
  const { signalsOf } = await import("../../src/network")

  const model = trained ? trainedModel(what) : readModel(what, seed)
  const { network } = model
  const data = readTrainingData(dataName, network, classesOf(model))
  checkImages(network, data.name, data.test)
  // A network may have more outputs than the data has classes, and name one of them.
  const outputs = signalsOf(network, network.layers.length)
  const classes = Array.from({ length: outputs }, (_, i) => data.classes[i] ?? String(i))
  const { count, images, labels } = data.test
  const engine = await TrainingEngine.start(network, { workers })
  const progress = startProgress(output, "testing", count)
  const start = performance.now()
  let named: Int32Array
  try {
    loadModelInto(engine, model)
    const store = engine.store(images, labels)
    named = await engine.predict(
      store,
      Int32Array.from({ length: count }, (_, i) => i),
      { signal, onProgress: progress.sample },
    )
  } finally {
    progress.stop()
    await engine.close()
  }
  const seconds = (performance.now() - start) / 1000
  const { right, accuracy, confusion, perClass } = evaluate(labels, named, classes)
  const { links, ratio } = linkRatios(network).pooled

  output.field("test accuracy", `${percent(accuracy)} (${grouped(right)} of ${grouped(count)})`)
  output.table(
    ["class", "images", "precision", "recall", "F1"],
    perClass.map(f => [f.class, f.count, share(f.precision), share(f.recall), share(f.f1)]),
  )
  output.print("named as (columns) what is (rows):")
  output.table(
    ["", ...classes],
    confusion.map((row, label) => [classes[label], ...row]),
  )

  return {
    document: {
      model: what,
      trained: trained ?? false,
      network: network.name,
      data: data.name,
      testAccuracy: accuracy,
      tested: count,
      right,
      seconds,
      samplesPerSecond: count / seconds,
      classes,
      confusion,
      perClass,
      links,
      linkRatio: ratio,
      coefficientsHash: createHash("sha256").update(model.coefficients).digest("hex"),
      training: model.training,
    },
  }
}

function share(value: number | null): string {
  return value === null ? "–" : percent(value)
}
