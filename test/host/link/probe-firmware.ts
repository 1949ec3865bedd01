/** A tiny DeviceScript program for the tests of the link, compiled by the real compiler. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { createRequire } from "node:module"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { builtOnce } from "../../../host/base/built-once"
import { compileIn } from "../../devs-compiler"

export const PROBE_CLASS = 0x1f3a5c7f
/** Sends back its tag (u32) and bytes. */
export const PROBE_ECHO = 0x80
/** Throws. */
export const PROBE_FAIL = 0x81
/** A constant, u32. */
export const PROBE_VERSION = 0x180

const SERVICE = `# Probe

    identifier: 0x1f3a5c7f
    camel: probe

A service for tests of the link.

## Registers

    ro version: u32 @ 0x180

A constant.

## Commands

    command echo @ 0x80 {
        tag: u32
        data: bytes
    }
    report {
        tag: u32
        data: bytes
    }

Sends back what came.

    command fail @ 0x81 { }

Throws.
`

const program = (version: number) => `import * as ds from "@devicescript/core"
import { Server, startServer } from "@devicescript/server"

class Probe extends Server {
  constructor() {
    super(ds.Probe.spec)
  }
  async version() {
    return ${version}
  }
  async echo(request: [number, Buffer]) {
    return request
  }
  async fail() {
    throw new Error("as asked")
  }
}
startServer(new Probe())
console.log("probe ${version} ready")
`

/** @returns the bytecode of the probe program whose version register reads `version`, compiled once */
export async function buildProbe(version: number): Promise<Uint8Array> {
  const require = createRequire(import.meta.url)
  const { version: compiler } = require("@devicescript/cli/package.json")
  const made = [compiler, SERVICE, program(version)]
  const { bytes } = await builtOnce(`probe-${version}.devs`, made, () => compileProbe(version))
  return new Uint8Array(bytes)
}

async function compileProbe(version: number): Promise<Uint8Array> {
  const folder = await mkdtemp(join(tmpdir(), "wuxing-probe-"))
  try {
    await mkdir(join(folder, "services"))
    await writeFile(join(folder, "devsconfig.json"), "{}")
    await writeFile(join(folder, "services", "probe.md"), SERVICE)
    await writeFile(join(folder, "main.ts"), program(version))
    const { status, output } = await compileIn(folder)
    if (status !== 0) throw new Error(output)
    return new Uint8Array(await readFile(join(folder, ".devicescript", "bin", "bytecode.devs")))
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
