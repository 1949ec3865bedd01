/** Options from the command line: each value is checked where it enters, and quoted when refused. */
import { WuxingError } from "../../base/errors"
import { type Location, MOST_BOARDS, parseLocation } from "../../hardware/location"

export function usageError(message: string, help: string, cause?: string): WuxingError {
  return new WuxingError({ code: "usage", kind: "usage", message, cause, help })
}

/** What a command says of its options, in the same words everywhere. */
export const NETWORKS = "a preset, a size such as 64-16-3, a model file or a links file"
export const PLACES =
  "sim:N for N virtual boards, emu:N for N emulated Picos, serial:PORT,PORT,… or serial, mqtt://HOST/ROOM for those that agents offer"

/**
 * A parser for commander: whole decimal numbers from `least` to `most`, nothing around them.
 *
 * `Number()` alone would take "", " 7", "1e3" and "0x10".
 */
export function integerOption(flag: string, least: number, most: number) {
  return (text: string): number => {
    const value = /^-?\d{1,15}$/.test(text) ? Number(text) : Number.NaN
    if (Number.isNaN(value) || value < least || value > most)
      throw usageError(
        `${flag} is "${text}", expected a whole number from ${least} to ${most}`,
        `give a number in that range, for example ${flag} ${least}`,
      )
    return value
  }
}

export function numberOption(flag: string, least: number, most: number) {
  return (text: string): number => {
    const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN
    if (Number.isNaN(value) || value < least || value > most)
      throw usageError(
        `${flag} is "${text}", expected a number from ${least} to ${most}`,
        `give a number in that range, for example ${flag} ${Math.max(1, least)}`,
      )
    return value
  }
}

/** Seeds are 32-bit on the boards; the sign bit is left out so that a seed reads as it is. */
export const seedOption = integerOption("--seed", 0, 2 ** 31 - 1)

export function folderOption(flag: string) {
  return (text: string): string => {
    if (text.trim() === "")
      throw usageError(`${flag} is "${text}", expected a folder`, `name a folder after ${flag}`)
    return text
  }
}

/** "sim:3" as 3 virtual boards, "emu:3" as 3 emulated Picos, "serial:PORT,PORT" as boards on those ports. */
export function onOption(most = MOST_BOARDS) {
  return (text: string): Location => {
    const location = parseLocation(text, most)
    if (!location)
      throw usageError(
        `--on is "${text}", expected sim:N or emu:N with N from 1 to ${most}, serial:PORT,PORT,…, serial or mqtt://HOST/ROOM`,
        "for example --on sim:2 for two virtual boards",
      )
    return location
  }
}

export type AgentsLocation = Extract<Location, { kind: "mqtt" }>

/** Of commands that take serial ports by `--port`: what `--on` adds to them. */
export const AGENTS = "the boards that agents offer through a broker, mqtt://HOST/ROOM"

export function agentsOption(text: string): AgentsLocation {
  const location = parseLocation(text, 0)
  if (location?.kind === "mqtt") return location
  throw usageError(
    "--on is no address of a broker, expected mqtt://HOST[:PORT][/ROOM] or mqtts://…",
    "for example --on mqtt://localhost/lab; boards of this machine are named by --port",
  )
}

/** @throws WuxingError "usage" for ports of this machine and boards of others at once */
export function checkPlaces(port: unknown, on: unknown): void {
  if (port !== undefined && on !== undefined)
    throw usageError(
      "--port names ports of this machine, and --on boards of other machines",
      "give one of the two",
    )
}

/** A file or folder by name; an empty one would mean the folder we are in. */
export function pathOption(flag: string) {
  return (text: string): string => {
    if (text.trim() === "")
      throw usageError(
        `${flag} is "${text}", expected a name`,
        `name a file or folder after ${flag}`,
      )
    return text
  }
}

export function choiceOption(flag: string, choices: readonly string[]) {
  return (text: string): string => {
    if (!choices.includes(text))
      throw usageError(
        `${flag} is "${text}", expected one of: ${choices.join(", ")}`,
        `for example ${flag} ${choices[0]}`,
      )
    return text
  }
}

/** A number of seconds, perhaps with a fraction. */
export function secondsOption(flag: string, least: number, most: number) {
  return (text: string): number => {
    const value = /^\d{1,6}(?:\.\d{1,6})?$/.test(text) ? Number(text) : Number.NaN
    if (!(value >= least && value <= most))
      throw usageError(
        `${flag} is "${text}", expected a number of seconds from ${least} to ${most}`,
        `for example ${flag} 1`,
      )
    return value
  }
}

/** A word as a shell takes it. */
export function quoted(word: string): string {
  return /^[\w./:@%+=-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`
}
