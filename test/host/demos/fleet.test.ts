/** `wuxing demo fleet` as a user runs it, shortened; the host's bits are computed here once more. */
import { createHash } from "node:crypto"
import { readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, expect, test } from "vitest"
import { z } from "zod"
import { imageAt, readMnist } from "../../../host/data/mnist"
import { drawSamples } from "../../../host/data/samples"
import { HostNetwork } from "../../../host/network/host-network"
import { fleet64 } from "../../../host/network/presets"
import { wuxing } from "../cli/run-cli"

const TRAIN = 60
const SEED = 5
const svg = join(tmpdir(), `wuxing-fleet-${process.pid}.svg`)
afterAll(() => rmSync(svg, { force: true }))

const documentSchema = z.strictObject({
  schema: z.literal("wuxing:demo-fleet:1"),
  demo: z.literal("fleet"),
  network: z.literal("fleet-64"),
  seed: z.literal(SEED),
  boards: z.array(z.object({ neurons: z.int().positive() })).length(4),
  accuracyBefore: z.number(),
  accuracyAfter: z.number(),
  trained: z.literal(TRAIN),
  tested: z.literal(20),
  unplugged: z.strictObject({ board: z.number(), sample: z.number(), by: z.literal("software") }),
  recoveries: z.number(),
  samplesPerSecond: z.number().positive(),
  coefficientsHash: z.string(),
  hostHash: z.string(),
  hostMatches: z.literal(true),
  progress: z.array(z.strictObject({ seconds: z.number(), samples: z.number() })),
})

test("learning goes on after a cable was pulled, and ends with the bits of an undisturbed run", async () => {
  const sizes = ["--train", `${TRAIN}`, "--test", "20", "--seed", `${SEED}`]
  const ended = await wuxing(["demo", "fleet", ...sizes, "--svg", svg, "--json"])
  expect([ended.status, ended.stderr]).toEqual([0, expect.stringMatching(/cable .* is pulled/)])
  const result = documentSchema.parse(JSON.parse(ended.stdout))
  expect(result.boards.reduce((sum, b) => sum + b.neurons, 0)).toBe(74)

  const { sample } = result.unplugged
  expect(result.recoveries).toBeGreaterThanOrEqual(1)
  // Something was lost and learnt again, and what came before the checkpoint was not.
  const samples = result.progress.map(p => p.samples)
  const back = samples.findIndex((s, i) => i > 0 && s <= samples[i - 1])
  expect(samples[back - 1]).toBeGreaterThanOrEqual(sample)
  expect(samples[back]).toBeGreaterThan(0)
  expect(samples.at(-1)).toBe(TRAIN)

  const { train } = readMnist()
  const host = new HostNetwork(fleet64(SEED))
  // What the tool draws its training images with.
  for (const i of drawSamples(train.count, TRAIN, SEED, 0x7472))
    host.train(imageAt(train, i), train.labels[i])
  const hash = createHash("sha256").update(host.coefficients()).digest("hex")
  expect(result.coefficientsHash).toBe(hash)
  expect(readFileSync(svg, "utf8")).toContain("it is back")
})
