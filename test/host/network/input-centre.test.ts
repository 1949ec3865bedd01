/** Inputs about a middle, and the networks without hidden neurons that have them. */
import { describe, expect, it } from "vitest"
import { modelBytes } from "../../../host/export/devicescript/model-module"
import { untrained } from "../../../host/models/model-source"
import type { Network } from "../../../host/network/description"
import { HostNetwork, wholeNetwork } from "../../../host/network/host-network"
import { networkSchema, totalLinks } from "../../../host/network/network-schema"
import { pico16 } from "../../../host/network/presets"
import { buildShard } from "../../../host/network/shard"
import { sizedNetwork } from "../../../host/network/sized-network"
import { faultOf } from "../../../host/network/validate"
import { linearise } from "../../../host/nir/linearise"
import { costOfShare } from "../../../host/partition/cost"
import { TrainingEngine } from "../../../host/training/training-engine"
import { Header } from "../../../src/core/layout"
import { randomImage, uniform } from "../../src/core/helpers"

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

describe("blank pixels that count as a value", () => {
  const middle = { inputScale: 4096, inputCentre: 90 }
  const counting = (inputBlank: number, more: Partial<Network> = {}) => ({
    ...{ ...sizedNetwork("64-3c3s2-5c2-4", 2), ...middle, inputBlank },
    ...more,
  })
  const next = uniform(8)
  const images = Array.from({ length: 96 }, () => randomImage(64, next, 0.5))
  /** What a person would paint in their place. */
  const painted = (image: Uint8Array, value: number, floor = 1) =>
    Uint8Array.from(image, pixel => (pixel < floor ? value : pixel))

  it("drive their neurons as that value does, in every engine", async () => {
    for (const [value, floor] of [
      [1, 1],
      [70, 1],
      [255, 1],
      [40, 60],
    ]) {
      const network = counting(value, { inputFloor: floor })
      const [counts, plain] = [network, counting(0)].map(net => new HostNetwork(net))
      const table = counts.memory.readInt32LE(Header.InputTable)
      const row = (pixel: number) => counts.memory.readInt16LE(table + 2 * pixel)
      expect(row(0)).toBe(row(value))
      expect(row(floor - 1)).toBe(row(value))
      expect(row(0)).not.toBe(0)
      for (const [i, image] of images.entries())
        expect(counts.train(image, i % 4)).toBe(plain.train(painted(image, value, floor), i % 4))
      expect(counts.coefficients()).toEqual(plain.coefficients())
      await sameInBatches(network, value, floor)
    }
  })

  async function sameInBatches(network: Network, value: number, floor: number): Promise<void> {
    const taught = async (net: Network, shown: Uint8Array[], distorted: boolean) => {
      const engine = await TrainingEngine.start(net, { batch: 32, rounding: "once", workers: 1 })
      try {
        const labels = Uint8Array.from(shown, (_, i) => i % 4)
        const store = engine.store(Buffer.concat(shown), labels)
        const indices = Int32Array.from(shown, (_, i) => i)
        // What a distortion makes of a picture may be blank too.
        const distort = (_: number, image: Uint8Array) =>
          image.map(pixel => (pixel > 200 ? 0 : pixel))
        await engine.train(store, indices, distorted ? { distort } : {})
        return { named: [...(await engine.predict(store, indices))], learnt: engine.coefficients }
      } finally {
        await engine.close()
      }
    }
    const plain = counting(0)
    const repainted = images.map(image => painted(image, value, floor))
    const counted = await taught(network, images, false)
    expect(counted).toEqual(await taught(plain, repainted, false))
    expect(counted.learnt).not.toEqual(new HostNetwork(network).coefficients())
    const bright = images.map(image => image.map(pixel => (pixel > 200 ? 0 : pixel)))
    const { learnt } = await taught(network, images, true)
    expect(learnt).toEqual((await taught(network, bright, false)).learnt)
  }

  it("are kept in files, for shared kernels alone, and no program of its own takes them", () => {
    const network = counting(1)
    expect(networkSchema.parse(network)).toEqual(network)
    expect(faultOf(network)).toBe("")
    expect(faultOf(counting(256))).toContain("inputBlank must be")
    expect(faultOf({ ...pico16(1), inputBlank: 1 })).toContain("inputBlank needs shared kernels")
    expect(() => modelBytes(untrained(network), ["a", "b", "c", "d"])).toThrow(
      /blank pixels count as 1/,
    )
    expect(modelBytes(untrained(counting(0)), ["a", "b", "c", "d"]).bytes.length).toBeGreaterThan(0)
  })

  it("cost a board what any pixel costs", () => {
    const [counts, plain] = [1, 0].map(value => {
      const network = counting(value)
      return costOfShare(network, buildShard(network, wholeNetwork(network), 8), 8).forward[1]
    })
    expect(counts).toBeGreaterThan(1.3 * plain)
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
