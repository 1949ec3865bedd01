/** Boards that compute for seconds are not taken for lost. */
import { expect, test } from "vitest"
import { sampleDeadline } from "../../../host/fleet/deadline"
import type { Network } from "../../../host/network/network"
import { fleet64, pico16 } from "../../../host/network/presets"
import { buildShard } from "../../../host/network/shard"
import { parseBoards } from "../../../host/partition/board-spec"
import { planNetwork } from "../../../host/partition/plan"

function planned(network: Network, spec: string) {
  const on = parseBoards(spec)
  const plan = planNetwork(network, on)
  const shards = plan.boards.map(b => buildShard(network, b.slices, plan.slots))
  return {
    plan,
    ms: sampleDeadline(
      ...([network, shards, plan.slots] as const),
      on.map(b => b.profile.id),
    ),
  }
}

test("a deadline has room for all images under way, and for a lesson", () => {
  const { plan, ms } = planned(fleet64(1), "pico:4")
  // 0.34 s an image on the slowest board, many of them under way; 1.3 s a lesson.
  expect(ms).toBeGreaterThan((2 * plan.slots * 1000) / plan.predictedSamplesPerSecond)
  expect(ms).toBeGreaterThan(2 * plan.learning.msPerSample)
  expect(ms).toBeLessThan(60_000)
})

test("boards that compute in no time are missed after some seconds", () => {
  expect(planned(pico16(1), "virtual:2").ms).toBeLessThan(3_500)
  expect(planned(pico16(1), "pico-native").ms).toBeLessThan(3_500)
})

test("a board there is no profile of counts as a Pico", () => {
  const network = pico16(1)
  const shard = buildShard(
    network,
    [
      { layer: 1, first: 0, count: 16 },
      { layer: 2, first: 0, count: 10 },
    ],
    8,
  )
  const of = (profile: string) => sampleDeadline(network, [shard], 8, [profile])
  expect(of("unknown")).toBe(of("pico"))
})

test("boards that are emulated may take as many times longer as they are slower", () => {
  const network = pico16(1)
  const shard = buildShard(
    network,
    [
      { layer: 1, first: 0, count: 16 },
      { layer: 2, first: 0, count: 10 },
    ],
    4,
  )
  const of = (slower?: number) => sampleDeadline(network, [shard], 4, ["pico"], slower)
  const beyond = of() - 2_500
  expect(beyond).toBeGreaterThan(500)
  expect(of(20) - 2_500).toBeGreaterThan(19 * beyond)
})
