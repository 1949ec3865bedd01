/** `wuxing man`: manual pages, for `man -l` or a folder of them. */
import type { Command } from "commander"
import { EXIT_STATUS } from "../base/errors"
import { packageVersion } from "../base/package-version"
import type { Outcome, Run } from "./command"
import { optionsOf } from "./definitions"

export function addMan(program: Command, run: Run): void {
  program
    .command("man")
    .description("print a manual page, of the tool or of a command: wuxing man train | man -l -")
    .argument("[command...]")
    .action((path: string[]) => run<object>((_, context) => man(path, context.output))({}))
}

async function man(path: string[], output: { print(text: string): void }): Promise<Outcome> {
  const { commandAt, wholeProgram } = await import("./program")
  const program = await wholeProgram()
  const page = pageOf(commandAt(program, path), path, program)
  output.print(page.trimEnd())
  return { document: { name: ["wuxing", ...path].join("-"), page } }
}

/** In roff, with the macros of man(7). */
function pageOf(command: Command, path: string[], program: Command): string {
  const name = ["wuxing", ...path]
  const help = command.createHelp()
  const lines = [
    `.TH ${name.join("-").toUpperCase()} 1 "" "wuxing ${packageVersion()}"`,
    ".SH NAME",
    `${roff(name.join("-"))} \\- ${roff(command.description())}`,
    ".SH SYNOPSIS",
    `.B ${roff(name.join(" "))}`,
    roff(command.usage()),
  ]
  const described = help.visibleArguments(command)
  if (described.length > 0) lines.push(".SH ARGUMENTS")
  for (const argument of described)
    lines.push(".TP", `.I ${roff(help.argumentTerm(argument))}`, roff(argument.description))
  if (command.commands.length > 0) lines.push(".SH COMMANDS")
  for (const under of command.commands)
    lines.push(".TP", `.B ${roff(help.subcommandTerm(under))}`, roff(under.description()))
  lines.push(".SH OPTIONS")
  for (const option of optionsOf(command, program))
    lines.push(".TP", `.B ${roff(option.flags)}`, roff(help.optionDescription(option)))
  lines.push(".SH EXIT STATUS", ".TP", ".B 0", "success")
  for (const [kind, status] of Object.entries(EXIT_STATUS))
    lines.push(".TP", `.B ${status}`, roff(kind))
  lines.push(".SH SEE ALSO", roff(path.length > 0 ? "wuxing(1)" : "wuxing help <command>"))
  return `${lines.join("\n")}\n`
}

/** Text as it is: no escapes, no requests, hyphens that can be copied. */
function roff(text: string): string {
  return text
    .replaceAll("\\", "\\e")
    .replaceAll("-", "\\-")
    .replace(/^([.'])/gm, "\\&$1")
}
