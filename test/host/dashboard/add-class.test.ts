/** `wuxing dashboard` in a real browser: a class that pupils add, teach, take back, save and load. */
import { createHash } from "node:crypto"
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { type Browser, chromium, type Page } from "playwright-core"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { imageAt, readMnist } from "../../../host/data/mnist"
import { drawSamples } from "../../../host/data/samples"
import { checkpointOf } from "../../../host/fleet/checkpoint-of"
import { addOutput } from "../../../host/models/add-output"
import { decodeModel, encodeModel, loadModel } from "../../../host/models/model-file"
import { trainedModel } from "../../../host/models/trained"
import { HostNetwork } from "../../../host/network/host-network"
import { LESSON_SAMPLES } from "../../../host/session/watch"
import { classesOf } from "../../../host/training/training"
import { type Ended, type Hand, wuxing } from "../cli/run-cli"

const CHROMIUM = "/usr/bin/chromium"
const noChromium = !existsSync(CHROMIUM) && "needs the Debian package chromium"
const BUSY_MS = 240_000
const PATIENT = { timeout: 230_000, interval: 50 }
const SEED = 5
/** As `dashboard` orders the training images. */
const ORDER_SALT = 0x6461

const mnist = readMnist(process.env.WUXING_MNIST)
const model = trainedModel("pico-16")
const digits = Array.from({ length: 10 }, (_, i) => String(i))
const sha = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex")

describe.skipIf(noChromium)("a class added on the page", () => {
  let folder: string
  let out: string
  let ended: Promise<Ended>
  let hand: Hand
  let browser: Browser
  let page: Page
  const complaints: string[] = []

  const testing = (id: string) => page.getByTestId(id)
  const number = async (id: string) =>
    Number((await testing(id).textContent())?.replaceAll(",", ""))
  const buttons = () => page.locator('[data-testid^="teach-"]').allTextContents()
  const drawn = async () =>
    Uint8Array.from(
      await page.evaluate<number[]>(`{
        const { data } = document.querySelector(".verdict canvas").getContext("2d")
          .getImageData(0, 0, 28, 28)
        Array.from({ length: 28 * 28 }, (_, i) => data[i * 4])
      }`),
    )
  /** A triangle that stands on its point, which is no digit. */
  const drawTriangle = async () => {
    await testing("clear").click()
    const box = (await testing("canvas").boundingBox())!
    const move = (x: number, y: number) =>
      page.mouse.move(box.x + x * box.width, box.y + y * box.height, { steps: 4 })
    await move(0.2, 0.25)
    await page.mouse.down()
    for (const [x, y] of [
      [0.8, 0.25],
      [0.5, 0.8],
      [0.2, 0.25],
    ])
      await move(x, y)
    await page.mouse.up()
    await testing("digit").waitFor({ timeout: PATIENT.timeout })
  }
  const teach = async (label: number, name: string) => {
    const before = await number("taught")
    await testing(`teach-${label}`).click()
    await expect.poll(() => number("taught"), PATIENT).toBe(before + 1)
    await page.getByText(`after learning it as ${name}`).waitFor({ timeout: PATIENT.timeout })
  }
  const step = async () => {
    const before = await number("samples")
    await testing("step").click()
    await expect.poll(() => number("samples"), PATIENT).toBe(before + 1)
  }
  const add = async (name: string) => {
    await testing("add-class-name").fill(name)
    await testing("add-class-new").click()
  }
  const saved = async () => {
    const download = page.waitForEvent("download", { timeout: PATIENT.timeout })
    await testing("download").click()
    return readFileSync(await (await download).path())
  }

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "wuxing-class-"))
    out = join(folder, "with-triangles.wuxing")
    const url = new Promise<string>(resolve => {
      ended = wuxing(["dashboard", "--port", "0", "--seed", String(SEED), "--out", out, "--json"], {
        onStdout: (text, running) => {
          hand = running
          const found = /http:\/\/[^"]+#[^"]+/.exec(text)?.[0]
          if (found) resolve(found)
        },
      })
    })
    browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox"] })
    page = await browser.newPage({ viewport: { width: 1280, height: 900 } })
    page.on("pageerror", error => complaints.push(error.message))
    page.on("console", message => message.type() === "error" && complaints.push(message.text()))
    await page.goto(await url)
    await testing("canvas").waitFor({ timeout: PATIENT.timeout })
  }, BUSY_MS)

  afterAll(async () => {
    hand?.kill("SIGINT")
    await ended
    await browser?.close()
    rmSync(folder, { recursive: true, force: true })
  })

  it(
    "is learnt by the boards, and what was learnt is the host's, to the bit, also after undo, save and load",
    async () => {
      await drawTriangle()
      const triangle = await drawn()
      expect(await buttons()).toEqual(digits)
      const said = Number(await testing("digit").textContent())
      await teach((said + 1) % 10, String((said + 1) % 10))
      for (let i = 0; i < 3; i++) await step()

      // What cannot be is said, and changes nothing.
      await add("7")
      await expect
        .poll(() => testing("refused").textContent(), PATIENT)
        .toBe("There is a class 7 already.")
      await add(" triangle")
      await expect.poll(() => testing("refused").textContent(), PATIENT).toMatch(/with no space/)
      expect(await buttons()).toEqual(digits)

      await add("triangle")
      await expect.poll(buttons, PATIENT).toEqual([...digits, "triangle"])
      expect(await number("samples")).toBe(3)
      expect(await testing("refused").textContent()).toBe("")
      // The drawing is there still, and can be asked again of boards that know one class more.
      await drawTriangle()
      expect(await testing("bars").locator("li").count()).toBe(11)
      for (let i = 0; i < 2; i++) await step()
      for (let i = 0; i < 3; i++) await teach(10, "triangle")
      const file = await saved()
      await teach(10, "triangle")
      await testing("undo").click()
      await expect.poll(() => number("taught"), PATIENT).toBe(4)
      await step()

      /** The same on the host: the class is added after the lesson and three images. */
      const order = drawSamples(mnist.train.count, mnist.train.count, SEED, ORDER_SALT)
      const start = checkpointOf(model)
      const before = new HostNetwork(model.network)
      before.load(start.coefficients, start.elements)
      let at = 0
      const learn = (host: HostNetwork) => {
        const i = order[at++]
        host.train(imageAt(mnist.train, i), mnist.train.labels[i])
      }
      before.train(triangle, (said + 1) % 10, LESSON_SAMPLES)
      for (let i = 0; i < 3; i++) learn(before)
      const grown = addOutput(model.network, {
        coefficients: before.coefficients(),
        elements: before.elements(),
      })
      const host = new HostNetwork(grown.network)
      host.load(grown.learnt.coefficients, grown.learnt.elements)
      host.samples = before.samples
      for (let i = 0; i < 2; i++) learn(host)
      for (let i = 0; i < 3; i++) host.train(await drawn(), 10, LESSON_SAMPLES + i)
      expect(sha(decodeModel(file, "saved").coefficients)).toBe(sha(host.coefficients()))
      learn(host)
      const now = decodeModel(await saved(), "saved")
      expect(sha(now.coefficients)).toBe(sha(host.coefficients()))
      expect(classesOf(now)).toEqual([...digits, "triangle"])

      const load = (name: string, buffer: Buffer) =>
        testing("file").setInputFiles({ name, mimeType: "", buffer })
      const told = (what: RegExp) =>
        expect.poll(() => testing("kept").textContent(), PATIENT).toMatch(what)
      await load("mine.wuxing", file)
      await told(/mine.wuxing is loaded/)
      expect(sha(decodeModel(await saved(), "saved").coefficients)).toBe(
        sha(decodeModel(file, "saved").coefficients),
      )
      // Without the class it is another network.
      await load("before.wuxing", encodeModel(model))
      await told(/holds another network/)
    },
    BUSY_MS,
  )

  it(
    "stays after the lessons before it are taken back, and a new start, with nothing learnt of it",
    async () => {
      const both = { coefficients: model.coefficients, elements: Buffer.alloc(0) }
      const asDrawn = sha(addOutput(model.network, both).learnt.coefficients)
      const learnt = async () => sha(decodeModel(await saved(), "saved").coefficients)
      for (let left = await number("taught"); left > 0; left--) {
        if (!(await testing("undo").isEnabled())) break
        await testing("undo").click()
        await expect.poll(() => number("taught"), PATIENT).toBeLessThan(left)
      }
      // Before the very first lesson, which was given when there was no such class.
      await testing("undo").isDisabled()
      await testing("restart").click()
      await testing("restart").click()
      await expect.poll(learnt, PATIENT).toBe(asDrawn)
      expect(await buttons()).toEqual([...digits, "triangle"])
      complaints.splice(
        ...[0, complaints.length],
        ...complaints.filter(text => !/status of 422/.test(text)),
      )
      expect(complaints).toEqual([])
    },
    BUSY_MS,
  )

  it(
    "is in the file that the command keeps, with its name, for every other command",
    async () => {
      await drawTriangle()
      for (let i = 0; i < 6; i++) await teach(10, "triangle")
      hand.kill("SIGINT")
      const { status, stdout } = await ended
      expect(status).toBe(0)
      const end = JSON.parse(stdout.trim().split("\n").at(-1)!)
      const kept = loadModel(out)
      expect(end).toMatchObject({
        ...{ event: "end", classes: [...digits, "triangle"], out, recoveries: 0 },
        coefficientsHash: sha(kept.coefficients),
      })
      expect(classesOf(kept)).toEqual([...digits, "triangle"])
      expect(kept.training?.command).toBe(
        `${model.training?.command} # and what was taught on a page`,
      )
      expect(kept.training?.samples).toBe(3_600_000 + 6)
      // How good it was before is not said of it.
      expect(kept.training?.accuracy).toEqual({})
      const tested = await wuxing(["eval", "--model", out, "--limit", "200", "--json"])
      expect(tested.status).toBe(0)
      const { right, tested: images, confusion } = JSON.parse(tested.stdout)
      expect(right / images).toBeGreaterThan(0.5)
      expect(confusion.length).toBe(11)
    },
    BUSY_MS,
  )
})
