/** Imports go down: from the commands to the base, never up or round, as test/floors.ts says. */
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs"
import { dirname, join, normalize } from "node:path"
import { describe, expect, it } from "vitest"
import { ROOTS } from "../host/codegen/core-source"
import { BOARD_PROGRAMS, HOST_FLOORS, NATIVE_MODULES, SOURCE_FLOORS } from "./floors"

const ROOT = new URL("..", import.meta.url).pathname
const SKIPPED = new Set(["built", "node_modules", ".devicescript"])

function filesIn(folder: string): string[] {
  return readdirSync(join(ROOT, folder)).flatMap(name => {
    const path = `${folder}/${name}`
    if (SKIPPED.has(name)) return []
    if (statSync(join(ROOT, path)).isDirectory()) return filesIn(path)
    return /\.(?:ts|tsx|mjs|cjs)$/.test(name) && !name.endsWith(".d.ts") ? [path] : []
  })
}

/** What a file imports of this repository, types and workers' files included. */
function importsOf(path: string, lazyToo = true): string[] {
  const code = readFileSync(join(ROOT, path), "utf8").replace(/\/\*[\s\S]*?\*\//g, "")
  const named = code.matchAll(/\b(?:from|import)\s+["'](\.{1,2}\/[^"']+)["']/g)
  const lazy = code.matchAll(
    /\bimport\s*\(\s*["'](\.{1,2}\/[^"']+)["']|new URL\(\s*["'](\.{1,2}\/[^"']+\.[mc]js)["']/g,
  )
  return [...named, ...(lazyToo ? lazy : [])].flatMap(([, name, worker]) => {
    const to = normalize(join(dirname(path), name ?? worker))
    const found = [to, `${to}.ts`, `${to}.tsx`, `${to}.mjs`].find(
      at => existsSync(join(ROOT, at)) && statSync(join(ROOT, at)).isFile(),
    )
    return found ? [found] : []
  })
}

const files = ["host", "src", "firmware"].flatMap(filesIn)
const imports = new Map(files.map(path => [path, importsOf(path)]))
const arrows = files.flatMap(from => imports.get(from)!.map(to => ({ from, to })))
const code = arrows.filter(({ to }) => imports.has(to))

/** "host/fleet/fleet.ts" → ["host", "fleet"]; a file at the root of host/ is a room by itself. */
const placeOf = (path: string) => path.split("/").slice(0, 2) as [string, string]

function floorOf(path: string): number {
  const [tree, room] = placeOf(path)
  const floors = tree === "host" ? HOST_FLOORS : SOURCE_FLOORS
  return floors.findIndex(rooms => rooms.includes(room))
}

function upward(tree: string): string[] {
  return code
    .filter(({ from, to }) => from.startsWith(`${tree}/`) && to.startsWith(`${tree}/`))
    .filter(({ from, to }) => placeOf(from)[1] !== placeOf(to)[1] && floorOf(to) >= floorOf(from))
    .map(({ from, to }) => `${from} → ${to}`)
}

describe("imports", () => {
  it("are found at all, of every kind", () => {
    expect(code.length).toBeGreaterThan(800)
    const of = (from: string, to: string) => imports.get(from)?.includes(to)
    expect(of("host/cli/profile.ts", "host/profile/profile.ts")).toBe(true)
    expect(of("src/core/run.ts", "src/core/links.ts")).toBe(true)
  })

  it("know the floor of every room", () => {
    const homeless = files.filter(path => !path.startsWith("firmware/") && floorOf(path) < 0)
    expect(homeless).toEqual([])
  })

  it("go down in host/", () => {
    expect(upward("host")).toEqual([])
  })

  it("go down in src/, which imports nothing else", () => {
    expect(upward("src")).toEqual([])
    const out = arrows.filter(({ from, to }) => from.startsWith("src/") && !to.startsWith("src/"))
    expect(out).toEqual([])
  })

  it("never reach firmware/, nor host/cli/ from elsewhere", () => {
    const wrong = code.filter(
      ({ from, to }) =>
        (to.startsWith("firmware/") && !from.startsWith("firmware/")) ||
        (to.startsWith("host/cli/") && !from.startsWith("host/cli/")) ||
        (from.startsWith("firmware/") && to.startsWith("host/")),
    )
    expect(wrong.map(({ from, to }) => `${from} → ${to}`)).toEqual([])
  })

  it("go in no circle, where they are not put off until a function runs", () => {
    const circles: string[] = []
    const done = new Set<string>()
    const visit = (path: string, way: string[]) => {
      const at = way.indexOf(path)
      if (at >= 0) circles.push([...way.slice(at), path].join(" → "))
      if (at >= 0 || done.has(path)) return
      for (const to of importsOf(path, false)) visit(to, [...way, path])
      done.add(path)
    }
    for (const path of files) visit(path, [])
    expect(circles).toEqual([])
  })

  it("keep the start of the tool short: before it knows the command, three small packages", () => {
    const seen = new Set<string>()
    const packages = new Set<string>()
    const visit = (path: string) => {
      if (seen.has(path)) return
      seen.add(path)
      // Types are not there when it runs.
      const code = readFileSync(join(ROOT, path), "utf8").replace(
        /^import type [^;]*?from .*$/gm,
        "",
      )
      for (const [, name] of code.matchAll(
        /^(?:import|\} from|export .* from).*?["']([^"'.][^"']*)["']$/gm,
      ))
        if (!name.startsWith("node:")) packages.add(name)
      for (const to of importsOf(path, false))
        if (code.includes(`/${to.split("/").at(-1)!.replace(/\.ts$/, "")}"`)) visit(to)
    }
    visit("host/cli/main.ts")
    expect([...packages].sort()).toEqual(["cli-table3", "commander", "picocolors"])
  })

  it("make a board reach all of src/, but for the manner in which the host learns batches", () => {
    const reached = new Set(["src/core/once.ts"])
    const visit = (path: string) => {
      if (reached.has(path)) return
      reached.add(path)
      for (const to of imports.get(path) ?? importsOf(path)) visit(to)
    }
    for (const program of BOARD_PROGRAMS) visit(program)
    for (const root of [...ROOTS, ...NATIVE_MODULES])
      for (const path of files.filter(file => new RegExp(`^src/\\w+/${root}\\.ts$`).test(file)))
        visit(path)
    // A package's programs find src/ beside their own files (host/export/devicescript/package-files.ts).
    for (const path of filesIn("packages/devicescript-wuxing/src"))
      for (const [, module] of readFileSync(join(ROOT, path), "utf8").matchAll(
        / from "\.\/(\w+\/[^"]+)"/g,
      ))
        visit(`src/${module}.ts`)
    expect(files.filter(path => path.startsWith("src/") && !reached.has(path))).toEqual([])
  })

  it("are described in CONTRIBUTING.md, floor by floor", () => {
    const page = readFileSync(join(ROOT, "CONTRIBUTING.md"), "utf8")
    const rows = [...page.matchAll(/^\| \d \| (.+?) \|/gm)].map(([, rooms]) =>
      [...rooms.matchAll(/`([^`]+)`/g)].map(([, room]) => room),
    )
    expect(rows.reverse()).toEqual(HOST_FLOORS)
  })
})
