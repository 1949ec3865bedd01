/**
 * What a page works for a stream of 60 updates a second, in a real browser: counted, not timed, so that it is
 * the same on every machine. `npm run page:frames` measures the frames a second that come of it.
 */
import { existsSync } from "node:fs"
import { type Browser, chromium } from "playwright-core"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { decodeBytes, type FromPage, type ToPage } from "../../../host/dashboard/messages"
import type { DashboardServer } from "../../../host/dashboard/server"
import { CHROMIUM, openPage, type Recording, record, SECONDS, serve, UPDATES } from "./recording"

/** Updates shown one a frame. */
const SINGLE = 20
const FEW = 10
const noChromium = !existsSync(CHROMIUM) && "needs the Debian package chromium"

/**
 * In the page: frames come when `frame` is called, sixty to a second of their own; messages, changes of the
 * document and paintings of canvases are counted.
 */
const COUNTED = `{
  const counts = { received: 0, changes: 0, paintings: 0 }
  let waiting = []
  let now = 0
  let heard = () => {}
  // The last sample: its words, its picture.
  const see = () => {
    const now = document.querySelector(".now")
    const { data } = now.querySelector("canvas").getContext("2d").getImageData(0, 0, 28, 28)
    return {
      words: now.textContent,
      pixels: Array.from({ length: 28 * 28 }, (_, i) => data[i * 4]),
    }
  }
  const request = window.requestAnimationFrame.bind(window)
  window.hold = () => {
    now = performance.now()
    window.requestAnimationFrame = action => waiting.push(action)
    // Those asked for before.
    return new Promise(request)
  }
  const Real = WebSocket
  window.WebSocket = class extends Real {
    constructor(...how) {
      super(...how)
      // After the page's own listener, so that what is counted is known to the page.
      queueMicrotask(() => this.addEventListener("message", () => {
        counts.received++
        heard()
      }))
    }
  }
  for (const of of ["putImageData", "stroke", "fill", "fillRect", "drawImage"]) {
    const real = CanvasRenderingContext2D.prototype[of]
    CanvasRenderingContext2D.prototype[of] = function (...how) {
      counts.paintings++
      return real.apply(this, how)
    }
  }
  new MutationObserver(changes => (counts.changes += changes.length)).observe(document, {
    subtree: true, childList: true, characterData: true, attributes: true,
  })
  window.counts = counts
  // Resolves after so many messages in all.
  window.arrived = async received => {
    while (counts.received < received) await new Promise(resolve => (heard = resolve))
  }
  window.frame = async () => {
    const due = waiting
    waiting = []
    now += 1000 / ${UPDATES}
    for (const action of due) action(now)
    // What a frame changes is there before anything is shown of it.
    await new Promise(queueMicrotask)
    const seen = see()
    // Whatever the frame set off, the observer's turn included.
    await new Promise(resolve => setTimeout(resolve))
    return seen
  }
}`

/** What a page has done so far. */
interface Counts {
  received: number
  /** Of the document, as a MutationObserver tells them. */
  changes: number
  paintings: number
  layouts: number
  styles: number
}

describe.skipIf(noChromium)("a stream of 60 updates a second with model1", () => {
  let browser: Browser
  let recorded: Recording
  let server: DashboardServer
  let send: (message: ToPage) => void
  /** What a new page gets first, and what it has asked for. */
  let welcome: ToPage[]
  const asked: FromPage[] = []

  beforeAll(async () => {
    recorded = await record()
    ;({ welcome } = recorded)
    ;({ server, send } = await serve(
      () => welcome,
      message => asked.push(message),
    ))
    browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox"] })
  })

  afterAll(async () => {
    await browser?.close()
    await server?.close()
  })

  it("was recorded as one: an update, now and then a neuron and the boards", () => {
    const kinds = recorded.stream.map(messages => messages.map(({ type }) => type))
    expect(kinds.every(types => types.filter(type => type === "update").length === 1)).toBe(true)
    expect(kinds.flat().filter(type => type === "inside").length).toBeGreaterThanOrEqual(
      SECONDS * 4,
    )
    expect(kinds.flat().filter(type => type === "fleet").length).toBeGreaterThanOrEqual(SECONDS)
  })

  it("costs so many changes, paintings and layouts a frame, however much comes between two frames", async () => {
    const single = await play(recorded.stream.slice(0, SINGLE), 1)
    const heaped = await play(recorded.stream, UPDATES)
    expect(single.length).toBe(SINGLE)
    expect(heaped.length).toBe(SECONDS)
    for (const frames of [single, heaped]) {
      // It was seen to do something at all.
      expect(mean(frames, "changes")).toBeGreaterThan(10)
      expect(mean(frames, "paintings")).toBeGreaterThan(30)
      // Of 60 updates, an update drawn by itself would make 60 times as many.
      expect(mean(frames, "changes")).toBeLessThan(400)
      expect(mean(frames, "paintings")).toBeLessThan(2_000)
      expect(mean(frames, "layouts")).toBeLessThan(5)
      expect(mean(frames, "styles")).toBeLessThan(8)
    }
  })

  it("shows in every frame the picture of the sample that its words are of", async () => {
    const page = await openPage(browser, server.url, COUNTED)
    await page.evaluate("hold()")
    let due = await page.evaluate<number>("counts.received")
    for (const messages of recorded.stream.slice(0, SINGLE)) {
      for (const message of messages) send(message)
      due += messages.length
      await page.evaluate(`arrived(${due})`)
      const shown = await page.evaluate<{ words: string; pixels: number[] }>("frame()")
      const update = messages.find(message => message.type === "update")!
      const { label, named } = update.samples.at(-1)!
      expect(shown.words).toBe(`${label}, named ${named}`)
      expect(Uint8Array.from(shown.pixels)).toEqual(decodeBytes(update.image!))
    }
    await page.close()
  })

  it("marks an answer once the network has learnt since, and asks again", async () => {
    const page = await openPage(browser, server.url)
    await page.getByTestId("canvas").scrollIntoViewIfNeeded()
    const box = (await page.getByTestId("canvas").boundingBox())!
    await page.mouse.move(box.x + box.width / 2, box.y + 40)
    await page.mouse.down()
    await page.mouse.move(box.x + box.width / 2, box.y + 200)
    await page.mouse.up()
    const answer = async (id: number) => {
      await expect.poll(() => asked.filter(({ type }) => type === "name").length).toBe(id)
      const outputs = Array.from({ length: 10 }, (_, i) => (i === 1 ? 0.5 : 0))
      send({ type: "answer", id, outputs, digit: 1, confidence: 0.9 })
    }
    await answer(1)
    await page.getByTestId("digit").waitFor()
    expect(await page.getByTestId("stale").count()).toBe(0)
    for (const message of recorded.stream.slice(0, 3).flat()) send(message)
    await page.getByTestId("stale").waitFor()
    await expect.poll(() => page.getByTestId("stale").textContent()).toMatch(/^3 samples learnt/)
    await page.getByTestId("again").click()
    await answer(2)
    await page.getByTestId("digit").waitFor()
    await expect.poll(() => page.getByTestId("stale").count()).toBe(0)
    await page.close()
  })

  it("has nothing to draw on where inputs are no picture, and shows names of classes whole", async () => {
    const [hello, ...rest] = recorded.welcome
    if (hello.type !== "hello") throw new Error("expected a welcome")
    const classes = hello.classes.map((_, i) => `Iris-versicolor-of-the-southern-meadows-${i}`)
    const table = { ...hello.network, columns: 784, rows: 1, picture: false }
    for (const picture of [false, true]) {
      welcome = [{ ...hello, classes, network: picture ? hello.network : table }, ...rest]
      const page = await openPage(browser, server.url)
      expect(await page.getByTestId("canvas").count()).toBe(picture ? 1 : 0)
      const parts = await page.locator("nav a").allTextContents()
      expect(parts.includes("Draw")).toBe(picture)
      for (const width of [1280, 390]) {
        await page.setViewportSize({ width, height: 900 })
        // Of what stands in a box that hides what does not fit.
        const cut = await page.evaluate<string[]>(`
          [...document.querySelectorAll("*")].filter(element =>
            element.textContent.includes("Iris-") && element.scrollWidth > element.clientWidth + 1 &&
            getComputedStyle(element).overflowX === "hidden").map(element => element.className)`)
        expect(cut).toEqual([])
        expect(
          await page.evaluate<number>("document.documentElement.scrollWidth"),
        ).toBeLessThanOrEqual(width)
      }
      await page.close()
    }
    welcome = recorded.welcome
  })

  /** Gives a new page so many updates before each frame, until it has all; what each frame cost. */
  async function play(stream: ToPage[][], every: number): Promise<Counts[]> {
    const page = await openPage(browser, server.url, COUNTED)
    const cdp = await page.context().newCDPSession(page)
    await cdp.send("Performance.enable")
    const counts = async (): Promise<Counts> => {
      const { metrics } = await cdp.send("Performance.getMetrics")
      const metric = (what: string) => metrics.find(({ name }) => name === what)!.value
      return {
        ...(await page.evaluate<Counts>("({ ...counts })")),
        ...{ layouts: metric("LayoutCount"), styles: metric("RecalcStyleCount") },
      }
    }
    await page.evaluate("hold()")
    let before = await counts()
    let due = before.received
    const frames: Counts[] = []
    for (const [i, messages] of stream.entries()) {
      for (const message of messages) send(message)
      due += messages.length
      const last = (i + 1) % every === 0
      // A few updates at a time: a server does not queue more than a page reads.
      if (last || i % FEW === 0) await page.evaluate(`arrived(${due})`)
      if (!last) continue
      await page.evaluate("frame()")
      const now = await counts()
      frames.push(difference(now, before))
      before = now
    }
    expect(await page.getByTestId("samples").textContent()).toBe(String(stream.length))
    await page.close()
    return frames
  }
})

function difference(now: Counts, before: Counts): Counts {
  const entries = Object.entries(now).map(([what, count]) => [
    what,
    count - before[what as keyof Counts],
  ])
  return Object.fromEntries(entries)
}

function mean(frames: Counts[], what: keyof Counts): number {
  return frames.reduce((sum, counts) => sum + counts[what], 0) / frames.length
}
