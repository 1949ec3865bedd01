/** `wuxing record` and `wuxing watch` with their page in a real browser, and a module on a real bus. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { createRequire } from "node:module"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { type Browser, chromium, type Page } from "playwright-core"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { sha256 } from "../../../host/base/sha256"
import { GESTURES, performed, personOf } from "../../../host/demos/gestures"
import { MachineBoards } from "../../../host/hardware/machine-boards"
import { decodeModel } from "../../../host/models/model-file"
import { readModel } from "../../../host/models/model-source"
import { hostOf } from "../../../host/models/run-model"
import { type FoundWindow, Watcher } from "../../../host/sensing/watcher"
import { readRecordings } from "../../../host/signals/recording-files"
import { decodeReading, encodeReading, sensorNamed } from "../../../host/signals/sensors"
import { temporaryFolder } from "../../temporary"
import { wuxing } from "../cli/run-cli"
import { hasSocat, Terminals } from "../link/terminals"
import { csvOf, writeGestures } from "../sensing/hours"
import { PortWithModule } from "../sensing/played-module"
import { CHROMIUM } from "./recording"

const missing = !existsSync(CHROMIUM) || !hasSocat
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core"), "utf8")
const SCREENSHOTS = fileURLToPath(new URL("screenshots/", import.meta.url))
const folder = temporaryFolder("signals-page")
const token = "a-token-of-the-tests"
const sensor = sensorNamed("accelerometer")
const readings = GESTURES.flatMap((gesture, i) => performed(gesture, personOf(9), 50 + i))
const WAIT = { timeout: 60_000 }
const serve = ["--dashboard", "0", "--token", token, "--json"]

describe.skipIf(missing)("a signal's page (Debian packages chromium and socat)", () => {
  const terminals = new Terminals()
  const complaints: string[] = []
  let browser: Browser
  let boards: MachineBoards
  let board: PortWithModule
  let on: string[]

  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox"] })
    boards = await MachineBoards.start(1)
    board = new PortWithModule(boards.ports[0], readings, 10)
    const path = await terminals.plug("board", board)
    on = ["--on", `serial:${path}`, "--sensor", "accelerometer"]
  })
  afterAll(async () => {
    await browser?.close()
    await terminals.close()
    await board?.close()
    await boards?.stop()
  })

  /** Runs a command, does something on its page, and ends it unless that has. */
  async function onPage(args: string[], act: (page: Page) => Promise<void>) {
    let acting: Promise<void> | undefined
    let page: Page | undefined
    const ended = await wuxing([...args, ...serve], {
      onStderr: (text, hand) => {
        const url = /dashboard: (\S+)/.exec(text)?.[1]
        if (!url || acting) return
        acting = (async () => {
          page = await browser.newPage({ viewport: { width: 1280, height: 900 } })
          page.on("pageerror", error => complaints.push(error.message))
          page.setDefaultTimeout(WAIT.timeout)
          await page.goto(url)
          await act(page)
        })().finally(() => hand.kill("SIGINT"))
        acting.catch(() => {})
      },
    })
    await acting
    await page?.close()
    return { ...JSON.parse(ended.stdout), status: ended.status, stderr: ended.stderr }
  }

  /** How much of the trace's picture is drawn in the colours of lines. */
  const drawn = (page: Page) =>
    page.evaluate<number>(`{
      const canvas = document.querySelector("#signals .live canvas")
      const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height)
      let strong = 0
      for (let i = 0; i < data.length; i += 4)
        if (data[i + 3] > 200 && Math.max(data[i], data[i + 1], data[i + 2]) -
          Math.min(data[i], data[i + 1], data[i + 2]) > 60) strong++
      strong
    }`)

  /** Asks again where a recording is not kept, as a busy machine left out too much of it. */
  async function untilKept(page: Page, id: string, ask: () => Promise<void>) {
    await expect
      .poll(async () => {
        if ((await page.getByTestId(id).count()) === 1) return true
        if ((await page.getByTestId("recording").count()) === 0) {
          await ask()
          await page.getByTestId("recording").or(page.getByTestId(id)).first().waitFor()
        }
        return false
      }, WAIT)
      .toBe(true)
  }

  /** Teaches again if nothing moved for so long, or it is not kept: a busy machine plays unevenly. */
  async function taughtAs(page: Page, label: number, id: string) {
    await expect
      .poll(async () => {
        const state = await page.getByTestId("signal-taught").textContent()
        const kept = await page.getByTestId(id).count()
        if (kept === 0 && state === "0 lessons taught")
          await page.getByTestId(`lesson-${label}`).click()
        if (kept === 0 && state === "1 lessons taught") await page.getByTestId("undo").click()
        return kept
      }, WAIT)
      .toBe(1)
  }

  /** The model file that the page saves. */
  async function save(page: Page) {
    const download = page.waitForEvent("download")
    await page.getByTestId("download").click()
    return readFileSync(await (await download).path())
  }

  it("records what is asked for, lists, plays and deletes it; never a file that is not its own", async () => {
    const out = join(folder, "recorded")
    mkdirSync(join(out, "circle"), { recursive: true })
    const mine = csvOf(performed("circle", personOf(3), 3))
    writeFileSync(join(out, "circle", "7.csv"), mine)
    const kept: string[] = []
    const ended = await onPage(["record", ...on, "--out", out, "--seconds", "1"], async page => {
      await page.getByText("samples a second").waitFor()
      await expect.poll(() => drawn(page), WAIT).toBeGreaterThan(300)
      // What is no folder's name makes none.
      for (const name of ["../away", "..", "test", "a/b", " "]) {
        await page.getByTestId("record-name").fill(name)
        await page.getByTestId("record-new").click()
        await expect
          .poll(() => page.getByTestId("signal-note").textContent(), WAIT)
          .toContain(name === "test" ? "a part of the recordings" : "cannot be a folder's name")
        expect(readdirSync(out)).toEqual(["circle"])
      }
      await untilKept(page, "recording-wave-1.csv", async () => {
        await page.getByTestId("record-name").fill("wave")
        await page.getByTestId("record-name").press("Enter")
      })
      await untilKept(page, "recording-wave-2.csv", () => page.getByTestId("record-wave").click())
      kept.push(...[1, 2].map(n => readFileSync(join(out, "wave", `${n}.csv`), "utf8")))

      await page.getByRole("button", { name: "Play wave/2.csv" }).click()
      await page
        .getByTestId("playing")
        .getByText(/wave.2[.]csv, (1[.]\d) of \1 s/)
        .waitFor()
      await page.getByRole("button", { name: "Play circle/7.csv" }).click()
      await page.getByTestId("playing").getByText("circle/7.csv").waitFor()

      // Another program has written over one of them: no longer what was recorded here.
      writeFileSync(join(out, "wave", "2.csv"), mine)
      for (const n of [1, 2]) {
        await page.getByRole("button", { name: `Delete wave/${n}.csv` }).click()
        await page.getByRole("button", { name: `Delete wave/${n}.csv for good` }).click()
        if (n === 1) await page.getByTestId("recording-wave-1.csv").waitFor({ state: "detached" })
      }
      await page.getByText("it is no longer what was recorded").waitFor()
      expect(await page.getByRole("button", { name: "Delete circle" }).count()).toBe(0)
      expect(readdirSync(join(out, "wave"))).toEqual(["2.csv"])
      await page.evaluate(axe)
      const faults = await page.evaluate<string[]>(
        `axe.run({}).then(({ violations }) => violations.map(({ id, nodes }) =>
        id + ": " + nodes.map(({ html }) => html).join(" ")))`,
      )
      expect(faults).toEqual([])
      mkdirSync(SCREENSHOTS, { recursive: true })
      await page.screenshot({ path: `${SCREENSHOTS}record.png`, fullPage: true })
    })
    expect(ended.status, ended.stderr).toBe(0)
    expect(ended.files).toEqual([1, 2].map(n => join(out, "wave", `${n}.csv`)))
    expect(readFileSync(join(out, "circle", "7.csv"), "utf8")).toBe(mine)
    // The form of `wuxing record`: what `train --data` reads, of the module's readings in their order.
    const [head, ...rows] = kept[0].trim().split("\n")
    expect(head).toBe("time (ms),x,y,z")
    const values = rows.map(row => row.split(",").slice(1).map(Number))
    const same = (one: number[], other: number[]) =>
      one.every((value, c) => Math.abs(value - other[c]) < 2 ** -19)
    const first = readings.findIndex(reading => same(reading, values[0]))
    for (const [i, row] of values.entries())
      expect(same(row, readings[(first + i) % readings.length])).toBe(true)
    writeFileSync(join(folder, "kept.csv"), kept[0])
    expect((await readRecordings(join(folder, "kept.csv")))[0].channels).toEqual(["x", "y", "z"])
    expect(complaints).toEqual([])
  })

  it("names movements as the core does, learns what it is taught, and keeps it for `train`", async () => {
    const data = join(folder, "data")
    writeGestures(data, 6, 4)
    const model = join(folder, "gestures.wuxing")
    const trained = await wuxing(["train", "--data", data, "--seed", "1", "--out", model])
    expect(trained.status, trained.stderr).toBe(0)
    const out = join(folder, "taught")
    const names = [...GESTURES].sort()
    const label = names.indexOf("twist")
    const said: string[] = []
    const saved: Buffer[] = []
    const ended = await onPage(["watch", "--model", model, ...on, "--out", out], async page => {
      // Some movements are named, then one is taught.
      await expect.poll(() => page.getByTestId("signal-said").locator("li").count(), WAIT).toBe(6)
      said.push(...(await page.getByTestId("signal-said").locator("li").allTextContents()))
      await taughtAs(page, label, "recording-twist-1.csv")
      await expect
        .poll(() => page.getByTestId("signal-taught").textContent(), WAIT)
        .toBe("1 lessons taught")
      await page.getByRole("button", { name: "Play twist/1.csv" }).click()
      await expect
        .poll(() => page.getByTestId("played-names").textContent(), WAIT)
        .toMatch(new RegExp(`^(${[...names, "unknown"].join("|")})$`))
      saved.push(await save(page))
      await page.getByTestId("undo").click()
      await page.getByText("0 lessons taught").waitFor()
      saved.push(await save(page))
      await page.getByTestId("add-class-name").fill("spin")
      await page.getByTestId("add-class-new").click()
      await taughtAs(page, 5, "recording-spin-1.csv")
      saved.push(await save(page))
      mkdirSync(SCREENSHOTS, { recursive: true })
      await page.screenshot({ path: `${SCREENSHOTS}signals.png`, fullPage: true })
      for (const width of [1280, 390]) {
        await page.setViewportSize({ width, height: 900 })
        const across = await page.evaluate<number>("document.documentElement.scrollWidth")
        expect(across).toBeLessThanOrEqual(width)
      }
    })
    expect(ended.status, ended.stderr).toBe(0)
    expect(ended.files).toEqual(["twist", "spin"].map(name => join(out, name, "1.csv")))
    expect(complaints).toEqual([])

    // The module says its readings from the first on: every window is known.
    const watched = readModel(model, 1)
    const windows: FoundWindow[] = []
    const watcher = new Watcher(watched, { hold: 2, unknown: watched.signal?.unknown ?? 0 })
    watcher.onWindow = found => windows.push(found)
    for (let i = 0; i < 20 * readings.length; i++)
      watcher.push(decodeReading(sensor, encodeReading(sensor, readings[i % readings.length]))!)
    const hashes = windows.map(({ bytes }) => {
      const host = hostOf(watched)
      // As a board: three passes through all examples, here one.
      for (let step = 0; step < 3; step++) host.train(bytes, label, step)
      return sha256(host.coefficients())
    })
    const [taught, undone, grown] = saved.map(bytes => decodeModel(bytes, "saved"))
    expect(hashes).toContain(sha256(taught.coefficients))
    expect(undone.coefficients.equals(watched.coefficients)).toBe(true)
    expect(grown.network.layers.at(-1)?.neurons).toBe(6)
    expect(sha256(grown.coefficients)).toBe(ended.coefficientsHash)
    // The last six it named, the newest first, are in a row of them; the first began before it was watched.
    const expected = windows.map(
      ({ detection }) => `${names[detection.class] ?? "unknown"} ${detection.lead.toFixed(2)}`,
    )
    const found = said
      .map(text => text.replace(/ [\d.]+ s, lead/, ""))
      .reverse()
      .slice(1)
    const starts = expected.map((_, i) => expected.slice(i, i + found.length).join())
    expect(starts).toContain(found.join())
    // What was kept is a recording of that movement: the network finds one in it.
    const more = join(folder, "more.wuxing")
    writeFileSync(more, saved[2])
    for (const [which, classes] of [
      [model, names],
      [more, [...names, "spin"]],
    ] as const) {
      const twist = join(out, "twist")
      const again = await wuxing(["watch", "--model", which, "--recordings", twist, "--json"])
      const { windows, counts } = JSON.parse(again.stdout)
      expect([windows, Object.keys(counts)]).toEqual([1, classes])
    }
  })

  it("says that the sensor is gone, and keeps what was recorded until then", async () => {
    const out = join(folder, "pulled")
    const ended = await onPage(["record", ...on, "--out", out, "--seconds", "3600"], async page => {
      await page.getByTestId("record-name").fill("long")
      await page.getByTestId("record-new").click()
      await page
        .getByTestId("recording")
        .getByText(/359[678]\.\d s left/)
        .waitFor()
      await terminals.unplug("board")
      await page.getByTestId("signal-gone").getByText("stopped sending samples").waitFor()
      await page.getByTestId("recording-long-1.csv").waitFor()
    })
    expect([ended.status, ended.error.code]).toEqual([4, "sensor-gone"])
    expect(ended.files).toEqual([join(out, "long", "1.csv")])
    const [{ values }] = await readRecordings(ended.files[0])
    expect(values[0].length).toBeGreaterThan(10)
  })
})
