/**
 * Johnny-Five, put into the package as one file with the licences of what is in it.
 *
 * As a dependency it would bring an old `serialport` that wants a compiler: it names one, and the
 * `overrides` of our own manifest do not hold for those who install us. Ports are opened by ours.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { createRequire } from "node:module"
import { join, resolve } from "node:path"
import { build } from "esbuild"

export const VENDORED = "johnny-five"

/** @param folder where `johnny-five.cjs` and `LICENSES.txt` come to lie */
export async function vendor(folder: string): Promise<void> {
  const { metafile } = await build({
    entryPoints: [createRequire(import.meta.url).resolve(VENDORED)],
    outfile: join(folder, `${VENDORED}.cjs`),
    ...{ bundle: true, platform: "node", format: "cjs", minify: true, metafile: true },
    // Looked for only where no transport is given to it.
    external: ["serialport", "firmata", "browser-serialport"],
    logLevel: "warning",
  })
  const packages = Object.keys(metafile.inputs).map(
    path => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0] ?? path,
  )
  const texts = [...new Set(packages)].sort().map(path => licenceOf(resolve(path)))
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, "LICENSES.txt"), texts.join("\n\n"))
}

function licenceOf(folder: string): string {
  const { name, version, license, licenses } = JSON.parse(
    readFileSync(join(folder, "package.json"), "utf8"),
  )
  const file = readdirSync(folder).find(entry => /^licen[cs]e/i.test(entry))
  const kind = license ?? licenses?.[0]?.type
  if (kind === undefined) throw new Error(`${name} states no licence`)
  const text = file === undefined ? "" : readFileSync(join(folder, file), "utf8")
  return `${name} ${version}: ${kind}\n\n${text}`.trimEnd()
}
