/** What README, the page of commands and that of networks say of the tool, held against the tool. */
import { readFileSync } from "node:fs"
import { describe, expect, test } from "vitest"
import "../../host/base/memory"
import { EXIT_STATUS } from "../../host/base/errors"
import {
  FAULT_KINDS,
  type FaultKind,
  formatFault,
  parseFaults,
  usualMs,
} from "../../host/faults/spec"
import { trainedModel, trainedNames } from "../../host/models/trained"
import { linksOf } from "../../host/network/network"
import { presetNames } from "../../host/network/presets"
import { wuxing } from "../host/cli/run-cli"
import { ROOT } from "../root"
import { numberIn, pageNamed, quotedIn, readme, tableOn } from "./pages"

const { text } = readme
const COMMANDS = "docs/commands.md"
const helpOf = async (...args: string[]) => (await wuxing(["help", ...args])).stdout

test("the table of exit statuses is the one in the code", () => {
  const rows = tableOn(COMMANDS, "status", "kind")
  expect(rows[0][0]).toBe("0")
  const stated = rows.slice(1).map(([status, kind]) => [kind.replaceAll("`", ""), Number(status)])
  expect(Object.fromEntries(stated)).toEqual(EXIT_STATUS)
  expect(stated.length).toBe(Object.keys(EXIT_STATUS).length)
  for (const [, , meaning] of rows) expect(meaning).not.toBe("")
})

test("every command and demonstration that help lists is on its page, and no other", async () => {
  const listed = (help: string) => [...help.matchAll(/^ {2}(\w+)/gm)].map(([, name]) => name)
  const documented = tableOn(COMMANDS, "command", "does").map(([cell]) => cell.split(/[ `]+/)[2])
  const [, commands] = (await helpOf()).split("Commands:")
  expect(documented.filter(name => /^\w+$/.test(name)).sort()).toEqual(listed(commands).sort())

  const [, demos] = (await helpOf("demo")).split("Commands:")
  const demosPage = pageNamed("docs/demos.md").text
  const shown = [...demosPage.matchAll(/^- `wuxing demo (\w+)`:/gm)].map(([, name]) => name)
  expect(shown.sort()).toEqual(listed(demos).sort())
})

test("every option of the demo that help lists is on the page of commands with its default, and no other", async () => {
  const [own, common] = (await helpOf("demo")).split("Global Options:")
  const flags = (from: string) => [...new Set(from.match(/--[a-z]+/g))].sort()
  const rows = tableOn(COMMANDS, "option of `demo`")
  const offered = [
    ...own
      .split("Options:")[1]
      .split("Commands:")[0]
      .matchAll(/^ {2}(?:-\w, )?(--\w+)/gm),
  ]
  expect(rows.map(([cell]) => flags(cell)[0]).sort()).toEqual(
    offered
      .map(([, flag]) => flag)
      .filter(flag => flag !== "--help")
      .sort(),
  )
  for (const [cell, , stated] of rows) {
    const [flag] = flags(cell)
    const [, lines] = new RegExp(`^  ${flag} ((?:.|\\n {24})*)`, "m").exec(own)!
    const [, value] = /\(default: ([^)]*)\)/.exec(lines.replace(/\s+/g, " ")) ?? []
    // Some say theirs in words, on one side or the other.
    if (value !== undefined && /^[\w.]+$/.test(value)) expect(stated, flag).toContain(value)
    else if (/^\d+$/.test(stated)) expect(value, flag).toBe(stated)
  }
  const everywhere = tableOn(COMMANDS, "option of every command").flatMap(([cell]) => flags(cell))
  expect([...everywhere, "--version"].sort()).toEqual(flags(common.split("Commands:")[0]))
})

test("the commands it states are scripts of the package", () => {
  const { scripts } = JSON.parse(readFileSync(`${ROOT}package.json`, "utf8"))
  const contributing = readFileSync(`${ROOT}CONTRIBUTING.md`, "utf8")
  for (const [, name] of `${text}\n${contributing}`.matchAll(/npm run (?:-s )?([\w:]+)/g))
    expect(Object.keys(scripts)).toContain(name)
  expect(text).toMatch(/^npm ci && npm start$/m)
  expect(text).toMatch(/^npm ci && npm test$/m)
})

test("the kinds of faults are those the tool puts, and two take a time", () => {
  const { text } = pageNamed("docs/faults.md")
  const [, notation, kinds] = /`--faults` puts (.*) Kinds are ([^;]+);/.exec(text)!
  expect(kinds.split(/, | and /)).toEqual(Object.keys(FAULT_KINDS))
  const [, timed] = /; (.*) take a time\./.exec(text)!
  expect(quotedIn(timed)).toEqual(
    Object.keys(FAULT_KINDS)
      .filter(kind => usualMs(kind as FaultKind) > 0)
      .map(kind => `${kind}:MS`),
  )
  const written = quotedIn(notation).map(form =>
    form
      .replace("KIND", "drop")
      .replace("STREAM", "1.in.back")
      .replace(/@P|:P/, found => `${found[0]}5`)
      .replace("#I", "#7"),
  )
  expect(written).toEqual(["drop@5%", "drop@1.in.back:5%", "drop@1.in.back#7"])
  for (const spec of written) expect(formatFault(parseFaults(spec)[0])).toBe(spec)
})

describe("the table of networks", () => {
  const rows = tableOn("docs/networks.md", "preset", "network", "links", "epochs")

  test("has every network that is kept, and no other", () => {
    expect(rows.map(([name]) => name.replaceAll("`", "")).sort()).toEqual([...trainedNames].sort())
    for (const name of presetNames) expect(trainedNames).toContain(name)
  })

  test.each(rows.map(row => [row[0].replaceAll("`", ""), row] as const))(
    "says of %s what it is",
    (name, row) => {
      const [, what, links, epochs] = row
      const { network, training } = trainedModel(name)
      const sizes = [network.width, ...network.layers.map(({ neurons }) => neurons)].join("-")
      const [first, ...others] = network.layers
      expect(what.startsWith(sizes) || what.startsWith(`\`${network.name}\``)).toBe(true)
      expect(numberIn(links)).toBe(
        network.layers.reduce((sum, _, i) => sum + linksOf(network, i + 1), 0),
      )
      expect(Number(epochs)).toBe(training!.epochs)
      const [, fanIn] = /fan-in (\d+)/.exec(what) ?? []
      if (fanIn !== undefined) expect(Number(fanIn)).toBe(first.fanIn)
      const [, steps] = /(\d+) steps/.exec(what) ?? []
      if (steps !== undefined) expect(Number(steps)).toBe(network.steps)
      if (/one-to-one/.test(what)) expect(network.linking).toBe("strict")
      expect(/one synapse per output/.test(what)).toBe(others.at(-1)!.inputs === 1)
      const [, images] = /epochs of ([\d,]+) images/.exec(what) ?? []
      if (images !== undefined) expect(numberIn(images)).toBe(training!.settings!.images)
    },
  )
})
