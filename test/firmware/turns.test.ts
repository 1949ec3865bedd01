/**
 * How long a Pico works at a stretch without a look at USB, for every command of the service: at most
 * 15 ms, but for what docs/faults.md states.
 */
import { readFileSync } from "node:fs"
import { beforeAll, describe, expect, it } from "vitest"
import { VirtualClock } from "../../host/base/clock"
import { imageAt, readMnist } from "../../host/data/mnist"
import { Board } from "../../host/fleet/board"
import { Fleet } from "../../host/fleet/fleet"
import { SLOTS } from "../../host/fleet/relay"
import { readBoardProfile } from "../../host/hardware/board-profile"
import { TimedBoards, type Turn } from "../../host/hardware/timed-boards"
import { loadMessages } from "../../host/link/messages"
import type { Network } from "../../host/network/network"
import { model1, pico16, pico32, picoFast } from "../../host/network/presets"
import { buildShard } from "../../host/network/shard"
import { splitEvenly } from "../../host/partition/partition"
import { recipeOf } from "../../host/training/recipes"
import { Command, SERVICE_CLASS, Setting } from "../../src/wire/protocol"
import { byLinks } from "../host/partition/by-links"
import { firmware } from "./compiled"

const MOST_MS = 15
/** With operations as long as in the dearest code: these times are not to be too short. */
const PICO = { ...readBoardProfile("pico"), programCyclesPerOperation: undefined }
/** What is asked of a board is done by then, ms. */
const REST_MS = 3_000

/** Of one turn: spent on operations without a look at USB, and on flash, ms. */
interface Stretch {
  deafMs: number
  flashMs: number
}

/** The longest by what a board does. */
const longest = new Map<string, Stretch>()

/** Boards of which each turn belongs to what `doing` says. */
class Watched {
  doing = "deploy"
  readonly clock = new VirtualClock()
  readonly boards: TimedBoards

  constructor(count: number) {
    this.boards = new TimedBoards(count, {
      ...{ clock: this.clock, profile: PICO, onTurn: turn => this.note(turn) },
    })
  }

  private note({ deafMs, flashMs }: Turn): void {
    const before = longest.get(this.doing) ?? { deafMs: 0, flashMs: 0 }
    longest.set(this.doing, {
      deafMs: Math.max(before.deafMs, deafMs),
      flashMs: Math.max(before.flashMs, flashMs),
    })
  }
}

/** Every command but those of samples, one at a time. */
async function control(network: Network, of: number, saves: number): Promise<void> {
  const bytecode = await firmware()
  const watched = new Watched(1)
  const { clock, boards } = watched
  await clock.run(async () => {
    const link = await boards.connect(0, { name: "board 0" })
    await link.deploy(bytecode)
    await link.waitForService(SERVICE_CLASS, 8_000)
    const board = new Board(link, "pico")
    // What it does by itself meanwhile is looked at as well.
    const during = async (what: string, work: () => Promise<unknown>, restMs = 100) => {
      await clock.sleep(20)
      watched.doing = what
      await work()
      await clock.sleep(restMs)
      watched.doing = "idle"
    }
    const shard = buildShard(network, splitEvenly(network, of)[0], of === 1 ? SLOTS : 1)
    const messages = loadMessages(shard)
    await during("begin", () => board.request(Command.Begin, messages.begin))
    for (const slice of messages.slices)
      await during("slice", () => link.send(Command.Slice, slice), 20)
    await during("commit", () => board.request(Command.Commit), REST_MS)
    expect((await board.status()).ready, network.name).toBe(true)
    await during("status", () => board.status())
    await during("read", () => board.read(0, 2_000))
    await during("set", () => board.set(Setting.Margin, 4_000))
    for (let i = 1; i <= saves; i++)
      await during("save", () => board.save({ samples: i, run: 5, right: 0 }), 200)
    await during("saved", () => board.saved(false), 200)
    if (saves > 0) await during("restore", () => board.restore(saves), 200)
    else expect(await board.saved(false)).toBeUndefined()
  })
  await boards.stop()
}

/** Images, signals, sums and backward sums: as many samples named, and as many learnt. */
async function samples(
  name: string,
  network: Network,
  of: number,
  shares = splitEvenly(network, of),
): Promise<void> {
  const count = 4
  const watched = new Watched(of)
  const { clock, boards } = watched
  const options = { network, boards: of, bytecode: await firmware(), verify: false }
  const fleet = new Fleet(options, boards, shares)
  const { test } = readMnist()
  await clock.run(async () => {
    watched.doing = "load"
    await fleet.begin()
    if (!network.softmaxGain) {
      watched.doing = `${name}, named`
      await fleet.classify(i => imageAt(test, i), count)
    }
    watched.doing = `${name}, learnt`
    const lesson = (i: number) => ({ image: imageAt(test, i), label: test.labels[i] })
    await fleet.learn(lesson, count)
    await fleet.close()
  })
}

/** The table of docs/faults.md: what is longer, and how long, ms. */
function stated(): Map<string, Stretch> {
  const page = readFileSync(new URL("../../docs/faults.md", import.meta.url), "utf8")
  const [, table] = /<!-- longest turns[^\n]*-->\n([\s\S]*?)<!-- end -->/.exec(page) ?? []
  const rows = (table ?? "").split("\n").slice(2)
  const cells = rows.map(row => row.split("|").map(cell => cell.trim().replaceAll("`", "")))
  return new Map(
    cells
      .filter(row => row.length > 3)
      .map(([, what, deaf, flash]) => [what, { deafMs: Number(deaf), flashMs: Number(flash) }]),
  )
}

const softmax = (network: Network) => ({
  ...network,
  softmaxGain: recipeOf(network).softmaxGain,
})

describe("a Pico's longest stretch without a look at USB", () => {
  beforeAll(async () => {
    await control(picoFast(1), 1, 4)
    await control(pico16(1), 1, 0)
    await control(model1(1), 7, 0)
    await samples("pico-fast", picoFast(1), 1)
    await samples("pico-fast by softmax", softmax(picoFast(1)), 1)
    await samples("pico-16", pico16(1), 1)
    await samples("pico-16 by softmax", softmax(pico16(1)), 1)
    await samples("pico-32 on two", pico32(1), 2)
    await samples("pico-32 on two by links", pico32(1), 2, byLinks(pico32(1), 2))
    // A fleet loads its boards by the commands above.
    longest.delete("load")
  })

  it("was looked at for every command", () => {
    const names = Object.values(Command).filter(c => typeof c === "string")
    const ofSamples = ["Image", "Signals", "Sums", "Back", "Fault"]
    const looked = [...longest.keys()]
    expect(names.filter(n => !ofSamples.includes(n) && !looked.includes(n.toLowerCase()))).toEqual(
      [],
    )
  })

  it("is 15 ms, or stated, as is what takes flash its time", () => {
    const known = stated()
    for (const [what, { deafMs, flashMs }] of longest)
      if (deafMs > MOST_MS || flashMs > MOST_MS)
        expect.soft([...known.keys()], `${what}: ${deafMs} ms, flash ${flashMs} ms`).toContain(what)
    for (const [what, { deafMs, flashMs }] of known) {
      const found = longest.get(what)
      // How much comes in a row hangs on when messages come: no less than half of what is stated.
      expect.soft(found?.deafMs, what).toBeGreaterThan(0.5 * deafMs)
      expect.soft(found?.deafMs, what).toBeLessThan(1.1 * deafMs)
      expect.soft(found?.flashMs, what).toBe(flashMs)
    }
  })
})
