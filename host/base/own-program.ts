/** Programs of this tool that it starts as processes of their own. */
import { join } from "node:path"
import { fileURLToPath } from "node:url"

/**
 * Names a folder with the programs of a checkout, each put together as one `.mjs`: tests start them from there,
 * as a loader that reads the sources one by one takes most of a second of a core at each start.
 */
export const PROGRAMS_FOLDER = "WUXING_PROGRAMS"

/**
 * What to `fork`: compiled in a published package; in a checkout TypeScript, which takes a loader.
 *
 * @param importer `import.meta.url` of a module in the program's folder
 * @param name of the program's file, without its extension
 */
export function ownProgram(importer: string, name: string): { path: string; execArgv: string[] } {
  const beside = (file: string) => fileURLToPath(new URL(file, importer))
  if (importer.endsWith(".js")) return { path: beside(`${name}.js`), execArgv: [] }
  const folder = process.env[PROGRAMS_FOLDER]
  if (folder) return { path: join(folder, `${name}.mjs`), execArgv: [] }
  return { path: beside(`${name}.ts`), execArgv: ["--import", "tsx"] }
}
