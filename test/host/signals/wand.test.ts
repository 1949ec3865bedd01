/** Digits drawn in the air: what docs/signals.md says of them, by the library. */
import { expect, it } from "vitest"
import { drawSamples } from "../../../host/data/samples"
import { parseVariation } from "../../../host/signals/vary"
import {
  readSignalData,
  recordingsFor,
  signalDataOf,
  sizeFor,
} from "../../../host/training/signal-data"
import type { Images } from "../../../host/training/training-data"
import { describeWith, taught, WAND } from "./own-data"

function some(images: Images, places: number[]): Images {
  const pixels = images.width * images.height
  return {
    ...images,
    count: places.length,
    images: Uint8Array.from(
      places.flatMap(i => [...images.images.subarray(i * pixels, (i + 1) * pixels)]),
    ),
    labels: Uint8Array.from(places, i => images.labels[i]),
  }
}

describeWith(WAND, "digits drawn in the air", () => {
  const read = () => readSignalData(WAND, { rate: 25, testEvery: 4 })

  it("60 strokes a digit, 64-16-10: at least 98.5 % of 200 kept strokes", async () => {
    const data = await read()
    expect([data.train.count, data.test.count]).toEqual([600, 200])
    expect(sizeFor(data)).toBe("64-16-10")
    expect(data.classes).toEqual(["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"])
    expect(await taught(data, 1)).toBeGreaterThanOrEqual(0.985)
    // The core may have to be compiled to WebAssembly first.
  })

  it("three strokes a digit: at least 91 %, mean of ten draws", async () => {
    const data = await read()
    const draws = await Promise.all(
      Array.from({ length: 10 }, async (_, draw) => {
        const order = drawSamples(data.train.count, data.train.count, draw + 1, 0x33)
        const few = Array.from({ length: 10 }, (_, digit) =>
          order.filter(i => data.train.labels[i] === digit).slice(0, 3),
        ).flat()
        return await taught({ ...data, train: some(data.train, few) }, draw + 1)
      }),
    )
    const mean = draws.reduce((a, b) => a + b) / draws.length
    expect(draws.length).toBe(10)
    expect(mean).toBeGreaterThanOrEqual(0.91)
  })

  it("one stroke a digit: more than 5 points better with variants, mean of four draws", async () => {
    const set = await recordingsFor(WAND, { rate: 25, testEvery: 4 }, {})
    const { signal } = await signalDataOf(WAND, set, {})
    const vary = parseVariation("copies=9,speed=0.1,warp=0.2,stretch=0.2,turn=0.2")
    const means = { bare: 0, varied: 0 }
    for (let draw = 1; draw <= 4; draw++) {
      const order = drawSamples(set.train.length, set.train.length, draw, 0x33)
      const train = set.classes.map(
        name => set.train[order.find(i => set.train[i].label === name)!],
      )
      const one = { ...set, train }
      means.bare += (await taught(await signalDataOf(WAND, one, {}, { signal }), draw)) / 4
      const data = await signalDataOf(WAND, one, { vary }, { signal })
      expect(data.train.count).toBe(100)
      means.varied += (await taught(data, draw)) / 4
    }
    expect(means.varied).toBeGreaterThan(means.bare + 0.05)
  })
})
