/** The rate of learning, changed by a person while a run goes on. */
import { LEAST_ELEMENT_SHIFT, MOST_ELEMENT_SHIFT } from "../../src/core/layout"
import { leastLearnShift, mostLearnShift, type Network } from "../network/network"

/** Learning shifts as boards take them. */
export interface Shifts {
  /** Of links, leastLearnShift…mostLearnShift. */
  links: number
  /** 4…24, of elements that learn. */
  elements?: number
}

/** So many bits more: learning is 2^−bits as fast, as far as boards allow it. */
export function slowedBy({ links, elements }: Shifts, bits: number, network: Network): Shifts {
  const within = (least: number, most: number, shift: number) =>
    Math.max(least, Math.min(most, shift))
  return {
    links: within(leastLearnShift(network), mostLearnShift(network), links + bits),
    elements:
      elements === undefined
        ? undefined
        : within(LEAST_ELEMENT_SHIFT, MOST_ELEMENT_SHIFT, elements + bits),
  }
}
