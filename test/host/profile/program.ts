/** Small DeviceScript programs on the counting machine. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { createRequire } from "node:module"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { builtOnce } from "../../../host/base/built-once"
import { Machine } from "../../../host/hardware/machine"
import { compileIn } from "../../devs-compiler"

/** @returns the bytecode of a program of one file, compiled once */
export async function compile(source: string): Promise<Uint8Array> {
  const { version } = createRequire(import.meta.url)("@devicescript/cli/package.json")
  const { bytes } = await builtOnce("program.devs", [version, source], () => compiled(source))
  return new Uint8Array(bytes)
}

async function compiled(source: string): Promise<Uint8Array> {
  const folder = await mkdtemp(join(tmpdir(), "wuxing-profile-"))
  try {
    await writeFile(join(folder, "devsconfig.json"), "{}")
    await writeFile(join(folder, "main.ts"), source)
    const { status, output } = await compileIn(folder)
    if (status !== 0) throw new Error(output)
    return new Uint8Array(await readFile(join(folder, ".devicescript", "bin", "bytecode.devs")))
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/**
 * Runs a program to its line "> end".
 *
 * @returns what it printed, and the counts between its lines "> from" and "> to"
 */
export async function count(
  bytecode: Uint8Array,
): Promise<{ lines: string[]; counts: Uint32Array }> {
  const machine = await Machine.start(bytecode)
  let before = new Uint32Array()
  let counts = new Uint32Array()
  machine.onLog = line => {
    if (line === "> from") before = machine.counts() as typeof before
    if (line === "> to") counts = machine.counts().map((n, i) => n - before[i]) as typeof counts
  }
  const ended = await machine.run(() => machine.log.includes("> end"), 600_000)
  if (!ended) throw new Error(`the program did not end:\n${machine.log.slice(-10).join("\n")}`)
  return { lines: machine.log.filter(line => line.startsWith("> ")).map(l => l.slice(2)), counts }
}
