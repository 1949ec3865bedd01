/** Options from the command line: each value is checked where it enters, and quoted when refused. */
import { WuxingError } from "../errors"

export function usageError(message: string, help: string, cause?: string): WuxingError {
  return new WuxingError({ code: "usage", kind: "usage", message, cause, help })
}

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

export function folderOption(flag: string) {
  return (text: string): string => {
    if (text.trim() === "")
      throw usageError(`${flag} is "${text}", expected a folder`, `name a folder after ${flag}`)
    return text
  }
}

/** "sim:3" as 3 virtual boards. */
export function onOption(flag: string, most: number) {
  return (text: string): number => {
    const boards = Number(/^sim:(\d{1,3})$/.exec(text)?.[1] ?? Number.NaN)
    if (!(boards >= 1 && boards <= most))
      throw usageError(
        `${flag} is "${text}", expected sim:N with N from 1 to ${most}`,
        `for example ${flag} sim:2 for two virtual boards`,
      )
    return boards
  }
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
