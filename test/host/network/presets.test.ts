import { createHash } from "node:crypto"
import { describe, expect, test } from "vitest"
import { packedBytes } from "../../../host/models/few-bits"
import { HostNetwork } from "../../../host/network/host-network"
import { linkRatios } from "../../../host/network/link-ratio"
import { networkSchema } from "../../../host/network/network-schema"
import { fleet64, pico16, preset, presetNames } from "../../../host/network/presets"
import { faultOf } from "../../../host/network/validate"
import { network } from "../../src/core/helpers"

/** Layers and links, counted by hand: neurons · synapses · links per synapse. */
const EXPECTED: Record<string, { layers: string; links: number[] }> = {
  model1: { layers: "784-839-283-96-32-10", links: [3136, 1055, 360, 120, 40] },
  model2: { layers: "784-1048-353-119-40-10", links: [3136, 1048, 353, 119, 40] },
  "mnist-kernels": {
    layers: "784-2880-480-10",
    links: [20 * 2 * 6 * 6, 30 * 2 * 5 * 5 * 40, 10 * 4 * 960],
  },
  "mnist-tiny": {
    layers: "784-1440-224-10",
    links: [10 * 2 * 6 * 6, 14 * 2 * 5 * 5 * 20, 10 * 2 * 448],
  },
  "mnist-windows": {
    layers: "784-300-100-10",
    links: [300 * 2 * 14 * 14, 100 * 2 * 300, 10 * 4 * 200],
  },
  "fashion-windows": {
    layers: "784-432-92-10",
    links: [12 * 12 * 3 * 2 * 6 * 6, 92 * 2 * 432 * 2, 10 * 4 * 184],
  },
  "fashion-kernels": {
    layers: "784-2304-384-36-10",
    links: [16 * 2 * 6 * 6, 24 * 2 * 5 * 5 * 32, 36 * 2 * 24 * 2 * 4 * 4, 10 * 4 * 72],
  },
  "fleet-deep": {
    layers: "784-300-100-10",
    links: [300 * 3 * 150, 100 * 3 * 150, 10 * 4 * 150],
  },
  "fleet-300": { layers: "784-300-10", links: [300 * 3 * 196, 10 * 4 * 196] },
  "fleet-64": { layers: "784-64-10", links: [64 * 3 * 128, 10 * 4 * 128] },
  "pico-32": { layers: "784-32-10", links: [32 * 2 * 80, 10 * 2 * 64] },
  "pico-16": { layers: "784-16-10", links: [16 * 2 * 96, 10 * 2 * 32] },
  "pico-fast": { layers: "784-12-10", links: [12 * 2 * 64, 10 * 24] },
  "pico-alone": { layers: "784-11-10", links: [11 * 2 * 60, 10 * 22] },
}

describe("the presets", () => {
  test("are these fourteen, by name", () => {
    expect(presetNames).toEqual(Object.keys(EXPECTED))
    expect(preset("model3", 1)).toBeUndefined()
    expect(preset("", 1)).toBeUndefined()
    expect(preset("pico-16", 7)).toEqual(pico16(7))
  })

  for (const name of presetNames)
    test(`${name} has the layers and links its name stands for, and can be built`, () => {
      const net = preset(name, 11)!
      expect(net.name).toBe(name)
      expect(net.seed).toBe(11)
      expect(faultOf(net)).toBe("")
      expect(networkSchema.parse(net)).toEqual(net)
      expect([net.width, ...net.layers.map(l => l.neurons)].join("-")).toBe(EXPECTED[name].layers)
      expect(linkRatios(net).pairs.map(({ links }) => links)).toEqual(EXPECTED[name].links)
      const bytes = new HostNetwork(net).coefficients().length
      expect(bytes).toBe(2 * EXPECTED[name].links.reduce((a, b) => a + b))
    })

  test("keep mnist-tiny within 12 kB of coefficients, two in a byte", () => {
    const net = preset("mnist-tiny", 1)!
    expect(packedBytes(net)).toBe(EXPECTED["mnist-tiny"].links.reduce((a, b) => a + b) / 2)
    expect(packedBytes(net)).toBeLessThanOrEqual(12_000)
    expect(packedBytes(preset("mnist-kernels", 1)!)).toBe(2 * 99_840)
  })

  test("784-16-10 of seed 1 begins as it always has", () => {
    // From the first version: what it draws may not change with the other kinds of networks.
    const [hidden, output] = fleet64(1).layers
    const layers = [{ ...hidden, neurons: 16, fanIn: 64 }, output]
    const hash = createHash("sha256")
      .update(new HostNetwork({ ...fleet64(1), layers }).coefficients())
      .digest("hex")
    expect(hash).toBe("daf15629efa733a6aea67b1adf3303c6e9d534963f150d386cb1e137d5c3113b")
  })
})

describe("link ratios", () => {
  test("are links over pairs of neurons, as in the paper's example: 6 links of 3 to 4 are 50 %", () => {
    const given = Array.from({ length: 4 * 2 }, (_, t) => (t < 6 ? [t % 3] : []))
    const { pairs, pooled } = linkRatios(
      network([{ neurons: 4, inputs: 2 }], { width: 3, linking: "explicit", given: [given] }),
    )
    expect(pairs).toEqual([{ before: 3, after: 4, links: 6, possible: 12, ratio: 0.5 }])
    expect(pooled).toEqual({ links: 6, possible: 12, ratio: 0.5 })
  })

  test("pool links and pairs, not ratios", () => {
    const { pairs, pooled } = linkRatios(
      network(
        [
          { neurons: 10, inputs: 1, fanIn: 2 },
          { neurons: 2, inputs: 1, fanIn: 20 },
        ],
        { width: 20 },
      ),
    )
    expect(pairs.map(({ ratio }) => ratio)).toEqual([20 / 200, 40 / 20])
    expect(pooled.ratio).toBe(60 / 220)
  })
})
