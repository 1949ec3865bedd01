/** How boards stop: what can be gone on from, and what is said of it. */
import { WuxingError } from "../base/errors"

/** Times boards are started or loaded again without the run getting on, before it gives up. */
export const MOST_RECOVERIES = 5
/** Times messages that were lost are sent again to boards that have all else. */
export const MOST_LOSSES = 20

/** @param message which board, when, why */
export function stopped(message: string): WuxingError {
  return new WuxingError({
    code: "board-stopped",
    kind: "board",
    message,
    cause: "a reset, a fault of its supply, or a defect of its program",
    help: "check its supply and cable; run with --verbose to see its log",
  })
}

/**
 * @param what boards did
 * @param expected what the host gave instead, if that is a number
 */
export function differs(what: string, expected?: number): WuxingError {
  return new WuxingError({
    code: "boards-differ",
    kind: "board",
    message: `${what}${expected === undefined ? "" : `, not ${expected}`}: not what the host computes`,
    cause: "a board is defective or runs another program, or something alters what it sends",
    help: "deploy the firmware again; if it repeats, leave boards out one after the other",
  })
}

/**
 * A board that did not come back, which ends the run.
 *
 * @param stop which board stopped, when
 * @param from what went wrong as it was started again
 */
export function lost(stop: string, why: string, from?: WuxingError): WuxingError {
  return new WuxingError({
    code: "board-lost",
    kind: "board",
    message: `${stop}; it could not be started again: ${why}`,
    cause: from?.likely ?? "it hangs or was stopped, or the machine is very busy",
    help: from?.help ?? "end what else runs on this machine, then run the command again",
  })
}

/** A board's error that no run recovers from, whatever its code. */
export class FinalError extends WuxingError {
  constructor(from: WuxingError, message = from.message) {
    const { code, likely, help } = from
    super({ code, kind: "board", message, cause: likely, help }, { cause: from })
  }
}

/** A board's fault, or a message to a program that is starting anew; not a board given up. */
export function isRecoverable(error: WuxingError): boolean {
  if (error instanceof FinalError) return false
  const { kind, code } = error
  return (kind === "board" && code !== "board-lost") || code === "service-missing"
}

/** What a board that is started or opened again may be free of. */
export function isStartable(error: WuxingError): boolean {
  return isRecoverable(error) || ["deploy-failed", "program-not-running"].includes(error.code)
}

/**
 * @param since what the last progress was: "the checkpoint at sample 100"
 * @param most times it was tried again
 */
export function gaveUp(error: WuxingError, since: string, most: number): WuxingError {
  return new FinalError(
    error,
    `${error.message}; it is the ${most + 1}th stop since ${since}, so the run ends`,
  )
}

/** Images of a board's slots at most. */
const MOST_AT_ONCE = 16
/** Images classified without a loss before more of them are under way again. */
const CALM_IMAGES = 16

/** How often a run was tried again without getting on, and how carefully it therefore goes. */
export class Patience {
  private stops = 0
  private losses = 0
  private calm = 0
  /** Images to have under way: fewer of them need fewer messages, of which one may be lost. */
  atOnce = MOST_AT_ONCE

  /** An image was classified, or a checkpoint was taken. */
  gotOn(): void {
    this.stops = 0
    this.losses = 0
    this.calm++
    if (this.calm % CALM_IMAGES === 0) this.atOnce = Math.min(MOST_AT_ONCE, this.atOnce * 2)
  }

  /** @returns how often boards have stopped since the run last got on */
  stopped(): number {
    return ++this.stops
  }

  /** @returns how often messages were lost since the run last got on */
  lost(): number {
    this.calm = 0
    this.atOnce = Math.max(1, this.atOnce >> 1)
    return ++this.losses
  }
}
