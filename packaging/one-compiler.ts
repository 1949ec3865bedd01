/**
 * DeviceScript's compiler in one process for several programs. The same command as people run gives the same
 * bytes, and takes a third of the processor's time for each program but the first.
 */
import { type ChildProcess, fork } from "node:child_process"
import { once } from "node:events"
import { fileURLToPath } from "node:url"

const CHILD = fileURLToPath(new URL("compile-many.cjs", import.meta.url))

export interface Compiled {
  status: number
  /** What the command said on stdout and stderr. */
  output: string
}

export class OneCompiler {
  private child?: ChildProcess
  /** Programs are compiled in turn. */
  private last: Promise<unknown> = Promise.resolve()

  /**
   * `devs build <file>` in a folder with a `devsconfig.json`.
   *
   * @throws Error if the compiler's process ends by itself
   */
  compile(folder: string, file: string): Promise<Compiled> {
    const compiled = this.last.then(() => this.next(folder, file))
    this.last = compiled.catch(() => {})
    return compiled
  }

  /** Ends its process; the next program begins another. */
  stop(): void {
    this.child?.kill()
    this.child = undefined
  }

  private async next(folder: string, file: string): Promise<Compiled> {
    this.child ??= fork(CHILD, {
      env: { ...process.env, NODE_OPTIONS: "", NO_UPDATE_NOTIFIER: "1" },
      // Each run of the command leaves listeners, of which Node warns from the eleventh on, among what it says.
      execArgv: ["--no-warnings"],
    })
    const { child } = this
    const ended = new AbortController()
    const { signal } = ended
    try {
      const answer = once(child, "message", { signal })
      const end = once(child, "exit", { signal }).then(([status]) => {
        this.child = undefined
        throw new Error(`the compiler's process ended (${status})`)
      })
      child.send({ folder, file })
      const [compiled] = await Promise.race([answer, end])
      return compiled
    } finally {
      ended.abort()
    }
  }
}
