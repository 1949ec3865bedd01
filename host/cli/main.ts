#!/usr/bin/env node
/** The `wuxing` tool as a process: its arguments, streams and signals, and the status it ends with. */
import { realClock } from "../base/clock"
import { run } from "./run"
import { SIGNALS } from "./terminal/signals"

/** After the work is done, what may still hold the process open gets this long. */
const LINGER_MS = 1_000

process.exitCode = await run(process.argv.slice(2), {
  stdout: process.stdout,
  stderr: process.stderr,
  stdin: process.stdin,
  env: process.env,
  events: process,
  leave: status => process.exit(status),
  forgetSignals: () => {
    for (const name of SIGNALS) process.removeAllListeners(name)
  },
})
realClock.after(LINGER_MS, () => process.exit(), { background: true })
