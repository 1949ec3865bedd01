import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { PNG } from "pngjs"
import { afterAll, beforeAll, expect, test } from "vitest"
import { shaded } from "../../../host/cli/terminal/pixels"
import { imageAt, readMnist } from "../../../host/data/mnist"
import { trainedModel } from "../../../host/models/trained"
import { exchangeCoefficients } from "../../../host/network/exchange"
import { HostNetwork } from "../../../host/network/host-network"
import { wuxing } from "./run-cli"

const IMAGES = 12
let folder: string
const paths: string[] = []

/** An MNIST digit as somebody might photograph it: dark on light paper, larger, off the middle. */
function onPaper(image: Uint8Array, zoom: number, width: number, height: number): PNG {
  const png = new PNG({ width, height })
  png.data.fill(255)
  for (let y = 0; y < 28 * zoom; y++)
    for (let x = 0; x < 28 * zoom; x++) {
      const grey = 255 - image[Math.floor(y / zoom) * 28 + Math.floor(x / zoom)]
      png.data.set([grey, grey, grey, 255], 4 * ((y + 3) * width + x + 40))
    }
  return png
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "wuxing-predict-"))
  const { test: images } = readMnist()
  for (let i = 0; i < IMAGES; i++) {
    const path = join(folder, `${i}.png`)
    const zoom = 3 + (i % 5)
    const png = onPaper(imageAt(images, i), zoom, 28 * zoom + 60 + i, 28 * zoom + 25)
    writeFileSync(path, PNG.sync.write(png))
    paths.push(path)
  }
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

interface Named {
  class: string
  share: number
  classes: { class: string; output: number; share: number }[]
}

async function predict(...args: string[]): Promise<Named[]> {
  const { status, stdout, stderr } = await wuxing(["predict", "--json", "--quiet", ...args])
  expect(status, stderr).toBe(0)
  return JSON.parse(stdout).images
}

test("pictures of any size are named as the images they show", async () => {
  const { network, coefficients } = trainedModel("pico-16")
  const host = new HostNetwork(network)
  exchangeCoefficients(host.memory, network, coefficients, true)
  const { test: images } = readMnist()
  const named = await predict(...paths)
  const same = named.filter((n, i) => Number(n.class) === host.predict(imageAt(images, i)))
  // Enlarged pixels are centred anew and scaled back, not kept to the grey level.
  expect(same.length).toBeGreaterThanOrEqual(IMAGES - 1)
  for (const { classes, share } of named) {
    // Softmax at the gain the recipe of the small networks states, 20.
    const powers = classes.map(({ output }) => Math.exp(20 * output))
    const sum = powers.reduce((a, b) => a + b)
    for (const [i, c] of classes.entries()) expect(c.share).toBeCloseTo(powers[i] / sum, 2)
    expect(share).toBe(Math.max(...classes.map(c => c.share)))
  }
  // Taken whole, the digits lie in a corner.
  const whole = await predict("--scaling", "box", ...paths)
  expect(whole.map(n => n.classes)).not.toEqual(named.map(n => n.classes))
})

test("a picture that cannot be read ends with status 3 and its name", async () => {
  const path = join(folder, "broken.png")
  writeFileSync(path, "no picture")
  const { status, stdout } = await wuxing(["predict", "--json", paths[0], path])
  expect(status).toBe(3)
  expect(JSON.parse(stdout).error).toMatchObject({ code: "data-picture", kind: "data" })
  expect(JSON.parse(stdout).error.message).toContain(path)
})

test("an image as characters: two rows a line, light and dark", () => {
  expect(shaded(Uint8Array.from([0, 255, 0, 255, 255, 0]), 2)).toEqual([" █", "▒ "])
})
