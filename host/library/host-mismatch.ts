/** What boards learnt against what the host learnt, for users. */
import { WuxingError } from "../base/errors"

export interface Verified {
  /** SHA-256 of the boards' and of the host's coefficients, hex. */
  coefficientsHash: string
  hostHash: string
  hostMatches: boolean
}

/** As commands print it. */
export function hostsVerdict({ hostHash, hostMatches }: Verified): string {
  return hostMatches ? "same coefficients, bit for bit" : `different coefficients: ${hostHash}`
}

/** Boards that did other than the host's core, bit for bit. */
export function hostMismatch(message: string, cause: string): WuxingError {
  return new WuxingError({
    code: "host-mismatch",
    kind: "mismatch",
    message,
    cause,
    help: "run it again with --verbose and the same seed; if it repeats, report it",
  })
}

/** @returns the error where boards and host differ after so many samples */
export function mismatchOf(
  { coefficientsHash, hostHash, hostMatches }: Verified,
  samples: number,
): WuxingError | undefined {
  if (hostMatches) return undefined
  const short = (hash: string) => `${hash.slice(0, 12)}…`
  return hostMismatch(
    `after ${samples} training images the boards' coefficients (SHA-256 ${short(coefficientsHash)}) differ from the host's (${short(hostHash)})`,
    "a board runs other firmware or settings than the host, or lost or repeated a sample",
  )
}
