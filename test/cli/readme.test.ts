import { readFileSync } from "node:fs"
import { expect, test } from "vitest"
import { EXIT_STATUS } from "../../host/errors"
import { wuxing } from "./run-cli"

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8")
const readme = read("README.md")

/** The cells of the first table after a heading, without its head. */
function tableUnder(heading: string): string[][] {
  const lines = readme.slice(readme.indexOf(`\n## ${heading}\n`)).split("\n")
  const start = lines.findIndex(line => line.startsWith("|"))
  const length = lines.slice(start).findIndex(line => !line.startsWith("|"))
  return lines.slice(start + 2, start + length).map(line =>
    line
      .split("|")
      .slice(1, -1)
      .map(cell => cell.trim()),
  )
}

test("the table of exit statuses is the one in the code", () => {
  const rows = tableUnder("Exit statuses")
  expect(rows[0][0]).toBe("0")
  const stated = rows.slice(1).map(([status, kind]) => [kind.replaceAll("`", ""), Number(status)])
  expect(Object.fromEntries(stated)).toEqual(EXIT_STATUS)
  expect(stated.length).toBe(Object.keys(EXIT_STATUS).length)
  for (const [, , meaning] of rows) expect(meaning).not.toBe("")
})

test("every command and option that help lists is in the README, and no other", async () => {
  const [all, demo] = await Promise.all([wuxing(["help"]), wuxing(["help", "demo"])])
  const documented = tableUnder("Commands and options").map(([cell]) => cell.split(/[ `]+/)[2])
  const listed = [...all.stdout.split("Commands:")[1].matchAll(/^ {2}(\w+)/gm)].map(
    match => match[1],
  )
  expect(documented.filter(name => /^\w+$/.test(name)).sort()).toEqual(listed.sort())

  // Only options in tables: the text also names npm's and the package's own.
  const flags = (text: string) => [...new Set(text.match(/--[a-z]+/g))].sort()
  const tables = readme.split("\n").filter(line => line.startsWith("| `"))
  const offered = flags(demo.stdout).filter(flag => flag !== "--help")
  expect(flags(tables.join("\n"))).toEqual(offered)
})

test("the commands it states are scripts of the package", () => {
  const { scripts } = JSON.parse(read("package.json"))
  for (const [, name] of `${readme}\n${read("CONTRIBUTING.md")}`.matchAll(
    /npm run (?:-s )?([\w]+)/g,
  ))
    expect(Object.keys(scripts)).toContain(name)
  expect(readme).toMatch(/^npm ci && npm start$/m)
  expect(readme).toMatch(/^npm ci && npm test$/m)
})
