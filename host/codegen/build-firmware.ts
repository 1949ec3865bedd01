/**
 * Builds the program of native boards: the generated core and firmware/native, by Debian's
 * gcc-arm-none-eabi, into a UF2 file. The same sources and compiler give the same bytes.
 */
import { execFileSync } from "node:child_process"
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { WuxingError } from "../base/errors"
import { bootChecksum } from "../hardware/emulator/boot-checksum"
import { toUf2 } from "../hardware/emulator/uf2"
import { coreSource } from "./core-source"

export const NATIVE_FOLDER = fileURLToPath(new URL("../../firmware/native", import.meta.url))
/** Another version may give other bytes; the rebuild test asks for this one. */
export const COMPILER_VERSION = "12.2.1 20221205"
const COMPILER = "arm-none-eabi-gcc"
const FLASH = 0x10000000
const RAM = 0x20000000
const BOOT2_BYTES = 256

const FLAGS = [
  ..."-std=gnu11 -mcpu=cortex-m0plus -mthumb -ffreestanding -fno-common".split(" "),
  ..."-ffunction-sections -fdata-sections -Wall -Wextra -Werror".split(" "),
  // Faster than -O3 here: more than eight values at hand are too many for a Cortex-M0+.
  // Likewise a loop's last values worked out before it begins.
  ..."-O2 -fno-tree-pre -fno-tree-scev-cprop".split(" "),
  // The core's sums may wrap where they are masked afterwards (src/base/random.ts).
  "-fwrapv",
]

export interface NativeBuild {
  uf2: Buffer
  /** Bytes of flash, and of RAM without the arena and the stack. */
  flashBytes: number
  ramBytes: number
  /** Address of each function. */
  functions: Record<string, number>
}

/** What the installed compiler calls itself; undefined where there is none. */
export function compilerVersion(): string | undefined {
  try {
    const text = execFileSync(COMPILER, ["--version"], { encoding: "utf8" })
    return /^\S+ \(.*\) (.+)$/m.exec(text)?.[1]
  } catch {
    return undefined
  }
}

/** Writes the generated files a compiler needs beside firmware/native into `folder`. */
export function writeGenerated(folder: string): void {
  const { header, code } = coreSource()
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, "wuxing-core.h"), header)
  writeFileSync(join(folder, "wuxing-core.c"), code)
  const manifest = JSON.parse(
    readFileSync(fileURLToPath(new URL("../../package.json", import.meta.url)), "utf8"),
  )
  writeFileSync(join(folder, "version.h"), `#define WUXING_VERSION "${manifest.version}"\n`)
}

/** The features of signals as machine code, to be put at `address` in RAM. */
export interface FeaturesBuild {
  /** Base64. */
  code: string
  address: number
  /** Of `features`. */
  entry: number
}

/**
 * @param extra further compiler flags, for experiments
 * @throws WuxingError "compiler-missing", "native-build" (kind firmware)
 */
export function buildNativeFirmware(extra: string[] = []): NativeBuild {
  return inScratch(folder => {
    writeGenerated(folder)
    const sources = [
      join(folder, "wuxing-core.c"),
      ...cFiles(NATIVE_FOLDER),
      ...cFiles(join(NATIVE_FOLDER, "rp2040")),
    ]
    const script = join(NATIVE_FOLDER, "rp2040", "rp2040.ld")
    const { image, symbols } = build(folder, sources, script, extra)
    image.writeUInt32LE(bootChecksum(image.subarray(0, BOOT2_BYTES - 4)), BOOT2_BYTES - 4)
    const code = [...symbols].filter(([, { type }]) => /[tT]/.test(type))
    const addressOf = (name: string) => symbols.get(name)!.address
    return {
      uf2: toUf2(image, FLASH),
      flashBytes: image.length,
      ramBytes: addressOf("bss_end") - addressOf("ram_start"),
      // Thumb's mark is no part of an address.
      functions: Object.fromEntries(code.map(([name, { address }]) => [name, address & ~1])),
    }
  })
}

/**
 * The features of signals by themselves: no native board computes them, as hosts do, but a C library on
 * the same chip does.
 *
 * @throws WuxingError as buildNativeFirmware
 */
export function buildNativeFeatures(): FeaturesBuild {
  return inScratch(folder => {
    const { header, code } = coreSource(undefined, ["features"])
    writeFileSync(join(folder, "wuxing-core.h"), header)
    writeFileSync(join(folder, "wuxing-core.c"), code)
    const sources = [join(folder, "wuxing-core.c"), join(NATIVE_FOLDER, "rp2040", "string.c")]
    const script = join(NATIVE_FOLDER, "features", "features.ld")
    const { image, symbols } = build(folder, sources, script)
    const entry = symbols.get("features")!.address & ~1
    return { code: image.toString("base64"), address: RAM, entry }
  })
}

/** @throws WuxingError "compiler-missing" (kind firmware), and what `work` throws */
function inScratch<T>(work: (folder: string) => T): T {
  if (compilerVersion() === undefined)
    throw new WuxingError({
      code: "compiler-missing",
      kind: "firmware",
      message: `${COMPILER} cannot be run`,
      cause: "the cross compiler is not installed",
      help: "on Debian: apt-get install gcc-arm-none-eabi; or use the UF2 file that comes with the package",
    })
  const folder = mkdtempSync(join(tmpdir(), "wuxing-native-"))
  try {
    return work(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Compiles and links in `folder`, in the order of the sources. */
function build(folder: string, sources: string[], script: string, extra: string[] = []) {
  const includes = [folder, NATIVE_FOLDER, join(NATIVE_FOLDER, "rp2040")].flatMap(f => ["-I", f])
  const objects = sources.map(source => {
    const object = join(folder, `${source.split("/").at(-1)!.replace(/\.c$/, "")}.o`)
    run([...FLAGS, ...includes, ...extra, "-c", source, "-o", object])
    return object
  })
  const elf = join(folder, "wuxing.elf")
  run([
    ...FLAGS,
    ...["-nostdlib", "-Wl,--gc-sections", "-Wl,--build-id=none"],
    ...[`-Wl,-T,${script}`, ...objects, "-lgcc", "-o", elf],
  ])
  const bin = join(folder, "wuxing.bin")
  execFileSync("arm-none-eabi-objcopy", ["-O", "binary", elf, bin])
  return { image: readFileSync(bin), symbols: symbolsOf(elf) }
}

/** In order of name, so that the linker sees them in the same order everywhere. */
function cFiles(folder: string): string[] {
  return readdirSync(folder)
    .filter(name => name.endsWith(".c"))
    .sort()
    .map(name => join(folder, name))
}

function run(args: string[]): void {
  try {
    execFileSync(COMPILER, args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] })
  } catch (error) {
    const { stderr } = error as { stderr?: string }
    throw new WuxingError(
      {
        code: "native-build",
        kind: "firmware",
        message: `${COMPILER} failed:\n${stderr ?? error}`,
        cause: "an error in firmware/native, or in the C made from src/",
        help: "read the compiler's lines above",
      },
      { cause: error },
    )
  }
}

function symbolsOf(elf: string): Map<string, { type: string; address: number }> {
  const text = execFileSync("arm-none-eabi-nm", [elf], { encoding: "utf8" })
  return new Map(
    [...text.matchAll(/^([\da-f]+) (\w) (\S+)$/gm)].map(([, at, type, name]) => [
      name,
      { type, address: parseInt(at, 16) },
    ]),
  )
}
