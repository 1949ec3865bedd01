/** Features in C: the same bytes as in JavaScript wherever they are compiled, and their time on a Pico. */
import { execFileSync } from "node:child_process"
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { RP2040 } from "rp2040js"
import { beforeAll, describe, expect, it } from "vitest"
import { NATIVE_FOLDER } from "../../../host/codegen/build-firmware"
import { coreSource } from "../../../host/codegen/core-source"
import type { Features } from "../../../host/signals/description"
import { buildPlan, widthOf, workBytes } from "../../../host/signals/plan"
import { BANDS, coreFeatures, interleaved, TRACE, uniform } from "../../src/signals/reference"
import { temporaryFolder } from "../../temporary"

const HARNESS = new URL("./signals-harness.c", import.meta.url).pathname
const FLAGS = "-std=gnu11 -O2 -fwrapv -Wall -Wextra -Werror".split(" ")
const RAM = 0x20000000
const CLOCK_HZ = 125e6

const folder = temporaryFolder("signals")
beforeAll(() => {
  const { header, code } = coreSource(undefined, ["features"])
  writeFileSync(join(folder, "wuxing-core.h"), header)
  writeFileSync(join(folder, "wuxing-core.c"), code)
})
const includes = ["-I", folder, "-I", NATIVE_FOLDER]

const has = (command: string) => {
  try {
    execFileSync(command, ["--version"], { stdio: "ignore" })
    return true
  } catch {
    return false
  }
}

/** Descriptions that between them run every line, each with windows of several lengths. */
const descriptions: [string, Features][] = [
  ["a shape", { ...TRACE, points: 32 }],
  [
    "values, differences, magnitude by range",
    {
      ...{ ...TRACE, take: ["values", "differences", "magnitude"], scale: "range" },
      ...{ low: -9000, high: 12_000, channels: ["x", "y", "z"] },
    },
  ],
  ["differences alone, each by its own range", { ...TRACE, take: ["differences"], scale: "own" }],
  ["sound", BANDS],
  ["sound to one mean and deviation", { ...BANDS, scale: "spread", level: 0.3 }],
  [
    "vibration",
    { ...BANDS, ...{ spacing: "even", scale: "own", octaves: 2, average: 1, frame: 64 } },
  ],
]

function windowsOf(channels: number): Buffer[] {
  const next = uniform(7)
  return [256, 300, 1111].map((count, i) =>
    interleaved(
      Array.from({ length: channels }, () =>
        Array.from({ length: count }, (_, t) =>
          Math.round((0.7 * Math.sin(t / (5 + i)) + 0.6 * (next() - 0.5)) * [90, 4000, 32_000][i]),
        ),
      ),
    ),
  )
}

function hashOf(bytes: number[]): string {
  const hash = bytes.reduce((h, byte) => Math.imul(h ^ byte, 16_777_619), -2_128_831_035)
  return (hash >>> 0).toString(16).padStart(8, "0")
}

for (const { name, needs, compiler, flags, run } of [
  { name: "x86-64", needs: "gcc, libc6-dev", compiler: "gcc", flags: [], run: [] },
  {
    name: "rv32imc",
    needs: "gcc-riscv64-unknown-elf, qemu-user",
    compiler: "riscv64-unknown-elf-gcc",
    flags: "-march=rv32imc -mabi=ilp32 -ffreestanding -nostdlib -static".split(" "),
    run: ["qemu-riscv32"],
  },
])
  describe.skipIf(![compiler, ...run].every(has))(`features in C for ${name} (${needs})`, () => {
    const binary = join(folder, name)
    beforeAll(() => {
      const sources = [HARNESS, join(folder, "wuxing-core.c")]
      execFileSync(compiler, [...FLAGS, ...flags, ...includes, ...sources, "-o", binary])
    })

    for (const [what, description] of descriptions)
      it(`${what}: the same bytes`, () => {
        const u32 = (...values: number[]) => Buffer.from(Uint32Array.from(values).buffer)
        const plan = buildPlan(description)
        const channels = description.channels.length
        const windows = windowsOf(channels)
        const input = Buffer.concat([
          ...[u32(plan.length), plan],
          ...windows.flatMap(w => [u32(w.length / 2 / channels, channels), w]),
        ])
        const [command, ...args] = [...run, binary]
        const said = execFileSync(command, args, { input }).toString().trim().split("\n")
        expect(said).toEqual(windows.map(w => hashOf(coreFeatures(description, w))))
      })
  })

describe.skipIf(!has("arm-none-eabi-gcc"))("features on a Pico (gcc-arm-none-eabi)", () => {
  let image: Buffer
  let entry = 0
  beforeAll(() => {
    const script = join(folder, "ram.ld")
    writeFileSync(
      script,
      `SECTIONS { . = ${RAM}; .text : { *(.text*) *(.rodata*) *(.data*) *(.bss*) } }\n`,
    )
    const memory = join(folder, "memory.c")
    writeFileSync(
      memory,
      "void *memset(void *at, int v, unsigned n) { volatile char *to = at; while (n--) *to++ = v; return at; }\n",
    )
    const elf = join(folder, "arm.elf")
    execFileSync("arm-none-eabi-gcc", [
      ...[...FLAGS, "-mcpu=cortex-m0plus", "-mthumb", "-ffreestanding", "-nostdlib"],
      ...[...includes, `-Wl,-T,${script}`, join(folder, "wuxing-core.c"), memory, "-lgcc"],
      ...["-o", elf],
    ])
    const bin = join(folder, "arm.bin")
    execFileSync("arm-none-eabi-objcopy", ["-O", "binary", elf, bin])
    image = readFileSync(bin)
    const symbols = execFileSync("arm-none-eabi-nm", [elf]).toString()
    entry = parseInt(/^([\da-f]+) T features$/m.exec(symbols)![1], 16)
  })

  /** Runs the function in the emulated chip, from RAM. */
  function onPico(description: Features, signal: Buffer): { bytes: number[]; ms: number } {
    const { core, sram } = new RP2040()
    const align = (at: number) => (at + 7) & ~7
    const plan = buildPlan(description)
    const places = [image, plan, Buffer.alloc(workBytes(description)), signal]
    let at = 0
    const [, planAt, workAt, signalAt] = places.map(bytes => {
      const here = at
      sram.set(bytes, here)
      at = align(here + bytes.length)
      return RAM + here
    })
    const outAt = RAM + at
    const stack = RAM + 0x40000 - 64
    const end = RAM + 0x3fff0
    const argument = new DataView(sram.buffer, sram.byteOffset)
    const count = signal.length / 2 / description.channels.length
    for (const [i, value] of [count, outAt, 0].entries())
      argument.setUint32(stack - RAM + 4 * i, value, true)
    core.registers.set([planAt, workAt, signalAt, 0])
    core.SP = stack
    core.LR = end | 1
    core.PC = entry & ~1
    const before = core.cycles
    while (core.PC !== end) core.executeInstruction()
    const width = widthOf(description)
    return {
      bytes: [...sram.subarray(outAt - RAM, outAt - RAM + width)],
      ms: (1000 * (core.cycles - before)) / CLOCK_HZ,
    }
  }

  it("a stroke takes less than half a millisecond", () => {
    const stroke = windowsOf(2)[0].subarray(0, 400)
    const description: Features = { ...TRACE, points: 32 }
    const { bytes, ms } = onPico(description, stroke)
    expect(bytes).toEqual(coreFeatures(description, stroke))
    expect(ms).toBeLessThan(0.5)
  })

  it("a second of sound takes less than 24 ms", () => {
    const description: Features = { ...BANDS, frames: 20 }
    const next = uniform(3)
    const second = interleaved([
      Array.from({ length: 8000 }, () => Math.round(9000 * (next() - 0.5))),
    ])
    const { bytes, ms } = onPico(description, second)
    expect(bytes).toEqual(coreFeatures(description, second))
    expect(ms).toBeLessThan(24)
  })
})
