/** What the commands and their options are, for completion and manual pages: one source, commander's. */
import type { Command, Option } from "commander"

export interface Definition {
  /** Words after `wuxing`. */
  path: string[]
  command: Command
}

/** The tool itself, its commands, and those under them. */
export function definitionsOf(program: Command): Definition[] {
  const walk = (command: Command, path: string[]): Definition[] => [
    { path, command },
    ...command.commands.flatMap(under => walk(under, [...path, under.name()])),
  ]
  return walk(program, [])
}

/** Options of a command and those of every command. */
export function optionsOf(command: Command, program: Command): readonly Option[] {
  const own = command.createHelp().visibleOptions(command)
  return command === program ? own : [...own, ...program.options]
}

/** A value follows that is a file or folder, as its placeholder says. */
export function takesPath(option: Option): boolean {
  return /[<[](?:file|dir|what)[>\]]/.test(option.flags)
}
