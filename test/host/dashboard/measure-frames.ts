/**
 * Frames a second that a page shows of 60 updates a second, and the share of a processor that its thread
 * takes for them, on this machine (`npm run page:frames`): on one with nothing else to do.
 */
import { chromium } from "playwright-core"
import { realClock } from "../../../host/base/clock"
import { CHROMIUM, openPage, record, SECONDS, serve, UPDATES } from "./recording"

const recorded = await record()
const { server, send } = await serve(() => recorded.welcome)
const browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox"] })
try {
  const page = await openPage(browser, server.url)
  const cdp = await page.context().newCDPSession(page)
  // Time that the page's thread had a processor, not what it waited for one.
  await cdp.send("Performance.enable", { timeDomain: "threadTicks" })
  const worked = async () => {
    const { metrics } = await cdp.send("Performance.getMetrics")
    return metrics.find(({ name }) => name === "TaskDuration")?.value ?? 0
  }
  const before = await worked()
  const frames = page.evaluate<number[]>(`new Promise(resolve => {
    const at = []
    const frame = now => {
      at.push(now)
      if (now - at[0] < ${SECONDS * 1000}) requestAnimationFrame(frame)
      else resolve(at)
    }
    requestAnimationFrame(frame)
  })`)
  const start = realClock.now()
  for (const [i, messages] of recorded.stream.entries()) {
    await realClock.sleep(start + (i * 1000) / UPDATES - realClock.now())
    for (const message of messages) send(message)
  }
  const at = await frames
  const work = ((await worked()) - before) / SECONDS
  const seconds = Array.from(
    { length: SECONDS },
    (_, s) => at.filter(t => t >= at[0] + s * 1000 && t < at[0] + (s + 1) * 1000).length,
  )
  console.log(`frames in each second   ${seconds.join(", ")}`)
  console.log(`of a processor          ${(100 * work).toFixed(0)} %`)
} finally {
  await browser.close()
  await server.close()
}
