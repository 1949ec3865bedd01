/** Networks with shared kernels: how they are named and described, what they may be, and who refuses them. */
import { describe, expect, test } from "vitest"
import { WuxingError } from "../../../host/base/errors"
import { decodeModel, encodeModel } from "../../../host/models/model-file"
import { readModel, untrained } from "../../../host/models/model-source"
import { coefficientFigures } from "../../../host/network/coefficient-figures"
import { HostNetwork } from "../../../host/network/host-network"
import {
  coefficientMax,
  coefficientMaxOf,
  kernelsOf,
  largestSignal,
  linksOf,
  type Network,
  type Window,
} from "../../../host/network/network"
import { buildShard } from "../../../host/network/shard"
import { sizedNetwork } from "../../../host/network/sized-network"
import { faultOf } from "../../../host/network/validate"
import { wiringOf } from "../../../host/network/wiring"
import { linearise } from "../../../host/nir/linearise"
import { spikingGraph } from "../../../host/nir/spiking/compile"
import { recipeOf } from "../../../host/training/recipes"
import { TrainingEngine } from "../../../host/training/training-engine"

const LARGE = "784-20c6s2-30c5s2-10"

describe("a name with kernels", () => {
  test("says how many rings each window has, and how many coefficients there are", () => {
    const net = sizedNetwork(LARGE, 1)
    expect(net.layers.map(({ neurons }) => neurons)).toEqual([20 * 12 * 12, 30 * 4 * 4, 10])
    expect(kernelsOf(net, 1)).toMatchObject({ columns: 12, rows: 12, channels: 20, synapses: 40 })
    expect(kernelsOf(net, 2)).toMatchObject({ columns: 4, rows: 4, channels: 30, synapses: 60 })
    expect(kernelsOf(net, 3)).toBeUndefined()
    expect([1, 2, 3].map(layer => linksOf(net, layer))).toEqual([1440, 60000, 38400])
    expect(new HostNetwork(net).coefficients().length).toBe(2 * 99840)
    // A ring of the second layer reads all 40 signals of each of 25 places: here those of the last window's last.
    const sources = wiringOf(net).sources(2)
    const last = sources[480 * 2 - 1]
    expect(last.length).toBe(1000)
    expect(last.at(-1)).toBe((10 * 12 + 10) * 40 + 39)
  })

  test("may give width and height, leave the step out, and mix with other layers", () => {
    const net = sizedNetwork("64-3c4x2-5c2s2-8-4", 1)
    expect(net.layers[0].window).toEqual({
      ...{ across: 8, down: 8, width: 4, height: 2, stride: 1, shared: true },
    })
    expect(net.layers[1].window).toEqual({
      ...{ across: 5, down: 7, width: 2, height: 2, stride: 2, shared: true },
    })
    expect(net.layers[2].window).toBeUndefined()
    expect(recipeOf(net)).toMatchObject({ batch: 32, rounding: "once" })
  })

  test.each([
    ["784-2c40-10", /windows of layer 1 are 40x40 on 28x28 places/],
    ["60-2c3-10", /what layer 1 reads is not laid out as a picture/],
    ["784-16-2c3-10", /what layer 2 reads is not laid out as a picture/],
    ["784-200c3s1-10", /more than 65,535 signals/],
    ["784-90c27-9c1-10", /layer 1 have 131220 coefficients, at most 65535/],
    ["16384-2c3s1-10", /over which a change could leave 32 bits/],
  ])("that cannot be, %s, is refused with a hint", (name, why) => {
    const error = caught(() => sizedNetwork(name, 1))
    expect(error.code).toBe("network-size")
    expect(error.message).toMatch(why)
    expect(error.help).toMatch(/784-8c6s2-10/)
  })

  test("that is misspelt gets the spelling", () => {
    const error = caught(() => readModel("784-20c6s-10", 1))
    expect(error.code).toBe("model-unknown")
    expect(error.help).toMatch(/20c6x4s2/)
  })
})

function caught(does: () => unknown): WuxingError {
  try {
    does()
  } catch (error) {
    expect(error).toBeInstanceOf(WuxingError)
    return error as WuxingError
  }
  throw new Error("nothing was refused")
}

describe("a description with kernels", () => {
  const net = sizedNetwork("64-3c4s1-5", 1)
  const plain = { ...net, layers: net.layers.map(layer => ({ ...layer, finer: 0 })) }
  const withWindow = (window: Partial<Window>, neurons = 75, fanIn = 16): Network => ({
    ...net,
    layers: [
      { ...net.layers[0], neurons, fanIn, window: { ...net.layers[0].window!, ...window } },
      net.layers[1],
    ],
  })

  test("is sound as it is named", () => expect(faultOf(net)).toBe(""))

  test.each<[string, Network, RegExp]>([
    ["windows anywhere", withWindow({ stride: undefined }), /share coefficients, so they need a/],
    ["a pitch", withWindow({ pitch: 2, width: 2, height: 8 }, 12, 16), /read every place of a row/],
    ["outputs", { ...net, layers: [net.layers[0]] }, /the last layer: outputs share nothing/],
    ["bounded changes", { ...plain, linkBound: 4 }, /learn by the plain product alone/],
    ["other rings", { ...plain, ring: { k1: 4096, k2: 1024, k3: 3072 } }, /K1 = 1/],
    [
      "wide clamps",
      { ...net, lambdaMax: 8192, elementMax: 12288, signalBits: 12 },
      /leave 32 bits/,
    ],
  ])("is refused for %s", (_, description, why) => expect(faultOf(description)).toMatch(why))

  test("bounds the sums of each layer by a clamp of its own", () => {
    const large = sizedNetwork(LARGE, 1)
    const signal = largestSignal(large)
    const [first, second] = [1, 2].map(layer => coefficientMaxOf(large, layer))
    expect(first).toBe(32767)
    expect(second * 1000 * signal).toBeLessThan(2 ** 31)
    expect((second + 1) * 1000 * signal).toBeGreaterThanOrEqual(2 ** 31)
    // A signal in the middle is in 3 x 3 windows of 60 synapses.
    const fans = new Map<number, number>()
    for (const sources of wiringOf(large).sources(2))
      for (const s of sources) fans.set(s, (fans.get(s) ?? 0) + 1)
    expect(Math.max(...fans.values())).toBe(3 * 3 * 60)
    expect(second * 540 * large.lambdaMax).toBeLessThan(2 ** 31)
    expect(coefficientMax(large)).toBe(coefficientMaxOf(large, 3))
    const figures = coefficientFigures(large, new HostNetwork(large).coefficients())
    // So that the first layer's, of few links each, begin as wide as they should.
    expect(figures.pairs[0].deviation).toBeCloseTo(1 / 6, 2)
    expect(figures.all.clamped).toBe(0)
  })

  test("comes back from a model file", () => {
    const model = untrained(net)
    const back = decodeModel(encodeModel(model), "model")
    expect(back.network).toEqual(net)
    const host = new HostNetwork(back.network)
    host.load(Buffer.from(back.coefficients), Buffer.alloc(0))
    expect(host.coefficients().equals(new HostNetwork(net).coefficients())).toBe(true)
  })
})

describe("kernels are refused by name", () => {
  const model = untrained(sizedNetwork("64-3c4s2-5", 1))

  test.each<[string, () => unknown]>([
    ["NIR", () => linearise(model)],
    ["spiking neurons", () => spikingGraph(model, { steps: 32, neuron: "if" })],
  ])("by %s", (_, does) => {
    const error = caught(does)
    expect(error.code).toBe("shared-kernels")
    expect(error.message).toContain("64-3c4s2-5")
  })

  test("by batches that are rounded image by image", async () => {
    const refused = TrainingEngine.start(model.network, { batch: 4 })
    await expect(refused).rejects.toMatchObject({ code: "rounding-each" })
  })

  test("by a shard that is to have some of a layer", () => {
    const slices = [{ layer: 1, first: 0, count: 9 }]
    expect(() => buildShard(model.network, slices, 1)).toThrow(/a whole layer, not 9 neurons/)
  })
})
