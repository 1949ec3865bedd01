/** A share whose links are picked, on the real machine: images in slices, and what is no image. */
import { beforeAll, describe, expect, it } from "vitest"
import { encodeRuns, pickSlices } from "../../host/data/runs"
import { HostNetwork } from "../../host/network/host-network"
import { preset } from "../../host/network/presets"
import { buildShard } from "../../host/network/shard"
import { pickedShare, pickedSources } from "../../host/network/shard-places"
import { activateRuns, clearImage } from "../../src/core/image"
import { Part } from "../../src/core/layout"
import { partAt } from "../../src/core/run"
import { Command, ImageFlag, SignalsField } from "../../src/wire/protocol"
import { address, randomImage, readI16, uniform, wholeForward } from "../src/core/helpers"
import { bench, expectRefused, expectSaid, imageSlice, load, said, useBoards } from "./service"

useBoards(1)

const network = preset("pico-32", 1)!
const slices = pickedShare(network, [{ layer: 1, first: 8, count: 8 }])!
const sources = pickedSources(network, slices)!

describe("a share of pico-32 whose links are picked", () => {
  const image = randomImage(784, uniform(3), 0.2)
  const parts = pickSlices(image, sources, 200)

  beforeAll(async () => {
    expect(said(await load(bench, buildShard(network, slices, 4)))).toBe("Commit Ok")
  })

  /** What the whole network on the host makes of the image, of the neurons 8 to 15. */
  function onHost(): number[] {
    const m = new HostNetwork(network).memory
    const part = partAt(0)
    const runs = encodeRuns(image)
    clearImage(m, part)
    activateRuns(m, part, runs, 0, runs.length, 0)
    wholeForward(m, part)
    const { outputs } = network.layers[0]
    return readI16(m, address(m, part, Part.BusOut) + 2 * 8 * outputs, 8 * outputs)
  }

  async function takes(sample: number): Promise<void> {
    const last = parts.length - 1
    for (const [i, { pixel, runs }] of parts.entries()) {
      let flags = i === 0 ? ImageFlag.First : 0
      if (i === last) flags |= ImageFlag.Last | ImageFlag.Flush
      const payload = imageSlice({ sample, pixel, runs: Buffer.from(runs), flags })
      const reports = await expectSaid(Command.Image, payload, i === last ? ["Signals"] : [])
      if (i < last) continue
      const values = reports[0].payload.subarray(SignalsField.Length)
      expect(readI16(values, 0, values.length >> 1)).toEqual(onHost())
    }
  }

  it("takes an image in slices, and reports the signals that the host has", async () => {
    expect(parts.length).toBeGreaterThan(1)
    expect(new Set(onHost()).size).toBeGreaterThan(10)
    await takes(4)
  })

  const bad: [string, number[]][] = [
    ["no byte", []],
    ["synapses without an end", [80, 80]],
    ["an end too many", Array(17).fill(80)],
    ["a move past a synapse's links", [81, ...Array(15).fill(80)]],
    ["bytes after the last synapse", [...Array(16).fill(80), 0]],
    ["a full packet of moves by nothing", Array(220).fill(0)],
    ["a full packet of moves by 255", Array(220).fill(255)],
  ]
  it.each(bad)("refuses %s, and takes the next image", async (what, runs) => {
    await expectRefused({
      ...{ what, command: Command.Image, number: 12, says: "Fault Image BadImage" },
      payload: imageSlice({ sample: 12, runs: Buffer.from(runs) }),
    })
    await takes(13)
  })
})
