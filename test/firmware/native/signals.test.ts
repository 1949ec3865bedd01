/** Features in C: the same bytes as in JavaScript wherever they are compiled, and their time on a Pico. */
import { execFileSync } from "node:child_process"
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { beforeAll, describe, expect, it } from "vitest"
import { NATIVE_FOLDER } from "../../../host/codegen/build-firmware"
import { coreSource } from "../../../host/codegen/core-source"
import { FEATURES_PATH } from "../../../host/hardware/emulator/firmware-file"
import { type FeaturesCode, featureCycles } from "../../../host/profile/native-features"
import type { Features } from "../../../host/signals/description"
import { buildPlan } from "../../../host/signals/plan"
import { compiledC } from "../../compiled-c"
import {
  BANDS,
  coreFeatures,
  interleaved,
  RESERVOIR,
  TRACE,
  uniform,
} from "../../src/signals/reference"
import { temporaryFolder } from "../../temporary"

const HARNESS = new URL("./signals-harness.c", import.meta.url).pathname
const FLAGS = "-std=gnu11 -O2 -fwrapv -Wall -Wextra -Werror".split(" ")
const CLOCK_HZ = 125e6

const folder = temporaryFolder("signals")
beforeAll(() => {
  const { header, code } = coreSource(undefined, ["features"])
  writeFileSync(join(folder, "wuxing-core.h"), header)
  writeFileSync(join(folder, "wuxing-core.c"), code)
})

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
    "sound, what fixed kernels find",
    {
      ...{ ...BANDS, scale: "spread", level: 0.3 },
      kernels: { count: 5, size: 6, above: 0.6, parts: [3, 4], seed: -2 },
    },
  ],
  [
    "vibration",
    { ...BANDS, ...{ spacing: "even", scale: "own", octaves: 2, average: 1, frame: 64 } },
  ],
  ["rings that keep their state", RESERVOIR],
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
    let binary: string
    beforeAll(() => {
      const sources = [HARNESS, join(folder, "wuxing-core.c")]
      binary = compiledC(compiler, [...FLAGS, ...flags], sources, [folder, NATIVE_FOLDER])
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

describe("features on a Pico, from the machine code that comes with the tool", () => {
  const built: FeaturesCode = JSON.parse(readFileSync(FEATURES_PATH, "utf8"))
  // Bytes other than the host's make it throw.
  const ms = (description: Features, window: Buffer, code = built) =>
    (1000 * featureCycles(description, code, window)) / CLOCK_HZ
  const stroke = windowsOf(2)[0].subarray(0, 400)
  const next = uniform(3)
  const second = interleaved([
    Array.from({ length: 8000 }, () => Math.round(9000 * (next() - 0.5))),
  ])

  for (const [what, description] of descriptions)
    it(`${what}: the host's bytes`, () => {
      for (const window of windowsOf(description.channels.length))
        expect(ms(description, window)).toBeGreaterThan(0)
    })

  it("a stroke takes less than half a millisecond", () => {
    expect(ms({ ...TRACE, points: 32 }, stroke)).toBeLessThan(0.5)
  })

  // 25 ms less the network's 0.91 (docs/signals.md), of signals that make each part of it work hard.
  const uneven: [string, (i: number) => number][] = [
    ["7/8 of it quiet, at both ends", i => (Math.abs(i - 4000) < 500 ? 20_000 : 40)],
    ["7/8 of it quiet, before", i => (i < 7000 ? 40 : 20_000)],
    ["7/8 of it quiet, after", i => (i < 1000 ? 20_000 : 40)],
    ["a click in silence", i => (i === 4000 ? 20_000 : 40)],
    ["louder and louder", i => i + 20],
    ["less and less loud", i => 8020 - i],
    ["as loud as can be throughout", () => 32_767],
  ]
  const heard: [string, Buffer][] = uneven.map(([what, loudness]) => [
    what,
    interleaved([
      Array.from({ length: 8000 }, (_, i) => Math.round(2 * loudness(i) * (next() - 0.5))),
    ]),
  ])
  for (const [what, wave] of [
    ["a tone", i => Math.sin(i / 5)],
    ["a low tone", i => Math.sin(i / 2000)],
    ["the highest tone", i => (i & 1 ? 1 : -1)],
    ["blocks", i => ((i >> 6) & 1 ? 1 : -1)],
  ] satisfies [string, (i: number) => number][])
    heard.push([
      what,
      interleaved([Array.from({ length: 8000 }, (_, i) => Math.round(32_767 * wave(i)))]),
    ])
  const spoken: Features = {
    ...{ ...BANDS, frames: 10, average: 4, octaves: 6 },
    ...{ trim: { bits: 3, block: 128 } },
  }
  for (const [what, window] of heard)
    it(`a second of sound within 24 ms, whatever it is: ${what}`, () => {
      expect(ms(spoken, window)).toBeLessThan(24)
    })

  it("a second of sound takes less than 24 ms, half as many frames half of that", () => {
    const all = ms({ ...BANDS, frames: 20 }, second)
    expect(all).toBeLessThan(24)
    expect(ms({ ...BANDS, frames: 10 }, second) / all).toBeCloseTo(0.5, 1)
  })

  it("other code gives other bytes, which is said; what has no room is refused", () => {
    const code = Buffer.from(built.code, "base64")
    const at = built.entry - built.address
    // bx lr: it returns at once, and writes nothing.
    code.writeUInt16LE(0x4770, at)
    const idle = { ...built, code: code.toString("base64") }
    expect(() => ms({ ...TRACE, points: 32 }, stroke, idle)).toThrow(/other features/)
    const long = interleaved([new Array(150_000).fill(0)])
    expect(() => ms(BANDS, long)).toThrow(/take \d+ bytes of a Pico's/)
  })
})
