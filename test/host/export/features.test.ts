/** Features of signals in the C library: the host's bytes, of traces and of sound, and its streams. */
import { execFileSync, spawnSync } from "node:child_process"
import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it, vi } from "vitest"
import "../../../host/base/memory"
import { writeFolder } from "../../../host/base/write-folder"
import { builtFeatures, template } from "../../../host/export/c/built"
import { exportC } from "../../../host/export/c/export-c"
import { featuresSource } from "../../../host/export/c/features-source"
import { signalSource } from "../../../host/export/c/signal-source"
import type { Model } from "../../../host/models/model-file"
import { readModel } from "../../../host/models/model-source"
import { HostNetwork } from "../../../host/network/host-network"
import type {
  BandsDescription,
  Features,
  ReservoirDescription,
} from "../../../host/signals/description"
import { hostFeatures } from "../../../host/signals/host-features"
import { leastOf, widthOf } from "../../../host/signals/plan"
import { SignalStream } from "../../../host/signals/stream"
import { Part } from "../../../src/core/layout"
import { partAt } from "../../../src/core/run"
import { ROOT } from "../../root"
import { uniform } from "../../src/core/helpers"
import { temporaryFolder } from "../../temporary"
import { wuxing } from "../cli/run-cli"
import { describeWith, WAND } from "../signals/own-data"
import { libraryObject, WARNINGS, withoutOptimising } from "./machines/bench"
import { arduinoCore, buildSketch, noArduino, runUno } from "./machines/uno"

// Compilers take seconds, and on a busy machine many.
vi.setConfig({ testTimeout: 180_000 })

const folder = temporaryFolder("features")
const has = (command: string) => spawnSync(command, ["--version"]).status === 0
const SANITIZED = "-std=c99 -O1 -fsanitize=address,undefined -fno-sanitize-recover=all".split(" ")

const common = { channels: ["x", "y", "z"], rate: 50, unit: 1 }
const TRACES: Features[] = (["range", "own", "shape"] as const).map((scale, i) => ({
  ...{ kind: "trace", points: 7 + 12 * i, scale, low: -9000, high: 12_000, floor: 700 * i },
  take: (["values", "differences", "magnitude"] as const).slice(i % 2, 3 - (i >> 1)),
  ...common,
  ...(i > 0 && { trim: { bits: 2, block: 4 } }),
}))
const BANDS: Features[] = (["own", "peak", "spread"] as const).map((scale, i) => ({
  ...{
    kind: "bands",
    frames: 5,
    average: 1 + 2 * i,
    frame: i ? 64 : 256,
    bands: 9 + i,
    from: 60,
    to: 3500,
  },
  ...{ spacing: i ? "even" : "mel", scale, octaves: 6, ...common, channels: ["sound"], rate: 8000 },
  ...(i > 0 && { trim: { bits: 3, block: 32 } }),
  ...(i > 1 && { level: 0.3 }),
}))
BANDS.push({
  ...(BANDS[2] as BandsDescription),
  kernels: { count: 6, size: 4, above: 0.3, parts: [2, 3], seed: 5 },
})

const RESERVOIRS: Features[] = [
  { points: 0, take: ["values", "differences"], parts: 1, steps: 1, recurrent: 8 },
  { points: 17, take: ["values", "magnitude"], parts: 3, steps: 2, recurrent: 0 },
].map((own, i) => ({
  ...{
    kind: "reservoir",
    rings: 7 + i,
    scale: "shape",
    floor: 0,
    k2: 0.25,
    input: 1,
    feedback: 0.2,
  },
  ...{ seed: -5 - i, ...common },
  ...(own as Pick<ReservoirDescription, "points" | "take" | "parts" | "steps" | "recurrent">),
}))

/** Windows of an ordinary signal, and such as find an overflow: silence, ends of int16, shortest, too short. */
function windowsOf(features: Features, seed: number): Buffer[] {
  const next = uniform(seed)
  const channels = features.channels.length
  const least = leastOf(features)
  const made = (samples: number, of: (i: number) => number) => {
    const window = Buffer.alloc(2 * channels * samples)
    for (let i = 0; i < samples * channels; i++)
      window.writeInt16LE(Math.max(-32768, Math.min(32767, Math.round(of(i)))), 2 * i)
    return window
  }
  return [
    made(least * 3 + 40, i => 6000 * Math.sin(i / 5) + 900 * (next() - 0.5)),
    made(least * 2 + 33, i => (i > 60 ? 30_000 * (next() - 0.5) : 3)),
    made(least + 1, () => 0),
    made(least + 90, () => (next() < 0.5 ? -32768 : 32767)),
    made(least, i => i * 7 - 200),
    made(least - 1, () => 5),
  ]
}

/** A program that computes features of windows, a line of hexadecimal each. */
function computed(name: string, features: Features, windows: Buffer[], compiler: string): string[] {
  const at = join(folder, `${compiler}-${name}`)
  mkdirSync(at, { recursive: true })
  const { header, code, kinds } = signalSource({ features }, "model")
  const width = widthOf(features)
  const tables = windows.map((window, i) => {
    const values = Array.from({ length: window.length / 2 }, (_, k) => window.readInt16LE(2 * k))
    return `static const int16_t signal_${i}[] = {${values.join(",")}};`
  })
  const channels = features.channels.length
  const rows = windows.map((window, i) => `{signal_${i}, ${window.length / 2 / channels}},`)
  writeFileSync(
    join(at, "main.c"),
    `#include <stdio.h>
#include <string.h>
#include "wuxing_features.h"
${header}
${code}
${tables.join("\n")}
static const struct { const int16_t *signal; uint16_t count; } windows[] = {${rows.join("")}};
int main(void) {
  for (size_t i = 0; i < sizeof windows / sizeof *windows; i++) {
    /* To the byte as large as they must be. */
    uint32_t work[MODEL_WORK_WORDS];
    uint8_t inputs[${width}];
    memset(work, 0xa5, sizeof work);
    const uint16_t made = wuxing_features(model_plan, work, windows[i].signal, windows[i].count, inputs);
    printf("%d:", (int)made);
    for (uint16_t k = 0; k < made; k++) printf("%02x", inputs[k]);
    printf("\\n");
  }
  return 0;
}
`,
  )
  for (const header of ["wuxing.h", "wuxing_features.h"])
    writeFileSync(join(at, header), template(header))
  writeFileSync(join(at, "features.c"), builtFeatures())
  const flags = [...SANITIZED, ...WARNINGS, `-DWUXING_FEATURES=${kinds}`]
  const object = libraryObject(at, compiler, flags, "features.c")
  const program = ["-I", at, join(at, "main.c"), object, "-o", join(at, "main")]
  execFileSync(compiler, [...withoutOptimising(SANITIZED), ...program])
  return execFileSync(join(at, "main"), { encoding: "utf8" }).trim().split("\n")
}

it("the features of the C library are those of src/: `npm run library:c` after a change there", () => {
  expect(builtFeatures()).toBe(featuresSource())
})

describe.skipIf(!has("gcc") || !has("clang"))("on x86-64, under sanitizers (gcc, clang)", () => {
  for (const [i, features] of [...TRACES, ...BANDS, ...RESERVOIRS].entries())
    it(`${features.kind} ${i}, scaled by ${features.scale}: the host's bytes`, () => {
      const windows = windowsOf(features, i + 1)
      const expected = windows.map(window => {
        const made = hostFeatures(features, window)
        return made ? `${made.length}:${Buffer.from(made).toString("hex")}` : "0:"
      })
      expect(expected.at(-1)).toBe("0:")
      const name = `${features.kind}-${i}`
      expect(computed(name, features, windows, i % 2 ? "clang" : "gcc")).toEqual(expected)
    })

  for (const [name, cut] of [
    ["windows", { by: "window", length: 24, hop: 9 }],
    ["movements", { by: "segment", threshold: 900, quiet: 6, shortest: 10, longest: 60 }],
  ] as const)
    it(`a stream is cut into ${name} as on the host`, () => {
      const features: Features = { ...TRACES[0], channels: ["x", "y"], cut }
      const next = uniform(9)
      // Moves now and then, once for longer than the longest.
      const samples = Array.from({ length: 700 }, (_, i) => {
        const size = i % 90 < 30 || (i > 400 && i < 500) ? 6000 : 60
        return [size, size].map(most => Math.round(most * (next() - 0.5)))
      })
      const stream = new SignalStream(features)
      const found = samples.flatMap((sample, i) => {
        const window = stream.push(sample)
        return window ? [`${i} ${window.length / 4} ${hashOf(window)}`] : []
      })
      expect(found.length).toBeGreaterThan(5)
      expect(streamed(name, features, samples)).toEqual(found)
    })

  function streamed(name: string, features: Features, samples: number[][]): string[] {
    const at = join(folder, name)
    mkdirSync(at, { recursive: true })
    const { header, code } = signalSource({ features }, "model")
    writeFileSync(
      join(at, "main.c"),
      `#include <stdio.h>
#include "wuxing_features.h"
${header}
${code}
static const int16_t samples[${samples.length}][2] = {${samples.map(s => `{${s.join(",")}}`).join(",")}};
int main(void) {
  int16_t signal[MODEL_STREAM_SAMPLES * MODEL_CHANNELS];
  wuxing_stream stream;
  wuxing_stream_init(&stream, model_stream, signal);
  for (int i = 0; i < ${samples.length}; i++) {
    const uint16_t count = wuxing_stream_put(&stream, samples[i]);
    uint32_t hash = 2166136261u;
    for (size_t k = 0; k < (size_t)count * 4u; k++) hash = (hash ^ ((const uint8_t *)signal)[k]) * 16777619u;
    if (count > 0) printf("%d %d %u\\n", i, (int)count, (unsigned)hash);
  }
  return 0;
}
`,
    )
    for (const header of ["wuxing.h", "wuxing_features.h"])
      writeFileSync(join(at, header), template(header))
    writeFileSync(join(at, "features.c"), builtFeatures())
    const object = libraryObject(at, "gcc", SANITIZED, "features.c")
    const program = ["-I", at, join(at, "main.c"), object, "-o", join(at, "main")]
    execFileSync("gcc", [...withoutOptimising(SANITIZED), ...program])
    return execFileSync(join(at, "main"), { encoding: "utf8" }).trim().split("\n")
  }
})

/** FNV-1a. */
function hashOf(bytes: Buffer): number {
  let hash = -2128831035
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 16777619)
  return hash >>> 0
}

describe.skipIf(noArduino)("on an Arduino Uno (arduino-core-avr, gcc-avr)", () => {
  it("the example Signal names windows as the host does: the plan is read from flash", async () => {
    const features: Features = {
      ...{ ...TRACES[1], points: 6, take: ["values"], channels: ["x", "y"] },
      cut: { by: "window", length: 20, hop: 10 },
    }
    const drawn = readModel("12-4-2@6", 3)
    const samples = windowsOf({ ...features, cut: undefined }, 4)
      .slice(0, 5)
      .map((signal, i) => ({ signal, inputs: hostFeatures(features, signal)!, label: i % 2 }))
    const host = new HostNetwork(drawn.network)
    host.load(Buffer.from(drawn.coefficients), Buffer.alloc(0))
    const named = samples.map(({ inputs }) => host.predict(inputs))
    const leads = samples.map(({ inputs }) => {
      host.predict(inputs)
      const bus = host.memory.getAt(partAt(1) + Part.BusOut, "i32")
      return Math.abs(host.memory.getAt(bus, "i16") - host.memory.getAt(bus + 2, "i16"))
    })
    // Some leads are below it, that in the middle is not.
    const unknown = [...leads].sort((a, b) => a - b)[2]
    expect(Math.min(...leads)).toBeLessThan(unknown)
    const model: Model = { ...drawn, signal: { features, unknown } }
    const classes = ["left", "right"]
    const made = exportC(model, { layout: "arduino", name: "wand", classes, samples })
    const at = join(folder, "uno")
    writeFolder(at, made.files, true)
    const core = await arduinoCore()
    const { text, freeBytes } = runUno(buildSketch(at, "Signal", core), /done/)
    const expected = leads.map(
      (lead, i) => `recording ${i}: ${lead < unknown ? "unknown" : classes[named[i]]}`,
    )
    expect(text.trim().split("\r\n")).toEqual([...expected, "done"])
    expect(freeBytes).toBeGreaterThan(100)
  })
})

describeWith(WAND, "a wand's recordings", () => {
  it("a trained model is exported with its features, and names them as the host", async () => {
    const model = join(folder, "wand.wuxing")
    const args = ["--data", `${ROOT}${WAND}`, "--quiet", "--json"]
    const taught = ["train", ...args, "--rate", "25", "--test-every", "4", "--epochs", "2"]
    expect((await wuxing([...taught, "--out", model])).status).toBe(0)
    const at = join(folder, "wand")
    const out = await wuxing([
      "export",
      at,
      "--format",
      "c",
      "--name",
      "wand",
      "--model",
      model,
      ...args,
    ])
    expect(out.status, out.stderr).toBe(0)
    expect(JSON.parse(out.stdout)).toMatchObject({ samples: 16, signalBytes: 1176 })
    const sources = ["main", "wand", "wuxing", "wuxing_features"].map(name => join(at, `${name}.c`))
    execFileSync("gcc", [...SANITIZED, ...WARNINGS, "-I", at, ...sources, "-o", join(at, "main")])
    const lines = execFileSync(join(at, "main"), { encoding: "utf8" }).trim().split("\n")
    expect(lines).toHaveLength(17)
    expect(lines.every(line => line.endsWith(" ok"))).toBe(true)
    // Classes in turn, and most are right.
    const labels = [
      ...readFileSync(join(at, "samples.h"), "utf8").matchAll(/^ {2}\{(\d+), (\d+), \d+, s/gm),
    ]
    expect(labels.map(([, label]) => Number(label))).toEqual([
      0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1, 2, 3, 4, 5,
    ])
    expect(labels.filter(([, label, named]) => label === named).length).toBeGreaterThan(10)
  })
})
