/** What is kept of the C library: the files made of src/ (build.ts), and the templates. */
import { readFileSync } from "node:fs"

/** Files, not the translation, since that needs the TypeScript compiler. */
export const BUILT = new URL("built/wuxing.c", import.meta.url)
export const BUILT_SPIKING = new URL("built/spiking.c", import.meta.url)
export const BUILT_FEATURES = new URL("built/wuxing_features.c", import.meta.url)

export function builtLibrary(): string {
  return readFileSync(BUILT, "utf8")
}

export function builtFeatures(): string {
  return readFileSync(BUILT_FEATURES, "utf8")
}

export function builtSpiking(): string {
  return readFileSync(BUILT_SPIKING, "utf8")
}

export function template(name: string): string {
  return readFileSync(new URL(`template/${name}`, import.meta.url), "utf8")
}
