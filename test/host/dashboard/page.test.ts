/** The page that ships is the one its sources make. */
import { execFile } from "node:child_process"
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { expect, it } from "vitest"

const root = fileURLToPath(new URL("../../../", import.meta.url))
const kept = join(root, "host/dashboard/built")

it("is built anew to the byte (npm run page)", async () => {
  const out = mkdtempSync(join(tmpdir(), "wuxing-page-"))
  try {
    const config = join(root, "host/dashboard/page/vite.config.ts")
    await promisify(execFile)(
      process.execPath,
      [join(root, "node_modules/vite/bin/vite.js"), "build", "--config", config],
      // Vitest's own mode would build for development.
      { env: { ...process.env, NODE_ENV: "production", WUXING_PAGE_OUT: out } },
    )
    expect(readdirSync(out).sort()).toEqual(readdirSync(kept).sort())
    for (const name of readdirSync(out))
      expect(readFileSync(join(kept, name), "utf8"), name).toBe(
        readFileSync(join(out, name), "utf8"),
      )
  } finally {
    rmSync(out, { recursive: true, force: true })
  }
})

it("is small, and knows no address but its server's", () => {
  const files = readdirSync(kept).map(name => join(kept, name))
  expect(files.reduce((sum, file) => sum + statSync(file).size, 0)).toBeLessThan(200_000)
  for (const file of files.filter(name => !name.endsWith("licenses.md"))) {
    const text = readFileSync(file, "utf8")
    // Names of XML vocabularies are addresses of nothing.
    const addresses = text.match(/\b(?:https?|wss?):\/\/[^\s"'`)]*/g) ?? []
    for (const address of addresses)
      expect(address).toMatch(/^(http:\/\/www\.w3\.org\/|ws:\/\/\$\{)/)
  }
})
