import { readFileSync, rmSync, writeFileSync } from "node:fs"
import { afterEach, describe, expect, test } from "vitest"
import { builtOnce } from "../../../host/base/built-once"
import { lockFile } from "../../../host/base/folder-lock"

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

test("is compiled by one of the callers that want it at once", async () => {
  let builds = 0
  const of = () =>
    builtOnce("test.bin", ["at once", process.pid], async () => {
      await new Promise(setImmediate)
      return Buffer.from(String(++builds))
    })
  const all = await Promise.all([of(), of(), of()])
  made.push(all[0].path)
  expect(all.map(({ bytes }) => Buffer.from(bytes).toString())).toEqual(["1", "1", "1"])
})

test("is tried by the next caller where the first one failed", async () => {
  const sources = ["first fails", process.pid]
  const first = builtOnce("test.bin", sources, () => Promise.reject(new Error("no")))
  const second = builtOnce("test.bin", sources, async () => Buffer.from("yes"))
  await expect(first).rejects.toThrow("no")
  const { path, bytes } = await second
  made.push(path)
  expect(bytes.toString()).toBe("yes")
})

describe("while another process compiles it", () => {
  /** Where it is kept, locked by somebody who lives: this process, as seen by another. */
  async function locked(sources: unknown) {
    const { path } = await builtOnce("test.bin", sources, async () => Buffer.from("before"))
    rmSync(path)
    const taken = lockFile(`${path}.text`)
    writeFileSync(`${path}.lock`, readFileSync(`${path}.text`))
    if ("release" in taken) taken.release()
    made.push(path, `${path}.lock`)
    return path
  }
  const never = async (): Promise<Uint8Array> => {
    throw new Error("compiled a second time")
  }

  test("is waited for", async () => {
    const sources = ["waited for", process.pid]
    const path = await locked(sources)
    const waiting = builtOnce("test.bin", sources, never)
    writeFileSync(path, "theirs")
    rmSync(`${path}.lock`)
    expect((await waiting).bytes.toString()).toBe("theirs")
  })

  test("the waiting ends when it is told to", async () => {
    const sources = ["not waited for", process.pid]
    await locked(sources)
    const stop = new AbortController()
    const waiting = builtOnce("test.bin", sources, never, stop.signal)
    stop.abort(new Error("enough"))
    await expect(waiting).rejects.toThrow("enough")
  })
})
