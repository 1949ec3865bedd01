/**
 * Makes `dist/`, which is what is published beside the documentation (`npm pack` runs it): the tool
 * and the library as JavaScript, the library's types, and compiled all that the tool would otherwise
 * compile on a user's machine. The folders lie there as in the repository, so that a path from one
 * file to another is the same in both.
 */
import { spawn } from "node:child_process"
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { dirname, join, relative } from "node:path"
import { fileURLToPath } from "node:url"
import { coreName } from "../host/base/prebuilt"
import { coreBinary } from "../host/codegen/core-module"
import { packageFiles } from "../host/export/devicescript/package-files"
import { buildFirmware } from "../host/hardware/firmware"
import { nodeImports } from "./imports"
import { OneCompiler } from "./one-compiler"
import { publishedPrograms } from "./programs"
import { VENDORED, vendor } from "./vendor"

const ROOT = fileURLToPath(new URL("..", import.meta.url))
const DIST = join(ROOT, "dist")
const VENDOR = join(DIST, "vendor")

/** What the tool reads while it runs, other than its own code. */
const FILES = [
  "boards",
  "models",
  "firmware/native/wuxing-pico.uf2",
  "firmware/native/wuxing-pico.json",
  "firmware/native/wuxing-features.json",
  "host/nir/spiking/ring-fits.json",
  "firmware/devsconfig.json",
  "examples/devicescript",
]
/** Not among them: 200 kB for data that do not come with the package either, in a package of at most 3 MB. */
const LEFT_OUT = "models/fashion-kernels.wuxing"
/** Compiled, or used only to compile. */
const NOT_COPIED = /\.ts$|[\\/](?:assembly|codegen[\\/]built)[\\/]|[\\/]dashboard[\\/]page[\\/]/

/** Seven programs: one process takes half of what seven would. */
const compiler = new OneCompiler()
const inOneProcess = { compile: (folder: string) => compiler.compile(folder, "main.ts") }

rmSync(DIST, { recursive: true, force: true })
await Promise.all([
  compile("packaging/tsconfig.json"),
  compile("packaging/tsconfig.types.json"),
  vendor(VENDOR),
  compileCore(),
  compileFirmware(),
])
// Plain JavaScript that threads start with: what is compiled imports it.
for (const path of filesIn(join(ROOT, "host")))
  if (/\.mjs$/.test(path) && !NOT_COPIED.test(path))
    cpSync(path, join(DIST, relative(ROOT, path)), { recursive: true })
const vendored = { [VENDORED]: join(VENDOR, `${VENDORED}.cjs`) }
for (const path of filesIn(DIST))
  if (/\.js$|\.d\.ts$/.test(path))
    writeFileSync(path, nodeImports(readFileSync(path, "utf8"), path, vendored))
for (const file of FILES) cpSync(join(ROOT, file), join(DIST, file), { recursive: true })
rmSync(join(DIST, LEFT_OUT))
for (const path of filesIn(join(ROOT, "host")))
  if (!NOT_COPIED.test(path)) cpSync(path, join(DIST, relative(ROOT, path)), { recursive: true })
// The package for people's own DeviceScript programs, with the core it is made of.
for (const [path, text] of packageFiles()) {
  const to = join(DIST, "packages/devicescript-wuxing", path)
  mkdirSync(dirname(to), { recursive: true })
  writeFileSync(to, text)
}
// The nearest manifest to dist/host/cli, as in the repository.
const { name, version, type } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"))
writeFileSync(join(DIST, "package.json"), `${JSON.stringify({ name, version, type })}\n`)

async function compile(project: string): Promise<void> {
  const tsc = join(ROOT, "node_modules/typescript-7/bin/tsc")
  // Its threads would take twice the time of the cores.
  const args = [tsc, "-p", join(ROOT, project), "--singleThreaded"]
  const child = spawn(process.execPath, args, { stdio: "inherit" })
  const status = await new Promise(resolve => child.once("close", resolve))
  if (status !== 0) throw new Error(`tsc -p ${project} ended with status ${status}`)
}

async function compileCore(): Promise<void> {
  for (const batched of [false, true]) keep(coreName(batched), await coreBinary(batched))
}

async function compileFirmware(): Promise<void> {
  for (const { file, options } of publishedPrograms())
    keep(file, (await buildFirmware({ ...inOneProcess, ...options })).bytecode)
  compiler.stop()
}

function keep(file: string, bytes: Uint8Array): void {
  mkdirSync(join(DIST, "prebuilt"), { recursive: true })
  writeFileSync(join(DIST, "prebuilt", file), bytes)
}

function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name))
}
