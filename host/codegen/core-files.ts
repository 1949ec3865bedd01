import { existsSync } from "node:fs"
import { fileURLToPath } from "node:url"

/** Rooms of src/ with modules that are translated; a module's name is unique among them. */
const ROOMS = ["core", "base", "wire", "signals", "spiking", "service"]

/**
 * The file of a module of the core, by its name without extension.
 *
 * @throws Error if there is none
 */
export function corePath(name: string): string {
  for (const room of ROOMS) {
    const path = fileURLToPath(new URL(`../../src/${room}/${name}.ts`, import.meta.url))
    if (existsSync(path)) return path
  }
  throw new Error(`src/ has no module ${name} in ${ROOMS.join(", ")}`)
}
