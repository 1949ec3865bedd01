/** `npm run firmware:native`: builds wuxing-pico.uf2 beside its sources and says what came out. */
import { createHash } from "node:crypto"
import { writeFileSync } from "node:fs"
import { buildNativeFirmware, COMPILER_VERSION, compilerVersion } from "./build-firmware"
import { UF2_PATH } from "./firmware-file"

const { uf2, flashBytes, ramBytes } = buildNativeFirmware()
writeFileSync(UF2_PATH, uf2)
const version = compilerVersion()
console.log(`${UF2_PATH}: ${flashBytes} B of flash, ${ramBytes} B of RAM beside the arena`)
console.log(`SHA-256 ${createHash("sha256").update(uf2).digest("hex")}, compiler ${version}`)
if (version !== COMPILER_VERSION)
  console.warn(`the kept file is of compiler ${COMPILER_VERSION}: bytes may differ`)
