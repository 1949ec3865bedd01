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
