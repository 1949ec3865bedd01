/** The C library of spiking graphs on the processors of people's boards: the core's classes, learnt bits and all. */
import { execFileSync, spawnSync } from "node:child_process"
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { beforeAll, describe, expect, it, vi } from "vitest"
import "../../../host/base/memory"
import { readMnist } from "../../../host/data/mnist"
import { builtSpiking } from "../../../host/export/c/built"
import { exportSpikingC } from "../../../host/export/c/export-spiking-c"
import { spikingSource } from "../../../host/export/c/spiking-source"
import { loadModel } from "../../../host/models/model-file"
import { trainedPath } from "../../../host/models/trained"
import { spikingGraph } from "../../../host/nir/spiking/compile"
import { spikePlanOf } from "../../../host/nir/spiking/plan"
import { quantise } from "../../../host/nir/spiking/quantise"
import { encodeNir } from "../../../host/nir/write-nir"
import { SpikePlan } from "../../../src/spiking/spike-plan"
import { beginSpikeLearning, classifySpikes, learnSpikes } from "../../../src/spiking/spikes"
import { temporaryFolder } from "../../temporary"
import { wuxing } from "../cli/run-cli"
import { randomGraph } from "../nir/random-graph"
import {
  type Outcome,
  runHere,
  runOnM0,
  runOnM4,
  runOnM33,
  runOnRv32,
  type Sample,
  WARNINGS,
} from "./machines/bench"
import { writeSpikingBench } from "./machines/spiking-bench"

// Compilers take seconds, and on a busy machine many.
vi.setConfig({ testTimeout: 180_000 })

const folder = temporaryFolder("spiking-c")
const has = (command: string) => spawnSync(command, ["--version"]).status === 0
const SANITIZED = ["-O1", ...WARNINGS, "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]

/** The same by the core. */
function byCore(plan: Buffer, samples: Sample[]): Outcome {
  const state = Buffer.alloc(plan.getAt(SpikePlan.StateBytes, "i32"))
  const learnt = plan.getAt(SpikePlan.LearntBytes, "i32")
  beginSpikeLearning(plan, state)
  const before = Buffer.from(state.subarray(state.length - learnt))
  const named = samples.map(({ inputs, label }) =>
    label < 0
      ? classifySpikes(plan, state, true, Buffer.from(inputs), 0)
      : learnSpikes(plan, state, Buffer.from(inputs), 0, label),
  )
  const after = state.subarray(state.length - learnt)
  // It did learn, and not its count of samples alone.
  expect(after.subarray(4).equals(before.subarray(4))).toBe(false)
  let hash = -2128831035
  for (const byte of after) hash = Math.imul(hash ^ byte, 16777619)
  return { named, hash: hash >>> 0 }
}

const model = loadModel(trainedPath("pico-16"))
const { images } = readMnist().test
const pico = quantise(spikingGraph(model, { steps: 32, neuron: "if" }), 8).graph
const cases: [string, Buffer, Sample[]][] = [
  [
    "pico-16",
    spikePlanOf(pico, "pico-16", { steps: 32, weightBits: 8 }).plan,
    Array.from({ length: 8 }, (_, i) => ({
      inputs: images.slice(784 * i, 784 * (i + 1)),
      label: i < 4 ? -1 : (i * 3) % 10,
    })),
  ],
  ...(["LIF", "CubaLIF"] as const).map((kind): [string, Buffer, Sample[]] => [
    kind,
    spikePlanOf(randomGraph(kind, false, false, 7), kind, { steps: 40, weightBits: 16 }).plan,
    Array.from({ length: 12 }, (_, i) => ({
      inputs: Uint8Array.from({ length: 9 }, (_, at) => (97 * i + 61 * at * at) & 255),
      label: i < 4 ? -1 : i % 4,
    })),
  ]),
]

it("is the one made of src/spiking: `npm run library:c` after a change there", () => {
  expect(builtSpiking()).toBe(spikingSource())
})

describe.each(cases)("%s", (name, plan, samples) => {
  const at = join(folder, name)
  let core: Outcome
  beforeAll(() => {
    writeSpikingBench(at, plan, samples)
    core = byCore(plan, samples)
  })
  it.each<[string, string, (at: string) => Outcome]>([
    ["x86-64, gcc, sanitizers", "gcc", at => runHere(at, "gcc", SANITIZED)],
    ["x86-64, clang, all warnings", "clang", at => runHere(at, "clang", ["-O2", ...WARNINGS])],
    ["Cortex-M0+", "arm-none-eabi-gcc", at => runOnM0(at)],
    ["Cortex-M33", "qemu-system-arm", at => runOnM33(at)],
    ["Cortex-M4 (SpiNNaker2's)", "qemu-system-arm", at => runOnM4(at)],
    ["RV32IMC", "qemu-riscv32", at => runOnRv32(at)],
  ])("on %s: the core's classes and learnt bits", (_, needs, run) => {
    expect(has(needs)).toBe(true)
    const { named, hash } = run(at)
    expect({ named, hash }).toEqual(core)
  })
})

it("compiles for an ESP8266's Xtensa LX106", () => {
  const at = join(folder, "pico-16")
  writeSpikingBench(at, cases[0][1], cases[0][2])
  for (const file of ["wuxing", "model"])
    execFileSync("xtensa-lx106-elf-gcc", [
      ...[..."-std=c99 -O2 -ffreestanding".split(" "), ...WARNINGS, "-I", at],
      ...["-c", join(at, `${file}.c`), "-o", join(at, `${file}.o`)],
    ])
})

it("a graph without links that could learn names, and says that it cannot learn", () => {
  const { plan } = spikePlanOf(randomGraph("IF", true, true, 5), "skip", {
    steps: 16,
    weightBits: 8,
  })
  const { model } = exportSpikingC(plan, {
    ...{ layout: "plain", name: "skip", classes: ["a", "b", "c", "d"], samples: [] },
  })
  expect(model.learnBytes).toBe(0)
})

describe("wuxing export --format c --nir", () => {
  const nir = join(folder, "pico-16.nir")
  beforeAll(async () => {
    writeFileSync(nir, await encodeNir(pico))
  })

  it("writes a library whose main.c finds all stored samples and learnt bits as the host", async () => {
    const out = join(folder, "plain")
    const { status, stdout } = await wuxing([
      "export",
      out,
      "--format",
      "c",
      "--nir",
      nir,
      "--steps",
      "32",
      "--name",
      "digits",
      "--json",
    ])
    expect(status).toBe(0)
    const document = JSON.parse(stdout)
    expect(document).toMatchObject({
      inputs: 784,
      classes: 10,
      steps: 32,
      weightBits: 8,
      vanished: 0,
    })
    const sources = ["spiking.c", "digits.c", "main.c"].map(file => join(out, file))
    const binary = join(out, "main")
    execFileSync("gcc", ["-std=c99", ...SANITIZED, "-I", out, ...sources, "-o", binary])
    const said = execFileSync(binary, { encoding: "utf8" })
    expect(said).toMatch(/learnt \d+ samples: state [0-9a-f]{8} ok/)
    expect(said).not.toMatch(/not as the host/)
    expect(readFileSync(join(out, "spiking.h"), "utf8")).not.toMatch(/wuxing_|WUXING_/)
  })

  it("an Arduino library has the files the IDE wants, under the graph's own names", async () => {
    const out = join(folder, "arduino")
    const { status } = await wuxing([
      "export",
      out,
      "--format",
      "c",
      "--nir",
      nir,
      "--layout",
      "arduino",
      "--json",
    ])
    expect(status).toBe(0)
    expect(readFileSync(join(out, "examples/LearnOnline/LearnOnline.ino"), "utf8")).toMatch(
      /spiking_learn\(/,
    )
    expect(readFileSync(join(out, "library.properties"), "utf8")).toMatch(/^includes=gesture.h$/m)
  })

  it.each([
    [["--board", "uno"], "export-too-large"],
    [["--model", "pico-16"], "usage"],
    [["--steps", "2000"], "usage"],
  ])("refuses %j", async (more, code) => {
    const { status, stdout } = await wuxing([
      "export",
      join(folder, "no"),
      "--format",
      "c",
      "--nir",
      nir,
      ...more,
      "--json",
    ])
    expect([status !== 0, JSON.parse(stdout).error.code]).toEqual([true, code])
  })
})
