/**
 * One error class for everything a user can meet, and the one table of its exit codes.
 *
 * A code is stable: scripts may test it, so it is never reused for something else. Several codes
 * may share an exit status; the statuses are listed in docs/commands.md.
 */
export const EXIT_STATUS = {
  /** A defect of ours: nothing below describes it. */
  internal: 1,
  /** Options, arguments or a configuration file that make no sense. */
  usage: 2,
  /** A file that is missing, damaged or not what its name says. */
  data: 3,
  /** A board, port or virtual board that cannot be reached or stopped answering. */
  board: 4,
  /** The boards and the host disagree about the result. */
  mismatch: 5,
  /** The network does not fit the boards. */
  capacity: 6,
  /** The firmware does not compile or cannot be deployed. */
  firmware: 7,
  /** Interrupted by the user (Ctrl-C), as shells report SIGINT. */
  interrupted: 130,
} as const

/** What an error is about; each kind has an exit status of its own. */
export type ErrorKind = keyof typeof EXIT_STATUS

export interface ErrorDetail {
  /** Stable code such as "mnist-missing": lower case, words joined by hyphens. */
  code: string
  kind: ErrorKind
  /** Where and what: "board 1 (virtual, 4f2a…) did not answer `status` within 2.0 s". */
  message: string
  /** The likely cause, one sentence. */
  cause?: string
  /** What to try, one sentence. */
  help?: string
}

/** Where and what in `message`, the likely cause, what to try. */
export class WuxingError extends Error {
  /** Stable, lower case, words joined by hyphens: "mnist-missing". */
  readonly code: string
  /** Decides the exit status. */
  readonly kind: ErrorKind
  /** What to try, one sentence. */
  readonly help?: string
  /** The likely cause in words (`cause` itself stays the underlying exception). */
  readonly likely?: string

  /** @internal */
  constructor(detail: ErrorDetail, options?: { cause?: unknown }) {
    super(detail.message, options)
    this.name = "WuxingError"
    this.code = detail.code
    this.kind = detail.kind
    this.likely = detail.cause
    this.help = detail.help
  }

  /** Of the tool when this ends it. */
  get exitStatus(): number {
    return EXIT_STATUS[this.kind]
  }

  /** As `--json` prints it. @internal */
  toJSON() {
    return {
      code: this.code,
      kind: this.kind,
      message: this.message,
      cause: this.likely,
      help: this.help,
      exitStatus: this.exitStatus,
    }
  }
}

/** What was thrown, in words. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
