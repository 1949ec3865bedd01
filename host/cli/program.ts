/** The tool's commands and the options they have in common. */
import { Command, CommanderError } from "commander"
import { packageVersion } from "../base/package-version"
import { locationText } from "../hardware/location"
import type { Run } from "./command"
import { definitionsOf } from "./definitions"
import { usageError } from "./options/usage"

type Add = (program: Command, run: Run) => void

/** In the order they are listed to people; each loaded only where it is called for. */
const COMMANDS: Record<string, () => Promise<Add>> = {
  demo: async () => (await import("./demo/demo")).addDemo,
  doctor: async () => (await import("./doctor")).addDoctor,
  build: async () => (await import("./build")).addBuild,
  inspect: async () => (await import("./inspect")).addInspect,
  train: async () => (await import("./train/train")).addTrain,
  reproduce: async () => (await import("./reproduce")).addReproduce,
  eval: async () => (await import("./eval")).addEval,
  record: async () => (await import("./record")).addRecord,
  watch: async () => (await import("./watch")).addWatch,
  predict: async () => (await import("./predict")).addPredict,
  bench: async () => (await import("./bench")).addBench,
  panel: async () => (await import("./panel")).addPanel,
  dashboard: async () => (await import("./dashboard")).addDashboard,
  boards: async () => (await import("./boards")).addBoards,
  deploy: async () => (await import("./deploy")).addDeploy,
  flash: async () => (await import("./flash")).addFlash,
  bridge: async () => (await import("./bridge")).addBridge,
  agent: async () => (await import("./agent")).addAgent,
  broker: async () => (await import("./broker")).addBroker,
  export: async () => (await import("./export")).addExport,
  new: async () => (await import("./new")).addNew,
  completion: async () => (await import("./completion")).addCompletion,
  man: async () => (await import("./man")).addMan,
  import: async () => (await import("./import")).addImport,
  partition: async () => (await import("./partition")).addPartition,
  profile: async () => (await import("./profile")).addProfile,
}

/**
 * @param args what is to be parsed: of the commands only the one it names is there, all where it names
 *   none, so that help and suggestions know them
 * @param run what makes a command's work into its action
 * @param say hears what commander itself has to say: help, version
 */
export async function programOf(
  args: readonly string[],
  run: Run,
  say: (text: string) => void,
): Promise<Command> {
  const program = new Command("wuxing")
    .description("Wuxing neural networks that run and learn on small boards")
    .version(packageVersion(), "--version", "print the version")
    .helpCommand(false)
    .option("--json", "print one JSON document on stdout, also for errors")
    .option("--quiet", "say nothing on stderr but errors")
    .option("-v, --verbose", "say more on stderr")
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({ writeOut: say, writeErr: () => {} })
    .exitOverride()
  for (const add of await Promise.all(wanted(args).map(load => load()))) add(program, run)
  addHelp(program, say)
  for (const { command } of definitionsOf(program))
    for (const option of command.options) {
      const { defaultValue, long } = option
      // As they are typed: commander would show strings between quotes, and places as objects.
      if (typeof defaultValue === "string") option.defaultValueDescription ??= defaultValue
      if (long === "--on" && defaultValue)
        option.defaultValueDescription ??= locationText(defaultValue)
    }
  return program
}

/** All commands, to be described; none can be run. */
export async function wholeProgram(): Promise<Command> {
  return await programOf(
    [],
    () => async () => {},
    () => {},
  )
}

/** Of a command, or of what is under one: `help demo adapt`. */
function addHelp(program: Command, say: (text: string) => void): void {
  program
    .command("help")
    .argument("[command...]")
    .description("describe a command")
    .action((path: string[]) => {
      say(commandAt(program, path).helpInformation())
      throw new CommanderError(0, "commander.help", "")
    })
}

/** @throws WuxingError "usage" */
export function commandAt(program: Command, path: readonly string[]): Command {
  let command = program
  for (const name of path) {
    const under = command.commands.find(each => each.name() === name)
    if (!under) {
      const names = command.commands.map(each => each.name())
      throw usageError(
        names.length > 0
          ? `no command "${path.join(" ")}", expected one of: ${names.join(", ")}`
          : `\`wuxing ${path.join(" ")}\`: ${command.name()} has no commands of its own`,
        "see `wuxing help`",
      )
    }
    command = under
  }
  return command
}

/** Words of a command after `wuxing`. */
export function pathOf(command: Command): string[] {
  return command.parent ? [...pathOf(command.parent), command.name()] : []
}

/** The command the words name, as far as they do: ["demo", "adapt"] of `demo adapt --nonsense`. */
export function pathIn(program: Command, args: readonly string[]): string[] {
  const path: string[] = []
  let command = program
  for (const word of args) {
    if (word.startsWith("-")) continue
    const under = command.commands.find(each => each.name() === word)
    if (!under) break
    path.push(word)
    command = under
  }
  return path
}

function wanted(args: readonly string[]): (() => Promise<Add>)[] {
  // No option of the tool itself takes a value.
  const word = args.find(arg => !arg.startsWith("-"))
  if (word === undefined && args.includes("--version")) return []
  return word !== undefined && Object.hasOwn(COMMANDS, word)
    ? [COMMANDS[word]]
    : Object.values(COMMANDS)
}
