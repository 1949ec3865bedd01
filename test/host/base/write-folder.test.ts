/** Folders of files: whole, or not there. */
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs"
import { join } from "node:path"
import { expect, test } from "vitest"
import { writeFolder } from "../../../host/base/write-folder"
import { temporaryFolder } from "../../temporary"

const root = temporaryFolder("folders")
const files = new Map<string, string | Uint8Array>([
  ["a.txt", "one"],
  ["b/c.bin", Uint8Array.of(1, 2)],
])
const codeOf = (act: () => void) => {
  try {
    act()
  } catch (error) {
    return (error as { code: string }).code
  }
  return "none"
}

test("a new folder has all of its files, and nothing else", () => {
  writeFolder(join(root, "new"), files, false)
  expect(readdirSync(join(root, "new"), { recursive: true }).sort()).toEqual([
    "a.txt",
    "b",
    "b/c.bin",
  ])
  expect(readFileSync(join(root, "new/a.txt"), "utf8")).toBe("one")
  expect(readdirSync(root)).toEqual(["new"])
})

test("one that cannot be finished is not there", () => {
  // A file in the way of a folder.
  const bad = new Map([...files, ["a.txt/d", "two"]])
  expect(codeOf(() => writeFolder(join(root, "half"), bad, false))).toBe("folder-unwritable")
  expect(readdirSync(root)).toEqual(["new"])
})

// Node's mkdir with all folders above never returned there.
test.runIf(existsSync("/proc/self"))("where no folder can be made it says so, and ends", () => {
  expect(codeOf(() => writeFolder("/proc/wuxing/deep", files, false))).toBe("folder-unwritable")
})

test("a folder below folders that are not there is made with them", () => {
  writeFolder(join(root, "new/b/deep/er"), files, false)
  expect(readFileSync(join(root, "new/b/deep/er/a.txt"), "utf8")).toBe("one")
})

test("into one that is there file by file, over none without force", () => {
  const path = join(root, "new")
  writeFileSync(join(path, "a.txt"), "mine")
  expect(codeOf(() => writeFolder(path, files, false))).toBe("usage")
  expect(readFileSync(join(path, "a.txt"), "utf8")).toBe("mine")
  writeFolder(path, files, true)
  expect(readFileSync(join(path, "a.txt"), "utf8")).toBe("one")
})

test("devices, and links that lead nowhere, stay as they are", () => {
  expect(codeOf(() => writeFolder("/dev/null", files, true))).toBe("folder-unwritable")
  mkdirSync(join(root, "links"))
  symlinkSync("/dev/null", join(root, "links/a.txt"))
  expect(codeOf(() => writeFolder(join(root, "links"), files, true))).toBe("folder-unwritable")
  symlinkSync(join(root, "nowhere"), join(root, "link"))
  expect(codeOf(() => writeFolder(join(root, "link"), files, false))).toBe("folder-unwritable")
  expect(existsSync(join(root, "nowhere"))).toBe(false)
})
