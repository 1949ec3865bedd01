/** The dashboard in a real browser, with real virtual boards behind it. */
import { createHash } from "node:crypto"
import { existsSync, mkdirSync, readFileSync } from "node:fs"
import { createRequire } from "node:module"
import { fileURLToPath } from "node:url"
import { type Browser, chromium, type Page } from "playwright-core"
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest"
import { WebSocket } from "ws"
import { Hub } from "../../../host/dashboard/hub"
import { DashboardServer } from "../../../host/dashboard/server"
import { imageAt, readMnist } from "../../../host/data/mnist"
import { faultyPorts } from "../../../host/faults/faulty-port"
import { FaultInjector } from "../../../host/faults/injector"
import { parseFaults } from "../../../host/faults/spec"
import { checkpointOf } from "../../../host/fleet/checkpoint-of"
import { type Fleet, startFleet } from "../../../host/fleet/fleet"
import { MachineBoards } from "../../../host/hardware/machine-boards"
import { decodeModel, encodeModel } from "../../../host/models/model-file"
import { readModel } from "../../../host/models/model-source"
import { trainedModel } from "../../../host/models/trained"
import { HostNetwork } from "../../../host/network/host-network"
import { splitEvenly } from "../../../host/partition/partition"
import { slowedBy } from "../../../host/session/rate"
import type { Lesson } from "../../../host/session/reports"
import { firmware } from "../../firmware/compiled"
import { strokesOf } from "./strokes"

const CHROMIUM = "/usr/bin/chromium"
const noChromium = !existsSync(CHROMIUM) && "needs the Debian package chromium"
const SCREENSHOTS = fileURLToPath(new URL("screenshots/", import.meta.url))
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core"), "utf8")
const BUSY_MS = 150_000
/** On a busy machine boards take their time. */
const PATIENT = { timeout: 120_000, interval: 50 }

const mnist = readMnist(process.env.WUXING_MNIST)
const model = trainedModel("pico-16")
const { network } = model
const token = "a-token-of-the-tests"
const sha = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex")

describe.skipIf(noChromium)("the dashboard", () => {
  let fleet: Fleet
  let boards: MachineBoards
  let hub: Hub
  let server: DashboardServer
  let browser: Browser
  let page: Page
  let run: Promise<{ done: number }>
  const stop = new AbortController()
  const complaints: string[] = []
  const lesson = (i: number): Lesson => ({
    image: imageAt(mnist.train, i),
    label: mnist.train.labels[i],
  })
  const serve = (port: number) => DashboardServer.start({ hub, host: "127.0.0.1", port, token })
  const number = async (id: string) =>
    Number((await page.getByTestId(id).textContent())?.replaceAll(",", ""))
  /** What the page shows of each output. */
  const outputs = async () =>
    (await page.getByTestId("bars").locator("output").allTextContents()).map(Number)
  const draw = async (image: Uint8Array) => {
    await page.getByTestId("clear").click()
    const box = (await page.getByTestId("canvas").boundingBox())!
    const move = ([x, y]: [number, number]) =>
      page.mouse.move(box.x + (x / 28) * box.width, box.y + (y / 28) * box.height)
    for (const [first, ...rest] of strokesOf(image)) {
      await move(first)
      await page.mouse.down()
      for (const point of rest) await move(point)
      await page.mouse.up()
    }
    await page.getByTestId("digit").waitFor({ timeout: PATIENT.timeout })
  }
  /** The drawing as the network gets it, as the page shows it. */
  const drawn = async () =>
    Uint8Array.from(
      await page.evaluate<number[]>(`{
        const { data } = document.querySelector(".verdict canvas").getContext("2d")
          .getImageData(0, 0, 28, 28)
        Array.from({ length: 28 * 28 }, (_, i) => data[i * 4])
      }`),
    )

  beforeAll(async () => {
    hub = new Hub({
      ...{ network, paused: true, signal: stop.signal },
      classes: Array.from({ length: 10 }, (_, i) => String(i)),
    })
    server = await serve(0)
    const [bytecode, chrome] = await Promise.all([
      firmware(),
      chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox"] }),
    ])
    browser = chrome
    page = await browser.newPage({ viewport: { width: 1280, height: 900 } })
    page.on("pageerror", error => complaints.push(error.message))
    page.on("console", message => message.type() === "error" && complaints.push(message.text()))
    await page.goto(server.url)
    await page.getByText("The boards are being started").waitFor()
    fleet = await startFleet({
      ...{ network, boards: 2, bytecode, watch: hub, checkpointSamples: 8 },
      shares: splitEvenly(network, 2),
      start: checkpointOf(model),
      open: async how => {
        boards = await MachineBoards.start(2, how)
        return boards
      },
      // One image is lost while the run goes on: the boards are loaded again from a checkpoint.
      wrap: faultyPorts(new FaultInjector(parseFaults("drop@0.out.image#24"), 1)),
    })
    await hub.attach(fleet)
    run = fleet.learn(lesson, 1_000, { stopped: () => stop.signal.aborted })
    // What it ends with is looked at in the end.
    run.catch(() => {})
    await page.getByTestId("canvas").waitFor()
  }, BUSY_MS)

  afterAll(async () => {
    stop.abort()
    await run?.catch(() => {})
    await browser?.close()
    await server?.close()
    await fleet?.close()
  })

  it(
    "names the strokes of known test images as what they show",
    async () => {
      const host = new HostNetwork(network)
      host.load(model.coefficients, checkpointOf(model).elements)
      // The first of each of three classes.
      for (const digit of [7, 2, 4]) {
        await draw(imageAt(mnist.test, mnist.test.labels.indexOf(digit)))
        expect(await page.getByTestId("digit").textContent()).toBe(String(digit))
        // The host, asked the same picture, says the same.
        const image = await drawn()
        expect(host.predict(image)).toBe(digit)
        // As MNIST: 20 pixels the longer way, its mass in the middle.
        const ink = Array.from(image.entries()).filter(([, pixel]) => pixel > 0)
        const spread = (of: (i: number) => number) => {
          const places = ink.map(([i]) => of(i))
          return Math.max(...places) - Math.min(...places) + 1
        }
        const [x, y] = [(i: number) => i % 28, (i: number) => Math.floor(i / 28)]
        expect(Math.max(spread(x), spread(y))).toBe(20)
        const mass = ink.reduce((sum, [, pixel]) => sum + pixel, 0)
        for (const of of [x, y]) {
          const middle = ink.reduce((sum, [i, pixel]) => sum + of(i) * pixel, 0) / mass
          expect(Math.abs(middle - 14)).toBeLessThanOrEqual(1)
        }
      }
    },
    BUSY_MS,
  )

  it(
    "learns a drawing as what it is taught, and shows it at once",
    async () => {
      const before = await outputs()
      const said = Number(await page.getByTestId("digit").textContent())
      // Not what it says anyway.
      const label = (said + 4) % 10
      const lead = (values: number[]) =>
        values[label] - Math.max(...values.filter((_, i) => i !== label))
      await page.getByTestId(`teach-${label}`).click()
      await page.getByText(`after learning it as ${label}`).waitFor()
      expect(lead(await outputs())).toBeGreaterThan(lead(before))
      expect(await number("taught")).toBe(1)
      expect(fleet.taught).toMatchObject([{ lesson: { label } }])
      expect(Buffer.from(fleet.taught[0].lesson.image).equals(await drawn())).toBe(true)
    },
    BUSY_MS,
  )

  it(
    "holds the run, lets single images through, and changes the rate",
    async () => {
      expect(await number("samples")).toBe(0)
      await page.getByTestId("step").click()
      await vi.waitFor(async () => expect(await number("samples")).toBe(1), PATIENT)
      await page.getByTestId("rate").selectOption("2")
      await page.getByText(`shifted by ${network.learnShift + 2} bits`).waitFor()
      await page.getByTestId("pause").click()
      await vi.waitFor(async () => expect(await number("samples")).toBeGreaterThan(20), PATIENT)
      await page.getByTestId("pause").click()
      await page.getByTestId("step").isEnabled()
      await vi.waitFor(
        () => expect(page.getByTestId("rate-now").textContent()).resolves.toBe("paused"),
        PATIENT,
      )
      // What was under way when it was held has ended.
      await page.waitForTimeout(300)
      const held = await number("samples")
      await page.waitForTimeout(700)
      expect(await number("samples")).toBe(held)
      const cells = await page.locator(".confusion tbody td:not(.wide)").allTextContents()
      expect(cells.map(Number).reduce((sum, n) => sum + n, 0)).toBe(held)
    },
    BUSY_MS,
  )

  it(
    "shows a neuron, and what a board holds",
    async () => {
      await page.getByTestId("layer").selectOption("2")
      await page.getByTestId("neuron").fill("9")
      await page.getByTestId("neuron-view").waitFor()
      const step = page.getByTestId("settle-step")
      const pentagon = page.locator(".pentagon")
      const end = await pentagon.getAttribute("aria-label")
      await step.focus()
      await page.keyboard.press("Home")
      await vi.waitFor(
        async () =>
          expect(await pentagon.getAttribute("aria-label")).toBe(
            "Elements of the neuron: J 0.000, S 0.000, M 0.000, H 0.000, T 0.000",
          ),
        PATIENT,
      )
      await page.keyboard.press("End")
      await vi.waitFor(
        async () => expect(await pentagon.getAttribute("aria-label")).toBe(end),
        PATIENT,
      )
      const report = await page.locator("#fleet").textContent()
      for (const { title } of fleet.live()) expect(report).toContain(title)
      expect(report).toContain("wuxing: ready")
      expect(report).toMatch(/outputs, error/)
      // By the boards' own clocks, of the layers that each has.
      await page.getByTestId("times").waitFor({ timeout: PATIENT.timeout })
      const rows = page.getByTestId("times").locator("tbody tr")
      const times = new Map<string, string[]>()
      for (const row of await rows.all())
        times.set(
          (await row.locator("th").textContent()) ?? "",
          await row.locator("td").allTextContents(),
        )
      const [first, second] = splitEvenly(network, 2).map(s => s.map(({ layer }) => layer))
      for (const [name, told] of times)
        for (const [i, layers] of [first, second].entries()) {
          const layer = Number(/layer (\d+)/.exec(name)?.[1] ?? layers[0])
          if (!layers.includes(layer)) expect(told[i], `${name} of board ${i}`).toBe("")
        }
      for (const i of [0, 1])
        expect(Array.from(times.values(), told => Number(told[i])).some(ms => ms > 0)).toBe(true)
    },
    BUSY_MS,
  )

  it(
    "counts the restart of a board whose power is cut",
    async () => {
      const resets = async () => [await number("resets-0"), await number("resets-1")]
      expect(await resets()).toEqual([0, 0])
      const { recoveries } = fleet
      await boards.kill(1)
      await vi.waitFor(async () => expect(await resets()).toEqual([0, 1]), PATIENT)
      expect(fleet.recoveries).toBe(recoveries + 1)
    },
    BUSY_MS,
  )

  it(
    "is there again when the server was away",
    async () => {
      const { port } = server
      await server.close()
      await page.getByText("does not answer").waitFor()
      server = await serve(port)
      await vi.waitFor(
        async () => expect(await page.getByTestId("link").textContent()).toBe("live"),
        PATIENT,
      )
      expect(await number("taught")).toBe(1)
      const before = await number("samples")
      await page.getByTestId("step").click()
      await vi.waitFor(async () => expect(await number("samples")).toBe(before + 1), PATIENT)
      // The neuron that was looked at is looked at again.
      await page.getByTestId("neuron-view").waitFor()
      complaints.length = 0
    },
    BUSY_MS,
  )

  it.each([
    ["light", 1280],
    ["light", 390],
    ["dark", 1280],
    ["dark", 390],
  ] as const)(
    "fits and can be read, %s, %i pixels wide",
    async (colorScheme, width) => {
      await page.emulateMedia({ colorScheme })
      await page.setViewportSize({ width, height: 900 })
      await page.evaluate("scrollTo(0, 0)")
      await page.waitForTimeout(150)
      mkdirSync(SCREENSHOTS, { recursive: true })
      await page.screenshot({ path: `${SCREENSHOTS}${width}-${colorScheme}.png`, fullPage: true })
      const across = await page.evaluate<number>("document.documentElement.scrollWidth")
      expect(across).toBeLessThanOrEqual(width)
      // Contrast, names, roles, order of headings (WCAG 2.2 AA).
      await page.evaluate(axe)
      const faults = await page.evaluate<string[]>(
        `axe.run({}).then(({ violations }) => violations.map(({ id, nodes }) =>
        id + ": " + nodes.map(({ html }) => html).join(" ")))`,
      )
      expect(faults).toEqual([])
    },
    BUSY_MS,
  )

  it(
    "is drawn on, taught and stepped by keys alone",
    async () => {
      await page.emulateMedia({ colorScheme: "light" })
      await page.setViewportSize({ width: 1280, height: 900 })
      await page.getByTestId("clear").click()
      const reached: string[] = []
      // Every control can be reached, from the start of the page on.
      await page.evaluate("document.activeElement?.blur()")
      for (let i = 0; i < 60; i++) {
        await page.keyboard.press("Tab")
        reached.push(
          await page.evaluate<string>(`document.activeElement?.getAttribute("data-testid") ?? ""`),
        )
      }
      for (const id of ["pause", "step", "rate", "canvas", "clear", "layer", "neuron", "read"])
        expect(reached).toContain(id)
      const taught = await number("taught")
      await page.getByTestId("canvas").focus()
      await page.keyboard.press(" ")
      for (let i = 0; i < 14; i++) await page.keyboard.press("ArrowDown")
      await page.keyboard.press(" ")
      await vi.waitFor(
        async () => expect(await page.getByTestId("digit").textContent()).toBe("1"),
        PATIENT,
      )
      await page.keyboard.press("1")
      await page.getByText("after learning it as 1").waitFor()
      expect(await number("taught")).toBe(taught + 1)
    },
    BUSY_MS,
  )

  it(
    "takes the last lesson back, loads what was saved, and begins again, to the bit",
    async () => {
      /** What the page saves: as the boards hold it. */
      const saved = async () => {
        const download = page.waitForEvent("download", { timeout: PATIENT.timeout })
        await page.getByTestId("download").click()
        return readFileSync(await (await download).path())
      }
      const said = (what: string | RegExp) =>
        expect.poll(() => page.getByTestId("kept").textContent(), PATIENT).toMatch(what)
      const learnt = async () => sha(decodeModel(await saved(), "saved").coefficients)
      const load = (name: string, buffer: Buffer) =>
        page.getByTestId("file").setInputFiles({ name, mimeType: "", buffer })
      const taught = await number("taught")
      const before = await learnt()
      await draw(imageAt(mnist.test, 3))
      const label = (Number(await page.getByTestId("digit").textContent()) + 3) % 10
      await page.getByTestId(`teach-${label}`).click()
      await page.getByText(`after learning it as ${label}`).waitFor()
      expect(await number("taught")).toBe(taught + 1)
      const file = await saved()
      const after = sha(decodeModel(file, "saved").coefficients)
      expect(after).not.toBe(before)
      expect(sha(fleet.learnt.coefficients)).toBe(after)

      await page.getByTestId("undo").click()
      await expect.poll(() => number("taught"), PATIENT).toBe(taught)
      expect(await learnt()).toBe(before)
      // An answer from before is known as one, and asked again.
      await page.getByTestId("stale").getByText("Of an earlier state").waitFor()
      const then = await outputs()
      await page.getByTestId("again").click()
      await expect.poll(outputs, PATIENT).not.toEqual(then)
      const asked = new HostNetwork(network)
      asked.load(Buffer.from(fleet.learnt.coefficients), Buffer.from(fleet.learnt.elements))
      expect(Number(await page.getByTestId("digit").textContent())).toBe(
        asked.predict(await drawn()),
      )

      await load("mine.wuxing", file)
      await said("mine.wuxing is loaded")
      expect(await learnt()).toBe(after)
      // What is no model file of this network changes nothing.
      await load("text.wuxing", Buffer.from("no model"))
      await said(/is not a wuxing model file/)
      await load("cut.wuxing", file.subarray(0, 5_000))
      await said(/is damaged/)
      await load("other.wuxing", encodeModel(readModel("784-16-10", 7)))
      await said(/holds another network/)
      expect(await learnt()).toBe(after)
      await page.getByTestId("undo").click()
      await expect.poll(learnt, PATIENT).toBe(before)

      await page.getByTestId("restart").click()
      await page.getByTestId("restart").click()
      await expect.poll(() => number("samples"), PATIENT).toBe(0)
      expect(await learnt()).toBe(sha(model.coefficients))
      expect(await number("taught")).toBe(0)
      // A browser tells of each answer that was no success.
      complaints.splice(
        0,
        complaints.length,
        ...complaints.filter(text => !/status of 422/.test(text)),
      )
    },
    BUSY_MS,
  )

  it(
    "lets in nobody without the token, and no other site's page",
    async () => {
      const refused = await browser.newPage()
      await refused.goto(server.url.replace(token, "a-token-of-somebody-else"))
      await refused.getByText("The token is wrong").waitFor()
      expect(await refused.getByTestId("canvas").count()).toBe(0)
      await refused.close()
      const own = `http://127.0.0.1:${server.port}`
      const knock = (headers: Record<string, string>, protocols: string[]) =>
        new Promise<number | "open">(resolve => {
          const ws = new WebSocket(`ws://127.0.0.1:${server.port}/socket`, protocols, { headers })
          ws.on("open", () => {
            ws.close()
            resolve("open")
          })
          ws.on("error", () => {})
          ws.on("unexpected-response", (_, { statusCode }) => resolve(statusCode ?? 0))
        })
      const right = ["wuxing", `token.${token}`]
      expect(await knock({ Origin: own }, right)).toBe("open")
      expect(await knock({ Origin: own }, ["wuxing"])).toBe(401)
      expect(await knock({ Origin: own }, ["wuxing", `token.${token}x`])).toBe(401)
      expect(await knock({}, right)).toBe(403)
      expect(await knock({ Origin: "http://example.com" }, right)).toBe(403)
      // A name that was made to lead here.
      expect(await knock({ Origin: "http://evil.test", Host: "evil.test" }, right)).toBe(403)
      const { headers, status } = await fetch(own)
      expect(status).toBe(200)
      expect(headers.get("content-security-policy")).toMatch(
        /^default-src 'none'; script-src 'self';/,
      )
      expect(headers.get("content-security-policy")).not.toContain("unsafe")
      expect((await fetch(`${own}/../package.json`)).status).toBe(404)
    },
    BUSY_MS,
  )

  it(
    "ends with what the host learns from the same images, lessons and rates, to the bit",
    async () => {
      expect(complaints).toEqual([])
      stop.abort()
      const { done } = await run
      const host = new HostNetwork(network)
      host.load(model.coefficients, checkpointOf(model).elements)
      const beside = (after: number) => {
        for (const word of fleet.interventions.filter(w => w.after === after))
          if ("lesson" in word) host.train(word.lesson.image, word.lesson.label, word.sample)
          else if ("state" in word) host.load(word.state.coefficients, word.state.elements)
          else host.learnShift = slowedBy({ links: network.learnShift }, word.bits, network).links
      }
      for (let i = 0; i < done; i++) {
        beside(i)
        host.train(lesson(i).image, lesson(i).label)
      }
      beside(done)
      expect(fleet.interventions.length).toBe(8)
      expect(fleet.recoveries).toBeGreaterThan(0)
      expect(sha(fleet.learnt.coefficients)).toBe(sha(host.coefficients()))
    },
    BUSY_MS,
  )
})
