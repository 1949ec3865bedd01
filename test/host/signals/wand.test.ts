/** Digits drawn in the air: what docs/signals.md says of them, by the library. */
import { expect, it } from "vitest"
import { drawSamples } from "../../../host/data/samples"
import { readSignalData, sizeFor } from "../../../host/training/signal-data"
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
})
