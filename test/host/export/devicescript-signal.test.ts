/**
 * Features of signals in the DeviceScript package, built by `devs build` and run on the virtual machine:
 * readings in, the host's windows, bytes and answers out.
 */
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import "../../../host/base/memory"
import { writeFolder } from "../../../host/base/write-folder"
import { modelBytes } from "../../../host/export/devicescript/model-module"
import { projectFiles } from "../../../host/export/devicescript/project"
import { Machine } from "../../../host/hardware/machine"
import { type Model, saveModel } from "../../../host/models/model-file"
import { readModel } from "../../../host/models/model-source"
import { Watcher } from "../../../host/sensing/watcher"
import type { Features, TraceDescription } from "../../../host/signals/description"
import { widthOf } from "../../../host/signals/plan"
import { ROOT } from "../../root"
import { uniform } from "../../src/core/helpers"
import { temporaryFolder } from "../../temporary"
import { wuxing } from "../cli/run-cli"
import { build, printed } from "./machines/devs-build"
import { fixed, runWithSensors } from "./machines/jacdac-servers"

const folder = temporaryFolder("ds-signal")

const trace: Pick<TraceDescription, "kind" | "points" | "take" | "scale" | "floor"> = {
  kind: "trace",
  points: 12,
  take: ["values"],
  scale: "shape",
  floor: 200,
}
const common = { channels: ["x", "y"], rate: 50, unit: 1500.5 }
const SIGNALS: Record<string, { features: Features; unknown?: number; hold?: number }> = {
  segments: {
    features: {
      ...{ ...trace, ...common, trim: { bits: 2, block: 4 } },
      cut: { by: "segment", threshold: 900, quiet: 6, shortest: 10, longest: 50 },
    },
    unknown: 40,
  },
  windows: {
    features: {
      ...{ kind: "bands", frames: 3, average: 1, frame: 32, bands: 5, from: 1, to: 20 },
      ...{ spacing: "even", scale: "peak", octaves: 6, ...common },
      cut: { by: "window", length: 64, hop: 20 },
    },
    unknown: 10,
    hold: 2,
  },
  sequence: {
    features: {
      ...{ kind: "reservoir", rings: 4, points: 0, take: ["values"], scale: "shape", floor: 0 },
      ...{
        parts: 1,
        steps: 1,
        recurrent: 2,
        k2: 0.25,
        input: 1,
        feedback: 0.1,
        seed: 3,
        ...common,
      },
      cut: { by: "segment", threshold: 900, quiet: 6, shortest: 10, longest: 50 },
    },
  },
}
const modelOf = (name: string, seed: number): Model => {
  const { features } = SIGNALS[name]
  const inputs = widthOf(features)
  const model = readModel(features.kind === "reservoir" ? `${inputs}-3` : `${inputs}-6-3`, seed)
  return { ...model, signal: SIGNALS[name] }
}

/** Rests and movements, now and then beyond what 16 bits hold, of 0.001 so that units matter. */
function readings(count: number): [number, number][] {
  const next = uniform(7)
  return Array.from({ length: count }, (_, i) => {
    const size =
      i % 70 < 28 ? 0 : (4 + 9 * (Math.floor(i / 70) % 4)) * Math.sin(i / (2 + ((i / 70) % 3)))
    return [size + next() / 50, size * 0.7 - next() / 50].map(x => Math.round(1000 * x) / 1000) as [
      number,
      number,
    ]
  })
}

const project = join(folder, "project")
writeFolder(project, projectFiles("project", "blank"), true)

it("cuts, computes and says what the host does, of movements, windows and sequences", async () => {
  const given = readings(420)
  const plain = modelBytes(readModel("6-3", 1), ["a", "b", "c"]).bytes.toString("hex")
  const names = Object.keys(SIGNALS)
  const constants = names.map((name, i) => {
    const { bytes } = modelBytes(modelOf(name, i + 1), ["a", "b", "c"])
    return `const ${name} = hex\`${bytes.toString("hex")}\``
  })
  const thousandths = Buffer.alloc(4 * given.length)
  for (const [i, [x, y]] of given.entries()) {
    thousandths.writeInt16LE(Math.round(1000 * x), 4 * i)
    thousandths.writeInt16LE(Math.round(1000 * y), 4 * i + 2)
  }
  const program = `import * as ds from "@devicescript/core"
import { Signal, Wuxing } from "devicescript-wuxing"
${constants.join("\n")}
const given = hex\`${thousandths.toString("hex")}\`
async function attempt(work: () => Promise<void>): Promise<void> {
  try { await work(); console.log("refused: nothing") } catch (e) { console.log("refused: " + (e as Error).message) }
}
async function play(name: string, model: Buffer): Promise<void> {
  const net = await Wuxing.load(model)
  const signal = await Signal.load(model)
  console.log(name + ": " + signal.channels + " " + signal.intervalMs)
  for (let at = 0; at < given.length; at += 4) {
    const found = await signal.put([given.getAt(at, "i16") / 1000, given.getAt(at + 2, "i16") / 1000])
    if (found) {
      const said = signal.classOf(await net.predict(signal.inputs))
      console.log(name + " " + signal.samples + " " + signal.inputs.toString("hex") + " " + said)
    }
  }
}
${names.map(name => `await play("${name}", ${name})`).join("\n")}
await attempt(async () => { await Signal.load(hex\`${plain}\`) })
const signal = await Signal.load(segments)
await attempt(async () => { await signal.put([1]) })
const begun = ds.millis()
for (let i = 0; i < 25; i++) await signal.pace()
console.log("25 readings in " + (ds.millis() - begun))
console.log("end")
`
  const bytecode = await build(project, { "main.ts": program })
  const machine = await Machine.start(bytecode)
  const ended = await machine.run(() => machine.log.includes("> end"), 120_000)
  const lines = printed(machine.log)
  expect(ended, machine.log.slice(-10).join("\n")).toBe(true)

  const expected: string[] = []
  for (const [i, name] of names.entries()) {
    const model = modelOf(name, i + 1)
    const { unknown = 0, hold = 2 } = SIGNALS[name]
    const watcher = new Watcher(model, { unknown, hold })
    expected.push(`${name}: 2 20`)
    let windows = 0
    for (const values of given) {
      let found: { samples: number; bytes: Uint8Array } | undefined
      watcher.onWindow = ({ from, to, bytes }) => {
        found = { samples: to - from, bytes }
      }
      const said = watcher.push(values)
      if (!found) continue
      windows++
      const hex = Buffer.from(found.bytes).toString("hex")
      expected.push(`${name} ${found.samples} ${hex} ${said?.class ?? -1}`)
    }
    expect(windows).toBeGreaterThan(3)
  }
  // Some classes are said, and some are not.
  expect(expected.some(line => / [012]$/.test(line))).toBe(true)
  expect(expected.some(line => / -1$/.test(line))).toBe(true)
  expect(lines.slice(0, expected.length)).toEqual(expected)
  expect(lines.slice(expected.length, -2)).toEqual([
    "refused: wuxing: the model reads no signal",
    "refused: wuxing: 1 channels, not 2",
  ])
  // A reading every 20 ms; the machine's clock goes by whole ones.
  expect(Number(lines.at(-2)!.replace(/.* /, ""))).toBeGreaterThanOrEqual(480)
  expect(Number(lines.at(-2)!.replace(/.* /, ""))).toBeLessThanOrEqual(530)
})

describe("the program in docs/in-your-program.md", () => {
  const [, program] = readFileSync(join(ROOT, "docs/in-your-program.md"), "utf8").match(
    /<!-- program: signal -->\n\n```ts\n([^`]*)```/,
  )!
  const file = join(folder, "model.wuxing")
  const exported = async () =>
    await wuxing(
      `export ${project}/src --force --format devicescript --name model --model ${file} --json`.split(
        " ",
      ),
    )

  it("says a class of each movement of an accelerometer", async () => {
    const features: Features = {
      ...{ ...trace, channels: ["x", "y", "z"], rate: 50, unit: 4096 },
      cut: { by: "segment", threshold: 1500, quiet: 8, shortest: 12, longest: 100 },
    }
    saveModel(file, { ...readModel("36-6-3", 1), signal: { features } })
    const { status, stdout } = await exported()
    expect(status).toBe(0)
    const { heapBytes } = JSON.parse(stdout)
    // Samples of the longest movement and what leads to it, and the network.
    expect(heapBytes).toBeGreaterThan(6 * 108 + 3 * 8 * 36)
    const bytecode = await build(project, { "main.ts": program })
    // Three seconds still, one of shaking, and so on.
    const at = (ms: number) => (ms % 4000 < 3000 ? 0 : Math.sin(ms / 40))
    const sensor = { serviceClass: 0x1f140409, reading: (ms: number) => fixed(20, 4, at(ms), 0, 1) }
    const log = await runWithSensors(bytecode, [sensor], (_, now) => now > 14_500, 15_000)
    const said = log.filter(line => /^> [012] \d+$/.test(line))
    expect(said).toHaveLength(3)
    for (const line of said) {
      const samples = Number(line.split(" ")[2])
      // A second at 50 Hz, and what leads to it.
      expect(samples).toBeGreaterThan(44)
      expect(samples).toBeLessThan(70)
    }
  })

  it("is not written for a model that does not say how a stream is cut", async () => {
    const features: Features = { ...trace, ...common }
    saveModel(file, {
      ...readModel("24-6-3", 1),
      signal: { features },
    })
    const { status, stdout } = await exported()
    expect(status).toBe(3)
    expect(JSON.parse(stdout).error).toMatchObject({ code: "sensor-model" })
  })
})
