/** `wuxing watch`: live on a module that is played, and on hours of recordings in which nothing is done. */
import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { beforeAll, describe, expect, it } from "vitest"
import { GESTURES, performed, personOf } from "../../../host/demos/gestures"
import { MachineBoards } from "../../../host/hardware/machine-boards"
import { readModel } from "../../../host/models/model-source"
import { Watcher } from "../../../host/sensing/watcher"
import { decodeReading, encodeReading, sensorNamed } from "../../../host/signals/sensors"
import { temporaryFolder } from "../../temporary"
import { hasSocat, Terminals } from "../link/terminals"
import { csvOf, handlingFor, stillFor, walkingFor, writeGestures } from "../sensing/hours"
import { PortWithModule } from "../sensing/played-module"
import { wuxing } from "./run-cli"

const folder = temporaryFolder("watch")
const model = join(folder, "gestures.wuxing")
const gestures = join(folder, "gestures")

async function json(...args: string[]) {
  const { status, stdout, stderr } = await wuxing([...args, "--json"])
  return { ...JSON.parse(stdout), status, stderr }
}

beforeAll(async () => {
  writeGestures(gestures, 12, 5)
  const validation = ["--validation", "60", "--seed", "1"]
  const trained = await json("train", "--data", gestures, ...validation, "--out", model)
  expect(trained.status, trained.stderr).toBe(0)
  // Each recording begins and ends with half a second of stillness, which no segment has.
  expect(trained.stderr).toContain("still ends are left out (trim=2)")
  expect(trained.testAccuracy).toBeGreaterThan(0.98)
})

describe("an hour of each, in which no gesture is made", () => {
  for (const [what, made, most] of [
    ["a hand that is held still", stillFor, 0],
    ["walking", walkingFor, 0],
    ["handling things", handlingFor, 4],
  ] as const)
    it(`${what}: ${most} false alarms at most`, async () => {
      const at = join(folder, what)
      mkdirSync(at)
      for (let i = 0; i < 6; i++) writeFileSync(join(at, `${i}.csv`), csvOf(made(600, 100 + i)))
      const found = await json("watch", "--model", model, "--recordings", at)
      expect(found.status, found.stderr).toBe(0)
      expect(found.seconds).toBe(3600)
      expect(found.detectionsPerHour).toBeLessThanOrEqual(most)
      // What it found it did look at: all but stillness moves.
      if (made !== stillFor) expect(found.windows).toBeGreaterThan(400)
      else expect(found.windows).toBe(0)
      const named = found.detections.filter((one: { class: number }) => one.class >= 0)
      expect(found.detectionsPerHour).toBe(named.length)
    })
})

it("recordings of the gestures themselves: most are named, each by its name", async () => {
  const found = await json("watch", "--model", model, "--recordings", gestures)
  for (const gesture of GESTURES) {
    // Of 60; the lead asked for leaves some unknown.
    expect(found.counts[gesture]).toBeGreaterThan(40)
    expect(found.counts[gesture]).toBeLessThanOrEqual(60)
  }
  // Whatever its lead, everything is named.
  const all = await json("watch", "--model", model, "--recordings", gestures, "--unknown", "0")
  expect(all.detections.length).toBe(all.windows)
  expect(all.detections.every((one: { class: number }) => one.class >= 0)).toBe(true)
})

describe.skipIf(!hasSocat)("live (Debian package socat)", () => {
  it("names what a module on a board's bus says, as the core does", async () => {
    const readings = GESTURES.flatMap((gesture, i) => performed(gesture, personOf(9), 50 + i))
    const watched = readModel(model, 1)
    const unknown = watched.signal?.unknown ?? 0
    expect(unknown).toBeGreaterThan(0)
    const watcher = new Watcher(watched, { hold: 2, unknown })
    const sensor = sensorNamed("accelerometer")
    // The module goes on from the start: after two rounds there are more than are looked at.
    const expected = [...readings, ...readings, ...readings].flatMap(
      reading => watcher.push(decodeReading(sensor, encodeReading(sensor, reading))!) ?? [],
    )
    expect(expected.length).toBeGreaterThan(8)
    // From the first on: on a busy machine the module's first readings, all still, come before the tool hears.
    const since = (first: number, at: number) => Math.round(100 * (at - first))
    const lines = expected
      .slice(0, 8)
      .map(({ at, class: of }) => [
        since(expected[0].at, at),
        of < 0 ? "unknown" : [...GESTURES].sort()[of],
      ])

    const terminals = new Terminals()
    const boards = await MachineBoards.start(1)
    const board = new PortWithModule(boards.ports[0], readings, 2)
    try {
      const path = await terminals.plug("board", board)
      const on = ["--on", `serial:${path}`, "--sensor", "accelerometer"]
      const said = /^ +([\d.]+) s {2}(\S+)/gm
      const { status, stdout, stderr } = await wuxing(["watch", "--model", model, ...on], {
        onStdout: (text, hand) => {
          if ([...text.matchAll(said)].length >= 8) hand.kill("SIGINT")
        },
      })
      expect(status, stderr).toBe(0)
      const all = [...stdout.matchAll(said)].map(([, at, name]) => ({ at: Number(at), name }))
      const found = all.map(({ at, name }) => [since(all[0].at, at), name])
      expect(found.slice(0, 8)).toEqual(lines)
      expect(all[0].at).toBeLessThan(expected[0].at + 0.005)
      expect(stdout).toMatch(/detections +\d+ \(\d+\.\d an hour\)/)
    } finally {
      await terminals.close()
      await board.close()
      await boards.stop()
    }
  })
})

it("what cannot be watched is refused by name", async () => {
  const other = join(folder, "other.csv")
  writeFileSync(
    other,
    `time (ms),a\n${Array.from({ length: 50 }, (_, i) => `${20 * i},${i}`).join("\n")}\n`,
  )
  for (const [args, code, status] of [
    [["--recordings", gestures], "usage", 2],
    [["--model", model], "usage", 2],
    [["--model", "pico-16", "--recordings", gestures], "sensor-model", 3],
    [["--model", model, "--recordings", other], "sensor-channels", 3],
    [["--model", model, "--recordings", join(folder, "none")], "recording-damaged", 3],
  ] as const) {
    const ended = await json("watch", ...args)
    expect([args.join(" "), ended.error?.code, ended.status]).toEqual([
      args.join(" "),
      code,
      status,
    ])
  }
})
