/** The lock file says of every package of every platform which bytes it is. */
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { expect, test } from "vitest"
import { ROOT } from "../root"

test("every package in the lock file has its integrity, and comes from no other place", () => {
  const { packages } = JSON.parse(readFileSync(join(ROOT, "package-lock.json"), "utf8")) as {
    packages: Record<string, { integrity?: string; link?: boolean; resolved?: string }>
  }
  const entries = Object.entries(packages).filter(([path, { link }]) => path !== "" && !link)
  expect(entries.length).toBeGreaterThan(200)
  const open = entries.filter(([, { integrity = "" }]) => !/^sha512-[\w+/]{86}==$/.test(integrity))
  expect(open.map(([path]) => path)).toEqual([])
  const elsewhere = entries.filter(
    ([, { resolved }]) => resolved && !resolved.startsWith("https://registry.npmjs.org/"),
  )
  expect(elsewhere.map(([path]) => path)).toEqual([])
})
