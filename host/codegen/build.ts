/**
 * `npm run firmware:native`: builds wuxing-pico.uf2 beside its sources, a listing of its
 * functions and the features of signals for `wuxing profile`, and the core as WebAssembly (`npm run
 * core`: that alone), and says what came out; with `-- arduino` fills the folder of the Arduino sketch with the sources it needs instead.
 */
import { createHash } from "node:crypto"
import { copyFileSync, readdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { FEATURES_PATH, LISTING_PATH, UF2_PATH } from "../hardware/emulator/firmware-file"
import {
  buildNativeFeatures,
  buildNativeFirmware,
  COMPILER_VERSION,
  compilerVersion,
  NATIVE_FOLDER,
  writeGenerated,
} from "./build-firmware"
import { compileCore, coreSources } from "./core-compile"
import { keepCores } from "./kept-core"

if (process.argv[2] === "arduino") {
  const sketch = join(NATIVE_FOLDER, "arduino", "wuxing")
  writeGenerated(sketch)
  for (const name of readdirSync(NATIVE_FOLDER))
    if (/\.[ch]$/.test(name)) copyFileSync(join(NATIVE_FOLDER, name), join(sketch, name))
  console.log(`${sketch}: open wuxing.ino there`)
  process.exit()
}

const cores = []
for (const batched of [false, true])
  cores.push({ batched, bytes: await compileCore(coreSources(batched, true)) })
keepCores(cores)
console.log(
  `host/codegen/built: ${cores.map(({ bytes }) => bytes.length).join(" and ")} B of WebAssembly`,
)
if (process.argv[2] === "core") process.exit()

const { uf2, ...listing } = buildNativeFirmware()
const { flashBytes, ramBytes } = listing
writeFileSync(UF2_PATH, uf2)
writeFileSync(LISTING_PATH, `${JSON.stringify(listing, null, 2)}\n`)
writeFileSync(FEATURES_PATH, `${JSON.stringify(buildNativeFeatures(), null, 2)}\n`)
const version = compilerVersion()
console.log(`${UF2_PATH}: ${flashBytes} B of flash, ${ramBytes} B of RAM beside the arena`)
console.log(`SHA-256 ${createHash("sha256").update(uf2).digest("hex")}, compiler ${version}`)
if (version !== COMPILER_VERSION)
  console.warn(`the kept file is of compiler ${COMPILER_VERSION}: bytes may differ`)
