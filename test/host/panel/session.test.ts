/** Boards and a panel together, in virtual time: teaching from it, resetting by it, and running on without it. */
import { createHash } from "node:crypto"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { imageAt, readMnist } from "../../../host/data/mnist"
import { drawSamples } from "../../../host/data/samples"
import { Fleet } from "../../../host/fleet/fleet"
import { readBoardProfile } from "../../../host/hardware/board-profile"
import { TimedBoards } from "../../../host/hardware/timed-boards"
import { HostNetwork } from "../../../host/network/host-network"
import { pico16 } from "../../../host/network/presets"
import { Desk } from "../../../host/panel/desk"
import { readLayout } from "../../../host/panel/layout"
import { Panel } from "../../../host/panel/panel"
import { splitEvenly } from "../../../host/partition/partition"
import type { BoardState } from "../../../host/session/watch"
import { firmware } from "../../firmware/compiled"
import { wuxing } from "../cli/run-cli"
import { noSocat, Uno } from "./uno"
import { VirtualUno } from "./virtual-uno"

const mnist = readMnist(process.env.WUXING_MNIST)
const network = pico16(3)
const LAYOUT = readLayout("leds")
const [TEACH, RESET_1, STATUS_1] = [9, 16, 19]
const CHECKPOINT = 8
/** Compiling the firmware alone takes a busy machine twenty seconds. */
const BUSY_MS = 150_000

const sha = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex")
const volts = (label: number) => ((label + 0.5) / 10) * 5
/** How far a class lies above the best other. */
const lead = (label: number, outputs: ArrayLike<number>) =>
  outputs[label] - Math.max(...Array.from(outputs).filter((_, i) => i !== label))

describe("two boards and a panel", () => {
  let uno: VirtualUno
  let boards: TimedBoards
  let panel: Panel
  let desk: Desk
  let fleet: Fleet
  const said: string[] = []
  const states: BoardState[][] = [[], []]
  /** What the boards should hold: the same lessons, on the host. */
  const host = new HostNetwork(network)
  const agree = async () => expect(sha(await fleet.coefficients())).toBe(sha(host.coefficients()))
  /** A test in the time of the boards and the Uno. */
  const it = (name: string, check: () => Promise<void>) => test(name, () => uno.clock.run(check))

  beforeAll(async () => {
    const bytecode = await firmware()
    uno = VirtualUno.begin()
    const { clock } = uno
    boards = new TimedBoards(2, { clock, profile: readBoardProfile("pico") })
    await clock.run(async () => {
      const status = (text: string) => said.push(text)
      panel = await Panel.open({
        ...{ port: uno.path, open: uno.open, clock },
        layout: LAYOUT,
        classes: 10,
        status,
      })
      desk = new Desk(network, panel, status)
      const show = desk.state.bind(desk)
      desk.state = (board, state) => {
        states[board].push(state)
        show(board, state)
      }
      fleet = new Fleet(
        { network, boards: 2, bytecode, status, checkpointSamples: CHECKPOINT, watch: desk },
        boards,
        splitEvenly(network, 2),
      )
      await fleet.begin()
    })
  })

  afterAll(async () => {
    await boards?.stop()
    uno?.close()
  })

  it("learn the last image as what the panel says, and name it better the next time", async () => {
    const image = imageAt(mnist.test, 11)
    await fleet.classify(() => image, 1)
    const before = desk.answer!
    const hash = sha(await fleet.coefficients())
    // Not what it says anyway.
    const label = (before.digit + 3) % 10
    uno.volts(0, volts(label))
    await uno.eventually(() => expect(panel.label).toBe(label))
    const pressed = new Promise<void>(resolve => {
      desk.onTeach = resolve
    })
    uno.press(TEACH)
    await pressed
    await fleet.classify(() => image, 1)
    expect(fleet.taught).toMatchObject([{ lesson: { label }, after: 0 }])
    expect(sha(await fleet.coefficients())).not.toBe(hash)
    expect(lead(label, desk.answer!.outputs)).toBeGreaterThan(lead(label, before.outputs))
    // One learning step, as the host takes it.
    const { lesson, sample } = fleet.taught[0]
    expect(Buffer.from(lesson.image).equals(image)).toBe(true)
    host.train(image, label, sample)
    await agree()
    // And the panel shows what is thought of it now.
    await uno.eventually(() => {
      const levels = uno.levels()
      const pins = [2, 4, 5, 6, 7, 8, 10, 11, 12, 13]
      expect(pins.filter(pin => levels[pin] === "high")).toEqual([pins[desk.answer!.digit]])
    })
  })

  it("recover when one hangs: the panel pulls its reset line, and what was taught is kept", async () => {
    const indices = drawSamples(mnist.train.count, 16, 5, 1)
    for (const list of states) list.length = 0
    let harmed = false
    let dark: boolean | undefined
    await fleet.train(mnist.train, indices, done => {
      // A lesson between samples 9 and 10, after the checkpoint at 8: the recovery has to repeat it.
      if (done === 9 && fleet.taught.length === 1) panel.onTeach?.()
      if (done === 12 && !harmed) {
        harmed = true
        dark = states[1].includes("fault")
        boards.hang(1)
      }
    })
    expect(dark).toBe(false)
    expect(fleet.recoveries).toBe(1)
    expect(states[1]).toEqual([
      ...["learning", "fault", "loading", "running", "learning", "running"],
    ])
    expect(states[0]).not.toContain("fault")
    expect(said.join("\n")).toContain("board 1 does not answer; the panel has reset it")
    await uno.eventually(() => expect(uno.levels()[RESET_1]).toBe("input"))
    const edges = uno.edges(RESET_1)
    expect(edges.map(([, level]) => level)).toEqual(["input", "low", "input"])
    const low = edges[2][0] - edges[1][0]
    expect(low).toBeGreaterThan(LAYOUT.resetMs - 20)
    expect(low).toBeLessThan(LAYOUT.resetMs + 40)

    const { lesson, after, sample } = fleet.taught[1]
    expect(after).toBe(9)
    expect(fleet.taught.length).toBe(2)
    for (const [i, index] of indices.entries()) {
      if (i === after) host.train(lesson.image, lesson.label, sample)
      host.train(imageAt(mnist.train, index), mnist.train.labels[index])
    }
    await agree()
  })

  it("go on when the panel is unplugged, and show again when it is back", async () => {
    const indices = drawSamples(mnist.train.count, 10, 6, 1)
    await fleet.train(mnist.train, indices, done => {
      if (done === 2) uno.unplug()
    })
    for (const index of indices) host.train(imageAt(mnist.train, index), mnist.train.labels[index])
    await agree()
    await uno.eventually(() => expect(panel.connected).toBe(false))
    uno.plug()
    await uno.eventually(() => {
      expect(panel.connected).toBe(true)
      expect(uno.levels()[STATUS_1]).toBe("high")
    })
    expect(said.at(-1)).toMatch(/is back$/)
  })

  it("leave the panel dark when they end", async () => {
    await fleet.close()
    await uno.clock.sleep(300)
    await uno.eventually(() => expect(uno.levels()).not.toContain("high"))
  })
})

describe.skipIf(noSocat)("wuxing demo --panel", () => {
  test(
    "learns what the panel teaches in between, and so does the host's own run",
    async () => {
      const uno = new Uno()
      await uno.plug()
      await uno.volts(0, volts(4))
      let pressed = false
      const { status, stdout } = await wuxing(
        [
          ...["demo", "--on", "sim:1", "--train", "40", "--test", "8", "--json"],
          ...["--panel", uno.path, "--layout", "leds"],
        ],
        {
          onStderr: text => {
            if (pressed || !/training \d+\/40/.test(text)) return
            pressed = true
            void uno.press(TEACH)
          },
        },
      )
      await uno.close()
      const document = JSON.parse(stdout)
      expect(document).toMatchObject({ taught: 1, hostMatches: true })
      expect(status).toBe(0)
    },
    BUSY_MS,
  )
})
