/** The core as C: the same bits as in JavaScript, without a warning, wherever it is compiled. */
import { execFileSync } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import fc from "fast-check"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import "../../../host/base/memory"
import { NATIVE_FOLDER, writeGenerated } from "../../../host/codegen/build-firmware"
import { encodeRuns } from "../../../host/data/runs"
import { wholeNetwork } from "../../../host/network/host-network"
import type { Network } from "../../../host/network/network"
import { preset } from "../../../host/network/presets"
import { buildShard } from "../../../host/network/shard"
import { learnWhole, predictWhole } from "../../../src/core/whole"
import { compiledC } from "../../compiled-c"
import { randomSeed } from "../../setup"
import { network, uniform } from "../../src/core/helpers"
import { kernelNetworks } from "../../src/core/kernel-networks"

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
  [
    "by squares",
    network([{}, { neurons: 3, outputs: 1 }], {
      targets: { high: 1024, low: -512, always: true },
    }),
    40,
  ],
  ...fc
    .sample(kernelNetworks, { numRuns: 20, seed: randomSeed() })
    .map((net, i): [string, Network, number] => [`shared kernels, case ${i}`, net, 24]),
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
    let binary: string
    beforeAll(() => {
      const sources = [HARNESS, join(folder, "wuxing-core.c")]
      binary = compiledC(compiler, [...FLAGS, ...flags], sources, [folder, NATIVE_FOLDER])
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
