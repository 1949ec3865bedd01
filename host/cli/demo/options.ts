/** What the demos on boards have in common on the command line. */
import type { Command } from "commander"
import type { Chart } from "../../base/chart"
import type { Location } from "../../hardware/location"
import type { Context, Outcome, Run } from "../command"
import { FORCE, outputFile, PICTURE } from "../options/output-file"
import { onOption, pathOption, usageError } from "../options/usage"
import { startShareProgress } from "../terminal/share-progress"

/**
 * The action of a named demo. `demo` itself has options too, and commander gives it those of the same
 * name wherever they stand, so they are fetched from there; the rest of its options mean nothing here.
 */
export function demoAction<Options>(
  run: Run,
  work: (options: Options, context: Context) => Promise<Outcome>,
): (options: Options, command: Command) => Promise<void> {
  return (options, command) => {
    const { parent } = command
    const own = new Set(command.options.map(option => option.attributeName()))
    const given = { ...options } as Record<string, unknown>
    let foreign: string | undefined
    for (const option of parent?.options ?? []) {
      const name = option.attributeName()
      if (parent?.getOptionValueSource(name) !== "cli") continue
      if (own.has(name)) given[name] = parent.getOptionValue(name)
      else foreign ??= option.long ?? option.flags
    }
    return run<Options>((checked, context) => {
      if (foreign !== undefined)
        throw usageError(
          `${foreign} is no option of \`wuxing demo ${command.name()}\``,
          `see \`wuxing demo ${command.name()} --help\``,
        )
      checkPicture(given)
      return work(checked, context)
    })(given as Options)
  }
}

/** A named demo: in its help only its own options and those of every command. */
export function addNamedDemo(demo: Command, name: string, description: string): Command {
  return demo
    .command(name)
    .description(description)
    .configureHelp({
      showGlobalOptions: true,
      visibleGlobalOptions: () => demo.parent?.options.slice() ?? [],
    })
}

export interface OneBoardOptions extends PictureOptions {
  /** Absent: one virtual board. */
  on?: Location
}

/** `--on` for one DeviceScript board, and `--svg`. */
export function addOneBoardOptions(command: Command): Command {
  return addSvgOption(
    command.option(
      "--on <where>",
      "where the board is: sim:1 for a virtual one, serial:PORT for a real one (default: sim:1)",
      onOption(),
    ),
  )
}

export function addSvgOption(command: Command): Command {
  return command.option("--svg <file>", "draw what came out", pathOption("--svg")).option(...FORCE)
}

export const ONE_VIRTUAL_BOARD: Location = { kind: "sim", boards: 1 }

/** What demos of one board are given of the command's surroundings. */
export function surroundings({ output, signal }: Context) {
  return {
    ...{ signal, quiet: output.quiet, attended: output.attended },
    status: (text: string) => output.status(text),
    log: (line: string) => output.log(line),
  }
}

/**
 * Runs a demo of one board under a bar with the time left; how long it takes is said first.
 *
 * @param seconds that a virtual board takes, on a machine with nothing else to do
 */
export async function underBar<Result>(
  { output }: Context,
  name: string,
  seconds: number,
  work: (of: { status(text: string): void; onShare(share: number): void }) => Promise<Result>,
): Promise<Result> {
  const bar = startShareProgress(output, name)
  bar.say(lasting(seconds))
  try {
    return await work({ status: bar.say, onShare: bar.update })
  } finally {
    bar.stop()
  }
}

/** How long a demo takes virtual boards, said before it starts; no more precise than it is. */
export function lasting(seconds: number): string {
  const about =
    seconds < 55
      ? `${Math.max(5, 5 * Math.round(seconds / 5))} s`
      : `${Math.round(seconds / 30) / 2} min`
  return `this takes virtual boards about ${about}`
}

export interface PictureOptions {
  svg?: string
  force?: boolean
}

/** @throws WuxingError as outputFile */
function checkPicture({ svg, force }: PictureOptions): void {
  if (svg !== undefined) outputFile(svg, PICTURE, force)
}

/** @throws WuxingError as outputFile */
export async function drawCharts(
  { svg, force }: PictureOptions,
  charts: Chart[],
  { output }: Context,
): Promise<void> {
  if (svg === undefined) return
  const { renderCharts } = await import("../../base/chart")
  outputFile(svg, PICTURE, force).write(renderCharts(charts))
  output.status(`drawn in ${svg}`)
}
