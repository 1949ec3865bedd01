import "../../../host/base/memory"
import { spawn } from "node:child_process"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { createRequire } from "node:module"
import { tmpdir } from "node:os"
import { dirname, join, relative } from "node:path"
import { fileURLToPath } from "node:url"
import { expect, test } from "vitest"
import { CASES, runCase } from "./board-program"

const DEADLINE_MS = 50_000

/**
 * Compiles a program with DeviceScript's compiler and runs it on its virtual machine (the board's
 * own, as WebAssembly, inside the command: no port is needed).
 *
 * @returns what it printed, up to the line "end"
 */
async function runOnBoard(program: string): Promise<string[]> {
  const folder = await mkdtemp(join(tmpdir(), "wuxing-ring-"))
  try {
    await writeFile(join(folder, "devsconfig.json"), "{}")
    await writeFile(join(folder, "main.ts"), program.replace("FOLDER", relative(folder, HERE)))
    const cli = join(
      dirname(createRequire(import.meta.url).resolve("@devicescript/cli/package.json")),
      "devicescript",
    )
    const args = ["--no-colors", "--ci", "run", "--test", "--test-self-exit"]
    const child = spawn(
      process.execPath,
      [cli, ...args, "--test-timeout", `${DEADLINE_MS}`, "main.ts"],
      {
        cwd: folder,
        stdio: ["ignore", "pipe", "pipe"],
        env: { ...process.env, NODE_OPTIONS: "", NO_UPDATE_NOTIFIER: "1" },
      },
    )
    let output = ""
    const closed = new Promise<void>(resolve => child.once("close", () => resolve()))
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8")
      stream.on("data", (text: string) => {
        output += text
        // The program goes on waiting for ever; after a panic the machine starts it anew.
        if (/^WASM> end$/m.test(output) || /panic|Exception/i.test(output)) child.kill("SIGKILL")
      })
    }
    await closed
    const lines = output.split("\n").map(line => line.replace(/^WASM> /, ""))
    if (!lines.includes("end")) throw new Error(`the program did not come to its end:\n${output}`)
    return lines.slice(0, lines.indexOf("end"))
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

const HERE = dirname(fileURLToPath(import.meta.url))

test("the ring gives the same bits on DeviceScript's machine as in Node", async () => {
  const printed = await runOnBoard(`import * as ds from "@devicescript/core"
import { CASES, runCase } from "FOLDER/board-program"
for (let c = 0; c < CASES; c++) {
  const text = runCase(c)
  // A line of the log holds little over a hundred characters.
  for (let at = 0; at < text.length; at += 80) console.log("case " + c + ":" + text.slice(at, at + 80))
  await ds.sleep(2)
}
console.log("end")
`)
  for (let c = 0; c < CASES; c++) {
    const prefix = `case ${c}:`
    const theirs = printed.filter(line => line.startsWith(prefix))
    expect(`${prefix}${theirs.map(line => line.slice(prefix.length)).join("")}`).toBe(
      `${prefix}${runCase(c)}`,
    )
  }
})
