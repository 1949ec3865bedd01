/**
 * Compiles `firmware/main.ts` to DeviceScript bytecode with the DeviceScript compiler, which wants
 * to run in the folder of `devsconfig.json` and always writes to the same place there. A published
 * package brings it compiled.
 */

import { spawn } from "node:child_process"
import { readdirSync, readFileSync } from "node:fs"
import { cp, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises"
import { createRequire } from "node:module"
import { tmpdir } from "node:os"
import { dirname, join, relative } from "node:path"
import { fileURLToPath } from "node:url"
import { stripVTControlCharacters } from "node:util"
import { HEAP_BYTES, shardBytesOf } from "../../src/base/heap"
import { builtOnce } from "../base/built-once"
import { realClock } from "../base/clock"
import { WuxingError } from "../base/errors"
import { heard } from "../base/heard"
import { demoName, firmwareName, prebuilt } from "../base/prebuilt"
import { sha256 } from "../base/sha256"
import { makeFolder } from "../base/write-folder"

const FIRMWARE_FOLDER = fileURLToPath(new URL("../../firmware", import.meta.url))
const CORE_FOLDER = fileURLToPath(new URL("../../src", import.meta.url))
/** What the compiler generates and installs in its folder. */
const GENERATED = /node_modules|\.devicescript/
/** A build takes about 3 s; on a machine under load a hundred times as long. */
const DEADLINE_MS = 300_000
/** The compiler's lines shown in an error; the rest is counted. */
const MOST_LINES = 20
const MOST_OUTPUT_CHARACTERS = 1_000_000

export interface FirmwareOptions {
  /** Asks the compiler for its shortest output (it is only shown when the build fails). */
  quiet?: boolean
  /** Ends the compiler. */
  signal?: AbortSignal
  /** Another folder with `main.ts` and `devsconfig.json`, for tests. */
  folder?: string
  /** The program of a demo, by its folder in firmware/demos, in place of the board's usual one. */
  demo?: string
  /**
   * Bytes the program sets aside for a shard and its reports: what a board's profile allows
   * (shardBytesOf, src/base/heap.ts) or a plan asks for; absent: what a heap of 64 KiB allows.
   */
  shardBytes?: number
  /** Compiles though nothing changed since the last time. */
  anew?: boolean
  /** Milliseconds the compiler may take; 300 s unless given. */
  deadlineMs?: number
  /** Another way to run the compiler on `main.ts` of a folder: for several programs, in one process. */
  compile?: (folder: string) => Promise<{ status: number | null; output: string }>
}

export interface Firmware {
  bytecode: Uint8Array
  /** SHA-256 of the bytecode, lower-case hex: what a board's DeviceScript manager reports too. */
  sha256: string
  path: string
}

/**
 * Compiles what changed since the last time, the program of another folder always.
 *
 * @throws WuxingError of kind "firmware": "firmware-build" (the compiler's own lines in the
 * message), "firmware-compiler-missing", "firmware-deadline"; the signal's reason when aborted
 */
export async function buildFirmware(options: FirmwareOptions = {}): Promise<Firmware> {
  const { demo, folder, shardBytes = shardBytesOf(HEAP_BYTES), ...rest } = options
  if (folder !== undefined) return compileSized(folder, shardBytes, rest)
  options.signal?.throwIfAborted()
  const name = demo ? demoName(demo) : firmwareName(shardBytes)
  const shipped = prebuilt(name)
  if (shipped) return { bytecode: shipped.bytes, sha256: sha256(shipped.bytes), path: shipped.path }
  const own = join(FIRMWARE_FOLDER, ...(demo ? ["demos", demo] : []))
  if (options.anew) return compileSized(own, shardBytes, rest)
  const { path, bytes } = await builtOnce(
    name,
    sources(),
    async () => (await compileSized(own, shardBytes, rest)).bytecode,
    options.signal,
  )
  return { bytecode: new Uint8Array(bytes), sha256: sha256(bytes), path }
}

/** All that the programs are compiled from: the compiler's own version, firmware/ and src/. */
export function sources(): string[] {
  const folders = [FIRMWARE_FOLDER, CORE_FOLDER]
  const files = folders.flatMap(folder =>
    writtenIn(folder)
      .filter(path => /\.(ts|json|md)$/.test(path))
      .sort()
      .map(path => join(folder, path)),
  )
  const manifest = join(dirname(compiler()), "package.json")
  return [manifest, ...files].flatMap(path => [path, readFileSync(path, "utf8")])
}

/** Paths of the files below a folder, but those in what is generated there: a thousand. */
function writtenIn(folder: string, below = ""): string[] {
  return readdirSync(join(folder, below), { withFileTypes: true }).flatMap(entry => {
    const path = join(below, entry.name)
    if (GENERATED.test(path)) return []
    return entry.isDirectory() ? writtenIn(folder, path) : [path]
  })
}

async function compileSized(
  folder: string,
  shardBytes: number,
  options: FirmwareOptions,
): Promise<Firmware> {
  return shardBytes === shardBytesOf(HEAP_BYTES)
    ? compileIn(folder, options)
    : compileCopy(folder, shardBytes, options)
}

async function compileIn(folder: string, options: FirmwareOptions): Promise<Firmware> {
  const path = join(folder, ".devicescript/bin/bytecode.devs")
  const before = await modifiedAt(path)
  const { status, output } = await (options.compile?.(folder) ?? runCompiler(folder, options))
  const lines = toLines(output)
  const errors = lines.filter(line => /: error TS\d+:|^exception:/.test(line))
  // The exit status alone is not trusted: an old file would then pass for a new one.
  if (status !== 0 || errors.length > 0) throw buildFailed(folder, `exit status ${status}`, lines)
  if ((await modifiedAt(path)) === before) throw buildFailed(folder, `${path} not written`, lines)
  return readConsistent(path, lines)
}

/** Compiles a copy, since the compiler knows no definitions from outside and writes beside its source. */
async function compileCopy(
  folder: string,
  shardBytes: number,
  options: FirmwareOptions,
): Promise<Firmware> {
  const copy = await mkdtemp(join(tmpdir(), "wuxing-firmware-"))
  try {
    for (const part of ["firmware", "src"])
      await cp(part === "src" ? join(folder, "..", part) : folder, join(copy, part), {
        recursive: true,
        // What the compiler generates, it generates anew.
        filter: source => !GENERATED.test(relative(folder, source)),
      })
    const path = join(copy, "firmware/arena.ts")
    const text = await readFile(path, "utf8")
    const sized = text.replace("shardBytesOf(HEAP_BYTES)", String(shardBytes))
    if (sized === text) throw buildFailed(folder, "arena.ts does not state its size as it did", [])
    await writeFile(path, sized.replace(/^import .*heap"\n/m, ""))
    const built = await compileIn(join(copy, "firmware"), options)
    const kept = join(folder, `.devicescript/bin/bytecode-${shardBytes}.devs`)
    makeFolder(dirname(kept))
    await writeFile(kept, built.bytecode)
    return { ...built, path: kept }
  } finally {
    await rm(copy, { recursive: true, force: true })
  }
}

/**
 * The bytecode, once it agrees with the hash the compiler wrote beside it. Another build in the same
 * checkout may be between its two writes, hence the second looks.
 */
async function readConsistent(path: string, lines: string[]): Promise<Firmware> {
  for (let look = 0; look < 20; look++) {
    if (look > 0) await realClock.sleep(50)
    const bytecode = new Uint8Array(await readFile(path))
    const hash = sha256(bytecode)
    const stated = await statedHash(join(dirname(path), "bytecode-dbg.json"))
    if (bytecode.length > 0 && hash === stated) return { bytecode, sha256: hash, path }
  }
  throw buildFailed(dirname(path), `${path} does not have the hash the compiler states`, lines)
}

async function statedHash(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, "utf8")).binarySHA256
  } catch {
    return undefined
  }
}

/** Nanoseconds: two builds can fall into one millisecond's tick of the file system's clock. */
async function modifiedAt(path: string): Promise<bigint> {
  try {
    return (await stat(path, { bigint: true })).mtimeNs
  } catch {
    return -1n
  }
}

function runCompiler(
  folder: string,
  options: FirmwareOptions,
): Promise<{ status: number | null; output: string }> {
  options.signal?.throwIfAborted()
  const deadlineMs = options.deadlineMs ?? DEADLINE_MS
  const flags = ["--no-colors", "--ci", ...(options.quiet ? ["--quiet"] : [])]
  return new Promise((resolve, reject) => {
    const child = heard(
      spawn(process.execPath, [compiler(), ...flags, "build", "main.ts"], {
        cwd: folder,
        env: { ...process.env, NO_UPDATE_NOTIFIER: "1" },
        stdio: ["ignore", "pipe", "pipe"],
      }),
    )
    let output = ""
    const collect = (chunk: Buffer) => {
      if (output.length < MOST_OUTPUT_CHARACTERS) output += chunk.toString("utf8")
    }
    child.stdout.on("data", collect)
    child.stderr.on("data", collect)

    let failure: unknown
    const end = (reason: unknown) => {
      failure ??= reason
      // It only computes and writes files we check, so there is nothing to end in an orderly way.
      child.kill("SIGKILL")
    }
    const onAbort = () => end(options.signal?.reason)
    options.signal?.addEventListener("abort", onAbort, { once: true })
    const timer = realClock.after(deadlineMs, () => end(tooSlow(folder, deadlineMs)))
    const done = () => {
      timer.stop()
      options.signal?.removeEventListener("abort", onAbort)
    }
    child.once("error", error => {
      done()
      reject(failure ?? buildFailed(folder, `the compiler did not start: ${error.message}`, []))
    })
    child.once("close", status => {
      done()
      if (failure !== undefined) reject(failure)
      else resolve({ status, output })
    })
  })
}

function compiler(): string {
  try {
    const manifest = createRequire(import.meta.url).resolve("@devicescript/cli/package.json")
    return join(dirname(manifest), "devicescript")
  } catch (error) {
    throw new WuxingError(
      {
        code: "firmware-compiler-missing",
        kind: "firmware",
        message: "the npm package @devicescript/cli is not installed",
        cause: "`npm ci` was not run, or did not end",
        help: "run `npm ci`",
      },
      { cause: error },
    )
  }
}

function toLines(output: string): string[] {
  return stripVTControlCharacters(output)
    .split(/\r?\n/)
    .filter(line => line.trim() !== "" && !line.startsWith("using devs:"))
}

function buildFailed(folder: string, what: string, lines: string[]): WuxingError {
  const shown = lines.slice(0, MOST_LINES)
  const rest = lines.length - shown.length
  const text = [...shown, ...(rest > 0 ? [`… and ${rest} more lines`] : [])]
  return new WuxingError({
    code: "firmware-build",
    kind: "firmware",
    message: [`the firmware in ${folder} does not compile (${what})`, ...text].join("\n  "),
    cause: "a mistake in the firmware or in what it imports: see the compiler's lines",
    help: "correct the lines it names, then run `npm run firmware`",
  })
}

function tooSlow(folder: string, deadlineMs: number): WuxingError {
  return new WuxingError({
    code: "firmware-deadline",
    kind: "firmware",
    message: `the compiler did not finish the firmware in ${folder} within ${deadlineMs / 1000} s`,
    cause: "the machine is busy or short of memory (a build takes about 3 s)",
    help: "try again with less running beside it",
  })
}
