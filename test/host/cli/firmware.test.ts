import { createHash } from "node:crypto"
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { WuxingError } from "../../../host/base/errors"
import { buildFirmware } from "../../../host/hardware/firmware"
import { compileIn } from "../../devs-compiler"

/** A firmware folder with a small program of its own, compiled by the real compiler. */
let folder: string
const program = (text: string) =>
  writeFileSync(join(folder, "main.ts"), `import * as ds from "@devicescript/core"\n${text}\n`)
const GOOD = 'console.log("one")\nawait ds.sleep(1)'

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "firmware-"))
  writeFileSync(join(folder, "devsconfig.json"), "{}")
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

async function failure(options: Parameters<typeof buildFirmware>[0]): Promise<WuxingError> {
  const error: unknown = await buildFirmware({ folder, ...options }).then(
    () => undefined,
    reason => reason,
  )
  if (error instanceof WuxingError) return error
  throw new Error(`expected a WuxingError, got ${error}`)
}

describe("the firmware build", () => {
  test("gives the bytecode the compiler wrote, with its hash, and the same again", async () => {
    program(GOOD)
    const first = await buildFirmware({ folder })
    // By the compiler that serves all tests, which had other programs before: nothing of them is in it.
    const second = await buildFirmware({ folder, quiet: true, compile: compileIn })
    expect(Buffer.compare(first.bytecode, readFileSync(first.path))).toBe(0)
    // "DevS\n" begins every DeviceScript image.
    expect(Buffer.from(first.bytecode.subarray(0, 5)).toString("latin1")).toBe("DevS\n")
    expect(first.sha256).toBe(createHash("sha256").update(first.bytecode).digest("hex"))
    expect(second.sha256).toBe(first.sha256)
  })

  test.each([false, true])("gives the compiler's own lines, quiet or not: %s", async quiet => {
    program('const steps: number = "six"\nconsole.log(steps)')
    const error = await failure({ quiet })
    expect(error).toMatchObject({ code: "firmware-build", kind: "firmware", exitStatus: 7 })
    expect(error.message).toMatch(/main\.ts\(2,7\): error TS2322: Type 'string'/)
    expect(error.message).not.toContain("\u001b")
  })

  test("does not take an older build for a new one", async () => {
    program(GOOD)
    // The one of the first test lies there still.
    const kept = join(folder, ".devicescript/bin/bytecode.devs")
    const compile = compileIn
    if (!existsSync(kept)) await buildFirmware({ folder, compile })
    program("function (")
    expect((await failure({ compile })).message).toMatch(/error TS/)
    rmSync(join(folder, "main.ts"))
    expect((await failure({ compile })).message).toMatch(/main\.ts/)
  })

  test("ends at its deadline", async () => {
    program(GOOD)
    expect(await failure({ deadlineMs: 20 })).toMatchObject({ code: "firmware-deadline" })
  })

  test("ends with the signal's reason, before or during the build", async () => {
    program(GOOD)
    const reason = new WuxingError({ code: "interrupted", kind: "interrupted", message: "stop" })
    expect(await failure({ signal: AbortSignal.abort(reason) })).toBe(reason)
    const controller = new AbortController()
    setTimeout(() => controller.abort(reason), 50)
    expect(await failure({ signal: controller.signal })).toBe(reason)
  })
})
