/** The tool as a process: what only one can show of its signals and streams. */
import { execFile } from "node:child_process"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { promisify } from "node:util"
import { describe, expect, test } from "vitest"
import { ROOT } from "../../root"
import { temporaryFolder } from "../../temporary"
import { wuxingProcess } from "./run-cli"

test("ends with its status, results on stdout, messages on stderr", async () => {
  const [version, ofScript, wrong] = await Promise.all([
    wuxingProcess(["--version"]),
    // From the sources, as the checkout's own scripts start it.
    promisify(execFile)("npm", ["run", "--silent", "wuxing", "--", "--version"], { cwd: ROOT }),
    wuxingProcess(["dmo"], { env: { FORCE_COLOR: "1" } }),
  ])
  expect(version).toEqual({
    status: 0,
    stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/),
    stderr: "",
  })
  expect(ofScript).toEqual({ stdout: version.stdout, stderr: "" })
  expect(wrong).toMatchObject({ status: 2, stdout: "" })
  // Nobody has a terminal, whatever the environment asks.
  expect(wrong.stderr).toMatch(/^error unknown command/)
})

test("without WebAssembly it says what is missing", async () => {
  const path = join(temporaryFolder("jitless"), "a.nir")
  writeFileSync(path, Buffer.from("894844460d0a1a0a", "hex"))
  const { status, stdout } = await wuxingProcess(["import", path, `${path}.wuxing`, "--json"], {
    env: { NODE_OPTIONS: "--jitless" },
  })
  expect(status).toBe(2)
  expect(JSON.parse(stdout).error).toMatchObject({
    code: "webassembly-missing",
    help: "start it without --jitless",
  })
})

const folder = temporaryFolder("signals")

describe("signals", () => {
  test.each(["SIGINT", "SIGTERM"] as const)(
    "%s ends a build in order, with status 130",
    async name => {
      let sent = false
      const { status, stdout } = await wuxingProcess(["build", "--json"], {
        onStderr: (text, child) => {
          if (sent || !text.includes("compiling")) return
          sent = true
          // Twice at once is one press: npm passes on what the terminal has sent already.
          child.kill(name)
          child.kill(name)
        },
      })
      expect(sent).toBe(true)
      expect(status).toBe(130)
      expect(JSON.parse(stdout).error).toMatchObject({ code: "interrupted", exitStatus: 130 })
    },
  )

  test("one that comes while a file is read ends what has nothing to end in order, at once", async () => {
    const hook = `${folder}/signal-while-reading.cjs`
    writeFileSync(
      hook,
      `const fs = require("node:fs")
       const { closeSync } = fs
       fs.closeSync = at => {
         const path = fs.readlinkSync("/proc/self/fd/" + at)
         closeSync(at)
         if (path.endsWith(".wuxing")) process.kill(process.pid, "SIGINT")
       }
       require("node:module").syncBuiltinESMExports()`,
    )
    const { status, stdout } = await wuxingProcess(["inspect", "pico-fast"], {
      env: { NODE_OPTIONS: `--require ${hook}` },
    })
    // Nobody caught it: it had no exit status of its own, and no time to print.
    expect([status, stdout]).toEqual([null, ""])
  })
})
