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
import { SpikePlan, Stage } from "../../../src/spiking/spike-plan"
import {
  beginSpikeLearning,
  classifySpikes,
  learnSpikes,
  spikesOf,
} from "../../../src/spiking/spikes"
import { temporaryFolder } from "../../temporary"
import { wuxing } from "../cli/run-cli"
import { randomGraph } from "../nir/random-graph"
import {
  libraryObject,
  type Outcome,
  runHere,
  runOnM0,
  runOnM4,
  runOnM33,
  runOnRv32,
  type Sample,
  WARNINGS,
  withoutOptimising,
} from "./machines/bench"
import { writeSpikingBench } from "./machines/spiking-bench"

// Compilers take seconds, and on a busy machine many.
vi.setConfig({ testTimeout: 180_000 })

const folder = temporaryFolder("spiking-c")
const there = new Map<string, boolean>()
function has(command: string): boolean {
  const known = there.get(command) ?? spawnSync(command, ["--version"]).status === 0
  there.set(command, known)
  return known
}
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

/** Of a neuron's v, see spikes.ts. */
const MOST = 2 ** 27 - 1

// Where numbers meet their limits, which graphs that classify well seldom do.
{
  const samples = cases[1][2]
  const { plan } = spikePlanOf(randomGraph("LIF", false, false, 7), "limits", {
    ...{ steps: 40, weightBits: 16 },
  })
  const [first, last] = [SpikePlan.Length, SpikePlan.Length + Stage.Length]
  const set = (stage: number, list: Stage, neuron: number, value: number) =>
    plan.setAt(plan.getAt(stage + list, "i32") + 4 * neuron, "i32", value)
  // At the upper limit, which is not above the threshold; at the lower.
  set(first, Stage.Threshold, 0, MOST)
  set(first, Stage.Bias, 0, MOST)
  set(first, Stage.Bias, 1, -(2 ** 30))
  // As far below 0 as the threshold is above.
  const thresholds = plan.getAt(first + Stage.Threshold, "i32")
  for (let neuron = 2; neuron < 12; neuron++)
    set(first, Stage.Reset, neuron, -plan.getAt(thresholds + 4 * neuron, "i32"))
  // The smallest rate at which a threshold lets links learn.
  set(last, Stage.Threshold, 0, 4)
  plan.setAt(SpikePlan.WeightMax, "u16", 900)
  const at = join(folder, "limits")
  it.each([
    ["x86-64, gcc, sanitizers", (at: string) => runHere(at, "gcc", SANITIZED)],
    ["Cortex-M0+", (at: string) => runOnM0(at)],
  ])("at the limits of its numbers, on %s: the core's classes and learnt bits", (_, run) => {
    writeSpikingBench(at, plan, samples)
    const { named, hash } = run(at)
    expect({ named, hash }).toEqual(byCore(plan, samples))
  })
}

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
  const at = join(folder, "skip")
  const samples = cases[1][2].map(({ inputs }) => ({ inputs, label: -1 }))
  writeSpikingBench(at, plan, samples)
  const state = Buffer.alloc(plan.getAt(SpikePlan.StateBytes, "i32"))
  const spikes = samples.map(({ inputs }) => {
    const named = classifySpikes(plan, state, false, Buffer.from(inputs), 0)
    return [named, ...[0, 1, 2, 3].map(label => spikesOf(plan, state, label))].join(" ")
  })
  expect(new Set(spikes).size).toBeGreaterThan(3)
  const outputs =
    "wuxing_output(&net, 0), wuxing_output(&net, 1), wuxing_output(&net, 2), wuxing_output(&net, 3)"
  const said = probe(
    at,
    "MODEL_PREDICT_WORDS",
    `for (int i = 0; i < SAMPLES; i++) {
    const int named = wuxing_predict(&net, samples[i].inputs);
    printf("%d %d %d %d %d\\n", named, ${outputs});
  }
  printf("%d %d\\n", wuxing_output(&net, -1) + wuxing_output(&net, 4), wuxing_learn(&net, samples[0].inputs, 0));`,
  )
  expect(said.trim().split("\n")).toEqual([...spikes, "0 -4"])
})

it("says which argument is wrong, and how much memory it takes", () => {
  const at = join(folder, "arguments")
  writeSpikingBench(at, cases[1][1], cases[1][2])
  const said = probe(
    at,
    "MODEL_LEARN_WORDS",
    `const uint8_t *inputs = samples[0].inputs;
  printf("%d %d %d\\n", wuxing_learn(&net, inputs, 3) >= 0, wuxing_learn(&net, inputs, 4), wuxing_learn(&net, inputs, -1));
  printf("%d %d\\n", wuxing_size(&model_model, false) == MODEL_PREDICT_WORDS * 4, wuxing_size(&model_model, true) == sizeof memory);
  wuxing_model other = model_model;
  other.format++;
  printf("%d ", wuxing_init(&net, &other, memory, sizeof memory));
  printf("%d ", wuxing_init(&net, &model_model, (uint8_t *)memory + 2, sizeof memory - 2));
  printf("%d\\n", wuxing_init(&net, &model_model, memory, MODEL_PREDICT_WORDS * 4 - 1));`,
  )
  expect(said).toBe("1 -3 -3\n1 1\n-1 -2 -2\n")
})

/** What a program says that begins with the graph in so many words of memory. */
function probe(at: string, words: string, statements: string): string {
  const source = join(at, "probe.c")
  writeFileSync(
    source,
    `#include <stdio.h>
#include "model.h"
#include "samples.h"
static uint32_t memory[${words}];
int main(void) {
  wuxing net;
  if (wuxing_init(&net, &model_model, memory, sizeof memory) != 0) return 1;
  ${statements}
  return 0;
}
`,
  )
  const library = libraryObject(at, "gcc", ["-std=c99", ...SANITIZED])
  const files = [source, library, join(at, "model.c"), "-o", join(at, "probe")]
  execFileSync("gcc", ["-std=c99", ...withoutOptimising(SANITIZED), "-I", at, ...files])
  return execFileSync(join(at, "probe"), { encoding: "utf8" })
}

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
