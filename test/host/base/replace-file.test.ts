/** The one writer of files: what it leaves alone, and what it leaves behind. */
import { execFileSync, spawnSync } from "node:child_process"
import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs"
import { join } from "node:path"
import { expect, test } from "vitest"
import { WuxingError } from "../../../host/base/errors"
import { checkReplaceable, replaceFile } from "../../../host/base/replace-file"
import { temporaryFolder } from "../../temporary"

const KIND = { code: "thing-unwritable", what: "thing" }
const bytes = Buffer.from("new")

function folderOf(name: string): string {
  return temporaryFolder(`replace-${name}`)
}

function codeOf(act: () => void): string {
  try {
    act()
  } catch (error) {
    if (error instanceof WuxingError) return error.code
    throw error
  }
  return "none"
}

test("a check leaves nothing", () => {
  const folder = folderOf("check")
  checkReplaceable(join(folder, "a"), KIND, false)
  expect(readdirSync(folder)).toEqual([])
  expect(codeOf(() => checkReplaceable(join(folder, "no/a"), KIND, false))).toBe(KIND.code)
  writeFileSync(join(folder, "b"), "old")
  expect(codeOf(() => checkReplaceable(join(folder, "b"), KIND, false))).toBe("usage")
  expect(codeOf(() => checkReplaceable(join(folder, "b"), KIND, true))).toBe("none")
  expect(readFileSync(join(folder, "b"), "utf8")).toBe("old")
})

test("what is said of a place that cannot be written names that place, not the temporary one", () => {
  const folder = folderOf("said")
  writeFileSync(join(folder, "file"), "")
  for (const [path, why] of [
    [join(folder, "no/a"), "its folder does not exist"],
    [join(folder, "file/a"), "a part of its path is a file, not a folder"],
    [join(folder, "n".repeat(300)), "its name is too long"],
  ]) {
    const act = () => checkReplaceable(path, KIND, false)
    expect(act).toThrow(`thing ${path} cannot be written: ${why}`)
    expect(act).not.toThrow(/tmp$|ENO/)
  }
})

test("of two writers of one new name the second is refused", () => {
  const path = join(folderOf("two"), "a")
  replaceFile(path, bytes, KIND, false)
  expect(codeOf(() => replaceFile(path, Buffer.from("later"), KIND, false))).toBe("usage")
  expect(readFileSync(path, "utf8")).toBe("new")
  replaceFile(path, Buffer.from("later"), KIND)
  expect(readFileSync(path, "utf8")).toBe("later")
  expect(readdirSync(join(path, ".."))).toEqual(["a"])
})

test.skipIf(process.platform === "win32")("a link stays, and what it leads to is replaced", () => {
  const folder = folderOf("link")
  mkdirSync(join(folder, "far"))
  writeFileSync(join(folder, "far/a"), "old")
  symlinkSync("far/a", join(folder, "one"))
  symlinkSync("one", join(folder, "two"))
  symlinkSync("far/b", join(folder, "dangling"))
  replaceFile(join(folder, "two"), bytes, KIND)
  replaceFile(join(folder, "dangling"), bytes, KIND, false)
  for (const name of ["one", "two", "dangling"])
    expect(lstatSync(join(folder, name)).isSymbolicLink()).toBe(true)
  expect(readFileSync(join(folder, "far/a"), "utf8")).toBe("new")
  expect(readFileSync(join(folder, "far/b"), "utf8")).toBe("new")
  expect(readdirSync(folder).sort()).toEqual(["dangling", "far", "one", "two"])
})

test.skipIf(process.platform === "win32")("a device, a pipe or a folder is no file", () => {
  const folder = folderOf("devices")
  execFileSync("mkfifo", [join(folder, "pipe")])
  symlinkSync("/dev/null", join(folder, "null"))
  for (const path of [join(folder, "pipe"), join(folder, "null"), "/dev/null", folder]) {
    expect(
      codeOf(() => checkReplaceable(path, KIND, true)),
      path,
    ).toBe(KIND.code)
    expect(
      codeOf(() => replaceFile(path, bytes, KIND)),
      path,
    ).toBe(KIND.code)
  }
  expect(lstatSync("/dev/null").isCharacterDevice()).toBe(true)
  expect(lstatSync(join(folder, "pipe")).isFIFO()).toBe(true)
})

test("what a killed writer left is removed, and no other's", () => {
  const folder = folderOf("left")
  // A process that has ended by now.
  const { pid } = spawnSync(process.execPath, ["-e", ""])
  const left = `.a.${pid}-0123456789ab.tmp`
  const others = [`.b.${pid}-0123456789ab.tmp`, `.a.${process.pid}-0123456789ab.tmp`, ".a.note.tmp"]
  for (const name of [left, ...others]) writeFileSync(join(folder, name), "half")
  replaceFile(join(folder, "a"), bytes, KIND)
  expect(readdirSync(folder).sort()).toEqual([...others, "a"].sort())
  unlinkSync(join(folder, "a"))
})
