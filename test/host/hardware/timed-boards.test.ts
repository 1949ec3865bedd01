/** Boards in their own time: flash that takes time, and what a host makes of it. */
import { beforeAll, describe, expect, it, vi } from "vitest"
import { VirtualClock } from "../../../host/base/clock"
import { sha256 } from "../../../host/base/sha256"
import { imageAt, readMnist } from "../../../host/data/mnist"
import { Board } from "../../../host/fleet/board"
import { Fleet } from "../../../host/fleet/fleet"
import { SLOTS } from "../../../host/fleet/relay"
import { boardIds, readBoardProfile } from "../../../host/hardware/board-profile"
import {
  type FlashChange,
  TimedBoards,
  type TimedBoardsOptions,
  type Turn,
} from "../../../host/hardware/timed-boards"
import { deployDeadline, imageOf } from "../../../host/link/manager"
import { wholeNetwork } from "../../../host/network/host-network"
import { fleet64, picoFast } from "../../../host/network/presets"
import { buildShard } from "../../../host/network/shard"
import { splitEvenly } from "../../../host/partition/partition"
import { Header, Part } from "../../../src/core/layout"
import { partAt } from "../../../src/core/run"
import { Command, SERVICE_CLASS } from "../../../src/wire/protocol"
import { firmware } from "../../firmware/compiled"
import { network } from "../../src/core/helpers"
import { hashOnHost, lesson, net, SAMPLES } from "../faults/rig"

const PICO = readBoardProfile("pico")
const SECTOR_MS = 45
const { test: digits } = readMnist()

let bytecode: Uint8Array
/** The same program with one letter of what it logs in another case: a board takes it for another. */
let other: Uint8Array

beforeAll(async () => {
  bytecode = await firmware()
  other = bytecode.slice()
  const at = Buffer.from(bytecode).indexOf("wuxing: ready")
  expect(at).toBeGreaterThan(0)
  other[at] ^= 0x20
})

/** Takes longer to save than the rig's, and more pages. */
const larger = network(
  [
    { neurons: 6, fanIn: 12 },
    { neurons: 4, fanIn: 8 },
    { neurons: 3, outputs: 1 },
  ],
  { width: 64 },
)

function start(count: number, options: Partial<TimedBoardsOptions> = {}) {
  const clock = new VirtualClock()
  const boards = new TimedBoards(count, { clock, profile: PICO, ...options })
  return { clock, boards }
}

async function open(boards: TimedBoards, program: Uint8Array): Promise<Board> {
  const link = await boards.connect(0, { name: "board 0" })
  await link.deploy(program)
  await link.waitForService(SERVICE_CLASS, 8_000)
  return new Board(link, "pico")
}

describe("deploying to a board whose flash takes its time", () => {
  it("succeeds 20 times of 20, on empty and on programmed boards, with one erase of each sector", async () => {
    const pages: FlashChange[] = []
    for (let i = 0; i < 20; i++) {
      pages.length = 0
      const { clock, boards } = start(1, {
        seed: i + 1,
        onFlash: change => {
          pages.push(change)
          return undefined
        },
      })
      await clock.run(async () => {
        // The store is formatted before the board is asked for anything.
        const link = await boards.connect(0, { name: "board 0" })
        for (const program of [bytecode, other]) {
          pages.length = 0
          const before = clock.now()
          expect(await link.deploy(program)).toBe("deployed")
          const erased = pages.filter(({ what }) => what === "erase").length
          // The program and what the runtime puts before it.
          expect(erased).toBe(Math.ceil((imageOf(program, "").length + 128) / 4096))
          expect(clock.now() - before).toBeGreaterThan(erased * SECTOR_MS)
          await link.waitForService(SERVICE_CLASS, 8_000)
        }
        await link.close()
      })
    }
  })

  it("leaves a board that holds the program alone", async () => {
    const { clock, boards } = start(1)
    await clock.run(async () => {
      const link = await boards.connect(0, { name: "board 0" })
      await link.deploy(bytecode)
      const flash = sha256(boards.flashes[0])
      expect(await link.deploy(bytecode)).toBe("same")
      expect(sha256(boards.flashes[0])).toBe(flash)
    })
  })

  it.each(boardIds().filter(id => readBoardProfile(id).deviceScriptBoard !== null))(
    "works with the figures of %s, and so do learning and what is kept",
    async id => {
      const { clock, boards } = start(2, { profile: readBoardProfile(id) })
      await clock.run(async () => {
        // To empty boards, and to some that hold another program.
        await (await open(boards, other)).link.close()
        boards.open(0)
        const fleet = fleetOn(boards)
        await fleet.begin()
        expect(fleet.keepOnBoards(77)).toBeUndefined()
        await fleet.learn(lesson, SAMPLES)
        expect(sha256(await fleet.coefficients())).toBe(hashOnHost())
        expect(fleet.recoveries).toBe(0)
        await fleet.close()
        boards.restart(0)
        const board = await open(boards, bytecode)
        expect(await board.saved(false)).toMatchObject({ samples: SAMPLES, run: 77 })
      })
    },
  )
})

describe("a deploy command", () => {
  it("is waited for as long as the profile's flash may need, and then sent again", async () => {
    // As long as the datasheet of a Pico's flash allows, and a large program for it.
    const slow = { ...PICO, flash: { ...PICO.flash, eraseMs: 400 } }
    const erased: number[] = []
    const { clock, boards } = start(1, {
      profile: slow,
      onFlash: ({ what }) => {
        if (what === "erase") erased.push(clock.now())
        return undefined
      },
    })
    await clock.run(async () => {
      const link = await boards.connect(0, { name: "board 0" })
      erased.length = 0
      expect(await link.deploy(bytecode)).toBe("deployed")
    })
    // The board was deaf for longer than any deadline of old, and nothing was sent to it again.
    expect(erased).toHaveLength(Math.ceil((imageOf(bytecode, "").length + 128) / 4096))
    expect(erased.length * 400).toBeGreaterThan(4_000)
    for (const id of boardIds()) {
      const { flash } = readBoardProfile(id)
      // W25Q16JV and GD25Q32C: at most 400 and 300 ms where 45 are usual.
      expect(deployDeadline(50_000, flash)).toBeGreaterThan(13 * (400 / 45) * flash.eraseMs)
    }
  })
})

describe("a board that is waited for", () => {
  /** Saves three times. @returns ms of each, times of the host's writes while it waited, operations */
  async function saves(options: Partial<TimedBoardsOptions>, stirred = true) {
    let writes: number[] = []
    const gaps: number[] = []
    const { clock, boards } = start(1, {
      ...options,
      wrap: (_, port) => {
        const write = port.write.bind(port)
        port.write = bytes => {
          writes.push(clock.now())
          return write(bytes)
        }
        return port
      },
    })
    return await clock.run(async () => {
      const board = await open(boards, bytecode)
      if (!stirred) board.link.stir = () => () => {}
      await board.load(buildShard(larger, wholeNetwork(larger), SLOTS))
      const before = boards.operations[0]
      const times: number[] = []
      for (let i = 1; i <= 3; i++) {
        const from = clock.now()
        writes = []
        expect(await board.save({ samples: i, run: 5, right: i }), `save ${i}`).toBe(true)
        times.push(clock.now() - from)
        writes.push(clock.now())
        gaps.push(...writes.slice(1).map((at, k) => at - writes[k]))
      }
      const { framesOut } = board.link.counters
      return { times, gaps, operations: boards.operations[0] - before, framesOut }
    })
  }

  it("gets a frame every 200 ms, of which its program notices nothing", async () => {
    const stirred = await saves({})
    expect(Math.max(...stirred.gaps)).toBeLessThan(250)
    expect(Math.min(...stirred.gaps.slice(0, -1))).toBeGreaterThan(50)
    const alone = await saves({}, false)
    expect(Math.max(...alone.gaps)).toBeGreaterThan(250)
    // The same operations at the same time, and the same frames counted.
    expect({ ...stirred, gaps: 0 }).toEqual({ ...alone, gaps: 0 })
  })

  it("is woken by it where it lost the alarm it slept by", async () => {
    const sound = Math.max(...(await saves({})).times)
    // Which alarms are lost is chance: the longest of several runs.
    const longest = async (stirs: boolean) => {
      const times: number[] = []
      for (let seed = 1; seed <= 4; seed++)
        times.push(...(await saves({ lostAlarms: 0.03, seed }, stirs)).times)
      return Math.max(...times)
    }
    const stirred = await longest(true)
    const alone = await longest(false)
    expect(stirred).toBeGreaterThan(sound)
    expect(stirred).toBeLessThan(sound + 2_000)
    expect(alone).toBeGreaterThan(stirred + 1_000)
  })
})

describe("boards in their own time", () => {
  it("do the same at every run, to the bit and to the microsecond", async () => {
    const once = async () => {
      const turns: Turn[] = []
      const { clock, boards } = start(2, { onTurn: turn => turns.push(turn) })
      const fleet = fleetOn(boards)
      const hash = await clock.run(learn(fleet))
      return { hash, at: clock.now(), turns: turns.length, operations: boards.operations }
    }
    expect(await once()).toEqual(await once())
  })

  it("learn what the host learns, and keep what they have learnt", async () => {
    const { clock, boards } = start(2)
    const fleet = fleetOn(boards)
    await clock.run(async () => {
      await fleet.begin()
      expect(fleet.keepOnBoards(77)).toBeUndefined()
      await fleet.learn(lesson, SAMPLES)
      expect(sha256(await fleet.coefficients())).toBe(hashOnHost())
      await fleet.close()
    })
    expect(fleet.recoveries).toBe(0)
  })

  it("that have images to name yet are not taken for lost when another one is", async () => {
    const network = fleet64(1)
    const { clock, boards } = start(4)
    const said: string[] = []
    const fleet = new Fleet(
      { network, boards: 4, bytecode, status: text => said.push(text) },
      boards,
      splitEvenly(network, 4),
    )
    await clock.run(async () => {
      await fleet.begin()
      let killed = false
      await fleet.classify(
        i => imageAt(digits, i),
        10,
        done => {
          // The others are to name several images yet, 0.4 s each.
          if (done === 5 && !killed) boards.kill(0)
          killed ||= done === 5
        },
      )
      await fleet.close()
    })
    expect(said.filter(text => /started again/.test(text))).toEqual([
      expect.stringMatching(/^board 0 [^;]*; board 0 \([^)]*\) started again/),
    ])
  })

  it("hear nothing while they erase, and lose nothing that was sent meanwhile", async () => {
    const { clock, boards } = start(1)
    await clock.run(async () => {
      const link = await boards.connect(0, { name: "board 0" })
      const gone = new Promise(resolve => {
        link.listen({ onClose: resolve })
      })
      const deploying = link.deploy(bytecode)
      await clock.sleep(100)
      const before = clock.now()
      await link.ping()
      // Eleven sectors: what was said in their midst is answered at their end.
      expect(clock.now() - before).toBeGreaterThan(300)
      await deploying
      await Promise.race([gone.then(() => expect.unreachable()), clock.sleep(10_000)])
    })
  })
})

describe("a board's checkpoints", () => {
  const whole = picoFast(1)
  let large: Buffer

  beforeAll(() => {
    large = buildShard(whole, wholeNetwork(whole), SLOTS)
  })

  it("are kept and restored with what a Pico's store holds, save after save", async () => {
    const { clock, boards } = start(1)
    await clock.run(async () => {
      let board = await open(boards, bytecode)
      let gaps = 0
      board.link.listen({ onGap: () => gaps++ })
      await board.load(large)
      const before = await board.read(0, large.length)
      const times: number[] = []
      const sent = vi.spyOn(board.link, "send")
      for (let i = 1; i <= 6; i++) {
        const from = clock.now()
        expect(await board.save({ samples: i, run: 5, right: i }), `save ${i}`).toBe(true)
        times.push(clock.now() - from)
      }
      expect(gaps).toBe(0)
      // What takes the board its time is not asked again meanwhile.
      expect(sent.mock.calls.filter(([command]) => command === Command.Save)).toHaveLength(6)
      expect(board.link.recentLog.filter(line => /ovf/.test(line))).toEqual([])
      // One to two seconds, of which flash is a part.
      expect(Math.max(...times)).toBeLessThan(2_500)
      await board.link.close()
      boards.restart(0)
      board = await open(boards, bytecode)
      expect(await board.saved(false)).toMatchObject({ generation: 6, samples: 6 })
      const blank = Buffer.from(large)
      const at = blank.readInt32LE(partAt(0) + Part.Coefficient)
      blank.fill(7, at, at + 2 * blank.readInt32LE(partAt(0) + Part.Links))
      await board.load(blank)
      await board.restore(6)
      expect((await board.read(0, large.length)).equals(before)).toBe(true)
    })
  })

  it("are the old one, the new one or none, wherever power fails in a save", async () => {
    const shard = buildShard(larger, wholeNetwork(larger), SLOTS)
    const image = shard.readInt32LE(Header.Image)
    const at = shard.readInt32LE(partAt(0) + Part.Coefficient)
    const learnt = (samples: number) => {
      const m = Buffer.from(shard)
      for (let i = 0; i < 40; i++) m.writeInt16LE(samples * 31 + i, at + 2 * i)
      return m
    }
    let left = Number.POSITIVE_INFINITY
    let cuts = 0
    const { clock, boards } = start(1, {
      onFlash: () => {
        if (left-- > 0) return undefined
        left = Number.POSITIVE_INFINITY
        cuts++
        return 0.5
      },
    })
    await clock.run(async () => {
      let board = await open(boards, bytecode)
      let kept = 0
      let found = 0
      for (let change = 0; ; change++) {
        const samples = change + 1
        await board.load(learnt(samples))
        left = change
        const saved = await board.save({ samples, run: 1, right: 0 }).catch(() => false)
        left = Number.POSITIVE_INFINITY
        if (saved) break
        await board.link.close()
        boards.restart(0)
        board = await open(boards, bytecode)
        const newest = await board.saved(false)
        // Where the store itself was hit, the runtime formats it: then there is none.
        expect([kept, samples, 0], `cut at change ${change}`).toContain(newest?.samples ?? 0)
        kept = newest?.samples ?? 0
        if (!newest) continue
        found++
        await board.load(learnt(999))
        await board.restore(newest.generation)
        const memory = await board.read(0, image)
        expect(memory.equals(learnt(kept).subarray(0, image)), `cut at change ${change}`).toBe(true)
      }
      expect(cuts).toBeGreaterThan(5)
      expect(cuts).toBeGreaterThan(found)
    })
  })
})

function fleetOn(boards: TimedBoards): Fleet {
  const options = { network: net, boards: boards.count, bytecode, checkpointSamples: 4 }
  return new Fleet(options, boards, splitEvenly(net, boards.count))
}

async function learn(fleet: Fleet): Promise<string> {
  await fleet.begin()
  await fleet.learn(lesson, SAMPLES)
  const hash = sha256(await fleet.coefficients())
  await fleet.close()
  return hash
}
