import { readFileSync, rmSync } from "node:fs"
import { afterEach, expect, test } from "vitest"
import { builtOnce } from "../../../host/base/built-once"

const made: string[] = []
afterEach(() => {
  for (const path of made.splice(0)) rmSync(path, { force: true })
})

test("is compiled again when a source changed, and only then", async () => {
  let builds = 0
  const of = async (sources: string[]) => {
    const result = await builtOnce(`test-${process.pid}.bin`, sources, async () => {
      builds++
      return Buffer.from(sources.join())
    })
    made.push(result.path)
    return result
  }
  const first = await of(["a", "b"])
  expect(await of(["a", "b"])).toEqual(first)
  expect(builds).toBe(1)
  const other = await of(["ab"])
  expect(builds).toBe(2)
  expect(other.path).not.toBe(first.path)
  expect(other.bytes.toString()).toBe("ab")
  expect(readFileSync(first.path, "utf8")).toBe("a,b")
})

test("keeps nothing of a build that failed", async () => {
  const sources = ["fails", process.pid]
  const failing = builtOnce("test.bin", sources, () => Promise.reject(new Error("no")))
  await expect(failing).rejects.toThrow("no")
  const { path, bytes } = await builtOnce("test.bin", sources, async () => Buffer.from("yes"))
  made.push(path)
  expect(bytes.toString()).toBe("yes")
})
