/** Why a network cannot be taught on boards: all reasons at once, before any board is looked for. */
import { WuxingError } from "../../base/errors"
import { isQuantised, type Network } from "../../network/network"
import { refuseFeedback } from "../../network/refuse-feedback"
import { refuseQuantised } from "../../network/refuse-quantised"
import type { Recipe } from "../../training/train-model"
import type { TrainOptions } from "./train-options"

/**
 * @param network as it is to learn
 * @throws WuxingError "boards-cannot-teach" (kind "usage"), whose message names all reasons; of one alone
 *   "fixed-feedback" or "quantised-learning"
 */
export function refuseLearningOnBoards(
  network: Network,
  options: TrainOptions,
  recipe: Recipe,
): void {
  const reasons: string[] = []
  if (isQuantised(network)) reasons.push("its coefficients are of four bits")
  if (network.feedback) reasons.push("its backward signals return by coefficients of their own")
  if (reasons.length === 0) return
  if (options.cosine ?? recipe.smooth !== undefined)
    reasons.push("its rate changes from sample to sample (--cosine)")
  if (reasons.length === 1) {
    refuseFeedback(network)
    refuseQuantised(network)
  }
  throw new WuxingError({
    code: "boards-cannot-teach",
    kind: "usage",
    message: `boards cannot teach ${network.name}: ${reasons.slice(0, -1).join(", ")}, and ${reasons.at(-1)}`,
    cause:
      "boards learn one sample at a time, each link by its own coefficient, at a rate that changes by the epoch",
    help: "teach it on the host (leave out --on), or another network on boards: pico-16, or windows of each neuron's own such as 784-25w7s5-10",
  })
}
