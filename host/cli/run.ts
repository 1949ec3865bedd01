/**
 * The tool as a function of its arguments and surroundings: what `main.ts` calls with those of the process,
 * and tests with their own. The only place that turns an error into an exit status.
 */
import { type EventEmitter, setMaxListeners } from "node:events"
import { type Command, CommanderError } from "commander"
import { realClock, type Timer } from "../base/clock"
import { messageOf, WuxingError } from "../base/errors"
import { packageVersion } from "../base/package-version"
import type { Outcome, Run } from "./command"
import { usageError } from "./options/usage"
import { pathIn, pathOf, programOf } from "./program"
import { documentName } from "./terminal/document-name"
import { Output, type OutputOptions, type OutputStream, type Streams } from "./terminal/output"
import { watchSignals } from "./terminal/signals"

/** An orderly end may take this long before the tool leaves anyway. */
const GRACE_MS = 9_000

/** What the tool knows of the world; paths are relative to the process's folder. */
export interface Io extends Streams {
  /** Emits signals, "uncaughtException" and "unhandledRejection", as a process does. */
  events: Pick<EventEmitter, "on">
  /** Ends at once, whatever is under way. */
  leave(status: number): void
  /** Signals do from now on what they do where nobody listens. */
  forgetSignals?(): void
}

/** @returns the exit status; errors have been reported */
export async function run(args: readonly string[], io: Io): Promise<number> {
  const interruption = new AbortController()
  const { signal } = interruption
  // Every wait of every board listens to it, which Node takes for a leak from the eleventh on.
  setMaxListeners(0, signal)
  // Looked up by hand because it also shapes errors in the options themselves.
  let output = new Output({ json: args.includes("--json") }, io)
  let status: number | undefined
  let grace: Timer | undefined

  /** What is under way is kept and ends; the first reason is the one that counts. */
  const interrupt = (reason: WuxingError, notice?: string) => {
    if (signal.aborted || status !== undefined) return
    interruption.abort(reason)
    if (notice !== undefined) output.status(notice)
    grace = realClock.after(GRACE_MS, leave)
  }
  /** Says so as the end of the command would have. */
  const leave = () => {
    if (status === undefined) {
      output.finish(undefined, signal.reason)
      status = signal.reason.exitStatus as number
    }
    io.leave(status)
  }
  const stop = (name: string) =>
    interrupt(stoppedBy(name), `${name}: ending what is under way; a second one ends at once`)
  watchSignals(io.events, stop, leave)
  for (const name of ["uncaughtException", "unhandledRejection"])
    io.events.on(name, error => {
      output.log(`${name}: ${error instanceof Error ? error.stack : error}`)
      interrupt(asKnown(error), "an error nobody expected: keeping what is under way, then ending")
    })
  let unwritten: WuxingError | undefined
  for (const name of ["stdout", "stderr"] as const)
    io[name].on("error", (error: NodeJS.ErrnoException) => {
      const reason = unwritableStream(name, error)
      // Without stderr there is nobody to tell, and the status need not change after the end.
      if (name === "stdout") unwritten ??= reason
      interrupt(reason)
    })

  const execute: Run = work => async options => {
    output = new Output(program.opts<OutputOptions>(), io)
    output.documentName = documentName(running)
    outcome = await work(options, { output, signal, endsAtOnce: () => io.forgetSignals?.() })
  }
  /** What commander itself has to say: help, version. */
  let text = ""
  let outcome: Outcome | undefined
  let running: string[] = []
  const program = await programOf(args, execute, part => {
    text += part
  })

  program.hook("preAction", (_, command) => {
    running = pathOf(command)
  })

  let failure: WuxingError | undefined
  let document: object | undefined
  try {
    await program.parseAsync(args, { from: "user" })
    if (outcome === undefined) throw new Error("the command ended without an outcome")
    failure = outcome.error
    document = outcome.document
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) {
      output.print(text.trimEnd())
      const isVersion = error.code === "commander.version"
      output.documentName = documentName([isVersion ? "version" : "help"])
      document = isVersion ? { version: packageVersion() } : { help: text }
    } else {
      failure = signal.aborted ? signal.reason : described(error, program, args)
      // What was under way fails in its own words when the user stops it: detail, not the news.
      if (signal.aborted && error !== failure) output.log(`while ending: ${error}`)
    }
  }
  grace?.stop()
  status = failure?.exitStatus ?? 0
  output.finish(document, failure)
  await flushed(io.stdout)
  if (status === 0 && unwritten) {
    status = unwritten.exitStatus
    output.report(unwritten)
  }
  return status
}

/** Until what was written has left, or failed to. */
async function flushed(stream: OutputStream): Promise<void> {
  await new Promise(resolve => stream.write("", resolve))
}

function stoppedBy(name: string): WuxingError {
  return new WuxingError({
    code: "interrupted",
    kind: "interrupted",
    message: `stopped by ${name}`,
    cause:
      name === "SIGHUP"
        ? "the terminal was closed, or another process asked for it"
        : "Ctrl-C, or another process asked for it",
  })
}

/** `wuxing demo | head -1`: nobody reads on; `> file` on a full disk: the result is lost. */
function unwritableStream(name: string, error: NodeJS.ErrnoException): WuxingError {
  const gone = ["EPIPE", "EIO", "ECONNRESET", "ERR_STREAM_DESTROYED"].includes(error.code ?? "")
  return gone
    ? new WuxingError({
        code: "output-closed",
        kind: "interrupted",
        message: `${name} was closed before the end`,
        cause: "the program that reads it has ended, or the terminal was closed",
      })
    : new WuxingError({
        code: "output-unwritable",
        kind: "data",
        message: `${name} cannot be written: ${error.message}`,
        cause: "the disk of the file it goes to is full",
        help: "free some space, or send it to another file",
      })
}

/** Whatever was thrown, as an error a user can act on. */
function described(error: unknown, program: Command, args: readonly string[]): WuxingError {
  return error instanceof CommanderError ? describeUsage(error, program, args) : asKnown(error)
}

function asKnown(error: unknown): WuxingError {
  if (error instanceof WuxingError) return error
  const wrapped = new WuxingError(
    {
      code: "internal",
      kind: "internal",
      message: `unexpected: ${messageOf(error)}`,
      cause: "a defect in wuxing",
      help: "run it again with --verbose and report what it prints",
    },
    { cause: error },
  )
  if (error instanceof Error) wrapped.stack = error.stack
  return wrapped
}

function describeUsage(
  error: CommanderError,
  program: Command,
  args: readonly string[],
): WuxingError {
  if (error.code === "commander.help") {
    const names = program.commands.map(command => command.name()).join(", ")
    return usageError(`no command given, expected one of: ${names}`, "see `wuxing help`")
  }
  const [message, hint] = error.message.replace(/^error: /, "").split("\n")
  const suggestion = hint?.replace(/^\(|\)$/g, "")
  const help = `see \`${["wuxing", "help", ...pathIn(program, args)].join(" ")}\``
  return usageError(message, suggestion === undefined ? help : `${suggestion} ${help}`)
}
