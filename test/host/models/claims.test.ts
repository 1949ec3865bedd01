/** What a model or links file claims is checked before memory is taken for it: the error says so, and is short. */
import { createHash } from "node:crypto"
import { describe, expect, it } from "vitest"
import type { WuxingError } from "../../../host/base/errors"
import { parseJson } from "../../../host/base/json-text"
import { parseLinks } from "../../../host/models/links-file"
import { decodeModel, encodeModel } from "../../../host/models/model-file"
import { untrained } from "../../../host/models/model-source"
import { sizedNetwork } from "../../../host/network/sized-network"

const NAMED = 16
const model = { ...untrained(sizedNetwork("4-3-2", 1)), training: null }
const header = () => {
  const bytes = encodeModel(model)
  return JSON.parse(bytes.toString("utf8", NAMED, NAMED + bytes.readUInt32LE(12)))
}

/** A model file with another header, sound by its checksum. */
function withHeader(text: string): Buffer {
  const bytes = encodeModel(model)
  const json = Buffer.from(text)
  const prefix = Buffer.from(bytes.subarray(0, NAMED))
  prefix.writeUInt32LE(json.length, 12)
  const arrays = bytes.subarray(NAMED + bytes.readUInt32LE(12), -32)
  const content = Buffer.concat([prefix, json, arrays])
  return Buffer.concat([content, createHash("sha256").update(content).digest()])
}

function refusal(act: () => unknown): WuxingError {
  try {
    act()
  } catch (error) {
    return error as WuxingError
  }
  throw new Error("nothing was refused")
}

const many = (text: string, count: number) => `[${`${text},`.repeat(count)}${text}]`
const training = { command: "c", seed: 1, epochs: 1, samples: 1, accuracy: {} }
const feature = { kind: "trace", points: 2, rate: 1, unit: 1, scale: "own", floor: 0 }

describe("a model file", () => {
  it("is read as it stands where only its header is written again", () => {
    expect(decodeModel(withHeader(JSON.stringify(header())), "f")).toEqual(model)
  })

  // "@" stands for what is too much.
  const cases: [string, (head: Record<string, unknown>) => object, string][] = [
    [
      "layers",
      h => ({ ...h, network: { ...(h.network as object), layers: "@" } }),
      many("1", 500_000),
    ],
    [
      "sources",
      h => ({ ...h, network: { ...(h.network as object), given: "@" } }),
      many('"x"', 500_000),
    ],
    [
      "more values than are read",
      h => ({ ...h, training: { ...training, settings: { k: "@" } } }),
      many("0", 8_500_000),
    ],
    [
      "brackets",
      h => ({ ...h, training: { ...training, settings: { k: "@" } } }),
      `${"[".repeat(100_000)}${"]".repeat(100_000)}`,
    ],
    ["classes", h => ({ ...h, training: { ...training, classes: "@" } }), many('"x"', 500_000)],
    [
      "a class's name",
      h => ({ ...h, training: { ...training, classes: ["@"] } }),
      `"${"x".repeat(1_000_000)}"`,
    ],
    [
      "a command",
      h => ({ ...h, training: { ...training, command: "@" } }),
      `"${"x".repeat(1_000_000)}"`,
    ],
    [
      "channels",
      h => ({ ...h, signal: { features: { ...feature, take: ["values"], channels: "@" } } }),
      many('"x"', 500_000),
    ],
    ["arrays", h => ({ ...h, arrays: "@" }), many("1", 500_000)],
    [
      "unknown members",
      h => ({ ...h, more: "@" }),
      `0,${Array.from({ length: 100_000 }, (_, i) => `"k${i}":0`).join()}`,
    ],
    [
      "a network larger than its file",
      h => ({ ...h, network: { ...(h.network as object), width: 65_535, layers: "@" } }),
      many('{"neurons":65535,"inputs":5,"outputFirst":0,"outputs":1,"fanIn":65535}', 9),
    ],
  ]
  for (const [what, change, much] of cases)
    it(`with too many or too long: ${what}`, () => {
      const text = JSON.stringify(change(header())).replace(/"@"/, () => much)
      const error = refusal(() => decodeModel(withHeader(text), "f"))
      expect(error).toMatchObject({ code: "model-invalid", kind: "data" })
      expect(error.message).not.toContain("call stack")
      expect(error.message.length).toBeLessThan(1500)
    })
})

describe("a links file", () => {
  const file = (change: object) =>
    JSON.stringify({
      ...{ format: "wuxing-links", version: 1, name: "n", width: 4 },
      layers: [{ neurons: 2, inputs: 1, outputFirst: 4, outputs: 1 }],
      ...{ links: [[1, 0, 1, 0, 0]], ...change },
    })
  const layer = { neurons: 65_535, inputs: 5, outputFirst: 4, outputs: 1 }
  const cases: [string, string][] = [
    ["wrong links", file({ links: "@" }).replace('"@"', many("[1,0,9,0,2]", 1_000_000))],
    ["more links than are read", file({ links: "@" }).replace('"@"', many("[]", 1_100_000))],
    ["more values than are read", file({ links: "@" }).replace('"@"', many("0", 8_000_000))],
    ["layers", file({ layers: "@" }).replace('"@"', many("0", 1_000_000))],
    ["synapses", file({ layers: Array(16).fill(layer) })],
    ["brackets", "[".repeat(1_000_000)],
    ["a link that is a book", file({ links: ["x".repeat(1_000_000)] })],
  ]
  it("is read without that", () => {
    expect(parseLinks(file({}), "f").network.layers.length).toBe(1)
  })
  for (const [what, text] of cases)
    it(`with too many or too long: ${what}`, () => {
      const error = refusal(() => parseLinks(text, "f"))
      expect(error).toMatchObject({ code: "links-invalid", kind: "data" })
      expect(error.message.length).toBeLessThan(1500)
    })
})

describe("bounds of JSON", () => {
  const bounds = { values: 10, depth: 2 }
  const read = (text: string) => parseJson(Buffer.from(text), bounds)
  it("count what is outside of texts", () => {
    const text = '{"a,[{:\\"[":["\\\\",1,2]}'
    expect(read(text)).toEqual(JSON.parse(text))
    expect(read(`\ufeff${text}`)).toEqual(JSON.parse(text))
    expect(() => read("[[[]]]")).toThrow("more than 2 levels")
    expect(() => read(many("1", 12))).toThrow("more than 10 values")
    expect(() => read('"')).toThrow("not JSON")
    expect(() => read("[1,\n\n2")).toThrow(/not JSON/)
    expect(() => parseJson(Buffer.of(0x22, 0xff, 0x22), bounds)).toThrow()
  })
})
