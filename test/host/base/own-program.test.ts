import { existsSync } from "node:fs"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { afterEach, beforeEach, expect, it, vi } from "vitest"
import { ownProgram, PROGRAMS_FOLDER } from "../../../host/base/own-program"
import { ROOT } from "../../root"

const EMULATOR = join(ROOT, "host/hardware/emulator")

beforeEach(() => vi.stubEnv(PROGRAMS_FOLDER, undefined))
afterEach(() => vi.unstubAllEnvs())

it("is TypeScript in a checkout, for its loader", () => {
  const importer = pathToFileURL(join(EMULATOR, "emulated-boards.ts")).href
  const { path, execArgv } = ownProgram(importer, "board-process")
  expect(path).toBe(join(EMULATOR, "board-process.ts"))
  expect(existsSync(path)).toBe(true)
  expect(execArgv).toEqual(["--import", "tsx"])
})

it("is the compiled one in a published package, whatever tests say", () => {
  vi.stubEnv(PROGRAMS_FOLDER, "/elsewhere")
  expect(ownProgram("file:///package/dist/host/a.js", "b")).toEqual({
    path: "/package/dist/host/b.js",
    execArgv: [],
  })
})

it("is the one put together for tests where they name its folder", () => {
  vi.stubEnv(PROGRAMS_FOLDER, "/programs")
  expect(ownProgram("file:///checkout/host/a.ts", "b")).toEqual({
    path: "/programs/b.mjs",
    execArgv: [],
  })
})
