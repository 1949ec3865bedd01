/** johnny-five asks for a serialport of long ago: it must neither be installed nor loaded. */
import { execFileSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { describe, expect, it } from "vitest"

const root = fileURLToPath(new URL("../../..", import.meta.url))

interface Listed {
  version?: string
  dependencies?: Record<string, Listed>
}

/** "name version" of every package npm finds, by whichever way it is asked for. */
function installed(names: string[]): Set<string> {
  const listing: Listed = JSON.parse(
    execFileSync("npm", ["ls", "--all", "--json", ...names], { cwd: root, encoding: "utf8" }),
  )
  const found = new Set<string>()
  const walk = ({ dependencies = {} }: Listed) => {
    for (const [name, inner] of Object.entries(dependencies)) {
      if (names.includes(name)) found.add(`${name} ${inner.version}`)
      walk(inner)
    }
  }
  walk(listing)
  return found
}

describe("the serialport that is used", () => {
  it("is one, and no package has another", () => {
    expect(installed(["serialport", "@serialport/bindings-cpp", "@serialport/bindings"])).toEqual(
      new Set(["serialport 13.0.0", "@serialport/bindings-cpp 13.0.0"]),
    )
  })

  it("needs no compiler: the lock file has no package that builds one of its own", () => {
    const { packages } = JSON.parse(readFileSync(`${root}/package-lock.json`, "utf8"))
    const building = Object.entries<{ hasInstallScript?: boolean; optional?: boolean }>(packages)
      .filter(([, { hasInstallScript, optional }]) => hasInstallScript && !optional)
      .map(([path]) => path.replace(/.*node_modules\//, ""))
    // Both bring what they would build; esbuild only checks that it is there.
    expect(building.filter(name => name !== "esbuild")).toEqual(["@serialport/bindings-cpp"])
  })

  it("is the only native code in a process that has loaded the panel", () => {
    const script = `
      await import("./host/panel/panel.ts")
      const five = await import("johnny-five")
      const { createRequire } = await import("node:module")
      const loaded = Object.keys(createRequire(import.meta.url).cache)
      console.log(JSON.stringify({
        five: Object.keys(five.default).length > 0,
        native: process.report.getReport().sharedObjects.filter(path => path.endsWith(".node")),
        serialports: [...new Set(loaded.flatMap(path => path.match(/.*node_modules\\/(serialport|firmata|browser-serialport)\\//)?.[0] ?? []))],
      }))
      process.exit()`
    const { five, native, serialports } = JSON.parse(
      execFileSync(process.execPath, ["--import", "tsx", "--input-type=module", "-e", script], {
        cwd: root,
        encoding: "utf8",
      }),
    )
    expect(five).toBe(true)
    expect(native.length).toBe(1)
    expect(native[0]).toContain("node_modules/@serialport/bindings-cpp/")
    expect(serialports.every((path: string) => path.endsWith("node_modules/serialport/"))).toBe(
      true,
    )
  })
})
