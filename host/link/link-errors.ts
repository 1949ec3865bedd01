/** What can be wrong with a link to a board, for users. */
import { WuxingError } from "../base/errors"
import { seconds } from "./wait"

/** @param title which board: "board 0 (/dev/ttyACM0)" */
export function silentAtFirst(title: string, deadlineMs: number, heard: string): WuxingError {
  return new WuxingError({
    code: "board-silent",
    kind: "board",
    message: `${title} did not announce itself within ${seconds(deadlineMs)}${heard}`,
    cause: "what is behind the port is no DeviceScript board, or it hangs",
    help: "check the port, flash the DeviceScript firmware, or reset the board",
  })
}

export function goneError(title: string, why: string, cause?: Error): WuxingError {
  return new WuxingError(
    {
      code: "board-gone",
      kind: "board",
      message: `${title} is gone: ${why}${cause ? ` (${cause.message})` : ""}`,
      cause: "the cable was pulled, the board lost power, or its process ended",
      help: "check the cable and supply, then start again",
    },
    { cause },
  )
}

export function silentError(title: string, silentMs: number): WuxingError {
  return new WuxingError({
    code: "board-gone",
    kind: "board",
    message: `${title} is gone: no frames for ${seconds(silentMs)}, pings unanswered`,
    cause: "the cable was pulled, the board lost power or hangs",
    help: "check the cable and supply, reset the board, then start again",
  })
}

export function stuckError(title: string, stuckMs: number): WuxingError {
  return new WuxingError({
    code: "board-gone",
    kind: "board",
    message: `${title} has taken no more bytes for ${seconds(stuckMs)}`,
    cause: "the board hangs, or the port leads nowhere",
    help: "reset the board or plug it in again, then start again",
  })
}

/** @param silentMs since it was last heard; undefined: never */
export function noAnswer(
  title: string,
  what: string,
  deadlineMs: number,
  silentMs?: number,
): WuxingError {
  const ago = silentMs === undefined ? "" : `, last heard ${seconds(silentMs)} ago`
  return new WuxingError({
    code: "board-no-answer",
    kind: "board",
    message: `${title} did not answer ${what} within ${seconds(deadlineMs)}${ago}`,
    cause: "the board hangs or was reset",
    help: "reset the board, or start it again",
  })
}

/** @param serves what its program announced instead */
export function noService(
  title: string,
  serviceClass: number,
  deadlineMs: number,
  serves: string,
): WuxingError {
  return new WuxingError({
    code: "service-missing",
    kind: "firmware",
    message: `${title} did not announce service 0x${serviceClass.toString(16)} within ${seconds(deadlineMs)}${serves}`,
    cause: "its program is another one, or it stopped before it served anything",
    help: "deploy the firmware again and read the board's log",
  })
}

export function nothingServed(title: string, command: number): WuxingError {
  return new WuxingError({
    code: "service-missing",
    kind: "firmware",
    message: `${title} serves nothing yet: a command 0x${command.toString(16)} has nowhere to go`,
    cause: "its program restarted, or the service was not waited for",
    help: "wait for the service before sending to it",
  })
}
