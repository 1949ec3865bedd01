/** What boards say of their own times, beside the operations counted while they computed. */
import { describe, expect, it } from "vitest"
import { imageAt, readMnist } from "../../../host/data/mnist"
import { countsByFunction, totalOf } from "../../../host/hardware/program-functions"
import { wholeNetwork } from "../../../host/network/host-network"
import { pico16 } from "../../../host/network/presets"
import { buildShard } from "../../../host/network/shard"
import { CountedBoard } from "../../../host/profile/counted-board"
import { type BoardPart, partsBetween, timesOf } from "../../../host/session/board-times"
import { LayerTimes, StatusField, TimesField } from "../../../src/wire/protocol"
import { firmware } from "../../firmware/compiled"

/** A Pico carries out 0.33 million a second. */
const MS_PER_OPERATION = 1 / 330
const SAMPLES = 5

const { train } = readMnist(process.env.WUXING_MNIST)

/** By hand: which functions of the core do which part. */
const FUNCTIONS: Record<string, string[]> = {
  images: ["activateRuns", "sumRuns", "clearImage"],
  forward: ["forward", "settleForwardTwo", "sumDense"],
  backward: ["settleBackwardTwo", "packNoise", "draw", "outputError", "bestOutput"],
  learning: ["learnRuns", "learnDense"],
}

describe("a board's own times", () => {
  it("are those of the operations it carried out, on a machine whose clock goes by them", async () => {
    const bytecode = await firmware()
    // Every image teaches something: no lead is as large as that.
    const network = { ...pico16(1), margin: 32_767 }
    const board = await CountedBoard.start(bytecode, MS_PER_OPERATION)
    await board.load(buildShard(network, wholeNetwork(network), 1))
    const before = timesOf(await board.status())!
    const counted = board.machine.counts()
    expect(before).toMatchObject({ tickMs: 1, samples: 0, learnt: 0 })
    for (let i = 0; i < SAMPLES; i++)
      expect((await board.learn(imageAt(train, i), train.labels[i], i)).learned).toBe(true)
    const counts = board.machine.counts().map((n, i) => n - counted[i])
    const after = timesOf(await board.status())!
    expect(after).toMatchObject({ samples: SAMPLES, learnt: SAMPLES })

    const parts = partsBetween(before, after)
    const told = (kind: BoardPart["kind"]) =>
      parts.reduce((sum, part) => sum + (part.kind === kind ? part.ms : 0), 0)
    const byName = countsByFunction(bytecode, counts)
    const ms = (operations: number) => (operations * MS_PER_OPERATION) / SAMPLES
    for (const [kind, names] of Object.entries(FUNCTIONS)) {
      const operations = names.reduce((sum, name) => sum + totalOf(byName.get(name)!), 0)
      const said = told(kind as BoardPart["kind"])
      // What leads from one function to the next is in it too, and a tick may be on either side.
      expect(said, kind).toBeGreaterThan(0.97 * ms(operations) - 1)
      expect(said, kind).toBeLessThan(1.03 * ms(operations) + 3)
    }
    const computed = parts.reduce((sum, part) => sum + (part.kind === "reports" ? 0 : part.ms), 0)
    const all = ms(counts.reduce((sum, n) => sum + n, 0))
    expect(computed).toBeGreaterThan(0.97 * all)
    expect(computed).toBeLessThan(all)
  })

  it("are means of the samples in between, and none where a program tells none", () => {
    const reply = (samples: number, learnt: number, ticks: number) => {
      const from = StatusField.Length
      const at = from + TimesField.OfLayers
      const bytes = Buffer.alloc(at + 2 * LayerTimes.Length)
      bytes.writeUInt16LE(1, from + TimesField.Tick)
      bytes[from + TimesField.Layers] = 2
      bytes.writeUInt32LE(samples, from + TimesField.Samples)
      bytes.writeUInt32LE(learnt, from + TimesField.Learnt)
      bytes.writeUInt32LE(ticks, from + TimesField.Images)
      bytes.writeUInt32LE(ticks, at + LayerTimes.Length + LayerTimes.Learn)
      return bytes
    }
    // A clock of µs comes round after 72 minutes.
    const before = timesOf(reply(10, 4, 2 ** 32 - 1_000))!
    expect(partsBetween(before, timesOf(reply(20, 6, 5_000))!)).toEqual([
      { kind: "images", layer: 0, ms: 0.6 },
      { kind: "learning", layer: 2, ms: 3 },
    ])
    expect(partsBetween(before, before)).toEqual([])
    expect(timesOf(reply(10, 4, 0).subarray(0, StatusField.Length))).toBeUndefined()
  })
})
