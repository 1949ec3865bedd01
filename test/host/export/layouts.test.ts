/** What `wuxing export --format c` writes, built as people's tools build it, with what Debian has of them. */
import { execFileSync, spawnSync } from "node:child_process"
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { describe, expect, it, vi } from "vitest"
import "../../../host/base/memory"
import { compiledC } from "../../compiled-c"
import { temporaryFolder } from "../../temporary"
import { wuxing } from "../cli/run-cli"
import { FREESTANDING, RV32, WARNINGS } from "./machines/bench"
import { arduinoCore, buildProgram, noArduino, runUno } from "./machines/uno"

// Compilers take seconds, and on a busy machine many.
vi.setConfig({ testTimeout: 180_000 })

const folder = temporaryFolder("layouts")
const HERE = fileURLToPath(new URL("machines", import.meta.url))
const has = (command: string) => spawnSync(command, ["--version"]).status === 0

async function exported(layout: string, ...more: string[]): Promise<string> {
  const at = join(folder, [layout, ...more].join("-").replace(/\W+/g, "-"))
  const args = ["export", at, "--format", "c", "--layout", layout, "--model", "64-8-4@16", ...more]
  const { status, stderr } = await wuxing([...args, "--json", "--quiet"])
  expect(status, stderr).toBe(0)
  return at
}

/** Configures and builds a folder; returns where the programs are. */
function built(source: string, env: Record<string, string> = {}): string {
  const out = join(source, "build")
  const options = { encoding: "utf8", env: { ...process.env, ...env }, stdio: "pipe" } as const
  // Its own warnings too are errors, those of what it deprecates among them.
  const flags = ["-Werror=dev", "-Werror=deprecated", "--no-warn-unused-cli"]
  execFileSync("cmake", ["-G", "Ninja", ...flags, "-S", source, "-B", out], options)
  execFileSync("cmake", ["--build", out], options)
  return out
}

/** The lines a stored sample and the state learnt are said by, from sketch or program. */
const learntLine = (text: string) => /^learnt (\w+)/m.exec(text)?.[1]

const noCmake = !has("cmake") || !has("ninja")

describe.skipIf(noCmake)("plain (cmake, ninja-build)", () => {
  it("builds, and its program says of every stored sample what the host does", async () => {
    const at = await exported("plain")
    const text = execFileSync(join(built(at), "main"), { encoding: "utf8" })
    const lines = text.trim().split("\n")
    expect(lines).toHaveLength(17)
    expect(lines.every(line => line.endsWith(" ok"))).toBe(true)
  })

  it("its program fails where one number of the model is another", async () => {
    const at = await exported("plain", "--name", "wrong")
    const path = join(at, "wrong.c")
    const text = readFileSync(path, "utf8")
    const changed = text.replace(
      /(coefficients_0\[\d+\][^{]*\{\s*-?\d+, )(-?\d+)/,
      (_, a, b) => `${a}${Number(b) + 900}`,
    )
    expect(changed).not.toBe(text)
    writeFileSync(path, changed)
    const sources = ["main.c", "wuxing.c", "wrong.c"].map(name => join(at, name))
    execFileSync("gcc", ["-std=c99", "-O1", "-I", at, ...sources, "-o", join(at, "main")])
    const { status, stdout } = spawnSync(join(at, "main"), { encoding: "utf8" })
    expect(status).toBe(1)
    expect(stdout).toMatch(/not as the host/)
  })
})

describe("esp-idf", () => {
  it.skipIf(noCmake)(
    "its component and example build by their CMakeLists.txt (cmake, ninja-build)",
    async () => {
      const at = await exported("esp-idf", "--name", "knock")
      const out = built(join(at, "examples/learn"), { IDF_PATH: join(HERE, "idf") })
      const text = execFileSync(join(out, "knock"), { encoding: "utf8" })
      expect(text.match(/^sample \d+: \d$/gm)).toHaveLength(16)
    },
  )

  it("has a manifest as the component manager wants it", async () => {
    const at = await exported("esp-idf")
    const manifest = readFileSync(join(at, "idf_component.yml"), "utf8")
    const fields = new Map([...manifest.matchAll(/^(\w+):[ ]*(.*)$/gm)].map(([, k, v]) => [k, v]))
    expect([...fields.keys()]).toEqual(["version", "description", "license", "dependencies"])
    expect(fields.get("version")).toMatch(/^"\d+\.\d+\.\d+"$/)
    expect(fields.get("license")).toBe("MIT")
    expect(manifest).toMatch(/^ {2}idf: ">=\d+\.\d+"$/m)
    // A plain scalar has none of these.
    expect(fields.get("description")).not.toMatch(/: | #|^[-?:,[\]{}#&*!|>'"%@`]/)
  })

  for (const [compiler, flags] of [
    ["riscv64-unknown-elf-gcc", RV32],
    ["xtensa-lx106-elf-gcc", FREESTANDING],
  ] as const)
    it.skipIf(!has(compiler))(`compiles without a warning by ${compiler}`, async () => {
      const at = await exported("esp-idf", "--name", `for_${compiler.slice(0, 5)}`)
      for (const name of readdirSync(at).filter(path => path.endsWith(".c"))) {
        const args = [...flags.filter(f => !f.startsWith("-std")), "-std=gnu17", "-O2", ...WARNINGS]
        compiledC(compiler, [...args, "-c"], [join(at, name)], [join(at, "include")])
      }
    })
})

describe("platformio", () => {
  it.skipIf(noArduino)(
    "its project learns on an Uno what the arduino layout's does on this machine",
    async () => {
      const at = await exported("platformio", "--board", "uno")
      const core = await arduinoCore()
      const uno = buildProgram(join(at, "lib/gesture/src"), join(at, "src/main.cpp"), core)
      const { text } = runUno(uno, /learnt \w+\r\n/)
      expect(learntLine(text)).toBe(learntLine(await runHere("LearnOnline", "--board", "uno")))
    },
  )

  it("has manifest and boards as PlatformIO wants them", async () => {
    const at = await exported("platformio")
    const { name, version, description, license, frameworks, platforms, headers, ...rest } =
      JSON.parse(readFileSync(join(at, "lib/gesture/library.json"), "utf8"))
    expect(rest).toEqual({})
    // As its schema has them (platformio-core, package/manifest/schema.py).
    expect(name).toMatch(/^[^:;/,@<>]{1,100}$/)
    expect(version).toMatch(/^\d+\.\d+\.\d+$/)
    expect(description).toMatch(/^.{1,1000}$/)
    expect([license, frameworks, platforms]).toEqual(["MIT", "*", "*"])
    for (const header of headers) expect(existsSync(join(at, "lib/gesture/src", header))).toBe(true)
    expect(environments(at)).toEqual({
      uno: { platform: "atmelavr", board: "uno", framework: "arduino" },
      pico: { platform: "raspberrypi", board: "pico", framework: "arduino" },
    })
  })

  it("is for no board that lacks the room", async () => {
    expect(
      Object.keys(environments(await exported("platformio", "--model", "64-16-4@32"))),
    ).toEqual(["pico"])
    const names = ["--model", "64-16-4@32", "--board", "uno"]
    expect(Object.keys(environments(await exported("platformio", ...names)))).toEqual([
      "uno",
      "pico",
    ])
  })

  function environments(at: string): Record<string, Record<string, string>> {
    const found: Record<string, Record<string, string>> = {}
    let section = ""
    for (const line of readFileSync(join(at, "platformio.ini"), "utf8").split("\n")) {
      if (line === "" || line.startsWith(";")) continue
      const head = /^\[env:(\w+)\]$/.exec(line)
      if (head) {
        section = head[1]
        found[section] = {}
      } else {
        const [, key, value] = /^(\w+) = (\w+)$/.exec(line)!
        found[section][key] = value
      }
    }
    return found
  }
})

describe.skipIf(!has("clang++"))("arduino, on a board that is no AVR (clang)", () => {
  it("Gesture names, LearnOnline learns", async () => {
    const named = await runHere("Gesture")
    expect(named.match(/^sample \d+: \d, output -?\d+$/gm)).toHaveLength(16)
    expect(named.endsWith("done\n")).toBe(true)
    const learnt = await runHere("LearnOnline")
    expect(learnt.match(/^sample \d+ is \d, named \d$/gm)).toHaveLength(48)
    expect(learntLine(learnt)).toMatch(/^[0-9A-F]{1,8}$/)
  })
})

/** An example's output by this machine's compiler. */
async function runHere(example: string, ...more: string[]): Promise<string> {
  const at = join(folder, `arduino-${example}${more.join("")}`.replace(/\W+/g, "-"))
  if (!existsSync(at)) {
    const args = ["export", at, "--format", "c", "--layout", "arduino", "--model", "64-8-4@16"]
    expect((await wuxing([...args, ...more, "--quiet"])).status).toBe(0)
  }
  const source = join(at, "src")
  const objects = ["wuxing", "gesture"].map(name => {
    return compiledC("clang", ["-std=gnu11", ...WARNINGS, "-c"], [join(source, `${name}.c`)], [])
  })
  const sketch = join(at, "examples", example)
  const out = join(at, example)
  execFileSync("clang++", [
    ...["-std=gnu++11", "-Wall", "-Wextra", "-Werror", "-fno-exceptions", "-nostdlib++"],
    ...["-I", join(HERE, "arduino"), "-include", "Arduino.h", "-I", source, "-I", sketch],
    ...["-x", "c++", join(sketch, `${example}.ino`), "-x", "none", ...objects, "-o", out],
  ])
  return execFileSync(out, { encoding: "utf8" })
}
