import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll } from "vitest"

/** A new folder, which is removed when all tests of the file, or of the `describe` around it, are done. */
export function temporaryFolder(name: string): string {
  const folder = mkdtempSync(join(tmpdir(), `wuxing-${name}-`))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}
