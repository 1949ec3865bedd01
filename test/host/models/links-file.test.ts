import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, test } from "vitest"
import type { WuxingError } from "../../../host/base/errors"
import { parseLinks } from "../../../host/models/links-file"
import { decodeModel, encodeModel } from "../../../host/models/model-file"
import { readModel } from "../../../host/models/model-source"
import { exchangeCoefficients } from "../../../host/network/exchange"
import { coefficientsOf, HostNetwork } from "../../../host/network/host-network"
import { drawLinks, isDense, linksOf } from "../../../host/network/network"
import { faultOf } from "../../../host/network/validate"
import { Part } from "../../../src/core/layout"
import { partAt } from "../../../src/core/run"
import { temporaryFolder } from "../../temporary"

const folder = temporaryFolder("links")

/** Two pixels of four signals, three hidden neurons, two outputs. */
const good = () => ({
  format: "wuxing-links",
  version: 1,
  name: "by hand",
  width: 2,
  inputSignals: 4,
  strict: true,
  seed: 4,
  layers: [
    { neurons: 3, inputs: 4, outputFirst: 3, outputs: 2 },
    { neurons: 2, inputs: 4, outputFirst: 4, outputs: 1 },
  ],
  links: [
    [1, 0, 4, 2, 1],
    [1, 0, 1, 0, 0, 0.5],
    [1, 1, 3, 0, 2, -0.25],
    [2, 0, 3, 0, 0, 1],
    [2, 0, 4, 1, 3],
    [2, 2, 4, 1, 0, -1.5],
  ] as unknown[],
})

function refusal(
  change: (file: ReturnType<typeof good> & Record<string, unknown>) => void,
): string {
  const file = good()
  change(file)
  try {
    parseLinks(JSON.stringify(file), "f.json")
  } catch (error) {
    expect((error as WuxingError).code).toBe("links-invalid")
    expect((error as WuxingError).kind).toBe("data")
    return (error as WuxingError).message
  }
  return "none"
}

describe("a links file", () => {
  test("gives exactly its links, with the coefficients it states and the others drawn", () => {
    const { network, coefficients } = parseLinks(JSON.stringify(good()), "f.json")
    expect(faultOf(network)).toBe("")
    // Synapse = neuron · inputs + element; source = neuron · outputs + element − first.
    const first: number[][] = Array.from({ length: 12 }, () => [])
    first[0] = [0]
    first[2] = [4 + 2]
    first[9] = [3]
    expect(drawLinks(network, 1)).toEqual(first)
    expect(drawLinks(network, 2)).toEqual([[0], [], [], [], [5], [], [], [1]])
    expect([linksOf(network, 1), linksOf(network, 2)]).toEqual([3, 3])
    const values = Array.from({ length: 6 }, (_, i) => coefficients.readInt16LE(2 * i))
    // By layer, then synapse: 0.5, −0.25, drawn | 1, −1.5, drawn.
    expect([0, 1, 3, 4].map(i => values[i] / 8192)).toEqual([0.5, -0.25, 1, -1.5])
    const drawn = new HostNetwork(network).coefficients()
    expect([2, 5].map(i => values[i])).toEqual([2, 5].map(i => drawn.readInt16LE(2 * i)))
    expect([1, 2].map(layer => isDense(network, layer))).toEqual([false, false])
  })

  test("may sum several links on a synapse, and is kept sparse even if every one is there", () => {
    const file = good()
    file.strict = false
    file.links = [[1, 0, 1, 0, 0]]
    for (let to = 0; to < 2; to++)
      for (let into = 0; into < 4; into++)
        for (let from = 2; from >= 0; from--)
          for (const out of [4, 3]) file.links.push([2, from, out, to, into])
    const model = parseLinks(JSON.stringify(file), "f.json")
    expect(drawLinks(model.network, 2)).toEqual(Array.from({ length: 8 }, () => [0, 1, 2, 3, 4, 5]))
    expect(isDense(model.network, 2)).toBe(false)
    const host = new HostNetwork(model.network)
    for (let i = 0; i < 30; i++) host.train(Uint8Array.of(255, 200), i % 2)
    expect(host.coefficients().equals(model.coefficients)).toBe(false)
    expect(coefficientsOf(model.network, [host.memory]).length).toBe(2 * 49)
  })

  test("is a model like others: by its name, and in a model file", () => {
    const path = join(folder, "hand.json")
    writeFileSync(path, `\ufeff  ${JSON.stringify(good(), null, 2)}`)
    const model = readModel(path, 9)
    expect(model.network.seed).toBe(4)
    expect(decodeModel(encodeModel(model), "x")).toEqual(model)
  })

  test("runs as its numbers say: one link from one pixel moves one output", () => {
    const file = {
      ...good(),
      links: [
        [1, 0, 1, 1, 0, 1],
        [2, 1, 3, 1, 2, 2],
      ],
    }
    const { network, coefficients } = parseLinks(JSON.stringify(file), "f.json")
    const host = new HostNetwork(network)
    const memory = host.memory
    exchangeCoefficients(memory, network, coefficients, true)
    host.predict(Uint8Array.of(0, 255))
    const bus = memory.readInt32LE(partAt(1) + Part.BusOut)
    const outputs = () => [memory.readInt16LE(bus), memory.readInt16LE(bus + 2)]
    expect(outputs()).toEqual([0, 0])
    host.predict(Uint8Array.of(255, 0))
    expect(outputs()[0]).toBe(0)
    expect(outputs()[1]).not.toBe(0)
    expect(coefficients.length).toBe(4)
  })
})

describe("a links file is refused, and says which link and why:", () => {
  const cases: [string, Parameters<typeof refusal>[0], RegExp][] = [
    [
      "no such layer",
      f => f.links.push([3, 0, 3, 0, 1]),
      /links\[6\].*layer 3 does not exist, expected 1 to 2/,
    ],
    ["layer 0", f => f.links.push([0, 0, 3, 0, 1]), /links\[6\].*layer 0/],
    [
      "no such source neuron",
      f => f.links.push([1, 2, 1, 0, 1]),
      /links\[6\].*source neuron 2.*has 2/,
    ],
    ["no such target neuron", f => f.links.push([2, 0, 3, 2, 1]), /links\[6\].*target neuron 2/],
    [
      "no output element",
      f => f.links.push([2, 0, 2, 0, 1]),
      /links\[6\].*element 2 is no output.*3 to 4/,
    ],
    [
      "the pixel's own element",
      f => f.links.push([1, 0, 0, 0, 1]),
      /links\[6\].*element 0 is no output.*1 to 4/,
    ],
    [
      "no input element",
      f => f.links.push([2, 2, 3, 0, 4]),
      /links\[6\].*element 4 is no input.*0 to 3/,
    ],
    ["a link twice", f => f.links.push([1, 0, 4, 2, 1]), /links\[6\].*there already as links\[0\]/],
    [
      "an output used twice",
      f => f.links.push([2, 0, 3, 0, 1]),
      /links\[6\].*layer 1, neuron 0, element 3 is an output already, of links\[3\]/,
    ],
    [
      "an input used twice",
      f => f.links.push([1, 1, 1, 0, 0]),
      /links\[6\].*layer 1, neuron 0, element 0 is an input already/,
    ],
    [
      "an interface in and out",
      f => f.links.push([1, 1, 1, 0, 3]),
      /links\[6\].*element 3 is an output already/,
    ],
    [
      "a coefficient the sums have no room for",
      f => f.links.push([1, 1, 1, 1, 0, 4]),
      /links\[6\].*coefficient 4 is larger than/,
    ],
    ["a coefficient past four", f => f.links.push([1, 1, 1, 1, 0, 4.5]), /links\[6\]/],
    [
      "too few numbers",
      f => f.links.push([1, 1, 1, 1]),
      /links\[6\].*expected \[layer, source neuron/,
    ],
    ["text for a number", f => f.links.push([1, "1", 1, 1, 0]), /links\[6\].*expected \[layer/],
    ["a fraction of a neuron", f => f.links.push([1, 0.5, 1, 1, 0]), /links\[6\]/],
    ["no links", f => (f.links = []), /links/],
    ["no layers", f => (f.layers = []), /layers/],
    ["another format", f => (f.format = "links"), /format/],
    ["another version", f => (f.version = 2), /version/],
    ["an unknown field", f => (f.sede = 1), /sede/],
    ["a setting out of range", f => (f.settings = { steps: 40 }), /steps must be 2…16/],
    ["an unknown setting", f => (f.settings = { step: 4 }), /settings.*step/],
  ]
  test("but the file these change is not", () => expect(refusal(() => {})).toBe("none"))
  for (const [what, change, expected] of cases)
    test(what, () => expect(refusal(change)).toMatch(expected))

  test("text that is no JSON, with the line the parser stopped at", () => {
    const text = JSON.stringify(good(), null, 2).replace('"strict": true,', '"strict": true')
    expect(() => parseLinks(text, "f.json")).toThrow(/f\.json is not valid: it is not JSON.*line 8/)
  })
})
