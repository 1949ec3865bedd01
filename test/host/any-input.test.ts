/**
 * Whatever stands in a configuration file or after an option: it is taken, or refused with an error of
 * ours that says what it is about. Valid inputs are damaged in one place or two, which gets further
 * than random ones; those come too.
 */
import { readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { type ErrorKind, WuxingError } from "../../host/base/errors"
import { readBoardProfile, readChipProfile } from "../../host/hardware/board-profile"
import { parseLocation } from "../../host/hardware/location"
import { resolvePorts, splitPorts } from "../../host/link/port-names"
import { parseLinks } from "../../host/models/links-file"
import { parseLayout } from "../../host/panel/layout"
import { parseBoards } from "../../host/partition/board-spec"
import { temporaryFolder } from "../temporary"
import { readFolder } from "./data/read-set"

const folder = temporaryFolder("any")

const root = (path: string) => new URL(`../../${path}`, import.meta.url)
const json = (path: string) => JSON.parse(readFileSync(root(path), "utf8"))

/** @returns whether it was taken; throws what is not an error by name of these kinds */
function taken(read: () => unknown, ...kinds: ErrorKind[]): boolean {
  try {
    read()
    return true
  } catch (error) {
    if (!(error instanceof WuxingError)) throw error
    expect(kinds).toContain(error.kind)
    expect(error.code).toMatch(/^[a-z]+(-[a-z]+)*$/)
    expect(error.message.length).toBeGreaterThan(10)
    expect(error.help).toBeTruthy()
    return false
  }
}

/** Values that a field was not made for. */
const odd = fc.oneof(
  fc.constantFrom(null, true, "", "0", 0, -1, 0.5, 1e308, Number.MAX_SAFE_INTEGER + 1, [], {}),
  fc.constantFrom("__proto__", "constructor", "\0", "🜂", "../../package", [[]], [null]),
  fc.jsonValue(),
)

/** A document with one to three of its values replaced, taken out or put under another name. */
function damaged(document: unknown): fc.Arbitrary<unknown> {
  const step = fc.record({
    path: fc.array(fc.nat(40), { minLength: 1, maxLength: 6 }),
    how: fc.constantFrom("replace", "remove", "rename", "repeat"),
    value: odd,
  })
  return fc.array(step, { minLength: 1, maxLength: 3 }).map(steps => {
    const copy = structuredClone({ root: document }) as Record<string, unknown>
    for (const { path, how, value } of steps) {
      let at = copy as Record<string, unknown>
      let key = "root"
      for (const turn of path) {
        const inner = at[key]
        if (inner === null || typeof inner !== "object") break
        const keys = Object.keys(inner)
        if (keys.length === 0) break
        at = inner as Record<string, unknown>
        key = keys[turn % keys.length]
      }
      // Copies: the values are the same ones in every run, and one in itself would be no document.
      if (how === "replace") at[key] = structuredClone(value)
      else if (how === "remove") delete at[key]
      else if (how === "rename") {
        at[`${key}x`] = at[key]
        delete at[key]
      } else if (Array.isArray(at)) at.push(structuredClone(at[Number(key)]))
    }
    return copy.root
  })
}

/** A text with some of its characters replaced, cut out or cut off. */
const damagedText = (text: string) =>
  fc
    .array(fc.tuple(fc.nat(text.length - 1), fc.nat(3), fc.string({ maxLength: 3 })), {
      minLength: 1,
      maxLength: 3,
    })
    .map(cuts =>
      cuts.reduce((t, [at, length, with_]) => t.slice(0, at) + with_ + t.slice(at + length), text),
    )

describe("whatever is in it", () => {
  it("a board's or chip's profile is taken or refused", () => {
    const path = join(folder, "pico.json")
    const check = (text: string) => {
      writeFileSync(path, text)
      taken(() => readBoardProfile("pico", folder), "data", "usage")
      taken(() => readChipProfile("pico", folder), "data", "usage")
    }
    const valid = [json("boards/pico.json"), { ...json("boards/loihi.json"), id: "pico" }]
    check(JSON.stringify(valid[0]))
    expect(taken(() => readBoardProfile("pico", folder))).toBe(true)
    for (const each of valid) {
      fc.assert(fc.property(damaged(each), it => check(JSON.stringify(it) ?? "")))
      fc.assert(fc.property(damagedText(JSON.stringify(each)), check))
    }
    fc.assert(fc.property(fc.string(), check))
    // Names that are no file's, and those that lead elsewhere.
    const name = fc.oneof(fc.string(), fc.constantFrom("../package", "pico.json", "/etc/x"))
    fc.assert(
      fc.property(name, id => {
        expect(taken(() => readBoardProfile(id), "usage")).toBe(false)
      }),
    )
  })

  it("a layout of a panel is taken or refused", () => {
    for (const name of ["leds", "lcd", "i2c-lcd", "seven-segment"]) {
      const layout = json(`host/panel/layouts/${name}.json`)
      expect(taken(() => parseLayout(layout, name))).toBe(true)
      fc.assert(
        fc.property(damaged(layout), it => {
          taken(() => parseLayout(it, name), "usage", "data")
        }),
      )
    }
    fc.assert(
      fc.property(fc.jsonValue(), it => {
        taken(() => parseLayout(it, "any"), "usage", "data")
      }),
    )
  })

  it("a file of links is taken or refused", () => {
    const links = {
      ...{ format: "wuxing-links", version: 1, name: "any", width: 2, inputSignals: 2 },
      layers: [
        { neurons: 2, inputs: 2, outputFirst: 2, outputs: 1 },
        { neurons: 2, inputs: 1, outputFirst: 4, outputs: 1 },
      ],
      links: [
        ...[0, 1, 2, 3].map(k => [1, k, k >> 1, k & 1, 100]),
        ...[0, 1].map(k => [2, k, k, 0, -7]),
      ],
    }
    fc.assert(
      fc.property(damaged(links), it => {
        taken(() => parseLinks(JSON.stringify(it) ?? "", "any"), "data")
      }),
    )
    fc.assert(
      fc.property(damagedText(JSON.stringify(links)), it => {
        taken(() => parseLinks(it, "any"), "data")
      }),
    )
  })

  it("a list of boards to plan for is taken or refused, and never more than there may be", () => {
    const word = fc.constantFrom("pico", "esp32-c3", "ESP32_S2", "loihi", "host", "pic", ":", ",")
    const spec = fc.array(fc.oneof(word, fc.stringMatching(/^[:,\w -]{0,4}$/)), { maxLength: 6 })
    fc.assert(
      fc.property(
        fc.oneof(
          spec.map(all => all.join("")),
          damagedText("pico:4,esp32-c3:2"),
        ),
        it => {
          if (taken(() => parseBoards(it), "usage")) {
            const boards = parseBoards(it)
            expect(boards.length).toBeGreaterThan(0)
            expect(boards.length).toBeLessThanOrEqual(64)
            expect(new Set(boards.map(({ id }) => id)).size).toBe(boards.length)
          }
        },
      ),
    )
  })

  it("a place for boards is one, or none, and ports are found or refused", () => {
    const known = [{ path: "/dev/ttyACM0", serialNumber: "JD0123456789abcdef" }]
    const text = fc.oneof(
      fc.string(),
      damagedText("sim:2@some/folder"),
      damagedText("serial:/dev/ttyACM0,JD0123*"),
      damagedText("mqtts://me:secret@lab.example:8884/room-3?ca=ca.pem"),
    )
    fc.assert(
      fc.property(text, it => {
        const location = parseLocation(it, 8)
        if (!location) return
        if (location.kind === "serial") {
          taken(() => resolvePorts(location.ports, known), "board", "usage")
          return
        }
        if (location.kind === "mqtt") {
          expect(location.address.room).toMatch(/^[\w.-]{1,64}$/)
          return
        }
        expect(location.boards).toBeGreaterThanOrEqual(1)
        expect(location.boards).toBeLessThanOrEqual(8)
        expect(location.folder).not.toBe("")
      }),
    )
    fc.assert(
      fc.property(fc.string(), it => {
        taken(() => resolvePorts(splitPorts(it), known), "board", "usage")
      }),
    )
  })

  it("a folder of IDX files is read or refused", () => {
    const images = Buffer.alloc(16 + 3 * 4)
    for (const [i, value] of [0x803, 3, 2, 2].entries()) images.writeUInt32BE(value, 4 * i)
    const labels = Buffer.alloc(8 + 3)
    for (const [i, value] of [0x801, 3].entries()) labels.writeUInt32BE(value, 4 * i)
    const pair = { "images-idx3-ubyte": images, "labels-idx1-ubyte": labels }
    const read = () => readFolder(folder, { width: 2, height: 2, split: "train", outputs: 10 })
    const write = (files: Record<string, Buffer>) => {
      for (const [name, bytes] of Object.entries(files)) writeFileSync(join(folder, name), bytes)
    }
    rmSync(join(folder, "pico.json"), { force: true })
    write(pair)
    expect(taken(read)).toBe(true)
    const change = fc.record({
      file: fc.constantFrom(...(Object.keys(pair) as (keyof typeof pair)[])),
      at: fc.nat(27),
      byte: fc.nat(255),
      length: fc.option(fc.nat(40), { nil: undefined }),
    })
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 3 }), changes => {
        const files = { ...pair }
        for (const { file, at, byte, length } of changes) {
          const bytes = Buffer.from(files[file])
          if (at < bytes.length) bytes[at] = byte
          files[file] =
            length === undefined ? bytes : Buffer.concat([bytes, bytes]).subarray(0, length)
        }
        write(files)
        taken(read, "data")
      }),
    )
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), fc.uint8Array({ maxLength: 60 }), (a, b) => {
        write({ "images-idx3-ubyte": Buffer.from(a), "labels-idx1-ubyte": Buffer.from(b) })
        taken(read, "data")
      }),
    )
  })
})
