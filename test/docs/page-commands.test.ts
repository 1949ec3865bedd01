/** Commands of the pages that take seconds and no boards, run as they stand there, one after the other. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { PNG } from "pngjs"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { wuxing } from "../host/cli/run-cli"
import { ROOT } from "../root"
import { temporaryFolder } from "../temporary"
import { filled, words } from "./pages"
import { pageCommands } from "./where-run"

/** Files the commands take for granted: pictures and values of one's own. */
function fill(folder: string): void {
  const picture = (bright: (x: number, y: number) => boolean) => {
    const png = new PNG({ width: 12, height: 12 })
    for (let i = 0; i < 144; i++) png.data.fill(bright(i % 12, i / 12) ? 255 : 0, 4 * i, 4 * i + 3)
    for (let i = 0; i < 144; i++) png.data[4 * i + 3] = 255
    return PNG.sync.write(png)
  }
  const shapes = [
    (x: number) => x < 3,
    (x: number, y: number) => Math.abs(x - y) < 2,
    (_: number, y: number) => y < 3,
  ]
  for (const split of ["train", "test"])
    for (const [k, shape] of shapes.entries()) {
      mkdirSync(join(folder, "shapes", split, `${k}`), { recursive: true })
      for (let i = 0; i < 5; i++)
        writeFileSync(join(folder, "shapes", split, `${k}`, `${i}.png`), picture(shape))
    }
  writeFileSync(join(folder, "new.png"), picture(shapes[1]))
  const rows = Array.from({ length: 20 }, (_, i) => [i % 5, ...Array(10).fill((i % 5) * 50)])
  writeFileSync(join(folder, "values.csv"), rows.map(row => row.join(",")).join("\n"))
}

describe("on the pages", () => {
  const own = process.cwd()
  const folder = temporaryFolder("pages")
  beforeAll(() => {
    fill(folder)
    process.chdir(folder)
  })
  afterAll(() => process.chdir(own))

  test.each(pageCommands())("wuxing %s", async args => {
    const { status, stdout, stderr } = await wuxing([...words(filled(args)), "--quiet"])
    expect(status, stderr).toBe(0)
    expect(stdout.trim()).not.toBe("")
  })

  test("leave the pictures that are on the page of the model", () => {
    for (const name of ["ring-size", "storing"])
      expect(readFileSync(join(folder, "reproduction", `${name}.svg`), "utf8")).toBe(
        readFileSync(`${ROOT}docs/model-${name}.svg`, "utf8"),
      )
    expect(readdirSync(folder)).toContain("plan.svg")
  })
})
