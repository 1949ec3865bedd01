/** `wuxing record` as people run it: a board with a module on its bus, and ports that print numbers. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { afterAll, describe, expect, it } from "vitest"
import { realClock } from "../../../host/base/clock"
import { performed, personOf } from "../../../host/demos/gestures"
import { MachineBoards } from "../../../host/hardware/machine-boards"
import type { Port } from "../../../host/link/port"
import { temporaryFolder } from "../../temporary"
import { hasSocat, Terminals } from "../link/terminals"
import { PortWithModule } from "../sensing/played-module"
import { wuxing } from "./run-cli"

const folder = temporaryFolder("record")

/** What `--json` says, and the exit status. */
async function record(args: string[], onStderr?: (text: string) => void) {
  const { status, stdout, stderr } = await wuxing(["record", ...args, "--json"], {
    isTTY: true,
    onStderr: onStderr && (text => onStderr(text)),
  })
  return { ...JSON.parse(stdout), status, stderr }
}

describe.skipIf(!hasSocat)("wuxing record (Debian package socat)", () => {
  const terminals = new Terminals()
  afterAll(() => terminals.close())

  it("keeps what a module on a board's bus says; the board unplugged in the middle, what came until then", async () => {
    const boards = await MachineBoards.start(1)
    const readings = performed("wave", personOf(1), 1)
    const board = new PortWithModule(boards.ports[0], readings, 5)
    try {
      const path = await terminals.plug("board", board)
      const out = join(folder, "module")
      const on = ["--on", `serial:${path}`, "--sensor", "accelerometer", "--out", out]
      const kept = await record([...on, "--label", "wave", "--seconds", "0.2", "--count", "2"])
      expect(kept.status, kept.stderr).toBe(0)
      expect(kept.files).toEqual(["1.csv", "2.csv"].map(name => join(out, "wave", name)))
      // Of the readings, in their order, to the module's last digit.
      for (const file of kept.files) {
        const [head, ...rows] = readFileSync(file, "utf8").trim().split("\n")
        expect(head).toBe("time (ms),x,y,z")
        const places = rows.map(row => {
          const values = row.split(",").slice(1).map(Number)
          return readings.findIndex(reading =>
            reading.every((value, c) => Math.abs(value - values[c]) < 2 ** -20),
          )
        })
        expect(places).toEqual(places.map((_, k) => (places[0] + k) % readings.length))
        expect(places[0]).toBeGreaterThanOrEqual(0)
      }

      // Said at once, not when an hour has been recorded.
      const under = join(kept.files[0], "recordings")
      const wrong = await record([...on, "--label", "wave", "--seconds", "3600", "--out", under])
      expect([wrong.status, wrong.error.code]).toEqual([3, "recording-unwritable"])

      const before = readFileSync(kept.files[0])
      let pulled: Promise<void> | undefined
      const cut = await record([...on, "--label", "wave", "--seconds", "3600"], text => {
        if (/[▁-█]{5}/.test(text)) pulled ??= terminals.unplug("board")
      })
      await pulled
      expect(cut.status, cut.stderr).toBe(4)
      expect(cut.error.code).toBe("sensor-gone")
      expect(cut.files).toEqual([join(out, "wave", "3.csv")])
      expect(cut.notes.at(-1)).toContain("was cut short")
      expect(readFileSync(kept.files[0])).toEqual(before)
    } finally {
      await terminals.unplug("board")
      await board.close()
      await boards.stop()
    }
  })

  it("a sensor that no module of the bus is: exit status 4, and no file", async () => {
    const boards = await MachineBoards.start(1)
    try {
      const path = await terminals.plug("bare", boards.ports[0])
      const out = join(folder, "bare")
      const args = ["--on", `serial:${path}`, "--sensor", "gyroscope", "--label", "a", "--out", out]
      const { status, error } = await record(args)
      expect([status, error.code]).toEqual([4, "sensor-missing"])
      expect(existsSync(out)).toBe(false)
    } finally {
      await terminals.unplug("bare")
      await boards.stop()
    }
  })

  for (const [how, label, line, channels] of [
    [
      "Arduino's Serial Plotter",
      "a",
      (i: number) => `left:${i}, right:${-i}\r\n`,
      ["left", "right"],
    ],
    ["edge-impulse-data-forwarder", "b", (i: number) => `${i}.25\t${-i}.5\n`, ["ch1", "ch2"]],
  ] as const)
    it(`reads lines as for ${how}, under the next free number`, async () => {
      const port: Port = { name: "lines", write: async () => {}, close: async () => {} }
      let i = 0
      const timer = realClock.every(10, () => port.onData?.(Buffer.from(line(i++))))
      try {
        const path = await terminals.plug(label, port)
        const out = join(folder, "lines")
        mkdirSync(join(out, label), { recursive: true })
        writeFileSync(join(out, label, "7.csv"), "mine")
        const args = ["--port", path, "--lines", "115200", "--label", label, "--out", out]
        const kept = await record([...args, "--seconds", "0.15", "--count", "2"])
        expect(kept.status, kept.stderr).toBe(0)
        expect(kept.stderr).toContain("Ctrl-C ends it")
        expect(readdirSync(join(out, label)).sort()).toEqual(["7.csv", "8.csv", "9.csv"])
        expect(readFileSync(join(out, label, "7.csv"), "utf8")).toBe("mine")
        const [head, ...rows] = readFileSync(kept.files[0], "utf8").trim().split("\n")
        expect(head).toBe(["time (ms)", ...channels].join(","))
        // Whole lines, none left out.
        const first = rows.map(row => Math.floor(Number(row.split(",")[1])))
        expect(first).toEqual(first.map((_, k) => first[0] + k))
        expect(rows.length).toBe(Number(/8\.csv: (\d+) samples/.exec(kept.stderr)?.[1]))
      } finally {
        timer.stop()
        await terminals.unplug(label)
      }
    })

  it("a port that goes away, and Ctrl-C, keep what was recorded", async () => {
    const port: Port = { name: "lines", write: async () => {}, close: async () => {} }
    const timer = realClock.every(10, () => port.onData?.(Buffer.from("1,2\n3,4\n")))
    try {
      const path = await terminals.plug("gone", port)
      const out = join(folder, "gone")
      const args = ["--port", path, "--label", "a", "--out", out, "--seconds", "3600"]
      let pulled: Promise<void> | undefined
      const gone = await record(args, text => {
        if (/[▁-█]{5}/.test(text)) pulled ??= terminals.unplug("gone")
      })
      await pulled
      expect([gone.status, gone.error.code]).toEqual([4, "sensor-gone"])
      expect(gone.files).toEqual([join(out, "a", "1.csv")])

      await terminals.plug("gone", port)
      const { status, stdout } = await wuxing(["record", ...args, "--json"], {
        isTTY: true,
        onStderr: (text, hand) => {
          if (/[▁-█]{5}/.test(text)) hand.kill("SIGINT")
        },
      })
      expect(status).toBe(0)
      expect(JSON.parse(stdout).files).toEqual([join(out, "a", "2.csv")])
    } finally {
      timer.stop()
      await terminals.unplug("gone")
    }
  })
})

it("what cannot be is refused before anything is opened or written", async () => {
  const out = ["--out", join(folder, "none")]
  for (const [args, code, status] of [
    [["--on", "sim:1", "--sensor", "accelerometer"], "usage", 2],
    [["--label", "a"], "usage", 2],
    [["--label", "../a", "--port", "/dev/null"], "usage", 2],
    [["--label", "a", "--on", "sim:1"], "usage", 2],
    [["--label", "a", "--on", "sim:1", "--sensor", "nose"], "usage", 2],
    [["--label", "a", "--on", "sim:2", "--sensor", "accelerometer"], "usage", 2],
    [["--label", "a", "--port", join(folder, "no-port")], "port-missing", 4],
  ] as const) {
    const ended = await record([...args, ...out])
    expect([args.join(" "), ended.error.code, ended.status]).toEqual([args.join(" "), code, status])
  }
  expect(existsSync(join(folder, "none"))).toBe(false)
})
