/**
 * The checkout's tool in one piece, and the programs that it or a test starts as processes of their own: by tsx
 * each start takes a second of a core to load the sources one by one. Each finds all that it reads or starts where
 * its source does.
 */
import { createHash } from "node:crypto"
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
} from "node:fs"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { build, type Plugin, version } from "esbuild"
import { forgetOld } from "../../forget-old"
import { ROOT } from "../../root"

/** Below the checkout's packages, which it imports. */
const CACHE = join(ROOT, "node_modules/.cache/wuxing")
const PROGRAMS = [
  "host/cli/main.ts",
  "host/hardware/emulator/board-process.ts",
  "host/demos/class-agent.ts",
  "test/host/hardware/start-and-wait.ts",
]

/** A module says where it stands by its own URL; in the piece, by that of its source. */
const ownUrls: Plugin = {
  name: "own-urls",
  setup({ onLoad }) {
    onLoad({ filter: /\.m?[jt]s$/ }, ({ path }) => ({
      contents: readFileSync(path, "utf8").replaceAll(
        "import.meta.url",
        JSON.stringify(pathToFileURL(path).href),
      ),
      loader: path.endsWith("ts") ? "ts" : "js",
    }))
  },
}

function hashOfSources(): string {
  const hash = createHash("sha256").update(version)
  for (const folder of ["host", "src"])
    for (const path of readdirSync(join(ROOT, folder), {
      recursive: true,
      encoding: "utf8",
    }).sort())
      if (/\.(m?ts|mjs|json)$/.test(path))
        hash.update(`${path}\n`).update(readFileSync(join(ROOT, folder, path)))
  for (const path of PROGRAMS) hash.update(readFileSync(join(ROOT, path)))
  return hash.digest("hex").slice(0, 24)
}

async function made(): Promise<string> {
  const folder = join(CACHE, `tool-${hashOfSources()}`)
  if (existsSync(folder)) return folder
  mkdirSync(CACHE, { recursive: true })
  const fresh = mkdtempSync(join(CACHE, "tool-"))
  await build({
    entryPoints: PROGRAMS.map(path => join(ROOT, path)),
    entryNames: "[name]",
    ...{ outdir: fresh, outExtension: { ".js": ".mjs" }, bundle: true, splitting: true },
    ...{ platform: "node", format: "esm", packages: "external", plugins: [ownUrls] },
  })
  try {
    renameSync(fresh, folder)
  } catch (error) {
    // Another process was as quick.
    rmSync(fresh, { recursive: true })
    if (!existsSync(folder)) throw error
  }
  forgetOld(CACHE, "tool-")
  return folder
}

let folder: Promise<string> | undefined

/** The folder of all the programs, each by its source's name and `.mjs`. */
export function programs(): Promise<string> {
  folder ??= made()
  return folder
}

/** The path of the program: node's argument in place of `--import tsx host/cli/main.ts`. */
export async function tool(): Promise<string> {
  return join(await programs(), "main.mjs")
}
