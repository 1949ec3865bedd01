/** `wuxing bridge` as a developer uses it, and what it leaves behind: nothing. */
import { execFileSync, spawn } from "node:child_process"
import { once } from "node:events"
import { existsSync } from "node:fs"
import { dirname } from "node:path"
import { createInterface } from "node:readline"
import { describe, expect, it } from "vitest"
import { deployToPorts } from "../../../host/hardware/deploy"
import { identify } from "../../../host/hardware/identify"
import { ROOT } from "../../root"
import { hasSocat } from "../link/terminals"
import { documentOf } from "./documents/check"
import { wuxing } from "./run-cli"
import { tool } from "./tool"

const main = await tool()

describe.skipIf(!hasSocat)("wuxing bridge (Debian package socat)", () => {
  it("offers a virtual board as a port until Ctrl-C", async () => {
    const child = spawn(process.execPath, [main, "bridge", "--boards", "1", "--json"], {
      cwd: ROOT,
      stdio: ["ignore", "pipe", "ignore"],
    })
    const ended = once(child, "close")
    const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
    const { event, ports } = documentOf((await lines.next()).value)
    expect(event).toBe("ready")
    expect(ports.length).toBe(1)
    expect(await identify(ports[0])).toMatchObject({ kind: "devicescript", profile: "virtual" })
    // What is no program is refused before a byte is written.
    const [refused] = await deployToPorts(ports, new Uint8Array(64))
    expect(refused).toMatchObject({ result: "failed", error: { code: "bytecode-damaged" } })
    child.kill("SIGINT")
    expect(documentOf((await lines.next()).value)).toEqual({
      schema: "wuxing:bridge:1",
      event: "end",
      ports,
    })
    expect((await ended)[0]).toBe(0)
    expect(existsSync(dirname(ports[0]))).toBe(false)
  })
})

describe.skipIf(!hasSocat)("a bridge whose socat is killed", () => {
  it("ends by name", async () => {
    const child = spawn(process.execPath, [main, "bridge", "--boards", "1", "--json"], {
      cwd: ROOT,
      stdio: ["ignore", "pipe", "ignore"],
    })
    const ended = once(child, "close")
    const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
    const { ports } = documentOf((await lines.next()).value)
    const table = execFileSync("ps", ["-A", "-o", "pid=,ppid=,comm="], { encoding: "utf8" })
    const socat = table
      .split("\n")
      .map(line => line.trim().split(/\s+/))
      .find(([, parent, command]) => Number(parent) === child.pid && command === "socat")
    process.kill(Number(socat![0]))
    const last = documentOf((await lines.next()).value)
    expect(last.error).toMatchObject({ code: "bridge-lost", exitStatus: 4 })
    expect(last.error.message).toContain(ports[0])
    expect((await ended)[0]).toBe(4)
  })
})

describe("without socat", () => {
  it("wuxing bridge says which package is missing", async () => {
    const { status, stdout } = await wuxing(["bridge", "--boards", "1", "--json", "--quiet"], {
      env: {
        PATH: dirname(process.execPath) === "/usr/bin" ? "/nowhere" : dirname(process.execPath),
      },
    })
    expect(status).toBe(2)
    expect(JSON.parse(stdout).error).toMatchObject({
      code: "socat-missing",
      help: expect.stringContaining("apt install socat"),
    })
  })
})
