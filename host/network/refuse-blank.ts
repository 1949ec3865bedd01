/** Programs that take their inputs as they are leave out those that are 0. */
import { WuxingError } from "../base/errors"
import { inputBlankOf, type Network } from "./description"

/** @throws WuxingError "input-blank" (kind "usage") if blank pixels give a signal */
export function refuseBlank(network: Network): void {
  if (inputBlankOf(network) === 0) return
  throw new WuxingError({
    code: "input-blank",
    kind: "usage",
    message: `network ${network.name} cannot be in a DeviceScript program of its own: its blank pixels count as ${inputBlankOf(network)} (inputBlank)`,
    cause:
      "such a program leaves out inputs that are 0; only what the host sends has another value in their place",
    help: "run it with the host (wuxing run), or export it as a C library",
  })
}
