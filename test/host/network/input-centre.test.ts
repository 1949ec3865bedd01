/** Inputs about a middle, and the networks without hidden neurons that have them. */
import { describe, expect, it } from "vitest"
import { untrained } from "../../../host/models/model-source"
import type { Network } from "../../../host/network/description"
import { HostNetwork } from "../../../host/network/host-network"
import { networkSchema, totalLinks } from "../../../host/network/network-schema"
import { pico16 } from "../../../host/network/presets"
import { sizedNetwork } from "../../../host/network/sized-network"
import { faultOf } from "../../../host/network/validate"
import { linearise } from "../../../host/nir/linearise"
import { Header } from "../../../src/core/layout"

/** Mean displacement of element 1 of a ring that is driven by u on element 0, by its equation in float64. */
function response({ steps, elementMin, elementMax }: Network, u: number): number {
  let e = [1, 1, 1, 1, 1]
  let sum = 0
  const rate = (x: number[], i: number) =>
    x[(i + 4) % 5] - 0.5 * x[i] - 0.5 * x[i] * x[(i + 3) % 5] + (i === 0 ? u : 0)
  for (let s = 0; s < steps; s++) {
    const f = e.map((_, i) => rate(e, i))
    const p = e.map((x, i) => x + 0.75 * f[i])
    e = e.map((x, i) =>
      Math.min(elementMax / 4096, Math.max(elementMin / 4096, x + 0.375 * (f[i] + rate(p, i)))),
    )
    sum += e[1] - 1
  }
  return sum / steps
}

describe("inputs about a middle", () => {
  it("drive their neurons by how far they are from it; 0 by nothing", () => {
    for (const inputCentre of [1, 90, 128, 255]) {
      const network = { ...pico16(1), inputScale: 8192, inputCentre }
      const { memory } = new HostNetwork(network)
      const table = memory.readInt32LE(Header.InputTable)
      expect(memory.readInt16LE(table)).toBe(0)
      expect(memory.readInt16LE(table + 2 * inputCentre)).toBe(0)
      for (let pixel = 1; pixel < 256; pixel++) {
        const whole = memory.readInt16LE(table + 2 * pixel) / 2 ** network.signalBits
        const exact = response(network, (2 * (pixel - inputCentre)) / 255)
        expect(Math.abs(whole - exact)).toBeLessThan(0.004)
      }
    }
  })

  it("are kept in files within 0 to 255, and in no graph", () => {
    const network = { ...pico16(1), inputCentre: 128 }
    expect(networkSchema.parse(network)).toEqual(network)
    expect(faultOf({ ...network, inputCentre: 256 })).toContain("inputCentre must be")
    expect(() => linearise(untrained(network))).toThrow(/about a middle/)
  })
})

describe("a size without hidden neurons", () => {
  it("is a readout: one synapse a class, inputs about 128", () => {
    const network = sizedNetwork("40-10", 3)
    expect(totalLinks(network)).toBe(400)
    expect(network.inputCentre).toBe(128)
    expect(sizedNetwork("40-16-10", 3).inputCentre).toBeUndefined()
  })

  it("learns what a line parts, to the bit by its seed", () => {
    const inputs = Array.from({ length: 200 }, (_, i) =>
      Uint8Array.from({ length: 6 }, (_, k) => 128 + ((i * 37 + k * 53) % 61) - 30),
    )
    const label = (x: Uint8Array) => (x[0] + x[1] - x[2] > 128 ? 1 : 0)
    const host = new HostNetwork(sizedNetwork("6-2", 1))
    for (let epoch = 0; epoch < 20; epoch++) for (const x of inputs) host.train(x, label(x))
    const right = inputs.filter(x => host.predict(x) === label(x)).length
    expect(right).toBeGreaterThan(180)
  })
})
