/** `wuxing demo alone` as a user runs it: what the LED said, what the host's core says, and the flash. */
import { createHash } from "node:crypto"
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { expect, test } from "vitest"
import { z } from "zod"
import { imageAt, readMnist } from "../../../host/data/mnist"
import { blackAndWhite } from "../../../host/demos/alone"
import { SHARD_FILE, shardSource } from "../../../host/demos/alone-network"
import { slotBytes } from "../../../host/fleet/keeping"
import { readBoardProfile } from "../../../host/hardware/board-profile"
import { loadModel } from "../../../host/models/model-file"
import { trainedPath } from "../../../host/models/trained"
import { exchangeCoefficients } from "../../../host/network/exchange"
import { HostNetwork } from "../../../host/network/host-network"
import { Header, Part } from "../../../src/core/layout"
import { partAt } from "../../../src/core/run"
import { ALONE_SAMPLE_BYTES, ALONE_SAMPLES } from "../../../src/wire/demo-protocol"
import { temporaryFolder } from "../../temporary"
import { wuxingProcess } from "../cli/run-cli"

/** One of few whose images have small digits: they take fewer flashes. */
const SEED = 71
const temporary = temporaryFolder("alone")

const documentSchema = z.strictObject({
  schema: z.literal("wuxing:demo-alone:1"),
  demo: z.literal("alone"),
  seed: z.literal(SEED),
  board: z.string(),
  profile: z.literal("virtual"),
  network: z.literal("pico-alone"),
  paceMs: z.literal(80),
  powerCut: z.literal("power cut"),
  images: z.array(
    z.strictObject({
      image: z.int(),
      label: z.int(),
      before: z.int(),
      afterLessons: z.int(),
      afterPower: z.int(),
      hostBefore: z.int(),
      hostAfter: z.int(),
      taught: z.boolean(),
    }),
  ),
  steps: z.int().positive(),
  generation: z.literal(1),
  coefficientBytes: z.literal(3080),
  coefficientsHash: z.string(),
  hostHash: z.string(),
  hostMatches: z.literal(true),
  lights: z.array(z.strictObject({ at: z.number(), colour: z.int() })),
})

function flashes(): Buffer[] {
  return readdirSync(temporary)
    .map(name => join(temporary, name, ".devicescript/flash/sim.bin"))
    .filter(path => existsSync(path))
    .map(path => readFileSync(path))
}

test("a board alone names its images, learns from a button, and has it all after a power cut", async () => {
  let kept: Buffer[] = []
  const args = ["demo", "alone", "--images", "2", "--pace", "80", "--seed", `${SEED}`, "--json"]
  args.push("--on", `sim:1@${temporary}`)
  const { status, stdout, stderr } = await wuxingProcess(args, {
    onStderr: text => {
      if (/names them again/.test(text) && kept.length === 0) kept = flashes()
    },
  })
  expect([status, stderr]).toEqual([0, expect.stringContaining("the button")])
  const result = documentSchema.parse(JSON.parse(stdout))

  // The same lessons, on the host, from the kept model.
  const { network, coefficients } = loadModel(trainedPath("pico-alone"))
  const host = new HostNetwork(network)
  exchangeCoefficients(host.memory, network, coefficients, true)
  const { test: images } = readMnist()
  const seen = (i: number) => imageAt(images, i).map(p => (p < 128 ? 0 : 255))
  const names = () => result.images.map(({ image }) => host.predict(seen(image)))
  const [before, labels] = [names(), result.images.map(({ image }) => images.labels[image])]
  expect(result.images.map(i => i.label)).toEqual(labels)
  expect(before.filter((named, i) => named === labels[i]).length).toBe(1)
  expect(result.images.map(i => i.taught)).toEqual(before.map((named, i) => named !== labels[i]))
  let steps = 0
  for (const { image, label } of result.images)
    for (let k = 0; k < 30 && host.predict(seen(image)) !== label; k++)
      host.train(seen(image), label, steps++)
  expect(result.steps).toBe(steps)
  expect(result.coefficientsHash).toBe(
    createHash("sha256").update(host.coefficients()).digest("hex"),
  )

  // Each naming is what the host's core names, before and after; the LED is read here once more.
  const read: number[] = []
  let count = 0
  let whole = false
  for (const { colour } of result.lights) {
    if (colour === 0x0000ff) {
      whole = true
      count = 0
    }
    if (colour === 0xffffff) count++
    if (colour === 0x181000 && whole) {
      read.push(count % 10)
      count = 0
    }
  }
  const after = names()
  expect(after).toEqual(labels)
  expect(result.images.map(i => i.before)).toEqual(before)
  expect(result.images.map(i => i.afterLessons)).toEqual(after)
  expect(result.images.map(i => i.afterPower)).toEqual(after)
  expect(read.slice(0, 2)).toEqual(before)
  expect(read.slice(-2)).toEqual(after)

  // What it learnt was in flash before the second power cut, in a slot's first chunk.
  expect(kept.length).toBe(1)
  const { memory } = host
  const first = memory.getAt(partAt(0) + Part.Coefficient, "i32")
  expect(kept[0].includes(memory.subarray(first, first + 224))).toBe(true)
})

test("two slots and eight images go into a Pico's settings", () => {
  const { flashStoreBytes } = readBoardProfile("pico")
  const value = (bytes: number) => 24 + Math.max(8, (bytes + 7) & ~7)
  const images = ALONE_SAMPLES * value(ALONE_SAMPLE_BYTES) + value(3)
  // The program's own entry, and the head of a slot that is being written.
  const rest = 24 + value(1) + value(0)
  expect(2 * slotBytes(3080) + images + rest).toBeLessThanOrEqual(flashStoreBytes!)
})

test("nearly all images of MNIST are small enough in black and white", () => {
  const { test: images } = readMnist()
  let small = 0
  for (let i = 0; i < 1000; i++)
    if (blackAndWhite(imageAt(images, i)).length <= ALONE_SAMPLE_BYTES) small++
  expect(small).toBeGreaterThan(990)
})

test("the program carries the trained network of the repository", () => {
  expect(readFileSync(SHARD_FILE, "utf8")).toBe(shardSource())
  const { network } = loadModel(trainedPath("pico-alone"))
  const { memory } = new HostNetwork(network)
  // With its working memory it takes little of a board's heap.
  expect(memory.getAt(Header.Size, "i32")).toBeLessThan(16_384)
})
