/** How boards stop: what can be gone on from, and what is said of it. */
import { WuxingError } from "../base/errors"

/** Times a run starts again from the same checkpoint before it gives up. */
export const MOST_RECOVERIES = 5

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

/** A board's fault, or a message to a program that is starting anew; not a board given up. */
export function isRecoverable({ kind, code }: WuxingError): boolean {
  return (kind === "board" && code !== "board-lost") || code === "service-missing"
}

/** What a board that is started or opened again may be free of. */
export function isStartable(error: WuxingError): boolean {
  return isRecoverable(error) || ["deploy-failed", "program-not-running"].includes(error.code)
}

export function gaveUp(error: WuxingError, samples: number): WuxingError {
  return new WuxingError(
    {
      code: error.code,
      kind: "board",
      message: `${error.message}; it is the ${MOST_RECOVERIES + 1}th stop since the checkpoint at sample ${samples}, so the run ends`,
      cause: error.likely,
      help: error.help,
    },
    { cause: error },
  )
}
