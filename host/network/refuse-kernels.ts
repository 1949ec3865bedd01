/** What does not know shared kernels says so by name. */
import { WuxingError } from "../base/errors"
import type { Network } from "./description"
import { hasKernels } from "./linking"

/**
 * @param cannot what cannot be done with the network, as "be split over boards"
 * @param help what can be done instead
 * @throws WuxingError "shared-kernels" (kind "usage") if coefficients of a layer are shared over places
 */
export function refuseKernels(network: Network, cannot: string, help: string): void {
  if (!hasKernels(network)) return
  throw new WuxingError({
    code: "shared-kernels",
    kind: "usage",
    message: `network ${network.name} cannot ${cannot}: it has shared kernels`,
    cause: "a coefficient of theirs belongs to many places of a picture at once",
    help,
  })
}

/**
 * Of whatever runs on a board: backward signals return by the links' own coefficients.
 *
 * @throws WuxingError "fixed-feedback" (kind "usage")
 */
export function refuseOnBoards(network: Network): void {
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
