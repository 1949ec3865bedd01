/** Where the program of native boards is, and what the build says of it: both come with the package. */
import { fileURLToPath } from "node:url"

const inFolder = (name: string) =>
  fileURLToPath(new URL(`../../../firmware/native/${name}`, import.meta.url))

export const UF2_PATH = inFolder("wuxing-pico.uf2")
/** A `Listing` (host/profile/native.ts) as JSON. */
export const LISTING_PATH = inFolder("wuxing-pico.json")
/** The features of signals as machine code: a `FeaturesBuild` (host/codegen/build-firmware.ts) as JSON. */
export const FEATURES_PATH = inFolder("wuxing-features.json")
