import { readFileSync } from "node:fs"
import { expect, test } from "vitest"
import { Fleet } from "../../../host/fleet/fleet"
import { CountedBoards } from "../../../host/hardware/counted-boards"
import { buildFirmware } from "../../../host/hardware/firmware"
import { fleet64, pico16 } from "../../../host/network/presets"
import { parseBoards } from "../../../host/partition/board-spec"
import { planNetwork } from "../../../host/partition/plan"
import { shardBytesOf } from "../../../src/base/heap"
import { randomImage, uniform } from "../../src/core/helpers"
import { largestShare, runsWith } from "./heap"

const HEAP_BYTES = 65_536

test("the largest of three shares takes what is predicted, within 5 %", async () => {
  const share = largestShare(fleet64(1), parseBoards("virtual:3"))
  const { heapBytes } = share
  expect(await runsWith(share, Math.floor(HEAP_BYTES - heapBytes * 1.05))).toBe(true)
  expect(await runsWith(share, Math.ceil(HEAP_BYTES - heapBytes * 0.95))).toBe(false)
})

test("the program for a heap of 40 KiB sets aside what that allows, and runs a plan for such boards", async () => {
  const on = parseBoards("esp32-s2:3")
  const shardBytes = shardBytesOf(on[0].profile.heapBytes)
  const network = pico16(1)
  const plan = planNetwork(network, on)
  expect(plan.feasible).toBe(true)
  const { bytecode, path } = await buildFirmware({ quiet: true, shardBytes })
  expect(readFileSync(path).equals(bytecode)).toBe(true)
  const boards = await CountedBoards.start(3, bytecode, on[0].profile)
  const fleet = new Fleet(
    { network, boards: 3, bytecode, sampleDeadlineMs: 60_000 },
    boards,
    plan.boards.map(b => b.slices),
  )
  try {
    await fleet.begin()
    for (const { heapBytes } of await fleet.boards()) expect(heapBytes).toBeLessThan(24_000)
    const image = randomImage(network.width, uniform(1), 0.4)
    expect((await fleet.learn(() => ({ image, label: 3 }), 2)).done).toBe(2)
  } finally {
    await fleet.close()
  }
})
