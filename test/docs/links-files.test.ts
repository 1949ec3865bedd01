/** The page on links files against what reads them. */
import { expect, test } from "vitest"
import { parseLinks } from "../../host/models/links-file"
import { settingsSchema } from "../../host/network/network-schema"
import { numberIn, pages, quotedIn, tablesOf } from "./pages"

const page = pages.find(({ path }) => path === "docs/links-files.md")!
const [, example] = /```json\n([\s\S]*?)```/.exec(page.text)!

test("its example is read, with its coefficient", () => {
  const { network, coefficients } = parseLinks(example, "the example")
  expect(network).toMatchObject({ name: "two rings", width: 4, netMin: -2048 })
  // −0.5 in Q13.
  const values = [0, 2].map(at => coefficients.readInt16LE(at))
  expect(values).toContain(-4096)
})

test("every setting is in its table, with the value it has where it is absent", () => {
  const [, settings] = tablesOf(page)
  const stated = settings.rows.flatMap(([names]) => quotedIn(names))
  expect(stated.sort()).toEqual(Object.keys(settingsSchema.shape).sort())
  const bare = JSON.parse(example)
  delete bare.settings
  const network = parseLinks(JSON.stringify(bare), "bare") as unknown as {
    network: Record<string, unknown>
  }
  let compared = 0
  for (const [names, , absent] of settings.rows)
    for (const [i, name] of quotedIn(names).entries()) {
      const value = network.network[name]
      if (typeof value !== "number") continue
      expect(numberIn(absent.split(", ")[i].replace("−", "-")), name).toBe(value)
      compared++
    }
  expect(compared).toBe(10)
})

test("every member is in its table, and a missing one is refused where the page says so", () => {
  const [members] = tablesOf(page)
  const stated = members.rows.flatMap(([names]) => quotedIn(names))
  expect(Object.keys(JSON.parse(example)).filter(name => !stated.includes(name))).toEqual([])
  for (const [names, , absent] of members.rows)
    for (const name of quotedIn(names)) {
      const without = JSON.parse(example)
      // The other link begins at an element that only `inputSignals` makes an output.
      if (name !== "links") without.links.pop()
      delete without[name]
      const read = () => parseLinks(JSON.stringify(without), name)
      if (absent === "refused") expect(read, name).toThrow()
      else expect(read, name).not.toThrow()
    }
})
