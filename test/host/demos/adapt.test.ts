/** `wuxing demo adapt` as a user runs it, shortened; and, on the host, which gives the same bits, its figures. */
import { createHash } from "node:crypto"
import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, test } from "vitest"
import { z } from "zod"
import { type Dataset, imageAt, readMnist } from "../../../host/data/mnist"
import { drawSamples } from "../../../host/data/samples"
import { invert, turn } from "../../../host/demos/worlds"
import { loadModel } from "../../../host/models/model-file"
import { trainedPath } from "../../../host/models/trained"
import { exchangeCoefficients } from "../../../host/network/exchange"
import { HostNetwork } from "../../../host/network/host-network"
import { Header } from "../../../src/core/layout"
import { temporaryFolder } from "../../temporary"
import { wuxing } from "../cli/run-cli"

const folder = temporaryFolder("adapt")
const mnist = readMnist()

const oldAndNew = z.strictObject({ old: z.number(), new: z.number() })
const documentSchema = z.strictObject({
  schema: z.literal("wuxing:demo-adapt:1"),
  demo: z.literal("adapt"),
  model: z.string(),
  world: z.string(),
  angle: z.literal(25).optional(),
  seed: z.literal(1),
  boards: z.array(z.object({ links: z.int() })),
  samples: z.int(),
  tested: z.int(),
  before: oldAndNew,
  after: oldAndNew,
  all: z.strictObject({ tested: z.int(), before: oldAndNew, after: oldAndNew }),
  recovered: z.number(),
  forgotten: z.number(),
  off: z.strictObject({ right: z.int(), coefficientsUnchanged: z.literal(true) }),
  on: z.strictObject({ right: z.int() }),
  recoveries: z.int(),
  coefficientsHash: z.string(),
  hostHash: z.string(),
  hostMatches: z.literal(true),
  stream: z.strictObject({ off: z.array(z.boolean()), on: z.array(z.boolean()) }),
})

/** A trained preset as the demo runs it: softmax error of gain 10. */
function trained(name: string): HostNetwork {
  const { network, coefficients } = loadModel(trainedPath(name))
  const host = new HostNetwork({ ...network, softmaxGain: 231 })
  exchangeCoefficients(host.memory, network, coefficients, true)
  return host
}

/** The demo's samples, a third at each rate. */
function teach(host: HostNetwork, samples: [image: Uint8Array, label: number][]): void {
  for (const [i, [image, label]] of samples.entries()) {
    const third = [1, 2].filter(k => i >= Math.round((samples.length * k) / 3)).length
    host.memory.setAt(Header.LearnShift, "u16", 11 + third)
    host.train(image, label)
  }
}

const drawn = (data: Dataset, take: number) => drawSamples(data.count, take, 1, 0x6164)
const turned = (data: Dataset, i: number): [Uint8Array, number] => [
  turn(imageAt(data, i), 25),
  data.labels[i],
]
const sha = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex")

test("a turned image is turned, whatever turns it", () => {
  const image = imageAt(mnist.test, 3)
  // By a right angle no pixel is between others: columns become rows.
  const quarter = turn(image, 90)
  for (let y = 0; y < 28; y++)
    for (let x = 0; x < 28; x++) expect(quarter[x * 28 + 27 - y]).toBe(image[y * 28 + x])
  expect(Buffer.compare(turn(image, 0), image)).toBe(0)
  // Where the ink lies about the middle turns by the angle.
  const momentum = (of: Uint8Array) => {
    let [xx, xy, yy] = [0, 0, 0]
    for (let i = 0; i < 784; i++) {
      const [x, y] = [(i % 28) - 13.5, Math.floor(i / 28) - 13.5]
      xx += of[i] * x * x
      xy += of[i] * x * y
      yy += of[i] * y * y
    }
    return (Math.atan2(2 * xy, xx - yy) * 90) / Math.PI
  }
  const angle = momentum(turn(image, 25)) - momentum(image)
  expect(Math.abs((((angle % 180) + 180) % 180) - 25)).toBeLessThan(2)
  expect(Buffer.compare(invert(invert(image)), image)).toBe(0)
  expect(invert(image)[0]).toBe(255)
})

test("pico-32 loses a fifth where digits are turned, and 300 samples bring back more than half of it", () => {
  const host = trained("pico-32")
  // Those at the front of the file are easier than the rest.
  const tests = Array.from({ length: 625 }, (_, i) => 16 * i)
  const accuracy = (image: (i: number) => Uint8Array) =>
    tests.filter(i => host.predict(image(i)) === mnist.test.labels[i]).length / tests.length
  const measure = () => ({
    old: accuracy(i => imageAt(mnist.test, i)),
    new: accuracy(i => turned(mnist.test, i)[0]),
  })
  const before = measure()
  expect(before.old).toBeGreaterThan(0.95)
  expect(before.old - before.new).toBeGreaterThan(0.15)
  teach(
    host,
    drawn(mnist.train, 300).map(i => turned(mnist.train, i)),
  )
  const after = measure()
  expect((after.new - before.new) / (before.old - before.new)).toBeGreaterThan(0.5)
  expect(before.old - after.old).toBeLessThan(0.05)
})

describe("on a board", () => {
  test("learns turned digits to the host's bits, and with learning off nothing", async () => {
    const svg = join(folder, "adapt.svg")
    const sizes = ["--samples", "45", "--test", "20", "--all", "50"]
    const ended = await wuxing([
      "demo",
      "adapt",
      "--model",
      "pico-16",
      ...sizes,
      "--svg",
      svg,
      "--json",
    ])
    expect([ended.status, ended.stderr]).toEqual([0, expect.stringContaining("on the host")])
    const result = documentSchema.parse(JSON.parse(ended.stdout))
    expect([result.world, result.angle, result.samples, result.tested]).toEqual([
      "turned",
      25,
      45,
      20,
    ])
    const samples = drawn(mnist.train, 45).map(i => turned(mnist.train, i))
    const host = trained("pico-16")
    const off = samples.map(([image, label]) => host.predict(image) === label)
    expect(result.stream.off).toEqual(off)
    expect(result.off.right).toBe(off.filter(Boolean).length)
    teach(host, samples)
    expect(result.coefficientsHash).toBe(sha(host.coefficients()))
    expect(result.stream.on.length).toBe(45)
    expect(readFileSync(svg, "utf8")).toContain("learning off")
  })

  test("learns a person's own digits from a folder", async () => {
    // Slanted handwriting, black on white, as PGM.
    for (let digit = 0; digit < 10; digit++) {
      mkdirSync(join(folder, "own", `${digit}`), { recursive: true })
      for (let k = 0, i = 0; k < 3; i++) {
        if (mnist.test.labels[i] !== digit) continue
        const pixels = invert(turn(imageAt(mnist.test, i), -20))
        const file = Buffer.concat([Buffer.from("P5\n28 28\n255\n"), pixels])
        writeFileSync(join(folder, "own", `${digit}`, `${k++}.pgm`), file)
      }
    }
    const sizes = ["--samples", "12", "--test", "8", "--all", "20"]
    const own = ["--model", "pico-16", "--data", join(folder, "own")]
    const ended = await wuxing(["demo", "adapt", ...own, ...sizes, "--json"])
    expect([ended.status, ended.stderr]).toEqual([0, expect.any(String)])
    const result = documentSchema.parse(JSON.parse(ended.stdout))
    expect([result.world, result.samples]).toEqual([join(folder, "own"), 12])
    // Paper is taken for background: most of what was only slanted is classified correctly.
    expect(result.all.before.new).toBeGreaterThan(0.4)
  })
})
