/** The fleet part of the page with a class of boards, in a real browser: rows by agent. */
import { existsSync, mkdirSync, readFileSync } from "node:fs"
import { createRequire } from "node:module"
import { fileURLToPath } from "node:url"
import { chromium } from "playwright-core"
import { expect, it } from "vitest"
import type { Seen } from "../../../host/dashboard/describe"
import { Hub } from "../../../host/dashboard/hub"
import { DashboardServer } from "../../../host/dashboard/server"
import { wholeNetwork } from "../../../host/network/host-network"
import { pico16 } from "../../../host/network/presets"

const CHROMIUM = "/usr/bin/chromium"
const SCREENSHOTS = fileURLToPath(new URL("screenshots/", import.meta.url))
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core"), "utf8")
const network = pico16(1)
const numbers = Array.from({ length: 32 }, (_, i) => i)
const groupOf = (i: number) => `table-0${1 + Math.floor(i / 8)}`

/** 32 boards of four agents, as they are seen side by side. */
const seen: Seen = {
  ...{ shares: [wholeNetwork(network)], recoveries: 1, partTimes: [] },
  learnShifts: { links: network.learnShift },
  live: () =>
    numbers.map(i => ({
      title: `board ${i} (pico, c1a5${String(i).padStart(12, "0")})`,
      group: groupOf(i),
      ...{ share: 1, samples: 100 + i, messages: 10 * i, fromBoard: 5 * i, toBoard: 5 * i },
      ...{ errors: i === 9 ? 2 : 0, silentSeconds: 0.3 },
    })),
  boards: async () =>
    numbers.map(i => ({
      ...{ id: String(i), profile: "pico", neurons: 26, links: 3712, heapBytes: 40_000 },
    })),
}

it.skipIf(!existsSync(CHROMIUM))(
  "shows a row for each of 32 boards, by agent, and fits",
  async () => {
    const hub = new Hub({ network, classes: Array.from({ length: 10 }, (_, i) => String(i)) })
    const server = await DashboardServer.start({
      ...{ hub, host: "127.0.0.1", port: 0, token: "a-token-of-the-tests" },
    })
    const browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox"] })
    try {
      const page = await browser.newPage({ viewport: { width: 1280, height: 900 } })
      const complaints: string[] = []
      page.on("pageerror", error => complaints.push(error.message))
      await hub.attach(seen)
      hub.state(9, "fault")
      await page.goto(server.url)
      const tables = page.getByTestId("agent")
      await tables.nth(3).waitFor()
      await page.locator(".pill.fault").waitFor()
      expect(await tables.count()).toBe(4)
      const captions = await tables.locator("caption").allTextContents()
      expect(captions).toEqual([
        "table-01 8 boards: 8 running; 828 samples",
        "table-02 8 boards: 7 running, 1 fault; 892 samples",
        "table-03 8 boards: 8 running; 956 samples",
        "table-04 8 boards: 8 running; 1,020 samples",
      ])
      const rows = await tables.locator("tbody th").allTextContents()
      expect(rows.map(text => Number(text))).toEqual(numbers)
      mkdirSync(SCREENSHOTS, { recursive: true })
      for (const width of [1280, 390]) {
        await page.setViewportSize({ width, height: 900 })
        const across = await page.evaluate<number>("document.documentElement.scrollWidth")
        expect(across).toBeLessThanOrEqual(width)
        await page.locator("#fleet").screenshot({ path: `${SCREENSHOTS}class-${width}.png` })
      }
      await page.evaluate(axe)
      const faults = await page.evaluate<string[]>(
        `axe.run(document.querySelector("#fleet")).then(({ violations }) => violations.map(({ id }) => id))`,
      )
      expect([faults, complaints]).toEqual([[], []])
    } finally {
      await browser.close()
      await hub.close()
      await server.close()
    }
  },
)
