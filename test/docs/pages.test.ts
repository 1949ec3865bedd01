import { createHash } from "node:crypto"
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { dirname, join, relative } from "node:path"
import { expect, test } from "vitest"
import { programOf } from "../../host/cli/program"
import { imageAt, readMnist } from "../../host/data/mnist"
import { drawSamples } from "../../host/data/samples"
import { projectFiles } from "../../host/export/devicescript/project"
import { HostNetwork } from "../../host/network/host-network"
import { pico16 } from "../../host/network/presets"
import { ROOT } from "../root"
import {
  anchorsOf,
  filled,
  namedCommands,
  pages,
  readme,
  shellLines,
  typedCommands,
  words,
} from "./pages"
import { ELSEWHERE, NOT_ALONE, pageCommands } from "./where-run"

/** Of a project made by `wuxing new`. */
const PROJECT = JSON.parse(projectFiles("my-project", "table").get("package.json")!)
const MANIFEST = JSON.parse(readFileSync(`${ROOT}package.json`, "utf8"))
test("links lead to pages, files and headings that are there", () => {
  const lost: string[] = []
  for (const { path, text } of pages) {
    const prose = text.replace(/^ *```[\s\S]*?^ *```/gm, "").replace(/`[^`\n]*`/g, "")
    for (const [, target] of prose.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^https?:/.test(target)) continue
      const [file, anchor] = target.split("#")
      const full = file === "" ? path : relative(ROOT, join(ROOT, dirname(path), file))
      if (!existsSync(join(ROOT, full))) lost.push(`${path}: ${target}`)
      else if (anchor && !anchorsOf(readFileSync(join(ROOT, full), "utf8")).includes(anchor))
        lost.push(`${path}: ${target}`)
    }
  }
  expect(lost).toEqual([])
})

test("no page or picture of docs/ is left that nothing leads to", () => {
  const all = pages.map(({ text }) => text).join("\n")
  for (const name of readdirSync(`${ROOT}docs`))
    if (/\.(md|svg|png)$/.test(name)) expect(all, name).toContain(`${name}`)
})

/** Options and arguments as the tool takes them, nothing run. */
async function parse(args: string[]): Promise<void> {
  const program = await programOf(
    args,
    () => async () => {},
    () => {},
  )
  await program.parseAsync(args, { from: "user" })
}

/** In running text a command may be named without what it needs. */
const LEFT_OUT = ["commander.missingArgument", "commander.optionMissingArgument"]

test("every command on a page is one the tool takes, with its options and values", async () => {
  const refused: string[] = []
  let count = 0
  for (const page of pages) {
    const typed = typedCommands(page).map(args => ({ args, named: false }))
    const named = namedCommands(page).map(args => ({ args, named: true }))
    for (const { args, named: inText } of [...typed, ...named]) {
      if (/(?<!<image)…|^help\b/.test(args)) continue
      try {
        await parse(words(filled(args)))
      } catch (error) {
        const { code, message } = error as { code: string; message: string }
        if (!(inText && LEFT_OUT.includes(code))) refused.push(`${page.path}: ${args}: ${message}`)
      }
      count++
    }
  }
  expect(refused).toEqual([])
  expect(count).toBeGreaterThan(60)
})

test("every other line for a shell runs a script of the package or a program that is named there", () => {
  for (const page of pages)
    for (const line of shellLines(page)) {
      for (const [, script] of line.matchAll(/npm run (?:-s )?([\w:]+)/g))
        expect(
          [...Object.keys(MANIFEST.scripts), ...Object.keys(PROJECT.scripts)],
          `${page.path}: ${line}`,
        ).toContain(script)
      for (const [, file] of line.matchAll(/npx (?:tsx|vitest run) (\S+)/g))
        expect(existsSync(join(ROOT, file)), `${page.path}: ${line}`).toBe(true)
    }
})

test("codes of errors on pages are codes of the tool's", () => {
  const sources = readdirSync(`${ROOT}host`, { recursive: true, encoding: "utf8" })
    .filter(path => path.endsWith(".ts"))
    .map(path => readFileSync(`${ROOT}host/${path}`, "utf8"))
    .join("\n")
  const page = pages.find(({ path }) => path === "docs/troubleshooting.md")!
  const codes = [...page.text.matchAll(/`([a-z]+(?:-[a-z]+)+)`/g)].map(([, code]) => code)
  const known = codes.filter(code => sources.includes(`code: "${code}"`))
  const others = codes.filter(code => !known.includes(code))
  expect(known.length).toBeGreaterThan(8)
  // Names of networks, which look alike.
  expect(others.filter(name => !/^(pico|fleet)-/.test(name))).toEqual([])
})

test("every dependency has its version, its licence and a reason", () => {
  const { text } = pages.find(({ path }) => path === "docs/dependencies.md")!
  const rows = [...text.matchAll(/^\| `([^`]+)` \| (\S+) \| ([^|]+) \| ([^|]+) \|$/gm)]
  const stated = rows.map(([, name]) => name)
  const wanted = [MANIFEST.dependencies, MANIFEST.devDependencies].flatMap(Object.keys)
  expect([...stated].sort()).toEqual([...wanted].sort())
  for (const [, name, version, licence, why] of rows) {
    const installed = JSON.parse(readFileSync(`${ROOT}node_modules/${name}/package.json`, "utf8"))
    expect(version, name).toBe(installed.version)
    // NIST's is a text of its own in a file.
    if (name !== "h5wasm") expect(licence, name).toBe(installed.license)
    expect(why.trim().length, name).toBeGreaterThan(4)
  }
})

/** Of the demo's draws: "tr" and "te". */
const SALTS = { train: 0x7472, test: 0x7465 }

test("the README's run of the demo is what the host computes", () => {
  const mnist = readMnist()
  const host = new HostNetwork(pico16(1))
  const testing = drawSamples(mnist.test.count, 500, 1, SALTS.test)
  const right = () =>
    testing.filter(i => host.predict(imageAt(mnist.test, i)) === mnist.test.labels[i]).length
  const share = () => `${((100 * right()) / 500).toFixed(1)} % (${right()} of 500)`
  const before = share()
  for (const i of drawSamples(mnist.train.count, 2000, 1, SALTS.train))
    host.train(imageAt(mnist.train, i), mnist.train.labels[i])
  const { text } = pages[0]
  expect(text).toContain(`accuracy before      ${before}\n`)
  expect(text).toContain(`accuracy after       ${share()}\n`)
  const hash = createHash("sha256").update(host.coefficients()).digest("hex")
  expect(text).toContain(`coefficients         ${hash}\n`)
})

test("every command that is to be typed runs in a test: as it stands, or in one that is named", () => {
  const asTheyStand = new Set(pageCommands())
  const lost: string[] = []
  const used = new Set<RegExp>()
  for (const page of pages.filter(({ path }) => /^README|^docs\//.test(path)))
    for (const line of shellLines(page)) {
      const here =
        page === readme
          ? !NOT_ALONE.includes(line)
          : typedCommands({ ...page, text: `\`\`\`sh\n${line}\n\`\`\`\n` }).some(args =>
              asTheyStand.has(args),
            )
      const found = here
        ? undefined
        : ELSEWHERE.find(([pattern]) => pattern.test(` ${line}`.trim()))
      if (found) used.add(found[0])
      else if (!here) lost.push(`${page.path}: ${line}`)
    }
  expect(lost).toEqual([])
  for (const [pattern, file, says] of ELSEWHERE) {
    expect(used, `${pattern} is for no line`).toContain(pattern)
    expect(readFileSync(`${ROOT}${file}`, "utf8"), `${file}, for ${pattern}`).toContain(says)
  }
})
