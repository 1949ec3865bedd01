/** What every command is given and gives back. */
import type { WuxingError } from "../base/errors"
import type { Output } from "./terminal/output"

export interface Context {
  output: Output
  /** Aborted on Ctrl-C with the WuxingError to throw as its reason. */
  signal: AbortSignal
  /**
   * Said by a command that has nothing to keep and no boards to end: from here on a signal ends the
   * process by itself, even while it reads a large file and could hear of none.
   */
  endsAtOnce?(): void
}

export interface Outcome {
  /** What --json prints. */
  document: object
  /** Ends the run with its exit status, the document still printed. */
  error?: WuxingError
}

/**
 * Makes a command's work into an action for commander; `run.ts` gives the context. What takes long to load
 * is imported in the action, so that `--version`, `help` and wrong options need not wait for it.
 */
export type Run = <Options>(
  work: (options: Options, context: Context) => Promise<Outcome>,
) => (options: Options) => Promise<void>
