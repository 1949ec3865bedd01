/** What is behind a port, asked through real pseudo-terminals and the real serialport binding. */
import { type ChildProcess, execFile, spawn } from "node:child_process"
import { setTimeout as sleep } from "node:timers/promises"
import { promisify } from "node:util"
import fc from "fast-check"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { DEVICE_SCRIPT_BOARDS, profileOfProduct } from "../../../host/hardware/devicescript-boards"
import { FirmwareReportParser } from "../../../host/hardware/firmata"
import { identify } from "../../../host/hardware/identify"
import { BoardLink } from "../../../host/link/board-link"
import { buildFrame, deviceIdFromHex, packetsOf } from "../../../host/link/jacdac"
import { encodeFrame, encodeLog, JdUsbDecoder } from "../../../host/link/jdusb"
import { openSerialPort } from "../../../host/link/serial-port"
import { hasSocat, Terminals } from "../link/terminals"

/** The firmware report of the Firmata protocol, written out: name in pairs of seven bits. */
function firmataReport(major: number, minor: number, name: string): number[] {
  const pairs = [...name].flatMap(c => [c.charCodeAt(0) & 0x7f, c.charCodeAt(0) >> 7])
  return [0xf0, 0x79, major, minor, ...pairs, 0xf7]
}

describe("a Firmata report", () => {
  it("is found in any stream, however it is cut", () => {
    const noise = fc.uint8Array({ maxLength: 40 }).map(bytes => bytes.filter(b => b !== 0xf0))
    const sizes = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 5 })
    fc.assert(
      fc.property(noise, noise, sizes, (before, after, cuts) => {
        const stream = Uint8Array.from([
          ...before,
          ...firmataReport(2, 5, "StandardFirmata.ino"),
          ...after,
        ])
        const parser = new FirmwareReportParser()
        const found = []
        for (let at = 0, i = 0; at < stream.length; at += cuts[i++ % cuts.length]) {
          found.push(parser.push(stream.subarray(at, at + cuts[i % cuts.length])))
        }
        expect(found.filter(Boolean)).toEqual([{ name: "StandardFirmata.ino", version: "2.5" }])
      }),
    )
  })

  it("is not our own query sent back, nor other sysex", () => {
    const parser = new FirmwareReportParser()
    expect(parser.push(Uint8Array.of(0xf0, 0x79, 0xf7, 0xf0, 0x6c, 1, 2, 3, 0xf7))).toBeUndefined()
    expect(parser.push(Uint8Array.of(0xf0, 0x79, 2, 0x90, 5, 0xf7))).toBeUndefined()
  })
})

describe("the list of DeviceScript's boards", () => {
  it("is that of the DeviceScript command, family by family", async () => {
    const cli = new URL("../../../node_modules/@devicescript/cli/devicescript", import.meta.url)
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [cli.pathname, "flash", "--help"],
      {
        cwd: new URL("../../../firmware", import.meta.url).pathname,
        env: { ...process.env, NO_UPDATE_NOTIFIER: "1" },
      },
    )
    const listed: string[] = []
    let family = ""
    for (const line of stdout.slice(stdout.indexOf("Available boards")).split("\n")) {
      const head = /^ {2}(\S.*):$/.exec(line)
      if (head) family = head[1].split(" ")[0].replace("-", "").toLowerCase()
      const board = /--board (\S+)/.exec(line)
      if (board) listed.push(`${family} ${board[1]}`)
    }
    expect(listed.length).toBeGreaterThan(20)
    expect(DEVICE_SCRIPT_BOARDS.map(({ family, id }) => `${family} ${id}`).sort()).toEqual(
      listed.sort(),
    )
  })

  it("knows a board by the number it gives", () => {
    expect(profileOfProduct(0x3f6e1f0c)).toBe("pico")
    expect(profileOfProduct(1)).toBe("unknown")
    expect(profileOfProduct(undefined)).toBe("unknown")
  })
})

describe.skipIf(!hasSocat)("a port on a pseudo-terminal (Debian package socat)", () => {
  let terminals: Terminals
  beforeAll(() => {
    terminals = new Terminals()
  })
  afterAll(() => terminals.close())

  it("is told by what answers: Firmata, an echo, rubbish, nothing", async () => {
    let late = 0
    const firmata = await terminals.plugFake("firmata", (bytes, say) => {
      // As an Uno: deaf at first, then it answers the query, in two parts.
      const asked = Buffer.from(bytes).includes(Buffer.of(0xf0, 0x79, 0xf7))
      if (!asked || late++ === 0) return
      const report = Uint8Array.from(firmataReport(2, 5, "Standard"))
      say(report.subarray(0, 6))
      setTimeout(() => say(report.subarray(6)), 20)
    })
    const echo = await terminals.plugFake("echo", (bytes, say) => say(bytes))
    const silent = await terminals.plugFake("silent", () => {})
    const rubbish = await terminals.plugFake("rubbish", (_, say) => {
      say(Uint8Array.from({ length: 300 }, (_, i) => (i * 7919) >> 3))
      say(encodeLog("boot: wrong magic\n"))
    })
    const all = [firmata, echo, silent, rubbish].map(({ path }) => identify(path))
    const [first, second, third, fourth] = await Promise.all(all)
    expect(first).toEqual({ kind: "firmata", name: "Standard", version: "2.5" })
    expect(second).toMatchObject({
      kind: "other",
      why: expect.stringMatching(/none of a DeviceScript/),
    })
    expect(third).toMatchObject({ kind: "other", why: expect.stringContaining("not a byte came") })
    expect(fourth).toMatchObject({
      kind: "other",
      why: expect.stringMatching(
        /rubbish.*1\.5 s.*(bytes came that are no Jacdac frames|damaged).*/,
      ),
    })
  })

  it("that is missing, or no port, is said to be", async () => {
    expect(await identify(terminals.path("nothing"))).toMatchObject({
      kind: "closed",
      code: "port-missing",
    })
  })

  it("opens once: a second time says that we have it, another process's name if that has", async () => {
    const { path } = await terminals.plugFake("held", () => {})
    const port = await openSerialPort(path)
    await expect(openSerialPort(path)).rejects.toMatchObject({
      code: "port-in-use",
      kind: "board",
      message: expect.stringMatching(/held is in use by this run itself/),
    })
    await port.close()

    const holder: ChildProcess = spawn("flock", ["--exclusive", path, "sleep", "30"], {
      // A group of its own, so that both processes end together.
      detached: true,
    })
    try {
      let failure: { code?: string; message?: string } = {}
      for (let look = 0; look < 100 && failure.code === undefined; look++) {
        await sleep(50)
        const free = await openSerialPort(path).catch(error => {
          failure = error
        })
        await free?.close()
      }
      expect(failure.code).toBe("port-in-use")
      expect(failure.message).toMatch(
        new RegExp(`in use by process (${holder.pid} \\(flock|\\d+ \\(sleep 30)`),
      )
    } finally {
      process.kill(-holder.pid!)
    }
  })

  it("ends a link by itself when its board falls silent, though the port stays", async () => {
    const board = deviceIdFromHex("0011223344556677")
    const announce = encodeFrame(
      buildFrame(board, 0, [
        {
          serviceIndex: 0,
          command: 0,
          payload: Uint8Array.of(5, 1, 0, 0, 0x2b, 0xea, 0x34, 0x11),
        },
      ]),
    )
    let asked = 0
    let alive = true
    const { path } = await terminals.plugFake("fades", (bytes, say) => {
      const decoder = new JdUsbDecoder({
        onFrame: frame => {
          for (const { serviceIndex, command } of packetsOf(frame)) {
            if (serviceIndex === 0 && command === 0) asked++
          }
          if (alive) say(announce)
        },
      })
      decoder.push(bytes)
    })
    const link = await BoardLink.connect(await openSerialPort(path), { name: "board 0" })
    const gone = new Promise<Error>(resolve => {
      link.listen({ onClose: resolve })
    })
    const waiting = link.waitForService(1, 60_000)
    waiting.catch(() => {})
    // Asked for a sign of life it gives one, and the link lives on.
    await sleep(2_200)
    expect(asked).toBeGreaterThan(0)
    alive = false
    const reason = await gone
    expect(reason).toMatchObject({ code: "board-gone" })
    expect(reason.message).toMatch(/board 0.*0011223344556677.*no frames for 4\.0 s/)
    await expect(waiting).rejects.toBe(reason)
    await link.close()
  })
})
