/** Projects that are built as people build them: by plain `devs build`. */
import { spawnSync } from "node:child_process"
import { readFileSync, rmSync, writeFileSync } from "node:fs"
import { createRequire } from "node:module"
import { dirname, join } from "node:path"
import { expect } from "vitest"
import { compileIn } from "../../../devs-compiler"

/** DeviceScript's command, for node. */
export const DEVS = join(
  dirname(createRequire(import.meta.url).resolve("@devicescript/cli/package.json")),
  "devicescript",
)

const MAIN = "src/main.ts"
const BYTECODE = ".devicescript/bin/bytecode.devs"

export const environment = { ...process.env, NODE_OPTIONS: "", NO_UPDATE_NOTIFIER: "1" }

type Sources = Record<string, string>

/** Builds the project with these sources, in a process of its own. */
export function buildPlainly(at: string, sources: Sources = {}): Uint8Array {
  place(at, sources)
  const flags = ["--no-colors", "--ci", "--quiet", "build", MAIN]
  const options = { cwd: at, encoding: "utf8", env: environment } as const
  const { status, stdout, stderr } = spawnSync(process.execPath, [DEVS, ...flags], options)
  return built(at, `${status} ${stdout}${stderr}`)
}

/** The same, by the process that compiles for all tests. */
export async function build(at: string, sources: Sources = {}): Promise<Uint8Array> {
  place(at, sources)
  const { status, output } = await compileIn(at, MAIN)
  return built(at, `${status} ${output}`)
}

function place(at: string, sources: Sources): void {
  for (const [name, text] of Object.entries(sources)) writeFileSync(join(at, "src", name), text)
  // One of another program does not pass for this one's.
  rmSync(join(at, BYTECODE), { force: true })
}

function built(at: string, said: string): Uint8Array {
  expect(said).toMatch(/^0 /)
  return new Uint8Array(readFileSync(join(at, BYTECODE)))
}

/** The lines a program printed, without the log's mark. */
export function printed(log: string[]): string[] {
  return log.filter(line => line.startsWith("> ")).map(line => line.slice(2))
}
