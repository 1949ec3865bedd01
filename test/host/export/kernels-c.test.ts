/** Shared kernels and coefficients of four bits in the C library: random networks have the host's bits. */
import { execFileSync, spawnSync } from "node:child_process"
import { join } from "node:path"
import fc from "fast-check"
import { describe, expect, it, vi } from "vitest"
import "../../../host/base/memory"
import { writeFolder } from "../../../host/base/write-folder"
import { cLibrary } from "../../../host/export/c/c-library"
import { exportC } from "../../../host/export/c/export-c"
import { modelSource } from "../../../host/export/c/model-source"
import type { Model } from "../../../host/models/model-file"
import { readModel, untrained } from "../../../host/models/model-source"
import { runnerOf } from "../../../host/models/run-model"
import { isQuantised, type Network } from "../../../host/network/description"
import { HostNetwork } from "../../../host/network/host-network"
import { totalLinks } from "../../../host/network/network-schema"
import { sizedNetwork } from "../../../host/network/sized-network"
import { randomImage, uniform } from "../../src/core/helpers"
import { kernelNetworks } from "../../src/core/kernel-networks"
import { temporaryFolder } from "../../temporary"
import { libraryObject, WARNINGS, withoutOptimising } from "./machines/bench"

// Compilers take seconds, and on a busy machine many.
vi.setConfig({ testTimeout: 180_000 })

const folder = temporaryFolder("kernels-c")
const SANITIZED = "-std=c99 -O1 -fsanitize=address,undefined -fno-sanitize-recover=all".split(" ")

/** Writes the library with samples; returns its folder, and the largest output of each as the host has it. */
function exported(model: Model, name: string, seed: number): { at: string; outputs: number[] } {
  const { width, layers } = model.network
  const next = uniform(seed)
  const classes = layers.at(-1)!.neurons
  const samples = Array.from({ length: 12 }, (_, i) => ({
    inputs: randomImage(width, next),
    label: i % classes,
  }))
  const made = exportC(model, {
    ...{ layout: "plain", name, samples },
    classes: Array.from({ length: classes }, (_, i) => `${i}`),
  })
  const run = runnerOf(model)
  const outputs = samples.map(({ inputs }) => Math.max(...run(inputs)))
  if (!isQuantised(model.network)) {
    // What is compared is something that has learnt.
    const host = new HostNetwork(model.network)
    host.load(Buffer.from(model.coefficients), Buffer.alloc(0))
    for (const { inputs, label } of samples) host.train(inputs, label)
    expect(host.coefficients()).not.toEqual(model.coefficients)
  }
  const at = join(folder, name)
  writeFolder(at, made.files, false)
  return { at, outputs }
}

/** Its coefficients in four bits, of another exponent in each layer. */
const inFourBits = (network: Network): Network => ({
  ...network,
  layers: network.layers.map((layer, i) => ({
    ...layer,
    quantised: { bits: 4, exponent: 3 + ((i + network.seed) & 3) },
  })),
})

describe.skipIf(spawnSync("gcc", ["--version"]).status !== 0)("networks in C (gcc)", () => {
  it("name and learn with the host's bits, and touch no other memory", () => {
    const drawn = fc.sample(kernelNetworks, { numRuns: 8, seed: 20 })
    const networks = [
      ...drawn.slice(0, 3),
      // Blank pixels that count as a value.
      ...drawn
        .slice(3, 5)
        .map(net => ({ ...net, inputCentre: 90, inputBlank: 1 + (net.seed & 127) })),
      ...drawn.slice(5).map(inFourBits),
      // An odd number of sparse links, and dense ones in fours.
      ...["25-3-3@7", "32-12-4"].map(size => inFourBits(sizedNetwork(size, 3))),
    ]
    for (const [i, network] of networks.entries()) {
      const { at, outputs } = exported(untrained(network), `drawn_${i}`, i)
      const flags = [...SANITIZED, ...WARNINGS, "-DWUXING_RINGS=31"]
      const library = libraryObject(at, "gcc", flags)
      const program = join(at, "main")
      const sources = [join(at, "main.c"), join(at, `drawn_${i}.c`), library]
      execFileSync("gcc", [...withoutOptimising(flags), "-I", at, ...sources, "-o", program])
      const { stdout, status } = spawnSync(program, { encoding: "utf8" })
      expect(status, `${JSON.stringify(network)}\n${stdout}`).toBe(0)
      const said = [...stdout.matchAll(/output (-?\d+) .* ok$/gm)].map(([, n]) => Number(n))
      expect(said).toEqual(outputs)
      expect(/^learnt 12 samples: state \w+ ok$/m.test(stdout)).toBe(!isQuantised(network))
    }
  })

  it("of four bits take two a byte, and learning is refused", () => {
    const plain = sizedNetwork("32-12-4", 3)
    const bytes = (network: Network) => modelSource(untrained(network), "n", ["a", "b", "c", "d"])
    const [wide, narrow] = [bytes(plain), bytes(inFourBits(plain))]
    const links = totalLinks(plain)
    expect(wide.flashBytes - narrow.flashBytes).toBe(2 * links - Math.ceil(links / 2))
    expect(narrow.predictBytes).toBe(wide.predictBytes)
    expect(narrow.learnBytes).toBe(0)
    for (const [network, learns] of [
      [plain, true],
      [inFourBits(plain), false],
    ] as const) {
      const files = cLibrary(untrained(network), { layout: "arduino" })
      expect(files.has("examples/LearnOnline/LearnOnline.ino")).toBe(learns)
      expect(files.get("library.properties")!.includes("goes on learning")).toBe(learns)
    }
  })

  it("say so where the program was built without them", () => {
    const { at } = exported(readModel("64-2c3s1-4", 1), "without", 1)
    const sources = ["main.c", "wuxing.c", "without.c"].map(name => join(at, name))
    const flags = ["-std=c99", "-O1", ...WARNINGS, "-DWUXING_RINGS=7", "-I", at]
    execFileSync("gcc", [...flags, ...sources, "-o", join(at, "main")])
    const { stdout, status } = spawnSync(join(at, "main"), { encoding: "utf8" })
    expect(status).toBe(1)
    expect(stdout).toMatch(/the network cannot run: error -5/)
  })
})
