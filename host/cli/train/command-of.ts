/** The command a model keeps of its training. */
import { distortionText } from "../../data/distort"
import type { RangeChoice } from "../../data/range"
import type { Network } from "../../network/network"
import { ruleOf } from "../../training/rule"
import type { Plan } from "../../training/training"
import type { TrainingData } from "../../training/training-data"
import { quoted } from "../options/usage"

/**
 * The command that makes the same bits again: whatever the defaults will be then, all of them.
 *
 * @param named the network, as a shell takes it
 * @param ruled it, where its rule was asked for
 */
export function commandOf(
  named: string,
  ruled: Network | undefined,
  plan: Plan,
  data: TrainingData,
  {
    label,
    range,
    limit,
    error,
  }: { label?: string; range?: RangeChoice; limit?: number; error?: "squares" },
): string {
  const words = [
    ...["wuxing", "train", "--model", named, "--seed", plan.seed, "--epochs", plan.epochs],
    ...(ruled ? ["--rule", ruleOf(ruled)] : []),
    ...(ruled?.elements ? ["--element-shift", ruled.elements.shift] : []),
    ...["--learn-shift", plan.learnShift],
    ...(plan.smooth
      ? ["--cosine --eighths", plan.smooth.eighths, "--warm-up", plan.smooth.warm / 100]
      : ["--epochs-per-bit", plan.epochsPerBit]),
    ...(plan.distortion
      ? ["--distort", distortionText(plan.distortion)]
      : [plan.shiftImages ? "--shift-images" : "--no-shift-images"]),
    ...(error ? ["--error", error] : ["--softmax-gain", plan.softmaxGain]),
    ...["--batch", plan.batch],
    ...(plan.rounding ? ["--rounding", plan.rounding] : []),
  ]
  if (data.own && limit !== undefined) words.push("--limit", limit)
  else if (plan.images + plan.validation < (data.available ?? data.train.count))
    words.push("--limit", plan.images)
  if (plan.share) {
    words.push("--share samples")
    if (!data.own) words.push("--replicas", plan.share.replicas)
    words.push("--average", plan.share.average)
  }
  if (plan.validation > (data.validation ?? 0)) words.push("--validation", plan.validation)
  if (data.own) words.push("--data-each", quoted(data.name))
  else if (data.name !== "mnist") words.push("--data", quoted(data.name))
  if (label !== undefined) words.push("--label", quoted(label))
  if (range !== undefined)
    words.push("--range", typeof range === "object" ? `${range.from}..${range.to}` : range)
  return words.join(" ")
}
