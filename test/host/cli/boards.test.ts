import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, expect, test } from "vitest"
import { WuxingError } from "../../../host/base/errors"
import { boardIds, readBoardProfile } from "../../../host/hardware/board-profile"

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "boards-"))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

function failure(id: string, from?: string): WuxingError {
  try {
    readBoardProfile(id, from)
  } catch (error) {
    if (error instanceof WuxingError) return error
    throw error
  }
  throw new Error("nothing was thrown")
}

test("every profile in boards/ is valid and named after its file", () => {
  expect(boardIds()).toEqual(expect.arrayContaining(["pico", "virtual"]))
  for (const id of boardIds()) expect(readBoardProfile(id).id).toBe(id)
})

test("a Pico's figures agree with its speed as measured: 0.30 to 0.34 million operations a second", () => {
  const { clockHz, cyclesPerOperation } = readBoardProfile("pico")
  expect(clockHz / cyclesPerOperation).toBeGreaterThan(300_000)
  expect(clockHz / cyclesPerOperation).toBeLessThan(340_000)
})

test("an unknown board is refused by name, and an id is not a path", () => {
  expect(failure("uno").message).toMatch(/"uno"/)
  expect(failure("uno").help).toMatch(/pico, pico-native, pico-w, virtual/)
  expect(failure("../package").code).toBe("board-unknown")
})

test.each([
  ["a figure without a source", (profile: Profile) => delete profile.sources.clockHz, /clockHz/],
  ["a misspelt field", (profile: Profile) => Object.assign(profile, { heapbytes: 1 }), /heapbytes/],
  ["no heap", (profile: Profile) => Object.assign(profile, { heapBytes: 0 }), /heapBytes/],
  ["half a hertz", (profile: Profile) => Object.assign(profile, { clockHz: 0.5 }), /clockHz/],
  ["another's id", (profile: Profile) => Object.assign(profile, { id: "other" }), /"other"/],
])("a profile with %s is refused", (_, spoil, what) => {
  const profile = structuredClone(readBoardProfile("pico")) as unknown as Profile
  spoil(profile)
  writeFileSync(join(folder, "pico.json"), JSON.stringify(profile))
  const error = failure("pico", folder)
  expect(error).toMatchObject({ code: "board-profile", kind: "data" })
  expect(error.message).toMatch(what)
})

test("a profile that is not JSON is refused", () => {
  writeFileSync(join(folder, "pico.json"), "{")
  expect(failure("pico", folder).code).toBe("board-profile")
})

interface Profile {
  sources: Record<string, string>
}
