/** Spoken digits: what docs/signals.md says of them, by the library. */
import { expect, it } from "vitest"
import { readModel } from "../../../host/models/model-source"
import { totalLinks } from "../../../host/network/network-schema"
import { readSignalData } from "../../../host/training/signal-data"
import { describeWith, SPOKEN, taught } from "./own-data"

const SIZE = "160-27-10"
const features = "bands,frames=10,average=4,octaves=6"

describeWith(SPOKEN, "spoken digits", () => {
  it("2,000 to learn, at most 6,400 links: at least 96.5 % of 250 kept recordings", async () => {
    const data = await readSignalData(SPOKEN, { testNames: "_[0-4][.]wav$", features })
    expect([data.train.count, data.test.count]).toEqual([2250, 250])
    expect(totalLinks(readModel(SIZE, 1).network)).toBeLessThanOrEqual(6400)
    expect(await taught(data, 1, { size: SIZE, validation: 250 })).toBeGreaterThanOrEqual(0.965)
    // The core may have to be compiled to WebAssembly first.
  }, 300_000)

  it("a speaker of whom nothing was learnt: no more than the page says, and no less", async () => {
    const trainNames = "_([5-9]|[1-4][0-9])[.]wav$"
    const data = await readSignalData(SPOKEN, { testNames: "_e_", trainNames, features })
    expect([data.train.count, data.test.count]).toEqual([1800, 500])
    const share = await taught(data, 1, { size: SIZE })
    expect(share).toBeGreaterThan(0.7)
    expect(share).toBeLessThan(0.88)
  }, 300_000)
})
