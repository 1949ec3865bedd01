/**
 * Few examples, as a board with a sensor is taught (firmware/demos/sensor): after each, three passes through
 * the last 40. From nothing, or from a network that has learnt other classes.
 */
import { expect, it } from "vitest"
import { drawSamples } from "../../../host/data/samples"
import { readModel } from "../../../host/models/model-source"
import { HostNetwork } from "../../../host/network/host-network"
import { linksOf } from "../../../host/network/linking"
import { sizedNetwork } from "../../../host/network/sized-network"
import { readSignalData, type SignalData } from "../../../host/training/signal-data"
import type { Images } from "../../../host/training/training-data"
import { SENSOR_EXAMPLES } from "../../../src/wire/sensor-protocol"
import { describeWith, learnt, WAND } from "./own-data"

const SIZE = "64-16-5"
const PASSES = 3

interface Stroke {
  bytes: Uint8Array
  label: number
}

function strokesOf({ images, labels, width, height }: Images, digits: number[]): Stroke[] {
  const pixels = width * height
  return [...labels.keys()]
    .filter(i => digits.includes(labels[i]))
    .map(i => ({
      bytes: images.subarray(i * pixels, (i + 1) * pixels),
      label: digits.indexOf(labels[i]),
    }))
}

function imagesOf(like: Images, strokes: Stroke[]): Images {
  return {
    ...like,
    count: strokes.length,
    images: Uint8Array.from(strokes.flatMap(({ bytes }) => [...bytes])),
    labels: Uint8Array.from(strokes, ({ label }) => label),
  }
}

/** Share of the test strokes classified correctly after so many examples a digit, one number each. */
function board(
  host: HostNetwork,
  strokes: { train: Stroke[]; test: Stroke[] },
  most: number,
  lastLayerOnly: boolean,
): number[] {
  const hidden = Buffer.from(host.coefficients().subarray(0, 2 * linksOf(host.network, 1)))
  const examples: Stroke[] = []
  return Array.from({ length: most }, (_, n) => {
    for (let label = 0; label < 5; label++) {
      examples.push(strokes.train.filter(stroke => stroke.label === label)[n])
      for (let pass = 0; pass < PASSES; pass++)
        for (const { bytes, label: of } of examples.slice(-SENSOR_EXAMPLES)) {
          host.train(bytes, of)
          if (!lastLayerOnly) continue
          const all = host.coefficients()
          hidden.copy(all)
          host.load(all, Buffer.alloc(0))
        }
    }
    const right = strokes.test.filter(({ bytes, label }) => host.predict(bytes) === label)
    return right.length / strokes.test.length
  })
}

describeWith(WAND, "five digits that a network has never seen, few strokes each", () => {
  it("one stroke: better from a network that knows the other five; five: more than 95 % in every way", async () => {
    const data = await readSignalData(WAND, { rate: 25, testEvery: 4 })
    const halves = [
      [0, 1, 2, 3, 4],
      [5, 6, 7, 8, 9],
    ]
    const draws = 2
    const sums = { nothing: [0, 0], known: [0, 0], last: [0, 0] }
    for (const [known, fresh] of [halves, [...halves].reverse()]) {
      const other: SignalData = {
        ...data,
        classes: known.map(String),
        train: imagesOf(data.train, strokesOf(data.train, known)),
        test: imagesOf(data.test, strokesOf(data.test, known)),
      }
      const coefficients = (await learnt(other, 1, { size: SIZE })).coefficients
      const strokes = strokesOf(data.train, fresh)
      const test = strokesOf(data.test, fresh)
      for (let draw = 1; draw <= draws; draw++) {
        const train = drawSamples(strokes.length, strokes.length, draw, 0x33).map(i => strokes[i])
        const from = () => {
          const host = new HostNetwork(readModel(SIZE, 1).network)
          const all = host.coefficients()
          // The hidden layer's come first; the last layer begins anew.
          Buffer.from(coefficients).copy(all, 0, 0, 2 * linksOf(host.network, 1))
          host.load(all, Buffer.alloc(0))
          return host
        }
        const found = {
          nothing: board(new HostNetwork(sizedNetwork(SIZE, draw)), { train, test }, 5, false),
          known: board(from(), { train, test }, 5, false),
          last: board(from(), { train, test }, 5, true),
        }
        for (const [how, shares] of Object.entries(found)) {
          sums[how as keyof typeof sums][0] += shares[0] / (2 * draws)
          sums[how as keyof typeof sums][1] += shares[4] / (2 * draws)
        }
      }
    }
    expect(sums.known[0]).toBeGreaterThan(sums.nothing[0] + 0.03)
    for (const [, five] of Object.values(sums)) expect(five).toBeGreaterThan(0.95)
  }, 300_000)
})
