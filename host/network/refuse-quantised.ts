/** What learns image by image, as boards do, says of coefficients in four bits that it cannot. */
import { WuxingError } from "../base/errors"
import { isQuantised, type Network } from "./description"

/** @throws WuxingError "quantised-learning" (kind "usage") if any layer's coefficients are of four bits */
export function refuseQuantised(network: Network): void {
  if (!isQuantised(network)) return
  throw new WuxingError({
    code: "quantised-learning",
    kind: "usage",
    message: `network ${network.name} cannot learn image by image: it has coefficients of four bits`,
    cause:
      "what learns are 16 bits beside them, which only the host keeps, for batches that are rounded once",
    help: "teach it on the host with --rounding once and --batch 2 or more",
  })
}
