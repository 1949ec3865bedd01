/** The core as C: the same bits as in JavaScript, without a warning, wherever it is compiled. */
import { execFileSync } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import fc from "fast-check"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import "../../../host/base/memory"
import { NATIVE_FOLDER, writeGenerated } from "../../../host/codegen/build-firmware"
import { toC } from "../../../host/codegen/core-source"
import { encodeRuns } from "../../../host/data/runs"
import { wholeNetwork } from "../../../host/network/host-network"
import type { Network } from "../../../host/network/network"
import { preset } from "../../../host/network/presets"
import { buildShard } from "../../../host/network/shard"
import { learnWhole, predictWhole } from "../../../src/core/whole"
import { network, uniform } from "../../src/core/helpers"

const HARNESS = new URL("./harness.c", import.meta.url).pathname
const FLAGS = "-std=gnu11 -O3 -fwrapv -Wall -Wextra -Werror".split(" ")

interface Target {
  name: string
  /** Debian package of what is needed. */
  needs: string
  compiler: string
  flags: string[]
  run: string[]
}
const targets: Target[] = [
  { name: "x86-64", needs: "gcc, libc6-dev", compiler: "gcc", flags: [], run: [] },
  {
    name: "rv32imc",
    needs: "gcc-riscv64-unknown-elf, qemu-user",
    compiler: "riscv64-unknown-elf-gcc",
    flags: "-march=rv32imc -mabi=ilp32 -ffreestanding -nostdlib -static".split(" "),
    run: ["qemu-riscv32"],
  },
]
const has = (command: string) => {
  try {
    execFileSync(command, ["--version"], { stdio: "ignore" })
    return true
  } catch {
    return false
  }
}

const folder = mkdtempSync(join(tmpdir(), "wuxing-core-"))
beforeAll(() => writeGenerated(folder))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Networks that between them run every kernel. */
const networks: [string, Network, number][] = [
  ["pico-fast", preset("pico-fast", 3)!, 12],
  ["model2, single links", preset("model2", 2)!, 3],
  ["a small one, softmax", network([{}, { neurons: 3, outputs: 1 }], { softmaxGain: 400 }), 40],
  [
    "elements that learn, bounded links, PID",
    network([{}, {}, { neurons: 3, outputs: 1 }], {
      rule: "mixed",
      linkBound: 3,
      pid: { proportional: 16, integral: 4, differential: 4, memory: 5 },
      elements: { signal: "gradient", shift: 14, bound: 3, min: 4096, max: 13926 },
    }),
    40,
  ],
  [
    "the papers' backward signal and targets",
    network([{}, { neurons: 3, outputs: 1 }], {
      backward: "bsp",
      targets: { high: 1200, low: -200 },
    }),
    40,
  ],
]

interface Sample {
  runs: Buffer
  label: number
}

function samplesOf(net: Network, count: number, seed: number): Sample[] {
  const next = uniform(seed)
  return Array.from({ length: count }, (_, i) => ({
    runs: encodeRuns(
      Uint8Array.from({ length: net.width }, () => (next() < 0.7 ? 0 : Math.floor(next() * 256))),
    ),
    label: i % 4 === 3 ? -1 : Math.floor(next() * net.layers.at(-1)!.neurons),
  }))
}

/** What JavaScript names, sample by sample, and the hash of the memory it ends with. */
function inJavaScript(shard: Buffer, samples: Sample[]): string[] {
  const m = Buffer.from(shard)
  const said = samples.map(({ runs, label }, i) =>
    label < 0
      ? predictWhole(m, runs, 0, runs.length, 0)
      : learnWhole(m, runs, 0, runs.length, 0, label, i),
  )
  let hash = -2128831035
  for (const byte of m) hash = Math.imul(hash ^ byte, 16777619)
  return [...said, hash].map(n => (n >>> 0).toString(16).padStart(8, "0"))
}

function inC(binary: string, run: string[], shard: Buffer, samples: Sample[]): string[] {
  const pieces = samples.flatMap(({ runs, label }, i) => {
    const head = Buffer.alloc(12)
    head.writeInt32LE(runs.length)
    head.writeInt32LE(label, 4)
    head.writeInt32LE(i, 8)
    return [head, runs]
  })
  const size = Buffer.alloc(4)
  size.writeInt32LE(shard.length)
  const [command, ...args] = [...run, binary]
  const output = execFileSync(command, args, { input: Buffer.concat([size, shard, ...pieces]) })
  return output.toString().trim().split("\n")
}

for (const { name, needs, compiler, flags, run } of targets) {
  const missing = [compiler, ...run].filter(command => !has(command))
  describe.skipIf(missing.length > 0)(`the core in C for ${name} (${needs})`, () => {
    const binary = join(folder, name)
    beforeAll(() => {
      const includes = ["-I", folder, "-I", NATIVE_FOLDER]
      const sources = [HARNESS, join(folder, "wuxing-core.c")]
      execFileSync(compiler, [...FLAGS, ...flags, ...includes, ...sources, "-o", binary])
    })

    for (const [what, net, count] of networks)
      it(`${what}: the same answers and the same memory`, () => {
        const shard = buildShard(net, wholeNetwork(net), 1)
        const samples = samplesOf(net, count, 5)
        const expected = inJavaScript(shard, samples)
        expect(inC(binary, run, shard, samples)).toEqual(expected)
        // It learnt: the memory is another than after naming alone.
        const named = samples.map(sample => ({ ...sample, label: -1 }))
        expect(inJavaScript(shard, named).at(-1)).not.toBe(expected.at(-1))
      })
  })
}

describe("the way from TypeScript to C", () => {
  it("keeps the meaning of an unsigned shift, a wrapping product and a division", () => {
    const { body, prototypes } = toC(
      "export function f(a: number, b: number): number {\n  return Math.imul(a, b) ^ (a >>> 3)\n}\n",
      "x",
    )
    expect(prototypes).toEqual(["int32_t f(int32_t a, int32_t b);"])
    expect(body).toContain("return multiply(a, b) ^ (shift_right(a, 3));")
  })

  it("gives what a module keeps to itself the module's name", () => {
    const { body, constants } = toC(
      "const K = 3\nfunction g(a: number): number {\n  return a + K\n}\nexport function f(a: number): number {\n  return g(a)\n}\n",
      "some-module",
    )
    expect(constants).toEqual(["enum { some_module_K = 3 };"])
    expect(body).toContain("static int32_t some_module_g(int32_t a)")
    expect(body).toContain("return some_module_g(a);")
    expect(body).toContain("return a + some_module_K;")
  })

  it("keeps what a module remembers, and shows what it exports", () => {
    const { body, prototypes } = toC(
      'const K = 4\nconst own = Buffer.alloc(K << 1)\nexport const shown = Buffer.alloc(K)\nlet count = 0\nexport let last = -1\nexport function f(a: number): void {\n  count++\n  last = own.getAt(a, "u8") + shown.getAt(a, "u8")\n}\n',
      "x",
    )
    expect(body).toContain("static uint8_t x_own[x_K << 1] __attribute__((aligned(4)));")
    expect(body).toContain("\nuint8_t shown[x_K] __attribute__((aligned(4)));")
    expect(body).toContain("static int32_t x_count = 0;")
    expect(body).toContain("\nint32_t last = -1;")
    expect(body).toContain("  x_count++;\n  last = load_u8(x_own + a) + load_u8(shown + a);")
    expect(prototypes).toEqual([
      "extern uint8_t shown[x_K];",
      "extern int32_t last;",
      "void f(int32_t a);",
    ])
  })

  it("has one address in two memories", () => {
    const { body } = toC(
      'export function f(m: Buffer, n: Buffer, a: number): void {\n  const at = a + 1\n  m.setAt(at, "u8", n.getAt(at, "u8"))\n}\n',
      "x",
    )
    expect(body).toContain("store_u8(m + at, load_u8(n + at));")
  })

  it("reads a message at any address", () => {
    const { body, prototypes } = toC(
      'export function f(p: Payload): void {\n  p.setAt(2, "i32", p.getAt(7, "u16"))\n}\n',
      "x",
    )
    expect(prototypes).toEqual(["void f(uint8_t *p);"])
    expect(body).toContain("poke_i32(p + (2), peek_u16(p + (7)));")
  })

  for (const [what, line] of [
    ["a division", "return a / 2"],
    ["a fraction", "return a + 0.5"],
    ["an array", "return [a][0]"],
    ["a function of Math it does not know", "return Math.abs(a)"],
    ["a shift of an expression", "return (a + 1) >>> 2"],
  ])
    it(`refuses ${what}`, () => {
      const source = `export function f(a: number): number {\n  ${line}\n}\n`
      expect(() => toC(source, "x")).toThrow(/^x/)
    })

  it("ends statements and no others, however they are broken over lines", () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom("+", "-", "*"), { minLength: 1, maxLength: 6 }), ops => {
        const sum = ops.map(op => `\n      ${op} a`).join("")
        const { body } = toC(
          `export function f(a: number): number {\n  if (a > 1) return a\n  const b =\n    a${sum}\n  return b\n}\n`,
          "x",
        )
        expect(body.match(/;/g)).toHaveLength(3)
        expect(body).toContain("if (a > 1) return a;")
      }),
    )
  })
})
