/** Builds of the firmware with a line changed, for what cannot be asked of the product itself. */
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { builtOnce } from "../../host/base/built-once"
import { buildFirmware, sources } from "../../host/hardware/firmware"
import { compileIn } from "../devs-compiler"
import { ROOT } from "../root"

/** The firmware in which `from` in `file` (of firmware/) reads `to`, compiled once as the product's own is. */
export async function buildVariant(
  file: string,
  from: string | RegExp,
  to: string,
): Promise<Uint8Array> {
  const made = [...sources(), file, String(from), to]
  const { bytes } = await builtOnce("variant.devs", made, () => compileVariant(file, from, to))
  return new Uint8Array(bytes)
}

async function compileVariant(
  file: string,
  from: string | RegExp,
  to: string,
): Promise<Uint8Array> {
  const folder = await mkdtemp(join(tmpdir(), "wuxing-variant-"))
  try {
    for (const part of ["firmware", "src"])
      await cp(join(ROOT, part), join(folder, part), {
        recursive: true,
        // What the compiler generates, it generates anew.
        filter: source => !/node_modules|\.devicescript/.test(source),
      })
    const path = join(folder, "firmware", file)
    const text = await readFile(path, "utf8")
    if (text.split(from).length !== 2) throw new Error(`"${from}" is not once in ${file}`)
    await writeFile(
      path,
      text.replace(from, () => to),
    )
    const options = { quiet: true, folder: join(folder, "firmware"), compile: compileIn }
    return (await buildFirmware(options)).bytecode
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
