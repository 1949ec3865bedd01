/** The tool as tests run it: in this process, or, where a process is what is tested, as one. */
import { type ChildProcess, spawn } from "node:child_process"
import { EventEmitter } from "node:events"
import { Writable } from "node:stream"
import { run } from "../../../host/cli/run"
import { ROOT } from "../../root"
import { checkDocuments } from "./documents/check"
import { tool } from "./tool"

export interface Ended {
  status: number | null
  stdout: string
  stderr: string
}

/** A stream that keeps what is written. */
export class HeardStream extends Writable {
  text = ""
  columns = 80

  constructor(
    readonly isTTY = false,
    private readonly onText: (text: string) => void = () => {},
  ) {
    super({ decodeStrings: false })
  }

  override _write(part: string | Buffer, _: string, done: (error?: Error) => void): void {
    this.text += part
    this.onText(this.text)
    done()
  }
}

/** What a test has of a run, in this process or as one. */
export interface Running {
  kill(signal: NodeJS.Signals): unknown
}

export interface Hand extends Running {
  /** What else a process may emit: an error that nobody caught. */
  emit(name: string, error: unknown): void
  stdout: HeardStream
  stderr: HeardStream
}

export interface RunOptions {
  /** Of this process too, until the end. */
  env?: Record<string, string>
  isTTY?: boolean
  columns?: number
  /** Called with all of stderr (of stdout) so far, whenever there is more. */
  onStderr?: (text: string, hand: Hand) => void
  onStdout?: (text: string, hand: Hand) => void
}

/** Runs the tool in this process. */
export async function wuxing(args: string[], options: RunOptions = {}): Promise<Ended> {
  const { env = {}, isTTY, columns = 80 } = options
  const events = new EventEmitter()
  const stdout = new HeardStream(isTTY, text => options.onStdout?.(text, hand))
  const stderr = new HeardStream(isTTY, text => options.onStderr?.(text, hand))
  for (const stream of [stdout, stderr]) stream.columns = columns
  const hand: Hand = {
    kill: signal => events.emit(signal, signal),
    emit: (name, error) => events.emit(name, error),
    ...{ stdout, stderr },
  }
  const before = Object.fromEntries(Object.keys(env).map(name => [name, process.env[name]]))
  Object.assign(process.env, env)
  try {
    const status = await new Promise<number>((leave, reject) => {
      const io = { stdout, stderr, stdin: { isTTY }, env: { ...process.env, ...env } }
      run(args, { ...io, events, leave }).then(leave, reject)
    })
    if (args.includes("--json")) checkDocuments(stdout.text)
    return { status, stdout: stdout.text, stderr: stderr.text }
  } finally {
    for (const [name, value] of Object.entries(before))
      if (value === undefined) delete process.env[name]
      else process.env[name] = value
  }
}

export interface ProcessOptions {
  env?: NodeJS.ProcessEnv
  /** Called with all of stderr (of stdout) so far, whenever there is more. */
  onStderr?: (text: string, child: ChildProcess) => void
  onStdout?: (text: string, child: ChildProcess) => void
}

/** Runs the tool as a user's shell does: a process of its own, not on a terminal. */
export async function wuxingProcess(args: string[], options: ProcessOptions = {}): Promise<Ended> {
  const main = await tool()
  return await new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [main, ...args], {
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
    child.on("close", status => {
      try {
        // What was killed may have ended in the middle of one.
        if (args.includes("--json") && status !== null) checkDocuments(stdout)
        resolve({ status, stdout, stderr })
      } catch (error) {
        reject(error)
      }
    })
  })
}
