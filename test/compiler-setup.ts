/**
 * Before the first of all system tests: puts the programs together that they start as processes (host/cli/tool.ts)
 * and starts DeviceScript's compiler (compiler-process.ts), which is ended behind the last.
 */
import { spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { PROGRAMS_FOLDER } from "../host/base/own-program"
import { COMPILER_SOCKET } from "./devs-compiler"
import { programs } from "./host/cli/tool"

export default async function setup(): Promise<(() => Promise<void>) | undefined> {
  // Of several projects the first starts it.
  if (process.env[COMPILER_SOCKET] !== undefined) return
  const folder = mkdtempSync(join(tmpdir(), "wuxing-compiler-"))
  const path = join(folder, "socket")
  const child = spawn(
    process.execPath,
    ["--import", "tsx", join(import.meta.dirname, "compiler-process.ts"), path],
    { stdio: ["pipe", "pipe", "inherit"] },
  )
  const ended = once(child, "exit")
  // It listens now, or could not be started: then each test that wants it says so.
  await Promise.race([once(child.stdout, "data"), ended])
  process.env[COMPILER_SOCKET] = path
  process.env[PROGRAMS_FOLDER] = await programs()
  return async () => {
    delete process.env[COMPILER_SOCKET]
    delete process.env[PROGRAMS_FOLDER]
    child.stdin.end()
    await ended
    rmSync(folder, { recursive: true, force: true })
  }
}
