/** Projects that are built as people build them: by plain `devs build`. */
import { spawnSync } from "node:child_process"
import { readFileSync, writeFileSync } from "node:fs"
import { createRequire } from "node:module"
import { dirname, join } from "node:path"
import { expect } from "vitest"

/** DeviceScript's command, for node. */
export const DEVS = join(
  dirname(createRequire(import.meta.url).resolve("@devicescript/cli/package.json")),
  "devicescript",
)

export const environment = { ...process.env, NODE_OPTIONS: "", NO_UPDATE_NOTIFIER: "1" }

/** Builds the project with these sources. */
export function build(at: string, sources: Record<string, string> = {}): Uint8Array {
  for (const [name, text] of Object.entries(sources)) writeFileSync(join(at, "src", name), text)
  const flags = ["--no-colors", "--ci", "--quiet", "build", "src/main.ts"]
  const options = { cwd: at, encoding: "utf8", env: environment } as const
  const { status, stdout, stderr } = spawnSync(process.execPath, [DEVS, ...flags], options)
  expect(`${status} ${stdout}${stderr}`).toMatch(/^0 /)
  return new Uint8Array(readFileSync(join(at, ".devicescript/bin/bytecode.devs")))
}

/** The lines a program printed, without the log's mark. */
export function printed(log: string[]): string[] {
  return log.filter(line => line.startsWith("> ")).map(line => line.slice(2))
}
