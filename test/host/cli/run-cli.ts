import { type ChildProcess, spawn } from "node:child_process"
import { ROOT } from "../../root"

export interface Ended {
  status: number | null
  stdout: string
  stderr: string
}

export interface RunOptions {
  env?: NodeJS.ProcessEnv
  /** Called with all of stderr (of stdout) so far, whenever there is more. */
  onStderr?: (text: string, child: ChildProcess) => void
  onStdout?: (text: string, child: ChildProcess) => void
}

/** Runs the tool as a user's shell does: a process of its own, not on a terminal. */
export function wuxing(args: string[], options: RunOptions = {}): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ["--import", "tsx", "host/cli/main.ts", ...args], {
      cwd: ROOT,
      env: { ...process.env, ...options.env },
      stdio: ["ignore", "pipe", "pipe"],
    })
    let stdout = ""
    let stderr = ""
    child.stdout.on("data", chunk => {
      stdout += chunk
      options.onStdout?.(stdout, child)
    })
    child.stderr.on("data", chunk => {
      stderr += chunk
      options.onStderr?.(stderr, child)
    })
    child.on("error", reject)
    child.on("close", status => resolve({ status, stdout, stderr }))
  })
}
