#!/usr/bin/env node
/**
 * The `wuxing` tool. The only place that turns an error into an exit status, and the only owner of
 * the process's signals.
 */
import { setMaxListeners } from "node:events"
import { type Command, CommanderError } from "commander"
import { messageOf, WuxingError } from "../base/errors"
import { packageVersion } from "../base/package-version"
import type { Outcome, Run } from "./command"
import { usageError } from "./options/usage"
import { programOf } from "./program"
import { Output, type OutputOptions } from "./terminal/output"
import { watchSignals } from "./terminal/signals"

/** An orderly end may take this long before the process goes anyway. */
const GRACE_MS = 9_000
/** After the work is done, what may still hold the process open gets this long. */
const LINGER_MS = 1_000

const interruption = new AbortController()
// Every wait of every board listens to it, which Node takes for a leak from the eleventh on.
setMaxListeners(0, interruption.signal)
// Looked up by hand because it also shapes errors in the options themselves.
let output = new Output({ json: process.argv.includes("--json") })

async function main(args: string[]): Promise<number> {
  /** What commander itself has to say: help, version. */
  let text = ""
  let outcome: Outcome | undefined

  const run: Run = work => async options => {
    const common = program.opts<OutputOptions>()
    output = new Output(common)
    outcome = await work(options, { output, signal: interruption.signal })
  }
  const program = programOf(run, part => {
    text += part
  })

  try {
    await program.parseAsync(args, { from: "user" })
    if (outcome === undefined) throw new Error("the command ended without an outcome")
    output.finish(outcome.document, outcome.error)
    return outcome.error?.exitStatus ?? 0
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) {
      output.print(text.trimEnd())
      output.finish(
        error.code === "commander.version" ? { version: packageVersion() } : { help: text },
        undefined,
      )
      return 0
    }
    const known = describe(error, program)
    // What was under way fails in its own words when the user stops it: detail, not the news.
    if (known !== error && interruption.signal.aborted) output.log(`while ending: ${error}`)
    output.finish(undefined, known)
    return known.exitStatus
  }
}

/** Whatever was thrown, as an error a user can act on. */
function describe(error: unknown, program: Command): WuxingError {
  if (interruption.signal.aborted) return interruption.signal.reason
  if (error instanceof WuxingError) return error
  if (error instanceof CommanderError) return describeUsage(error, program)
  const message = messageOf(error)
  const wrapped = new WuxingError(
    {
      code: "internal",
      kind: "internal",
      message: `unexpected: ${message}`,
      cause: "a defect in wuxing",
      help: "run it again with --verbose and report what it prints",
    },
    { cause: error },
  )
  if (error instanceof Error) wrapped.stack = error.stack
  return wrapped
}

function describeUsage(error: CommanderError, program: Command): WuxingError {
  if (error.code === "commander.help") {
    const names = program.commands.map(command => command.name()).join(", ")
    const what = program.args.length > 1 ? `no command "${program.args[1]}"` : "no command given"
    return usageError(`${what}, expected one of: ${names}`, "see `wuxing help`")
  }
  const [message, hint] = error.message.replace(/^error: /, "").split("\n")
  const suggestion = hint?.replace(/^\(|\)$/g, "")
  return usageError(
    message,
    suggestion ?? "see `wuxing help`, or `wuxing help demo` for its options",
  )
}

function interrupt(name: string): void {
  interruption.abort(
    new WuxingError({
      code: "interrupted",
      kind: "interrupted",
      message: `stopped by ${name}`,
      cause: "Ctrl-C, or another process asked for it",
    }),
  )
  output.status(`${name}: ending what is under way; a second one ends at once`)
  setTimeout(leave, GRACE_MS).unref()
}

/** Ends without waiting for what is under way, `main` among it; says so as `main` would have. */
function leave(): void {
  if (process.exitCode === undefined) {
    output.finish(undefined, interruption.signal.reason)
    process.exitCode = interruption.signal.reason.exitStatus
  }
  process.exit()
}

/** `wuxing demo | head -1`: nobody reads on, so the run ends, in order, instead of crashing. */
function watchOutput(): void {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error
    interruption.abort(
      new WuxingError({
        code: "output-closed",
        kind: "interrupted",
        message: "stdout was closed before the end",
        cause: "the program that reads it has ended",
      }),
    )
  })
}

watchSignals(process, interrupt, leave)
watchOutput()
process.exitCode = await main(process.argv.slice(2))
setTimeout(() => process.exit(), LINGER_MS).unref()
