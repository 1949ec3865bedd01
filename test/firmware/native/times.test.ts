/** What a native board says of its own times, beside the cycles counted while it computed. */
import { readFileSync } from "node:fs"
import { afterAll, beforeAll, expect, it } from "vitest"
import { imageAt, readMnist } from "../../../host/data/mnist"
import { Relay } from "../../../host/fleet/relay"
import { CycleCounter } from "../../../host/hardware/emulator/cycle-counter"
import { LISTING_PATH } from "../../../host/hardware/emulator/firmware-file"
import { wholeNetwork } from "../../../host/network/host-network"
import { pico16 } from "../../../host/network/presets"
import { buildShard } from "../../../host/network/shard"
import { type BoardPart, partsBetween } from "../../../host/session/board-times"
import { Bench, command } from "../bench"
import { type NativeBenches, startNativeBenches } from "./benches"

const SAMPLES = 20
const CYCLES_PER_MS = 125_000

const { train } = readMnist(process.env.WUXING_MNIST)
const { functions } = JSON.parse(readFileSync(LISTING_PATH, "utf8"))

/** By hand: which functions of the program do which part. */
const FUNCTIONS: Record<string, string[]> = {
  images: ["image_sumRuns", "clearImage", "takeImage"],
  forward: ["forward", "settleForwardTwo", "sumDense"],
  backward: ["settleBackwardTwo", "noise_draw", "run_bestOutput"],
  learning: ["learnRuns", "learnDense"],
}

let all: NativeBenches
beforeAll(async () => {
  all = await startNativeBenches({ Bench, command }, 1)
})
afterAll(() => all?.stop())

it("tells the time that its cycles took, part by part", async () => {
  // Every image teaches something: no lead is as large as that.
  const network = { ...pico16(1), margin: 32_767 }
  const slices = wholeNetwork(network)
  const { board } = all.benches[0]
  await board.load(buildShard(network, slices, 8))
  const relay = new Relay(network, [{ board, slices }])
  const before = (await board.status()).times!
  const counter = new CycleCounter(all.picos[0], functions)
  const { nanos } = all.picos[0]
  for (let i = 0; i < SAMPLES; i++)
    expect((await relay.learn(imageAt(train, i), train.labels[i], i, i)).learned).toBe(true)
  const elapsed = (all.picos[0].nanos - nanos) / 1e6
  const cycles = counter.take()
  const after = (await board.status()).times!
  expect(after).toMatchObject({ tickMs: 0.001, samples: SAMPLES, learnt: SAMPLES })

  const parts = partsBetween(before, after)
  const told = (kind: BoardPart["kind"]) =>
    parts.reduce((sum, part) => sum + (part.kind === kind ? part.ms : 0), 0)
  for (const [kind, names] of Object.entries(FUNCTIONS)) {
    const counted = names.reduce((sum, name) => sum + cycles.get(name)!, 0)
    const ms = counted / CYCLES_PER_MS / SAMPLES
    const said = told(kind as BoardPart["kind"])
    // Interrupts and what leads from one function to the next are in it too; the clock counts whole µs.
    expect(said, kind).toBeGreaterThan(0.98 * ms)
    expect(said, kind).toBeLessThan(1.05 * ms + 0.01)
  }
  const sum = parts.reduce((sum, { ms }) => sum + ms, 0)
  expect(sum * SAMPLES).toBeLessThan(elapsed)
})
