/** The machine and what is installed on it. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs"
import { createRequire } from "node:module"
import { createServer } from "node:net"
import { freemem, tmpdir } from "node:os"
import { delimiter, join } from "node:path"
import { messageOf, WuxingError } from "../base/errors"
import { heard } from "../base/heard"
import { readMnist } from "../data/mnist"
import { UF2_PATH } from "../hardware/emulator/firmware-file"
import { type Finding, good, note, problem } from "./finding"

const LEAST_NODE = 20
/** What a virtual board's process takes, bytes; measured with two networks of the presets. */
const VIRTUAL_BOARD_BYTES = 215e6
/** The first bytes of a UF2 file, "UF2\n". */
const UF2_MAGIC = 0x0a324655

/** @param version as process.versions.node has it */
export function checkNode(version = process.versions.node): Finding {
  const major = Number.parseInt(version, 10)
  if (major >= LEAST_NODE) return good("Node", version)
  const fix = `install Node ${LEAST_NODE} or newer (nodejs.org, or your system's package)`
  return problem("Node", `${version}, older than ${LEAST_NODE}`, fix)
}

/** Virtual boards dial a port on loopback, any that is free: DeviceScript's own 8082 may be in use. */
export async function checkLoopback(host = "127.0.0.1"): Promise<Finding> {
  const check = "loopback"
  const server = heard(createServer())
  try {
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject)
      server.listen(0, host, resolve)
    })
    return good(check, "virtual boards can connect")
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    return problem(
      check,
      `no port of ${host} can be listened on (${code}), so virtual boards (\`sim:\`) cannot start`,
      "look at the machine's network and firewall rules",
    )
  } finally {
    server.close()
  }
}

export function checkMemory(free = freemem()): Finding {
  const boards = Math.floor(free / VIRTUAL_BOARD_BYTES)
  const found = `${Math.round(free / 1e6)} MB free, enough for ${Math.min(boards, 8)} virtual boards`
  if (boards >= 2) return good("memory", found)
  return note("memory", found, "end other programs, or use fewer boards (`--on sim:1`)")
}

/** The DeviceScript command: it compiles the program, runs virtual boards and flashes. */
export function checkDeviceScript(require = createRequire(import.meta.url)): Finding {
  const check = "DeviceScript"
  try {
    const manifest = require.resolve("@devicescript/cli/package.json")
    return good(check, `@devicescript/cli ${JSON.parse(readFileSync(manifest, "utf8")).version}`)
  } catch {
    return problem(check, "the npm package @devicescript/cli is missing", REINSTALL)
  }
}

const REINSTALL = "run `npm ci` in a checkout, or install wuxing again"

/** @param read replaced in tests */
export function checkMnist(read = () => readMnist().test.count): Finding {
  try {
    return good("MNIST", `${read()} test images`)
  } catch (error) {
    if (!(error instanceof WuxingError)) throw error
    return problem("MNIST", error.message, error.help ?? REINSTALL)
  }
}

export function checkNativeImage(path = UF2_PATH): Finding {
  const check = "native program"
  try {
    if (readFileSync(path).readUInt32LE(0) === UF2_MAGIC)
      return good(check, `${path}, ${Math.round(statSync(path).size / 1e3)} kB`)
    return problem(check, `${path} is no UF2 file`, REINSTALL)
  } catch {
    return problem(check, `${path} cannot be read`, REINSTALL)
  }
}

/** Programs of the system that single commands want. */
export function checkProgram(name: string, wanted: string, fix: string, path?: string): Finding {
  const found = (path ?? process.env.PATH ?? "")
    .split(delimiter)
    .map(folder => join(folder, name))
    .find(existsSync)
  return found ? good(name, found) : note(name, `not installed; ${wanted}`, fix)
}

/** Boards' flash and compiled programs lie in the temporary folder. */
export function checkScratch(folder = tmpdir()): Finding {
  const check = "temporary folder"
  try {
    rmSync(mkdtempSync(join(folder, "wuxing-doctor-")), { recursive: true })
    return good(check, folder)
  } catch (error) {
    const why = messageOf(error)
    return problem(
      check,
      `nothing can be written to ${folder}: ${why}`,
      "set TMPDIR to a folder that can be written to, or free some space",
    )
  }
}

/** Programs that open serial ports by themselves, what they do, and how to keep them off. */
const PORT_HOLDERS = [
  {
    name: "ModemManager",
    does: "runs: it opens each new serial port for up to half a minute, to look for a modem",
    fix: "sudo systemctl stop ModemManager, or a udev rule that sets ID_MM_DEVICE_IGNORE for the boards",
  },
  {
    name: "brltty",
    does: "runs: it takes the ports of some USB adapters (CH340, CP210x, FTDI) for braille displays",
    fix: "sudo systemctl mask brltty-udev.service, or remove the package brltty, where nobody needs it",
  },
]

/** @param running names of the programs that run, replaced in tests */
export function checkPortHolders(running = runningPrograms()): Finding[] {
  return PORT_HOLDERS.filter(({ name }) => running.has(name)).map(({ name, does, fix }) =>
    note(name, does, fix),
  )
}

/** As Linux tells; elsewhere none. */
function runningPrograms(): Set<string> {
  const names = new Set<string>()
  try {
    for (const id of readdirSync("/proc").filter(entry => /^\d+$/.test(entry)))
      try {
        names.add(readFileSync(`/proc/${id}/comm`, "utf8").trim())
      } catch {
        // It has ended since.
      }
  } catch {}
  return names
}
