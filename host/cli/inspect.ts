/** `wuxing inspect`: what a network is, and what its coefficients look like. */
import type { Command } from "commander"
import { grouped, percent } from "../base/numbers"
import { sha256 } from "../base/sha256"
import type { TrainingRecord } from "../models/model-file"
import type { Bin } from "../network/coefficient-figures"
import { inputElement, outputElement } from "../network/description"
import type { Network } from "../network/network"
import { wiringOf } from "../network/wiring"
import type { Context, Outcome, Run } from "./command"
import { addNetworkOptions, type NetworkOptions, networkNamed } from "./options/network-option"
import { NETWORKS } from "./options/usage"
import type { Output } from "./terminal/output"

const BAR = 40

export function addInspect(program: Command, run: Run): void {
  const command = program
    .command("inspect")
    .description("describe a network: layers, links, number formats, coefficients, training")
    .argument("<network>", NETWORKS)
  addNetworkOptions(command).action((network: string, options: NetworkOptions) =>
    run((given: NetworkOptions, context) => inspect(network, given, context))(options),
  )
}

async function inspect(
  what: string,
  options: NetworkOptions,
  { output, endsAtOnce }: Context,
): Promise<Outcome> {
  endsAtOnce?.()
  const { linkRatios } = await import("../network/link-ratio")
  const { coefficientFigures, histogram } = await import("../network/coefficient-figures")
  const { hasKernels, isFine, lambdaBits, linkingOf, signalsOf } = await import(
    "../network/network"
  )

  const { network, coefficients, training } = await networkNamed(what, options)
  const { pairs, pooled } = linkRatios(network)
  const { clamps, ...figures } = coefficientFigures(network, coefficients)
  const bins = histogram(coefficients)
  const coefficientsHash = sha256(coefficients)
  const { packedBytes } = await import("../models/few-bits")
  const bytes = packedBytes(network)
  const few = network.layers.flatMap(({ quantised }, i) =>
    quantised ? [`layer ${i + 1} in 4 bits, times 2^−${quantised.exponent}`] : [],
  )
  const formats = {
    states: isFine(network) ? "Q16" : "Q12",
    signals: `Q${network.signalBits}`,
    coefficients: ["Q13", ...few].join(", "),
    backwardSignals: `Q${lambdaBits(network)}`,
  }

  output.field("network", network.name)
  output.field("layers", [network.width, ...network.layers.map(l => l.neurons)].join("-"))
  output.field("linking", linkingOf(network))
  output.field("seed", String(network.seed))
  // Of shared kernels a link is a coefficient that all their places have.
  const shares = hasKernels(network)
  output.field(
    "links",
    `${grouped(pooled.links)}${shares ? " coefficients, kernels' at all their places" : ""}`,
  )
  output.field("link ratio", `${(pooled.ratio * 100).toFixed(2)} %`)
  output.field(
    "formats",
    `states ${formats.states}, signals ${formats.signals}, coefficients ${formats.coefficients} in ${inWhich(clamps)}`,
  )
  if (network.feedback)
    output.field(
      "feedback",
      network.feedback === "fixed"
        ? "backward signals return by fixed coefficients of their own"
        : "no backward signal leaves the last layer",
    )
  output.field("bytes", `${grouped(bytes)} of coefficients in a model file`)
  output.field("settle", `${network.steps} Heun steps of 3/4`)
  output.table(
    [
      "layer",
      "neurons",
      "inputs",
      "outputs",
      "signals",
      shares ? "coefficients" : "links",
      "link ratio",
    ],
    [
      [
        "0 (pixels)",
        network.width,
        "–",
        elements(1, network.inputSignals ?? 1),
        signalsOf(network, 0),
        "–",
        "–",
      ],
      ...network.layers.map((l, i) => [
        String(i + 1),
        l.neurons,
        inputsOf(network, i + 1),
        l.outputs > 1 && l.outputStep === 2
          ? Array.from({ length: l.outputs }, (_, k) => outputElement(l, k)).join(", ")
          : elements(l.outputFirst, l.outputs),
        signalsOf(network, i + 1),
        grouped(pairs[i].links),
        `${(pairs[i].ratio * 100).toFixed(2)} %`,
      ]),
    ],
    [0, 1, 5, 2],
  )
  output.table(
    ["coefficients to layer", "least", "most", "mean", "deviation", "zero", "at the clamp"],
    [...figures.pairs, figures.all].map((f, i) => [
      i < pairs.length ? String(i + 1) : "all",
      ...[f.least, f.most, f.mean, f.deviation].map(value => value.toFixed(4)),
      f.zeros,
      f.clamped,
    ]),
    [0, 3, 4, 6, 5],
  )
  printHistogram(output, bins)
  output.field("coefficients", coefficientsHash)
  printTraining(output, training)

  return {
    document: {
      network,
      links: pooled.links,
      linkRatio: pooled.ratio,
      pairs,
      formats,
      coefficients: { ...figures, bytes, histogram: bins },
      coefficientsHash,
      training,
    },
  }
}

/** How far from 0 coefficients may be: one figure, or one a layer. */
function inWhich(clamps: number[]): string {
  const texts = clamps.map(clamp => `±${clamp.toFixed(3)}`)
  return new Set(texts).size === 1 ? texts[0] : `${texts.join(", ")} by layer`
}

function elements(first: number, count: number): string {
  return count === 1 ? `${first}` : `${first}–${first + count - 1}`
}

/** Elements of a layer that links end on: "0–2", or "0–1, 3" around an output. */
function inputsOf(network: Network, layer: number): string {
  const own = network.layers[layer - 1]
  const { inputs } = own
  const linked = new Set<number>()
  for (const [t, sources] of wiringOf(network).sources(layer).entries())
    if (sources.length > 0) linked.add(inputElement(own, t % inputs))
  const runs: string[] = []
  for (let first = 0; first < 5; first++) {
    let count = 0
    while (linked.has(first + count)) count++
    if (count > 0) runs.push(elements(first, count))
    first += count
  }
  return runs.join(", ")
}

function printHistogram(output: Output, bins: Bin[]): void {
  const most = Math.max(...bins.map(({ count }) => count))
  for (const { from, to, count } of bins) {
    const range = `${from.toFixed(3).padStart(7)} to ${to.toFixed(3).padStart(6)}`
    const bar = "█".repeat(Math.ceil((BAR * count) / Math.max(1, most)))
    output.print(`${range}  ${bar} ${grouped(count)}`)
  }
}

function printTraining(output: Output, training: TrainingRecord | null): void {
  if (training === null) {
    output.field("training", "none: coefficients as drawn or given")
    return
  }
  output.field("trained by", training.command)
  output.field("epochs", grouped(training.epochs))
  output.field("samples learnt", grouped(training.samples))
  for (const split of ["train", "validation", "test"] as const) {
    const accuracy = training.accuracy[split]
    if (accuracy !== undefined) output.field(`${split} accuracy`, percent(accuracy))
  }
}
