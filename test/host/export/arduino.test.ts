/** The exported Arduino library on an Uno: built with Debian's core as the IDE would, run by avr8js. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest"
import "../../../host/base/memory"
import { writeFolder } from "../../../host/base/write-folder"
import { exportC, learntHash } from "../../../host/export/c/export-c"
import { checkBoard } from "../../../host/export/c/fits"
import { readModel } from "../../../host/models/model-source"
import { HostNetwork } from "../../../host/network/host-network"
import { uniform } from "../../src/core/helpers"
import { arduinoCore, buildSketch, noArduino, runUno } from "./machines/uno"

vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 })

const folder = mkdtempSync(join(tmpdir(), "wuxing-arduino-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Exports as `wuxing export --layout arduino --board uno` does. */
function exported(what: string) {
  const model = readModel(what, 1)
  const outputs = model.network.layers.at(-1)!.neurons
  const next = uniform(3)
  const samples = Array.from({ length: 8 }, (_, i) => ({
    inputs: Uint8Array.from({ length: model.network.width }, () => Math.floor(next() * 256)),
    label: i % outputs,
  }))
  const classes = Array.from({ length: outputs }, (_, i) => `class-${i}`)
  const made = exportC(model, { layout: "arduino", name: "gesture", classes, samples })
  const learns = checkBoard("uno", made.model)
  const at = join(folder, what)
  writeFolder(at, made.files, true)
  return { model, samples, classes, at, learns }
}

describe.skipIf(noArduino)("on an Arduino Uno (arduino-core-avr, gcc-avr)", () => {
  let core: string
  beforeAll(async () => {
    core = await arduinoCore()
  })

  it("64-8-4 with fan-in 16 names and learns in 2 KiB of RAM", () => {
    const { model, samples, classes, at, learns } = exported("64-8-4@16")
    expect(learns).toBe(true)
    const { text, freeBytes } = runUno(buildSketch(at, "LearnOnline", core), /learnt \w+\r\n/)
    const host = new HostNetwork(model.network)
    host.load(Buffer.from(model.coefficients), Buffer.alloc(0))
    const lines: string[] = []
    for (let round = 0; round < 3; round++)
      for (const [i, { inputs, label }] of samples.entries())
        lines.push(`sample ${i} is ${classes[label]}, named ${classes[host.train(inputs, label)]}`)
    lines.push(`learnt ${learntHash(model, host).toString(16).toUpperCase()}`)
    expect(text.trim().split("\r\n")).toEqual(lines)
    // The stack never came near the variables.
    expect(freeBytes).toBeGreaterThan(100)
  })

  it("64-16-4 with fan-in 32 names from flash, and cannot learn there", () => {
    const { model, samples, classes, at, learns } = exported("64-16-4@32")
    expect(learns).toBe(false)
    const { text } = runUno(buildSketch(at, "Gesture", core), /done/)
    const host = new HostNetwork(model.network)
    host.load(Buffer.from(model.coefficients), Buffer.alloc(0))
    const named = samples.map(({ inputs }, i) => `sample ${i}: ${classes[host.predict(inputs)]},`)
    const said = text.trim().split("\r\n").slice(0, -1)
    expect(said.map(line => line.replace(/ output.*/, ""))).toEqual(named)
  })

  it("is a library as the IDE wants it", () => {
    const { at } = exported("64-8-4@16")
    const properties = readFileSync(join(at, "library.properties"), "utf8")
    for (const field of ["name", "version", "author", "sentence", "architectures", "includes"])
      expect(properties).toMatch(new RegExp(`^${field}=.+$`, "m"))
    expect(readFileSync(join(at, "keywords.txt"), "utf8")).toMatch(/^wuxing_learn\tKEYWORD2$/m)
    for (const example of ["Gesture", "LearnOnline"])
      expect(existsSync(join(at, "examples", example, `${example}.ino`))).toBe(true)
  })
})

describe("what does not fit", () => {
  it("an Uno has no room for pico-32: what has is said", () => {
    expect(() => exported("pico-32")).toThrow(/too large for an Arduino Uno/)
  })
})
