import { createHash } from "node:crypto"
import { beforeAll, describe, expect, test } from "vitest"
import { type Dataset, imageAt, readMnist } from "../../../host/data/mnist"
import { drawSamples } from "../../../host/data/samples"
import { HostNetwork } from "../../../host/network/host-network"
import type { Network } from "../../../host/network/network"
import { pico16 } from "../../../host/network/presets"
import { network, randomImage, uniform } from "../../src/core/helpers"

const TRAINED = 1000
const TESTED = 500

let train: Dataset
let unseen: Dataset
beforeAll(() => {
  const mnist = readMnist()
  train = mnist.train
  unseen = mnist.test
})

/** Teaches a network the first `samples` of its seed's draw of training images. */
function taught(net: Network, samples: number): HostNetwork {
  const one = new HostNetwork(net)
  for (const i of drawSamples(train.count, samples, net.seed, 1))
    one.train(imageAt(train, i), train.labels[i])
  return one
}

/** Share of the test images it classifies correctly. */
function accuracy(one: HostNetwork): number {
  let right = 0
  const draw = drawSamples(unseen.count, TESTED, one.network.seed, 2)
  for (const i of draw) if (one.predict(imageAt(unseen, i)) === unseen.labels[i]) right++
  return right / draw.length
}

describe("pico-16 on the host", () => {
  test("learns: at least 55 % of 500 unseen images after 1000 samples, from about a tenth", () => {
    const net = pico16(1)
    expect(accuracy(new HostNetwork(net))).toBeLessThan(0.3)
    expect(accuracy(taught(net, TRAINED))).toBeGreaterThanOrEqual(0.55)
  })

  test("ends with the same bytes from the same seed, with others from another", () => {
    const first = taught(pico16(7), 60)
    const again = taught(pico16(7), 60)
    expect(again.coefficients()).toEqual(first.coefficients())
    expect(again.memory).toEqual(first.memory)
    expect(taught(pico16(8), 60).coefficients().equals(first.coefficients())).toBe(false)
  })

  test("ends with other coefficients when the learning shift is altered by one", () => {
    const net = pico16(7)
    const usual = taught(net, 5).coefficients()
    for (const change of [1, -1]) {
      const altered = taught({ ...net, learnShift: net.learnShift + change }, 5).coefficients()
      expect(altered.equals(usual)).toBe(false)
    }
  })

  test("says what it said before the step, and changes nothing by predicting", () => {
    const one = taught(pico16(3), 40)
    const coefficients = one.coefficients()
    for (let i = 0; i < 20; i++) {
      const said = one.predict(imageAt(train, i))
      expect(one.predict(imageAt(train, i))).toBe(said)
      expect(one.coefficients()).toEqual(coefficients)
    }
    const said = one.predict(imageAt(train, 20))
    expect(one.train(imageAt(train, 20), train.labels[20])).toBe(said)
  })

  test("learns nothing from an image it already names by the margin", () => {
    const one = taught({ ...pico16(3), margin: 0 }, 200)
    let certain = 0
    for (let i = 0; i < 40; i++) {
      const before = one.coefficients()
      const said = one.train(imageAt(train, i), train.labels[i])
      if (said === train.labels[i]) {
        certain++
        expect(one.coefficients()).toEqual(before)
      } else expect(one.coefficients().equals(before)).toBe(false)
    }
    expect(certain).toBeGreaterThan(5)
  })

  test("an image that reaches past the network's is answered by −1 and teaches nothing", () => {
    const one = new HostNetwork(pico16(1))
    const before = one.coefficients()
    const wide = new Uint8Array(785).fill(200)
    expect(one.predict(wide)).toBe(-1)
    expect(one.train(wide, 3)).toBe(-1)
    expect(one.coefficients()).toEqual(before)
  })
})

test("the bits are the ones of the day this was written", () => {
  // A seed names one network and one way of learning it: saved coefficients and published figures
  // hang on that. Whoever changes links, numbers or rounding on purpose changes this hash, and says so.
  const net = network(
    [
      { neurons: 6, fanIn: 9 },
      { neurons: 5, fanIn: 6 },
      { neurons: 4, inputs: 4, outputFirst: 4, outputs: 1, fanIn: 60 },
    ],
    { width: 30, seed: 2024, learnShift: 10, margin: 4096 },
  )
  const one = new HostNetwork(net)
  const next = uniform(9)
  for (let sample = 0; sample < 100; sample++)
    one.train(randomImage(net.width, next), Math.floor(next() * 4))
  expect(createHash("sha256").update(one.coefficients()).digest("hex")).toBe(
    "d01538ceb8ff952dea290ce03aed0c9fe7008e2c2e3dd57c4f64f4293219f831",
  )
})
