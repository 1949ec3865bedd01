/**
 * The picture of the page in the docs (`npm run page:picture`): `wuxing dashboard` has learnt some 900
 * images on two virtual boards and is asked what a drawn 3 is, in Debian's chromium.
 */
import { spawn } from "node:child_process"
import { writeFileSync } from "node:fs"
import { createInterface } from "node:readline"
import { chromium } from "playwright-core"
import { imageAt, readMnist } from "../../../host/data/mnist"
import { ROOT } from "../../root"
import { CHROMIUM } from "./recording"
import { strokesOf } from "./strokes"

const FILE = `${ROOT}docs/dashboard.webp`
const IMAGES = 900
const DIGIT = 3
const WIDTH = 1280
const MARGIN = 16
const QUALITY = 82
/** On a busy machine boards take their time, ms. */
const PATIENCE_MS = 240_000

const tool = spawn(
  process.execPath,
  ["--import", "tsx", "host/cli/main.ts", "dashboard", "--fresh", "--port", "0", "--json"],
  { cwd: ROOT, stdio: ["ignore", "pipe", "inherit"] },
)
const ended = new Promise<void>(resolve => tool.on("close", () => resolve()))
const lines = createInterface(tool.stdout)
const ready = new Promise<{ url: string }>((resolve, reject) => {
  lines.once("line", line => resolve(JSON.parse(line)))
  tool.once("close", () => reject(new Error("the tool ended before its page was there")))
})
const browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox"] })
try {
  const page = await browser.newPage({ viewport: { width: WIDTH, height: 900 } })
  page.setDefaultTimeout(PATIENCE_MS)
  await page.goto((await ready).url)
  await page.getByTestId("canvas").waitFor()
  await page.getByTestId("pause").click()
  const learnt = async () =>
    Number((await page.getByTestId("samples").textContent())?.replaceAll(",", ""))
  while ((await learnt()) < IMAGES) await page.waitForTimeout(50)
  await page.getByTestId("pause").click()
  const { test } = readMnist()
  // The first that it knows.
  for (let i = test.labels.indexOf(DIGIT); i >= 0; i = test.labels.indexOf(DIGIT, i + 1)) {
    await page.getByTestId("clear").click()
    const box = (await page.getByTestId("canvas").boundingBox())!
    const move = ([x, y]: [number, number]) =>
      page.mouse.move(box.x + (x / 28) * box.width, box.y + (y / 28) * box.height)
    for (const [first, ...rest] of strokesOf(imageAt(test, i))) {
      await move(first)
      await page.mouse.down()
      for (const point of rest) await move(point)
      await page.mouse.up()
    }
    await page.getByTestId("digit").waitFor()
    if ((await page.getByTestId("digit").textContent()) === String(DIGIT)) break
  }
  await page.getByTestId("layer").selectOption("2")
  await page.getByTestId("neuron").fill(String(DIGIT))
  await page.getByTestId("read").click()
  // By the boards' own clocks: told every two seconds.
  await page.getByTestId("times").waitFor()
  await page.evaluate("scrollTo(0, 0); document.activeElement?.blur()")
  await page.mouse.move(0, 0)
  await page.waitForTimeout(1_000)
  // The fleet below it is a table of the same boards.
  const height = await page.evaluate<number>(
    `Math.ceil(document.querySelector("#inside").getBoundingClientRect().bottom + ${MARGIN})`,
  )
  const cdp = await page.context().newCDPSession(page)
  const { data } = await cdp.send("Page.captureScreenshot", {
    ...{ format: "webp", quality: QUALITY, captureBeyondViewport: true },
    clip: { x: 0, y: 0, width: WIDTH, height, scale: 1 },
  })
  const picture = Buffer.from(data, "base64")
  writeFileSync(FILE, picture)
  console.log(
    `${FILE}: ${WIDTH} × ${height}, ${picture.length} bytes, ${await learnt()} images learnt`,
  )
} finally {
  await browser.close()
  tool.kill("SIGINT")
  await ended
}
