/**
 * How fast the program is on an RP2040 at 125 MHz, by rp2040js's count of cycles (waits of the flash's
 * cache are not in it; the loops over links and steps run from RAM, which has none).
 */
import { readFileSync } from "node:fs"
import { describe, expect, it } from "vitest"
import { imageAt, readMnist } from "../../../host/data/mnist"
import { CycleCounter } from "../../../host/hardware/emulator/cycle-counter"
import { LISTING_PATH } from "../../../host/hardware/emulator/firmware-file"
import { Stream } from "../../../host/hardware/emulator/stream"
import { untrained } from "../../../host/models/model-source"
import { drawLinks, type Network } from "../../../host/network/network"
import { preset } from "../../../host/network/presets"
import { parseBoards } from "../../../host/partition/board-spec"
import { planNetwork } from "../../../host/partition/plan"
import {
  type Listing,
  type NativeProfile,
  profileNative,
  shardOf,
} from "../../../host/profile/native"
import { numberIn, tableOn } from "../../docs/pages"
import { uf2 } from "./benches"

const listing: Listing = JSON.parse(readFileSync(LISTING_PATH, "utf8"))
const { train, test } = readMnist()
/** Spread over all, as `wuxing profile` takes them. */
const images = { ...test, width: 28, height: 28 }

/** Cycles a sample in each function: named, and learnt. */
async function functionsOf(network: Network, count: number) {
  const stream = new Stream(uf2, shardOf(untrained(network)))
  const counter = new CycleCounter(stream.pico, listing.functions)
  const pictures = Array.from({ length: count }, (_, i) => imageAt(train, i))
  await stream.infer(pictures)
  const named = counter.take()
  const all = pictures.map((image, i) => stream.learn(image, train.labels[i]))
  expect(all.every(({ learned }) => learned)).toBe(true)
  const learnt = counter.take()
  const per = (cycles: Map<string, number>, name: string) => (cycles.get(name) ?? 0) / count
  return {
    dense: per(named, "sumDense"),
    sparse: per(named, "image_sumRuns"),
    learning: per(learnt, "learnRuns"),
  }
}

/** Links of the first layer that the pixels of an image drive, on average over the first images. */
function drivenLinks(network: Network, count: number): number {
  const links = drawLinks(network, 1).flat()
  let driven = 0
  for (let i = 0; i < count; i++) {
    const image = imageAt(train, i)
    driven += links.filter(source => image[source] !== 0).length
  }
  return driven / count
}

/** What a plan for one native board says, images a second streamed, as shares of what was counted. */
function predictedShares(network: Network, { inference, learn }: NativeProfile): number[] {
  const plan = planNetwork(network, parseBoards("pico-native:1"))
  return [
    plan.predictedSamplesPerSecond / inference.streamedPerSecond,
    plan.learning.predictedSamplesPerSecond / learn!.streamedPerSecond,
  ]
}

function expectNear(shares: number[]): void {
  for (const share of shares) {
    expect(share).toBeGreaterThan(0.65)
    expect(share).toBeLessThan(1.35)
  }
}

describe("at 125 MHz", () => {
  it("pico-16: 800 inferences and 300 learnt samples a second", async () => {
    const model = untrained(preset("pico-16", 1)!)
    const profile = await profileNative(model, uf2, listing, images, 8)
    const { inference, learn, learned } = profile
    expect(learned).toBeGreaterThan(4)
    expect(inference.computedPerSecond).toBeGreaterThan(800)
    expect(learn!.computedPerSecond).toBeGreaterThan(300)
    expectNear(predictedShares(model.network, profile))
  })

  it("15 cycles a multiply-accumulate", async () => {
    const count = 6
    const network = preset("pico-16", 1)!
    const figures = await functionsOf(network, count)
    const last = network.layers.at(-1)!
    expect(figures.dense / (last.neurons * last.inputs * 32)).toBeLessThan(15)

    // The same with half the links: what one of the others costs is a multiply-accumulate.
    const [first, ...others] = network.layers
    const sparser = { ...network, layers: [{ ...first, fanIn: first.fanIn / 2 }, ...others] }
    const more = drivenLinks(network, count) - drivenLinks(sparser, count)
    const fewer = await functionsOf(sparser, count)
    expect(more).toBeGreaterThan(200)
    expect(fewer.sparse).toBeGreaterThan(0)
    expect((figures.sparse - fewer.sparse) / more).toBeLessThan(15)
    expect((figures.learning - fewer.learning) / more).toBeLessThan(35)
  })

  it("MODEL1 whole: 30 and 10, four fifths of it streamed over USB", async () => {
    const model = untrained(preset("model1", 1)!)
    const profile = await profileNative(model, uf2, listing, images, 4)
    const { inference, learn } = profile
    expectNear(predictedShares(model.network, profile))
    for (const [cost, most] of [
      [inference, 30],
      [learn!, 10],
    ] as const) {
      expect(cost.computedPerSecond).toBeGreaterThan(most)
      expect(cost.streamedPerSecond / cost.computedPerSecond).toBeGreaterThan(0.8)
    }
    // The page's figures are of 50 images.
    const stated = tableOn("docs/native-boards.md", "on one RP2040 at 125 MHz").slice(2)
    const found = [
      [inference.computedPerSecond, learn!.computedPerSecond],
      [inference.streamedPerSecond, learn!.streamedPerSecond],
    ]
    for (const [i, rates] of found.entries())
      for (const [k, rate] of rates.entries()) {
        expect(rate / numberIn(stated[i][k + 1])).toBeGreaterThan(0.9)
        expect(rate / numberIn(stated[i][k + 1])).toBeLessThan(1.1)
      }
  })
})
