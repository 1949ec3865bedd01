/**
 * The DeviceScript package as people get it: packed, unpacked in a project of `devs init`, built with
 * `devs build`, run on the virtual machine with sensors on its bus.
 */
import { execFileSync } from "node:child_process"
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { VirtualClock } from "../../../host/base/clock"
import "../../../host/base/memory"
import { writeFolder } from "../../../host/base/write-folder"
import { modelBytes, modelModule } from "../../../host/export/devicescript/model-module"
import { packageFiles } from "../../../host/export/devicescript/package-files"
import { projectFiles } from "../../../host/export/devicescript/project"
import { Machine } from "../../../host/hardware/machine"
import type { LinkListener } from "../../../host/link/board-link"
import type { Model } from "../../../host/models/model-file"
import { readModel } from "../../../host/models/model-source"
import { HostNetwork } from "../../../host/network/host-network"
import { JacdacSource } from "../../../host/sensing/source"
import { sensorNamed } from "../../../host/signals/sensors"
import { classesOf } from "../../../host/training/training"
import { Part } from "../../../src/core/layout"
import { partAt } from "../../../src/core/run"
import { build, buildPlainly, DEVS, environment, printed } from "./machines/devs-build"
import { fixed, runWithSensors, type Sensor } from "./machines/jacdac-servers"

const ROOT = fileURLToPath(new URL("../../..", import.meta.url))
const folder = mkdtempSync(join(tmpdir(), "wuxing-ds-"))
const project = join(folder, "project")
afterAll(() => rmSync(folder, { recursive: true, force: true }))

beforeAll(() => {
  const source = join(folder, "package")
  writeFolder(source, packageFiles(), true)
  const tarball = execFileSync("npm", ["pack", "--silent"], { cwd: source, encoding: "utf8" })
  execFileSync(process.execPath, [DEVS, "init", "--no-install", project], { env: environment })
  // What `npm install` of a tarball without dependencies does.
  const installed = join(project, "node_modules/devicescript-wuxing")
  mkdirSync(installed, { recursive: true })
  const args = ["xzf", join(source, tarball.trim()), "--strip-components=1", "-C", installed]
  execFileSync("tar", args)
  const path = join(project, "package.json")
  const manifest = JSON.parse(readFileSync(path, "utf8"))
  manifest.dependencies = { "devicescript-wuxing": "0.2.0" }
  writeFileSync(path, JSON.stringify(manifest))
})

async function run(bytecode: Uint8Array): Promise<string[]> {
  return printed((await ranUntil("end", bytecode)).log)
}

/** A new machine, or one that finds a flash as another's was when its power went. */
async function ranUntil(line: string, bytecode: Uint8Array, flash?: Uint8Array): Promise<Machine> {
  const machine = await Machine.start(bytecode, undefined, 0, flash)
  const ended = await machine.run(() => machine.log.includes(`> ${line}`), 60_000)
  expect(ended, machine.log.slice(-10).join("\n")).toBe(true)
  return machine
}

describe("the package", () => {
  it("has the core as it is in src/", () => {
    const files = packageFiles()
    const core = [...files.keys()].filter(path => /^src\/(core|base|signals)\//.test(path))
    expect(core).toContain("src/core/run.ts")
    expect(core).toContain("src/signals/features.ts")
    for (const path of core) expect(files.get(path)).toBe(readFileSync(join(ROOT, path), "utf8"))
  })

  it.each(["30-8-4@16", "36-3c3s2-4"])(
    "%s names, learns, keeps what it learnt and takes it back: the host's bits",
    async name => {
      const model = readModel(name, 2)
      const labels = ["up", "down", "left", "right"]
      const lines = await run(
        await build(project, {
          "model.ts": modelModule(model, labels).text,
          "main.ts": `import { Wuxing } from "devicescript-wuxing"
import { model } from "./model"
const net = await Wuxing.load(model)
const other = await Wuxing.load(model)
const inputs = Buffer.alloc(net.inputs)
function fill(s: number): void {
  for (let i = 0; i < net.inputs; i++) inputs.setAt(i, "u8", i % 4 === s % 4 ? 0 : (i * 37 + s * 91) & 255)
}
async function say(of: Wuxing): Promise<void> {
  const p = await of.predict(inputs)
  console.log(net.labels[p.class] + " " + p.outputs.join(" ") + " " + (p.confidence > 24 && p.confidence <= 100))
}
for (let s = 0; s < 12; s++) {
  fill(s)
  await say(net)
  console.log("learnt " + (await net.learn(inputs, s % 4)))
}
console.log("none " + (await other.restore()))
await net.save()
console.log("taken back " + (await other.restore()) + " " + other.samples)
await say(net)
await say(other)
console.log("end")
`,
        }),
      )
      const host = new HostNetwork(model.network)
      const expected: string[] = []
      const inputsOf = (s: number) =>
        Uint8Array.from({ length: model.network.width }, (_, i) =>
          i % 4 === s % 4 ? 0 : (i * 37 + s * 91) & 255,
        )
      const named = (line: string) => line.replace(/ .*/, "")
      for (let s = 0; s < 12; s++) {
        expected.push(labels[host.predict(inputsOf(s))])
        expected.push(`learnt ${host.train(inputsOf(s), s % 4)}`)
      }
      expect(lines.slice(0, 24).map((line, i) => (i % 2 ? line : named(line)))).toEqual(expected)
      expect(lines.slice(0, 24).every((line, i) => i % 2 === 1 || line.endsWith(" true"))).toBe(
        true,
      )
      expect(lines.slice(24, 26)).toEqual(["none false", "taken back true 12"])
      // Outputs as well, of the one that learnt and of the one that was told.
      expect(lines[26]).toBe(lines[27])
      expect(named(lines[26])).toBe(labels[host.predict(inputsOf(11))])
    },
  )

  it("hears an accelerometer that DeviceScript's own driver serves, and so does a host", async () => {
    const bytecode = await build(project, {
      "main.ts": `import * as ds from "@devicescript/core"
import { startAccelerometer } from "@devicescript/drivers"
import { hear } from "devicescript-wuxing"
const accelerometer = await startAccelerometer(
  {
    supportedRanges: () => [2],
    readingRange: () => 2,
    setReadingRange: async () => {},
    subscribe: cb => { setInterval(async () => { await cb([0.5, -0.0625, 1]) }, 20) },
  },
  { simOk: true }
)
let heard = 0
hear(accelerometer, 20, async reading => {
  heard++
  if (heard === 10) console.log(reading.join(" "))
})
`,
    })
    const machine = await Machine.start(bytecode)
    const clock = new VirtualClock()
    const bus = {
      ...{ boardId: "0123456789abcdef", clock },
      listen: (listener: LinkListener) => {
        machine.onFrame = frame => listener.onOther?.(frame.slice())
        return () => {}
      },
      sendFrame: async (frame: Uint8Array) => machine.send(frame),
    }
    const source = new JacdacSource(bus, sensorNamed("accelerometer"), 20)
    const values: number[][] = []
    const notes: string[] = []
    source.onSample = reading => values.push(reading)
    source.onNote = note => notes.push(note)
    for (let now = 1; now < 8_000; now++) {
      machine.turn(now)
      clock.advanceTo(now)
    }
    await source.close()
    // The runtime cuts towards 0 after adding half: −0.0625 is sent as 0.
    expect(printed(machine.log)).toEqual(["0.5 0 1"])
    expect(values.length).toBeGreaterThan(20)
    expect(values.at(-1)).toEqual([0.5, 0, 1])
    expect(notes).toHaveLength(1)
  })

  it("says what is wrong, and the program goes on", async () => {
    const { bytes } = modelBytes(readModel("30-8-4@16", 2), ["a", "b", "c", "d"])
    const damaged = Buffer.from(bytes)
    damaged[damaged.length >> 1] ^= 4
    const lines = await run(
      await build(project, {
        "main.ts": `import { Wuxing } from "devicescript-wuxing"
const good = hex\`${bytes.toString("hex")}\`
const bad = hex\`${damaged.toString("hex")}\`
async function attempt(what: string, work: () => Promise<void>): Promise<void> {
  try { await work(); console.log(what + ": nothing") } catch (e) { console.log(what + ": " + (e as Error).message) }
}
const net = await Wuxing.load(good)
const inputs = Buffer.alloc(30)
await attempt("short", async () => { await net.predict(Buffer.alloc(29)) })
await attempt("label", async () => { await net.learn(inputs, 4) })
await attempt("negative", async () => { await net.learn(inputs, -1) })
await attempt("damaged", async () => { await Wuxing.load(bad) })
await attempt("foreign", async () => { await Wuxing.load(Buffer.alloc(500)) })
await attempt("empty", async () => { await Wuxing.load(Buffer.alloc(0)) })
await attempt("good", async () => { await net.predict(inputs) })
console.log("end")
`,
      }),
    )
    expect(lines).toEqual([
      "short: wuxing: 29 inputs, not 30",
      "label: wuxing: there is no class 4",
      "negative: wuxing: there is no class -1",
      "damaged: wuxing: the model is damaged",
      "foreign: wuxing: this is no model",
      "empty: wuxing: this is no model",
      "good: nothing",
      "end",
    ])
  })
})

describe("what is kept in a board's settings", () => {
  const model = readModel("30-8-4@16", 2)
  const { bytes } = modelBytes(model, ["a", "b", "c", "d"])
  const inputsOf = (s: number) =>
    Uint8Array.from({ length: 30 }, (_, i) => (i % 4 === s % 4 ? 0 : (i * 37 + s * 91) & 255))
  // Says what it finds, then stores a model by name, and saves thrice what it learns.
  const program = `import { Wuxing } from "devicescript-wuxing"
const model = hex\`${bytes.toString("hex")}\`
const inputs = Buffer.alloc(30)
function fill(s: number): void {
  for (let i = 0; i < 30; i++) inputs.setAt(i, "u8", i % 4 === s % 4 ? 0 : (i * 37 + s * 91) & 255)
}
async function attempt(what: string, work: () => Promise<void>): Promise<void> {
  try { await work(); console.log(what + ": nothing") } catch (e) { console.log(what + ": " + (e as Error).message) }
}
async function say(what: string, net: Wuxing): Promise<void> {
  fill(5)
  const p = await net.predict(inputs)
  console.log(what + " " + net.labels[p.class] + " " + p.outputs.join(" "))
}
await attempt("loaded", async () => { await say("wand", await Wuxing.load("wand")) })
const net = await Wuxing.load(model)
const done = await net.restore()
await say(done + " " + net.samples, net)
console.log("found")
await attempt("nameless", async () => { await Wuxing.store("", model) })
await attempt("long", async () => { await Wuxing.load("thirteen-long") })
await attempt("foreign", async () => { await Wuxing.store("wand", Buffer.alloc(40)) })
await attempt("stored", async () => { await Wuxing.store("wand", model) })
await attempt("taken out", async () => { await Wuxing.store("wand", Buffer.alloc(0)) })
await attempt("gone", async () => { await Wuxing.load("wand") })
await attempt("stored again", async () => { await Wuxing.store("wand", model) })
for (let s = 0; s < 24; s++) {
  fill(s)
  await net.learn(inputs, s % 4)
  if (s % 8 === 7) await net.save()
}
console.log("end")
`

  it("a model by its name, and of what was learnt one save: whole, whenever power goes", async () => {
    const bytecode = await build(project, { "main.ts": program })
    const machine = await ranUntil("end", bytecode)
    const none = 'wuxing: the settings have no model "wand"'
    // What a network that was never away says, by the samples it has learnt.
    const host = new HostNetwork(model.network)
    const said = new Map<number, string>()
    for (let s = 0; s <= 24; s++) {
      const best = host.predict(inputsOf(5))
      const bus = host.memory.getAt(partAt(1) + Part.BusOut, "i32")
      const outputs = [0, 2, 4, 6].map(at => host.memory.getAt(bus + at, "i16"))
      said.set(s, `${"abcd"[best]} ${outputs.join(" ")}`)
      if (s < 24) host.train(inputsOf(s), s % 4)
    }
    expect(printed(machine.log)).toEqual([
      `loaded: ${none}`,
      `false 0 ${said.get(0)}`,
      "found",
      'nameless: wuxing: "" has not 1 to 12 letters',
      'long: wuxing: "thirteen-long" has not 1 to 12 letters',
      "foreign: wuxing: this is no model",
      "stored: nothing",
      "taken out: nothing",
      `gone: ${none}`,
      "stored again: nothing",
      "end",
    ])
    const loaded: boolean[] = []
    const samples: number[] = []
    for (const flash of machine.flashes) {
      const all = printed((await ranUntil("found", bytecode, flash)).log)
      // A turn may have gone on a little.
      const lines = all.slice(0, all.indexOf("found") + 1)
      const there = lines.length === 4
      if (there) expect(lines.slice(0, 2)).toEqual([`wand ${said.get(0)}`, "loaded: nothing"])
      else expect(lines[0]).toBe(`loaded: ${none}`)
      const count = Number(lines.at(-2)!.split(" ")[1])
      expect(lines.at(-2)).toBe(`${count > 0} ${count} ${said.get(count)}`)
      loaded.push(there)
      samples.push(count)
    }
    // The model came, went, and came to stay; samples only go on; each save was seen, the last one too.
    const turns = loaded.filter((there, i) => i > 0 && there !== loaded[i - 1])
    expect(turns).toEqual([true, false, true])
    expect(samples).toEqual([...samples].sort((a, b) => a - b))
    expect([...new Set(samples)]).toEqual([0, 8, 16, 24])
    expect(machine.flashes.length).toBeGreaterThan(40)
  })
})

describe("the examples, from the packed package, with sensors on the bus", () => {
  /** Builds an example in the project; its model must be the file's. */
  function example(name: string, model: Model, labels: string[]): Promise<Uint8Array> {
    const source = join(ROOT, "examples/devicescript", name, "src")
    expect(readFileSync(join(source, "model.ts"), "utf8")).toBe(modelModule(model, labels).text)
    cpSync(source, join(project, "src"), { recursive: true })
    return build(project)
  }
  const trained = (name: string) =>
    readModel(`${ROOT}/examples/devicescript/${name}/${name}.wuxing`, 1)
  const hosted = (model: Model) => {
    const host = new HostNetwork(model.network)
    host.load(Buffer.from(model.coefficients), Buffer.alloc(0))
    return host
  }
  const linesOf = (log: string[], word: string) =>
    printed(log)
      .filter(line => line.startsWith(`${word} `))
      .map(line => line.split(" "))

  it("gesture: names what is done to an accelerometer", async () => {
    const model = trained("gesture")
    const labels = classesOf(model)!
    const bytecode = await example("gesture", model, labels)
    const accelerometer = (at: () => number[]): Sensor[] => [
      { serviceClass: 0x1f140409, reading: () => fixed(20, 4, ...at()) },
    ]
    for (const [gesture, at] of [
      ["left", () => [-0.8, 0, 0.6]],
      ["right", () => [0.8, 0, 0.6]],
      ["away", () => [0, 0.8, 0.6]],
      ["still", () => [0, 0, 1]],
    ] as const) {
      const log = await runWithSensors(
        bytecode,
        accelerometer(at),
        lines => linesOf(lines, "gesture").length >= 3,
        30_000,
      )
      const said = linesOf(log, "gesture")
      const host = hosted(model)
      for (const [, named, , hex] of said)
        expect(named).toBe(labels[host.predict(Buffer.from(hex, "hex"))])
      expect(said.at(-1)![1]).toBe(gesture)
      // −2 … 2 g is 0 … 255.
      const bytes = Buffer.from(said.at(-1)![3], "hex")
      for (const [c, g] of at().entries())
        expect(Math.abs(bytes[c] - (g + 2) * 63.75)).toBeLessThan(0.6)
    }
  })

  it("threshold: learns from a knob and a button where on begins", async () => {
    const model = readModel("16-4-2@8", 1)
    const bytecode = await example("threshold", model, ["0", "1"])
    // The knob goes up and down; somebody holds the button while it is past 0.6.
    const knob = (now: number) => 0.5 - 0.5 * Math.cos(now / 900)
    const sensors: Sensor[] = [
      { serviceClass: 0x1f274746, reading: now => fixed(16, 2, knob(now)) },
      { serviceClass: 0x1473a263, reading: now => fixed(16, 2, knob(now) > 0.6 ? 1 : 0) },
    ]
    const log = await runWithSensors(
      bytecode,
      sensors,
      lines => linesOf(lines, "knob").length >= 240,
      60_000,
    )
    const said = linesOf(log, "knob")
    const host = hosted(model)
    for (const [, label, named, hex] of said)
      expect(Number(named)).toBe(host.train(Buffer.from(hex, "hex"), Number(label)))
    const right = said.slice(-60).filter(([, label, named]) => label === named).length
    expect(right).toBeGreaterThan(48)
  })

  it("table: names by the network of one's own CSV", async () => {
    const model = trained("table")
    const labels = classesOf(model)!
    const bytecode = await example("table", model, labels)
    for (const [plant, t, h, l] of [
      ["fine", 22, 55, 0.5],
      ["dry", 24, 20, 0.7],
      ["cold", 9, 60, 0.4],
    ] as const) {
      const sensors: Sensor[] = [
        { serviceClass: 0x1421bac7, reading: () => fixed(10, 4, t) },
        { serviceClass: 0x16c810b8, reading: () => fixed(10, 4, h) },
        { serviceClass: 0x17dc9a1c, reading: () => fixed(16, 2, l) },
      ]
      const log = await runWithSensors(
        bytecode,
        sensors,
        lines => linesOf(lines, "plant").length >= 2,
        20_000,
      )
      const [, named, , hex] = linesOf(log, "plant").at(-1)!
      expect(named).toBe(plant)
      expect(named).toBe(labels[hosted(model).predict(Buffer.from(hex, "hex"))])
    }
  })
})

describe("a new project", () => {
  it("builds at once, and runs", async () => {
    const at = join(folder, "new")
    writeFolder(at, projectFiles("new", "blank"), true)
    const bytecode = buildPlainly(at)
    // What the other tests here build by says no as plainly, and gives the same.
    const source = readFileSync(join(at, "src/main.ts"), "utf8")
    const wrong = { "main.ts": `${source}\nconst steps: number = "six"\n` }
    await expect(build(at, wrong)).rejects.toThrow(/main\.ts\(\d+,7\): error TS2322/)
    expect(await build(at, { "main.ts": source })).toEqual(bytecode)
    const machine = await Machine.start(bytecode)
    await machine.run(() => printed(machine.log).some(line => line.startsWith("class ")), 20_000)
    expect(printed(machine.log).join("\n")).toMatch(/^class [01] \d+ %/m)
  })
})
