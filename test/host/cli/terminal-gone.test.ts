/** A training whose terminal is taken away, or whose reader dies at the same Ctrl-C: on real terminals. */
import { spawn } from "node:child_process"
import { existsSync } from "node:fs"
import { join } from "node:path"
import { expect, test } from "vitest"
import { loadModel } from "../../../host/models/model-file"
import { ROOT } from "../../root"
import { temporaryFolder } from "../../temporary"
import { tool } from "./tool"

const main = await tool()
const folder = temporaryFolder("gone")

/**
 * Runs a line of bash on a terminal of its own until it shows `training N`, then does what is asked; prints
 * the status bash ended with.
 */
const ON_TERMINAL = `
import os, pty, re, signal, sys
pid, fd = pty.fork()
if pid == 0:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.execvp("bash", ["bash", "-c", sys.argv[2]])
seen = b""
done = False
while True:
    try: part = os.read(fd, 4096)
    except OSError: break
    if not part: break
    seen += part
    if done or not re.search(rb"training.* [1-9]\\d*/", seen): continue
    done = True
    if sys.argv[1] == "close":
        os.close(fd)
        break
    os.write(fd, b"\\x03")
_, status = os.waitpid(pid, 0)
print(os.waitstatus_to_exitcode(status), "done" if done else "never trained")
`

function onTerminal(what: "close" | "ctrl-c", line: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn("python3", ["-c", ON_TERMINAL, what, line], {
      cwd: ROOT,
      stdio: ["ignore", "pipe", "inherit"],
    })
    let text = ""
    child.stdout.on("data", chunk => {
      text += chunk
    })
    child.on("error", reject)
    child.on("close", () => resolve(text.trim()))
  })
}

const train = (out: string) =>
  `exec ${process.execPath} ${main} train --model pico-16 --epochs 1000 --limit 20000 --workers 1 --out '${out}'`

test.each([
  ["its window is closed", "close", (out: string) => train(out)],
  [
    "Ctrl-C ends tee as well",
    "ctrl-c",
    (out: string) => `(${train(out)}) 2>&1 | tee '${folder}/log'`,
  ],
] as const)("%s: what was learnt is kept", async (_, what, lineOf) => {
  const out = join(folder, `${what}.wuxing`)
  expect(await onTerminal(what, lineOf(out))).toMatch(/done$/)
  // A pipe's last word is tee's: the training may end a moment later.
  await expect.poll(() => existsSync(out), { timeout: 120_000, interval: 200 }).toBe(true)
  const { training } = loadModel(out)
  expect(training?.samples).toBeGreaterThan(0)
  expect(training?.samples).toBeLessThan(20_000_000)
})
