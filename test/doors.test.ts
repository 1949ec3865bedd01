/**
 * What goes in and out of the tool goes through one place each, where it is bounded, whole and heard: files
 * of a user's (base/input-file.ts, base/replace-file.ts), the terminal (cli/terminal/output.ts), and what
 * may fail at any time (base/heard.ts). These tests look for ways around them.
 */
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { expect, test } from "vitest"
import { ROOT } from "./root"

const sources = readdirSync(join(ROOT, "host"), { recursive: true, encoding: "utf8" })
  .filter(path => /\.(ts|mjs)$/.test(path) && !/\.d\.ts$|dashboard\/(page|built)\//.test(path))
  .map(path => ({ path, text: codeOf(readFileSync(join(ROOT, "host", path), "utf8")) }))

/** Without comments and imports. */
function codeOf(text: string): string {
  return text
    .replace(/\/\*[\s\S]*?\*\//g, "")
    .replace(/^\s*\/\/.*$/gm, "")
    .replace(/^import [\s\S]*? from ".*"$/gm, "")
}

/** Files in which a pattern is found, and none that is allowed without need. */
function filesWith(pattern: RegExp): string[] {
  return sources.filter(({ text }) => pattern.test(text)).map(({ path }) => path)
}

test("sources are found", () => expect(sources.length).toBeGreaterThan(300))

test("files that users name are opened in one place", () => {
  const readers = filesWith(/\b(readFileSync|openSync|readSync|readFile|createReadStream)\(/)
  // Rooms that read the package's own sources.
  const others = readers.filter(path => !/^(codegen|export)\//.test(path))
  expect(others.sort()).toEqual(
    [
      "base/input-file.ts",
      // The package's own files, and what it compiled.
      ...["base/built-once.ts", "base/package-version.ts", "base/prebuilt.ts"],
      ...["dashboard/server.ts", "cli/profile-native.ts", "hardware/machine-binary.ts"],
      ...["hardware/emulator/counted-picos.ts", "hardware/firmware.ts", "nir/spiking/ring-fits.ts"],
      // What the system says of processes and ports.
      ...["doctor/machine-checks.ts", "doctor/port-checks.ts", "link/port-list.ts"],
      "link/port-owner.ts",
      // A lock, a temporary file, a report of ours beside the one that is written.
      ...["base/folder-lock.ts", "base/replace-file.ts", "reproduce/report.ts"],
      // Flash of boards.
      ...["hardware/emulator/board-process.ts", "hardware/machine-boards.ts"],
      // A file in the memory of the HDF5 library.
      "nir/write-nir.ts",
    ].sort(),
  )
})

test("files that users ask for are written in one place", () => {
  const writers = filesWith(
    /\b(writeFileSync|writeFile|appendFileSync|appendFile|createWriteStream|copyFileSync|copyFile|cpSync|cp|writeSync)\(/,
  )
  // Programs of this repository's own, by its developers.
  const others = writers.filter(path => !/^codegen\//.test(path))
  expect(others.sort()).toEqual(
    [
      "base/replace-file.ts",
      // What is compiled for this machine, and kept.
      ...["base/built-once.ts", "hardware/firmware.ts", "base/folder-lock.ts"],
      // Programs of this repository's own, by its developers.
      "demos/alone-network.ts",
      ...["export/c/build.ts", "nir/spiking/fit-main.ts"],
      // Flash of boards.
      ...["hardware/emulator/board-process.ts", "hardware/machine-worker.mjs"],
      // In the memory of the HDF5 library.
      "nir/read-nir.ts",
    ].sort(),
  )
})

test("the terminal is written to in one place, where control characters are left out", () => {
  const others = filesWith(/\bconsole\.|\bprocess\.(stdout|stderr)\b|\.(stdout|stderr)\.write\(/)
  expect(others.sort()).toEqual(
    [
      ...["cli/main.ts", "cli/terminal/output.ts"],
      // A bar that is taken away.
      "cli/terminal/share-progress.ts",
      // Programs of this repository's own, by its developers; one for a program that is made.
      ...["codegen/build.ts", "nir/spiking/fit-main.ts", "export/devicescript/project.ts"],
      // Takes away what a library would say there.
      "nir/hdf5.ts",
    ].sort(),
  )
  // Bars draw lines that `barLine` and `row` have made.
  for (const { path, text } of sources.filter(({ text }) => /new (Single|Multi)Bar\(/.test(text))) {
    expect(text, path).toContain("barLine(")
    expect(path).toMatch(/^cli\//)
  }
})

test("whatever can fail at any time is made through `heard`", () => {
  const made =
    /(?<![\w.])(?:spawn|fork|execFile|createServer|createConnection|createReadStream|createWriteStream|createGunzip|createInflate)\(|\bnew (?:Worker|WebSocket|WebSocketServer|SerialPort|Socket|Transform|PassThrough|Duplex|Readable|Writable)\(|\b(?:mqtt|net|tls)\.connect\(/g
  let count = 0
  for (const { path, text } of sources)
    for (const { index, 0: what } of text.matchAll(made)) {
      expect(text.slice(0, index).trimEnd(), `${path}: ${what}`).toMatch(/\bheard\($/)
      count++
    }
  expect(count).toBeGreaterThanOrEqual(15)
})
