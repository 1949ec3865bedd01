/** The C library on the processors of people's boards: named and learnt to the host's bits. */
import { execFileSync, spawnSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, describe, expect, it, vi } from "vitest"
import "../../../host/base/memory"
import { builtLibrary } from "../../../host/export/c/built"
import { learntHash } from "../../../host/export/c/export-c"
import { librarySource } from "../../../host/export/c/library-source"
import type { Model } from "../../../host/models/model-file"
import { readModel, untrained } from "../../../host/models/model-source"
import { HostNetwork } from "../../../host/network/host-network"
import { presetNames } from "../../../host/network/presets"
import { Header, Part } from "../../../src/core/layout"
import { partAt } from "../../../src/core/run"
import { network, uniform } from "../../src/core/helpers"
import {
  type Outcome,
  runHere,
  runOnM0,
  runOnM33,
  runOnRv32,
  type Sample,
  WARNINGS,
  writeBench,
} from "./machines/bench"

// Compilers take seconds, and on a busy machine many.
vi.setConfig({ testTimeout: 180_000 })

const has = (command: string) => spawnSync(command, ["--version"]).status === 0
const folder = mkdtempSync(join(tmpdir(), "wuxing-c-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const SANITIZED = ["-O1", ...WARNINGS, "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
/** Whether a compiler has the sanitizers' runtime: clang's is a package of its own. */
const sanitizes = (compiler: string) =>
  spawnSync(
    compiler,
    ["-fsanitize=address,undefined", "-x", "c", "-", "-o", join(folder, "none")],
    {
      input: "int main(void) { return 0; }",
    },
  ).status === 0

function samplesOf({ network: net }: Model, count: number, seed = 7): Sample[] {
  const next = uniform(seed)
  return Array.from({ length: count }, (_, i) => ({
    inputs: Uint8Array.from({ length: net.width }, () =>
      next() < 0.6 ? 0 : Math.floor(next() * 256),
    ),
    label: i % 4 === 3 ? -1 : Math.floor(next() * net.layers.at(-1)!.neurons),
  }))
}

/** The same by the host. */
function onHost(model: Model, samples: Sample[]): Outcome {
  const host = new HostNetwork(model.network)
  host.load(Buffer.from(model.coefficients), Buffer.alloc(0))
  const named = samples.map(({ inputs, label }) =>
    label < 0 ? host.predict(inputs) : host.train(inputs, label),
  )
  // It did learn.
  expect(host.coefficients().equals(model.coefficients)).toBe(false)
  return { named, hash: learntHash(model, host) }
}

function compare(name: string, model: Model, count: number, run: (at: string) => Outcome): void {
  const at = join(folder, name.replace(/\W/g, "-"))
  const samples = samplesOf(model, count)
  writeBench(at, model, samples)
  const { named, hash } = run(at)
  expect({ named, hash }).toEqual(onHost(model, samples))
}

/** Between them every kernel, and what presets do not have. */
const own: [string, Model][] = [
  ["a size of one's own", readModel("37-5-3@9", 4)],
  ["two hidden layers, sparse", readModel("40-12-9-4@5", 2)],
  [
    "softmax, five synapses, an odd fan-in",
    untrained(
      network(
        [
          { inputs: 5, outputFirst: 0, outputs: 4 },
          { inputs: 4, neurons: 3, outputs: 1 },
        ],
        {
          softmaxGain: 400,
          errorShift: 1,
        },
      ),
    ),
  ],
  [
    "the papers' targets",
    untrained(network([{}, { neurons: 3, outputs: 1 }], { targets: { high: 1200, low: -200 } })),
  ],
]

describe("the C library", () => {
  it("is the one made of src/core: `npm run library:c` after a change there", () => {
    expect(builtLibrary()).toBe(librarySource())
  })

  it("needs nothing of a C library but memcpy and memset, and has no variables", () => {
    const at = join(folder, "alone")
    writeBench(at, readModel("pico-fast", 1), [])
    const object = join(at, "wuxing.o")
    execFileSync("gcc", ["-std=c99", "-O2", "-I", at, "-c", join(at, "wuxing.c"), "-o", object])
    const symbols = execFileSync("nm", [object], { encoding: "utf8" })
    const wanted = [...symbols.matchAll(/ U (\S+)/g)].map(([, name]) => name)
    expect(wanted.filter(name => !/^(memcpy|memset|_GLOBAL_OFFSET_TABLE_)$/.test(name))).toEqual([])
    expect(symbols).not.toMatch(/ [bBdDC] /)
  })
})

describe.skipIf(!has("gcc"))("on x86-64, under sanitizers, without a warning (gcc)", () => {
  for (const name of presetNames)
    it(`${name} names and learns as the host`, () => {
      compare(name, readModel(name, 3), 2, at => runHere(at, "gcc", SANITIZED))
    })
  for (const [name, model] of own)
    it(`${name}: the same`, () => {
      compare(name, model, 40, at => runHere(at, "gcc", SANITIZED))
    })

  it("names from flash without the memory to learn, and says so when it is to learn", () => {
    const model = readModel("pico-fast", 2)
    const at = join(folder, "flash")
    const samples = samplesOf(model, 6).map(sample => ({ ...sample, label: -1 }))
    writeBench(at, model, samples)
    const host = new HostNetwork(model.network)
    const named = samples.map(({ inputs }) => host.predict(inputs))
    expect(runHere(at, "gcc", [...SANITIZED, "-DPREDICT_ONLY"]).named).toEqual(named)
    expect(probe(at, ["-DPREDICT_ONLY"])).toBe("predict 0 learn -4 state 0\n")
  })

  it("says which argument is wrong", () => {
    const at = join(folder, "wrong")
    writeBench(at, readModel("pico-fast", 2), [])
    expect(probe(at, ["-DLABEL=10"])).toMatch(/learn -3 /)
    expect(probe(at, ["-DLABEL=-1"])).toMatch(/learn -3 /)
    expect(probe(at, ["-DBYTES=100"])).toMatch(/^init -2/)
    expect(probe(at, ["-DSHIFT=1"])).toMatch(/^init -2/)
    expect(probe(at, ["-DSHIFT=2"])).toMatch(/^init -2/)
    expect(probe(at, ["-DWUXING_RINGS=2"])).toMatch(/^init -5/)
    expect(probe(at, ["-DFORMAT=9"])).toMatch(/^init -1/)
  })

  /** A program that asks for what it may not. */
  function probe(at: string, flags: string[]): string {
    const source = join(at, "probe.c")
    writeFileSync(
      source,
      `#include <stdio.h>
#include "model.h"
#ifndef LABEL
#define LABEL 0
#endif
#ifdef PREDICT_ONLY
#define WORDS MODEL_PREDICT_WORDS
#else
#define WORDS MODEL_LEARN_WORDS
#endif
#ifndef BYTES
#define BYTES (WORDS * 4)
#endif
#ifndef SHIFT
#define SHIFT 0
#endif
static uint32_t memory[WORDS + 1];
static uint8_t inputs[MODEL_INPUTS];
int main(void) {
  wuxing net;
  wuxing_model model = model_model;
#ifdef FORMAT
  model.format = FORMAT;
#endif
  const int begun = wuxing_init(&net, &model, (uint8_t *)memory + SHIFT, BYTES);
  if (begun != 0) return printf("init %d\\n", begun), 0;
  const int learnt = wuxing_learn(&net, inputs, LABEL);
  size_t bytes;
  wuxing_state(&net, &bytes);
  printf("predict %d learn %d state %d\\n", wuxing_predict(&net, inputs), learnt, (int)bytes);
  return 0;
}
`,
    )
    const binary = join(at, "probe")
    const files = [source, join(at, "wuxing.c"), join(at, "model.c")]
    execFileSync("gcc", ["-std=c99", "-O0", ...flags, "-I", at, ...files, "-o", binary])
    return execFileSync(binary, { encoding: "utf8" })
  }

  it("gives the outputs of a sample, and how far the best leads", () => {
    const at = join(folder, "outputs")
    const model = readModel("37-5-3@9", 4)
    const samples = samplesOf(model, 8)
    writeBench(at, model, samples)
    const host = new HostNetwork(model.network)
    host.load(Buffer.from(model.coefficients), Buffer.alloc(0))
    const expected = samples.map(({ inputs }) => {
      host.predict(inputs)
      const bus = host.memory.getAt(partAt(1) + Part.BusOut, "i32")
      const outputs = [0, 2, 4].map(byte => host.memory.getAt(bus + byte, "i16"))
      const [best, next] = [...outputs].sort((a, b) => b - a)
      return [...outputs, best - next, 0, 0].join(" ")
    })
    const source = join(at, "outputs.c")
    writeFileSync(
      source,
      `#include <stdio.h>
#include "model.h"
#include "samples.h"
static uint32_t memory[MODEL_PREDICT_WORDS];
int main(void) {
  wuxing net;
  wuxing_init(&net, &model_model, memory, sizeof memory);
  for (int i = 0; i < SAMPLES; i++) {
    wuxing_predict(&net, samples[i].inputs);
    for (int k = 0; k < 3; k++) printf("%d ", wuxing_output(&net, k));
    printf("%d %d %d\\n", wuxing_lead(&net), wuxing_output(&net, -1), wuxing_output(&net, 3));
  }
  return 0;
}
`,
    )
    const files = [source, join(at, "wuxing.c"), join(at, "model.c")]
    const binary = join(at, "outputs")
    execFileSync("gcc", ["-std=c99", ...SANITIZED, "-I", at, ...files, "-o", binary])
    expect(execFileSync(binary, { encoding: "utf8" }).trim().split("\n")).toEqual(expected)
  })

  it("holds two networks at once, and takes back what was saved", () => {
    const at = join(folder, "two")
    const model = readModel("37-5-3@9", 4)
    writeBench(at, model, samplesOf(model, 20))
    const source = join(at, "two.c")
    writeFileSync(
      source,
      `#include <stdio.h>
#include <string.h>
#include "model.h"
#include "samples.h"
static uint32_t memory[2][MODEL_LEARN_WORDS];
static uint8_t saved[MODEL_LEARN_WORDS * 4];
int main(void) {
  wuxing a, b;
  size_t bytes;
  wuxing_init(&a, &model_model, memory[0], sizeof memory[0]);
  wuxing_init(&b, &model_model, memory[1], sizeof memory[1]);
  for (int i = 0; i < 10; i++) wuxing_learn(&a, samples[i].inputs, 1);
  const void *from = wuxing_state(&a, &bytes);
  memcpy(saved, from, bytes);
  void *to = wuxing_state(&b, &bytes);
  memcpy(to, saved, bytes);
  int same = 1;
  for (int i = 10; i < 20; i++) same &= wuxing_learn(&a, samples[i].inputs, 2) == wuxing_learn(&b, samples[i].inputs, 2);
  printf("%d %d\\n", same, memcmp(from, to, bytes));
  return 0;
}
`,
    )
    const files = [source, join(at, "wuxing.c"), join(at, "model.c")]
    const binary = join(at, "two")
    execFileSync("gcc", ["-std=c99", ...SANITIZED, "-I", at, ...files, "-o", binary])
    expect(execFileSync(binary, { encoding: "utf8" })).toBe("1 0\n")
  })
})

describe.skipIf(!sanitizes("clang"))(
  "on x86-64, under clang's sanitizers, without a warning (clang, libclang-rt-dev)",
  () => {
    for (const name of ["pico-16", "model1", "fleet-64"])
      it(`${name}: the same`, () => {
        compare(`clang-${name}`, readModel(name, 5), 4, at => runHere(at, "clang", SANITIZED))
      })
    for (const [name, model] of own)
      it(`${name}: the same`, () => {
        compare(`clang-${name}`, model, 24, at => runHere(at, "clang", SANITIZED))
      })
    it("optimised", () => {
      const flags = ["-O2", ...SANITIZED.slice(1)]
      compare("clang-fast", readModel("pico-16", 6), 4, at => runHere(at, "clang", flags))
    })
  },
)

describe.skipIf(!has("arm-none-eabi-gcc"))("on a Cortex-M0+ (rp2040js)", () => {
  for (const name of ["pico-16", "fleet-64"])
    for (const flags of ["-O2", "-Os"])
      it(`${name}, ${flags}: the same`, () => {
        compare(`m0-${name}${flags}`, readModel(name, 2), 4, at =>
          runOnM0(at, [flags, ...WARNINGS]),
        )
      })
  for (const [name, model] of own.slice(0, 3))
    it(`${name}: the same`, () => {
      compare(`m0-${name}`, model, 24, at => runOnM0(at))
    })
  // Drawn coefficients are far from them. Where all are at them, neurons are driven so far that links
  // that read inputs get no λ, where a few are, these learn to the clamps, past them and back.
  for (const [how, every] of [
    ["all", 1],
    ["a few", 5],
  ] as const)
    it(`${how} coefficients at both clamps`, () => {
      const drawn = readModel("37-5-3@9", 4)
      const max = new HostNetwork(drawn.network).memory.getAt(Header.CoefficientMax, "i16")
      const coefficients = Buffer.from(drawn.coefficients)
      for (let i = 0; i < coefficients.length / 2; i += every)
        coefficients.writeInt16LE((i / every) % 2 === 0 ? max : -max, 2 * i)
      compare(`m0-clamps-${every}`, { ...drawn, coefficients }, 24, at => runOnM0(at))
    })
  // What the assembler's loops do not do.
  it("a rate below those that noise can round: the same", () => {
    const rate = { elementBits: 16, elementMax: 11776, learnShift: 18 }
    const layers = [{ outputs: 1 }, { neurons: 3, outputs: 1 }]
    compare("m0-rate", untrained(network(layers, rate)), 24, at => runOnM0(at))
  })
  // As the assembler's loops scan inputs: word by word, to the last byte.
  it("whichever inputs are zero", () => {
    for (const width of [5, 8, 11]) {
      const model = readModel(`${width}-3-2@4`, width)
      const samples = Array.from({ length: 2 ** 5 }, (_, bits) => ({
        inputs: Uint8Array.from({ length: width }, (_, i) => (bits >> (i % 5)) & 1 && 90 + i),
        label: bits & 1,
      }))
      const at = join(folder, `zeros-${width}`)
      writeBench(at, model, samples)
      const { named, hash } = runOnM0(at)
      expect({ named, hash }).toEqual(onHost(model, samples))
    }
  })
})

describe.skipIf(!has("qemu-riscv32") || !has("riscv64-unknown-elf-gcc"))(
  "on RV32IMC (qemu)",
  () => {
    for (const name of ["pico-16", "fleet-64"])
      it(`${name}: the same`, () => {
        compare(`rv-${name}`, readModel(name, 2), 4, at => runOnRv32(at, ["-O2", ...WARNINGS]))
      })
  },
)

describe.skipIf(!has("qemu-system-arm") || !has("arm-none-eabi-gcc"))(
  "on a Cortex-M33 (qemu's mps2-an505)",
  () => {
    for (const name of ["pico-16", "fleet-64"])
      it(`${name}: the same`, () => {
        compare(`m33-${name}`, readModel(name, 2), 4, at => runOnM33(at, ["-O2", ...WARNINGS]))
      })
  },
)

describe.skipIf(!has("xtensa-lx106-elf-gcc"))("for Xtensa LX106, as an ESP8266 has", () => {
  it("compiles without a warning", () => {
    const at = join(folder, "xtensa")
    writeBench(at, readModel("pico-16", 1), [])
    for (const name of ["wuxing", "model"]) {
      const args = ["-std=c99", "-O2", "-ffreestanding", ...WARNINGS, "-I", at, "-c"]
      const object = join(at, `${name}.o`)
      execFileSync("xtensa-lx106-elf-gcc", [...args, join(at, `${name}.c`), "-o", object])
      expect(readFileSync(object).length).toBeGreaterThan(1000)
    }
  })
})
