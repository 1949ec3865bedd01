/** What runs on boards refuses backward signals that return by coefficients of their own. */
import { WuxingError } from "../base/errors"
import type { Network } from "./description"

/** @throws WuxingError "fixed-feedback" (kind "usage") if backward signals do not return by the links' own coefficients */
export function refuseFeedback(network: Network): void {
  if (!network.feedback) return
  throw new WuxingError({
    code: "fixed-feedback",
    kind: "usage",
    message: `network ${network.name} cannot run on boards: its backward signals return by coefficients of their own`,
    cause:
      "a second coefficient of every link behind the first layer would take a board two bytes more, and a link that learns by it more than twice as long",
    help: "eval and predict on the host, or let it learn on by its own coefficients: train --rule links",
  })
}
