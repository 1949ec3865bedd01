/** The program but for the chip: other boards can have it. Compiled here, not run. */
import { execFileSync } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { NATIVE_FOLDER, writeGenerated } from "../../../host/codegen/build-firmware"

const HEADERS = fileURLToPath(new URL("./arduino", import.meta.url))
const FLAGS = "-march=rv32imc -mabi=ilp32 -ffreestanding -O2 -Wall -Wextra -Werror -c".split(" ")
const prefix = "riscv64-unknown-elf-"
const missing = (() => {
  try {
    execFileSync(`${prefix}g++`, ["--version"], { stdio: "ignore" })
    return false
  } catch {
    return true
  }
})()

const folder = mkdtempSync(join(tmpdir(), "wuxing-portable-"))
beforeAll(() => writeGenerated(folder))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe.skipIf(missing)("for rv32imc, as an ESP32-C3 has (gcc-riscv64-unknown-elf)", () => {
  for (const name of ["crc", "jacdac", "service", "samples", "checkpoint"])
    it(`${name}.c compiles without a warning`, () => {
      // string.h is the program's own: this compiler comes without a C library.
      const includes = [folder, NATIVE_FOLDER, join(NATIVE_FOLDER, "rp2040")].flatMap(f => [
        "-I",
        f,
      ])
      const files = [join(NATIVE_FOLDER, `${name}.c`), "-o", join(folder, `${name}.o`)]
      const args = [...FLAGS, "-std=gnu11", "-fwrapv", ...includes, ...files]
      expect(execFileSync(`${prefix}gcc`, args).toString()).toBe("")
    })

  it("so does the sketch for Arduino", () => {
    const sketch = join(NATIVE_FOLDER, "arduino", "wuxing", "wuxing.ino")
    const includes = [HEADERS, NATIVE_FOLDER].flatMap(f => ["-I", f])
    const args = [...FLAGS, "-fno-exceptions", ...includes, "-x", "c++", sketch]
    expect(execFileSync(`${prefix}g++`, [...args, "-o", join(folder, "ino.o")]).toString()).toBe("")
  })
})
