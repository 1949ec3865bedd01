/**
 * `wuxing train --model pico-fast --checkpoint 2 --on …` as a user runs it, on a Pico in its own time:
 * its speed, flash and USB, on a virtual clock.
 */
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { beforeAll, describe, expect, it, vi } from "vitest"
import { VirtualClock } from "../../../../host/base/clock"
import { FrameNames } from "../../../../host/faults/frame-streams"
import { readBoardProfile } from "../../../../host/hardware/board-profile"
import type { BoardSet } from "../../../../host/hardware/board-set"
import { TimedBoards } from "../../../../host/hardware/timed-boards"
import { frameFlags, JD_FRAME_FLAG_COMMAND, packetsOf } from "../../../../host/link/jacdac"
import { JdUsbDecoder } from "../../../../host/link/jdusb"
import type { Port } from "../../../../host/link/port"
import { temporaryFolder } from "../../../temporary"
import { type Hand, type RunOptions, wuxing } from "../run-cli"

/** The board that `--on` means. */
let set: (() => BoardSet) | undefined
vi.mock("../../../../host/hardware/location", async original => ({
  ...(await original<typeof import("../../../../host/hardware/location")>()),
  findBoards: async () => ({ count: 1, description: "a Pico", open: async () => set!() }),
}))

/** What a program tells its board's settings service to set something. */
const SETTINGS_SET = 0x81

const folder = temporaryFolder("on-timed-board")
const path = (name: string) => join(folder, `${name}.wuxing`)

/** A Pico, and what a test does to it. */
class Pico {
  readonly clock = new VirtualClock()
  readonly boards: TimedBoards
  /** Saves the host has asked for, and what the board has set in its store since the last of them. */
  saves = 0
  settings = 0
  /** The power is cut at the setting of a save with this number, from 1 on. */
  cutAt?: number
  cuts = 0

  constructor() {
    this.boards = new TimedBoards(1, {
      ...{ clock: this.clock, profile: readBoardProfile("pico") },
      wrap: (_, port) => this.listenIn(port),
    })
    set = () => this.opened()
  }

  /** As for `--on serial`: the board is there before a run and after it. */
  private opened(): BoardSet {
    const { boards } = this
    return {
      clock: boards.clock,
      count: 1,
      reconnectMs: boards.reconnectMs,
      profile: () => boards.profile(),
      connect: (i, options) => {
        boards.open(i)
        return boards.connect(i, options)
      },
      reconnect: (i, link, options) => boards.reconnect(i, link, options),
      stop: async () => {},
    }
  }

  private listenIn(port: Port): Port {
    const names = new FrameNames()
    // What the program tells the board itself passes by.
    const toHost = new JdUsbDecoder({
      onFrame: frame => {
        names.nameOf(frame)
        const isCommand = (frameFlags(frame) & JD_FRAME_FLAG_COMMAND) !== 0
        for (const { command } of packetsOf(frame))
          if (isCommand && command === SETTINGS_SET) this.hasSet()
      },
    })
    const toBoard = new JdUsbDecoder({
      onFrame: frame => {
        const name = names.nameOf(frame)
        if (name === "save") {
          this.saves++
          this.settings = 0
          this.onSave?.(this.saves)
        }
      },
    })
    return {
      name: port.name,
      set onData(hear: ((bytes: Uint8Array) => void) | undefined) {
        port.onData = bytes => {
          toHost.push(bytes)
          hear?.(bytes)
        }
      },
      set onClose(hear: ((reason?: Error) => void) | undefined) {
        port.onClose = hear
      },
      write: bytes => {
        toBoard.push(bytes)
        return port.write(bytes)
      },
      close: () => port.close(),
    }
  }

  private hasSet(): void {
    if (++this.settings !== this.cutAt) return
    this.cuts++
    this.boards.kill(0)
  }

  onSave?: (number: number) => void

  async train(images: number, out: string, options: RunOptions = {}) {
    const plan = ["--limit", `${images}`, "--epochs", "1", "--epochs-per-bit", "1"]
    const args = ["train", "--model", "pico-fast", ...plan, "--json", "--out", path(out)]
    const on = ["--on", "serial:/dev/pico", "--checkpoint", "2"]
    const ended = await this.clock.run(wuxing([...args, ...on], options))
    return { ...ended, document: JSON.parse(ended.stdout) }
  }
}

/** The same training on the host. */
async function onHost(images: number): Promise<Buffer> {
  const plan = ["--limit", `${images}`, "--epochs", "1", "--epochs-per-bit", "1"]
  const out = path(`host-${images}`)
  const ended = await wuxing(["train", "--model", "pico-fast", ...plan, "--quiet", "--out", out])
  expect(ended.status, ended.stderr).toBe(0)
  return readFileSync(out)
}

describe("train on a Pico in its own time", () => {
  const IMAGES = 56
  let host: Buffer

  beforeAll(async () => {
    host = await onHost(IMAGES)
  })

  it("ends with the host's file though its power is cut at one setting of a checkpoint after another", async () => {
    const pico = new Pico()
    // The first save marks the start, and would be made again and again.
    pico.onSave = number => {
      if (number > 1) pico.cutAt = pico.cuts + 1
    }
    const { status, stderr, document } = await pico.train(IMAGES, "cut")
    expect(status, stderr).toBe(0)
    expect(document).toMatchObject({
      engine: "boards",
      samples: IMAGES,
      checkpoints: { kept: true },
    })
    // 16 chunks and a head, and as many of before taken out: the last save had no more to be cut at.
    expect(pico.cuts).toBe(34)
    expect(pico.settings).toBe(34)
    expect(document.recoveries).toBe(pico.cuts)
    expect(readFileSync(path("cut")).equals(host)).toBe(true)
  })

  it("goes on from what the board has kept where the host was stopped and the board lost its power", async () => {
    const pico = new Pico()
    let hand: Hand | undefined
    pico.onSave = number => {
      // The fifth is asked for at sample 8.
      if (number === 5) hand?.kill("SIGINT")
    }
    const stopped = await pico.train(IMAGES, "stopped", { onStderr: (_, given) => (hand = given) })
    expect(stopped.status, stopped.stderr).toBe(130)
    pico.onSave = undefined
    pico.boards.restart(0)
    const { status, stderr, document } = await pico.train(IMAGES, "gone-on")
    expect(status, stderr).toBe(0)
    expect(stderr).toMatch(/the boards hold this training up to sample (6|8): going on from there/)
    expect(document).toMatchObject({ samples: IMAGES, recoveries: 0 })
    expect([6, 8]).toContain(document.checkpoints.from)
    expect(readFileSync(path("gone-on")).equals(host)).toBe(true)
  })
})
