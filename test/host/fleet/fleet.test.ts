/**
 * Several boards as one network, in their own time: the host's bits, and what happens when one of them
 * fails. test/host/fleet/processes.test.ts has the same of boards that are processes.
 */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest"
import { VirtualClock } from "../../../host/base/clock"
import { sha256 } from "../../../host/base/sha256"
import { imageAt, readMnist } from "../../../host/data/mnist"
import { drawSamples } from "../../../host/data/samples"
import { Fleet, startFleet } from "../../../host/fleet/fleet"
import { readBoardProfile } from "../../../host/hardware/board-profile"
import type { BoardSet } from "../../../host/hardware/board-set"
import { TimedBoards } from "../../../host/hardware/timed-boards"
import {
  buildPacket,
  CMD_SET_REG,
  type DeviceId,
  deviceIdFromHex,
  JD_CONTROL_CMD_RESET,
  JD_DEVICE_SCRIPT_MANAGER_REG_RUNNING,
  JD_FRAME_FLAG_COMMAND,
  JD_SERVICE_INDEX_CONTROL,
  servedDeviceId,
} from "../../../host/link/jacdac"
import { encodeFrame } from "../../../host/link/jdusb"
import { HostNetwork } from "../../../host/network/host-network"
import { pico16 } from "../../../host/network/presets"
import { splitEvenly } from "../../../host/partition/partition"
import { Setting } from "../../../src/wire/protocol"
import { firmware } from "../../firmware/compiled"

const mnist = readMnist(process.env.WUXING_MNIST)
const network = pico16(3)
const CHECKPOINT = 8

/** The same run on the host: its hash, and what it answered before it learnt each. */
function onHost(indices: number[]) {
  const host = new HostNetwork(network)
  const right = indices.map(
    i => host.train(imageAt(mnist.train, i), mnist.train.labels[i]) === mnist.train.labels[i],
  )
  return { host, hash: sha256(host.coefficients()), correct: right.filter(Boolean).length }
}

const training = drawSamples(mnist.train.count, 40, 3, 1)
const testing = drawSamples(mnist.test.count, 60, 3, 2)

/** Service index of a virtual board's DeviceScript manager, as it announces it. */
const MANAGER = 2

/** A fleet whose boards stay in the test's hands. */
class Bench {
  readonly clock = new VirtualClock()
  readonly boards: TimedBoards
  readonly said: string[] = []
  fleet!: Fleet
  private ids: string[] = []

  constructor(count: number) {
    this.boards = new TimedBoards(count, {
      clock: this.clock,
      profile: readBoardProfile("virtual"),
    })
  }

  /** @param set the boards, or what stands in for them */
  async start({
    set = this.boards,
    ...options
  }: {
    set?: BoardSet
    signal?: AbortSignal
    verify?: boolean
    of?: typeof network
  } = {}) {
    const { of = network, signal, verify } = options
    const { count } = this.boards
    this.fleet = new Fleet(
      {
        network: of,
        boards: count,
        bytecode: await firmware(),
        signal,
        status: line => this.said.push(line),
        checkpointSamples: CHECKPOINT,
        verify,
      },
      set,
      splitEvenly(of, count),
    )
    await this.run(this.fleet.begin())
    this.ids = (await this.run(this.fleet.boards())).map(({ id }) => id)
    return this.fleet
  }

  /** Moves the boards' time on until the work has ended. */
  run<T>(work: Promise<T>): Promise<T> {
    return this.clock.run(work)
  }

  async hash(): Promise<string> {
    return sha256(await this.run(this.fleet.coefficients()))
  }

  own(index: number): DeviceId {
    return deviceIdFromHex(this.ids[index])
  }

  /** A frame to a board without its fleet's knowledge. */
  tell(index: number, device: DeviceId, service: number, command: number, ...payload: number[]) {
    const bytes = Uint8Array.from(payload)
    const frame = buildPacket(device, JD_FRAME_FLAG_COMMAND, service, command, bytes)
    void this.boards.ports[index].write(encodeFrame(frame))
  }

  /** Trains, does `harm` to the fleet after so many samples, and says what was seen of it. */
  async trainWith(indices: number[], after: number, harm: () => unknown) {
    const order: number[] = []
    let harmed = 0
    let longest = 0
    let last = this.clock.now()
    let correct = 0
    const training = this.fleet.train(mnist.train, indices, (done, right) => {
      longest = Math.max(longest, this.clock.now() - last)
      last = this.clock.now()
      order.push(done)
      correct = right
      if (done === after && harmed++ === 0) harm()
    })
    await this.run(training)
    return { order, longest, correct }
  }

  async stop(): Promise<void> {
    await this.run(this.fleet.close())
  }
}

let bench: Bench

async function start(count: number, options: Parameters<Bench["start"]>[0] = {}): Promise<Fleet> {
  bench = new Bench(count)
  return await bench.start(options)
}

describe("a fleet", () => {
  afterEach(() => bench.stop())

  for (const boards of [1, 2, 3])
    it(`of ${boards} ends with the host's coefficients and gives the host's answers`, async () => {
      const fleet = await start(boards)
      const shares = await bench.run(fleet.boards())
      expect(shares.length).toBe(boards)
      expect(shares.reduce((sum, s) => sum + s.neurons, 0)).toBe(26)
      expect(shares.reduce((sum, s) => sum + s.links, 0)).toBe(16 * 2 * 96 + 10 * 2 * 32)
      const before = await bench.hash()
      expect(before).toBe(sha256(new HostNetwork(network).coefficients()))
      const seen: number[] = []
      const learning = fleet.train(mnist.train, training.slice(0, 30), (done, correct) => {
        seen.push(done)
        expect(correct).toBeLessThanOrEqual(done)
      })
      await bench.run(learning)
      const host = onHost(training.slice(0, 30))
      expect(seen).toEqual(Array.from({ length: 30 }, (_, i) => i + 1))
      expect(await bench.hash()).toBe(host.hash)
      expect(host.hash).not.toBe(before)

      // Image by image: which are right, not only how many.
      const rights: boolean[] = []
      let right = 0
      const result = await bench.run(
        fleet.evaluate(mnist.test, testing, (_, correct) => {
          rights.push(correct > right)
          right = correct
        }),
      )
      expect(rights).toEqual(
        testing.map(i => host.host.predict(imageAt(mnist.test, i)) === mnist.test.labels[i]),
      )
      expect(result).toEqual({ correct: rights.filter(Boolean).length, tested: testing.length })

      // On from there, as the host: a second training takes up the first one's numbers.
      await bench.run(fleet.train(mnist.train, training.slice(30, 36)))
      for (const i of training.slice(30, 36))
        host.host.train(imageAt(mnist.train, i), mnist.train.labels[i])
      expect(await bench.hash()).toBe(sha256(host.host.coefficients()))
      expect(fleet.recoveries).toBe(0)
    })

  it("notices that a board learns at another rate, and sets it right", async () => {
    const fleet = await start(2)
    await bench.run(fleet.set(0, Setting.LearnShift, network.learnShift + 1))
    await bench.run(fleet.train(mnist.train, training))
    expect(fleet.recoveries).toBe(1)
    expect(bench.said.join()).toMatch(/not what the host computes/)
    expect(await bench.hash()).toBe(onHost(training).hash)
  })

  it("without the host's own run beside it, notices nothing of that", async () => {
    const fleet = await start(2, { verify: false })
    await bench.run(fleet.set(0, Setting.LearnShift, network.learnShift + 1))
    await bench.run(fleet.train(mnist.train, training))
    expect(await bench.hash()).not.toBe(onHost(training).hash)
  })

  it("says that a network does not fit its boards", async () => {
    const layers = network.layers.map((l, i) => (i === 0 ? { ...l, neurons: 64, fanIn: 128 } : l))
    await expect(start(1, { of: { ...network, layers } })).rejects.toMatchObject({
      code: "shard-too-large",
      help: expect.stringMatching(/--share samples.*more do not help.*wuxing partition/),
      kind: "capacity",
      message: expect.stringMatching(/^board 0 \(virtual, /),
    })
  })
})

it("a fleet of more boards than the hidden layer has neurons is refused, before any is started", async () => {
  await expect(
    startFleet({
      network,
      boards: 17,
      bytecode: await firmware(),
      open: () => expect.unreachable(),
    }),
  ).rejects.toMatchObject({ code: "too-many-boards", kind: "capacity" })
})

describe("a fleet recovers", () => {
  const control = (index: number, device: DeviceId) =>
    bench.tell(index, device, JD_SERVICE_INDEX_CONTROL, JD_CONTROL_CMD_RESET)
  const running = (on: number) =>
    bench.tell(0, bench.own(0), MANAGER, CMD_SET_REG | JD_DEVICE_SCRIPT_MANAGER_REG_RUNNING, on)
  const harms: [string, () => unknown, RegExp][] = [
    [
      "a board loses its power",
      () => bench.boards.kill(1),
      /board 1 \(virtual, [0-9a-f]{16}\).* started again/,
    ],
    [
      "the first board loses its power",
      () => bench.boards.kill(0),
      /board 0 \(virtual, .* started again/,
    ],
    [
      "both boards lose their power at once",
      () => {
        bench.boards.kill(0)
        bench.boards.kill(1)
      },
      /board 0 \(virtual, .* and board 1 \(virtual, .* started again/,
    ],
    ["a board is reset", () => control(1, bench.own(1)), /board 1 \(virtual, /],
    [
      "a board is reset and stays silent",
      () => {
        control(1, bench.own(1))
        bench.clock.after(50, () => bench.boards.hang(1))
      },
      /board 1 \(virtual, .* started again/,
    ],
    [
      "a program is asked to reset",
      () => control(0, servedDeviceId(bench.own(0))),
      /board 0 \(virtual, /,
    ],
    ["a program is stopped by the manager", () => running(0), /board 0 \(virtual, /],
    [
      "a program is started anew by the manager",
      () => {
        running(0)
        running(1)
      },
      /board 0 \(virtual, .*the boards loaded again/,
    ],
    ["a board hangs", () => bench.boards.hang(0), /board 0 \(virtual, .* started again/],
    [
      "the cable of a board is pulled",
      () => void bench.boards.open(1),
      /board 1 \(virtual, .* started again/,
    ],
  ]
  // One fleet and one host for all of them: what one recovery left wrong, the next ones would show.
  const host = new HostNetwork(network)
  beforeAll(() => start(2))
  afterAll(() => bench.stop())

  for (const [i, [what, harm, names]] of harms.entries())
    it(`when ${what}`, async () => {
      const { fleet, said } = bench
      said.length = 0
      const before = fleet.recoveries
      const indices = drawSamples(mnist.train.count, 16, 10 + i, 1)
      const { order, longest, correct } = await bench.trainWith(indices, 11, harm)
      const right = indices.filter(
        i => host.train(imageAt(mnist.train, i), mnist.train.labels[i]) === mnist.train.labels[i],
      )
      expect(fleet.recoveries).toBeGreaterThan(before)
      expect(await bench.hash()).toBe(sha256(host.coefficients()))
      // It went on from the checkpoint, and what it reports is that of the run as it counts.
      const back = order.findIndex((done, i) => i > 0 && done <= order[i - 1])
      expect(order[back]).toBe(CHECKPOINT + 1)
      expect(order.at(-1)).toBe(16)
      expect(correct).toBe(right.length)
      expect(longest).toBeLessThan(10_000)
      const line = said.find(text => text.includes("restored from sample"))
      expect(line).toMatch(names)
      expect(line).toMatch(/after sample 1\d of 16/)
      expect(line).toContain(`restored from sample ${16 * i + CHECKPOINT}`)
    })

  it("while it tests, without counting an image twice", async () => {
    const { fleet } = bench
    const before = fleet.recoveries
    const counted: number[] = []
    const result = await bench.run(
      fleet.evaluate(mnist.test, testing, done => {
        counted.push(done)
        if (done === 9) bench.boards.kill(0)
      }),
    )
    expect(fleet.recoveries).toBe(before + 1)
    expect(counted).toEqual(testing.map((_, i) => i + 1))
    expect(result).toEqual({
      correct: testing.filter(i => host.predict(imageAt(mnist.test, i)) === mnist.test.labels[i])
        .length,
      tested: testing.length,
    })
  })
})

describe("a fleet gives up", () => {
  afterEach(() => bench.stop())

  it("within 10 s on a board that stays silent, and says which, when and what to try", async () => {
    bench = new Bench(2)
    const { boards, clock } = bench
    // Whatever is done to the board, it stays silent.
    const set: BoardSet = {
      clock,
      count: 2,
      reconnectMs: boards.reconnectMs,
      profile: () => boards.profile(),
      connect: (i, options) => boards.connect(i, options),
      reconnect: async (i, link, options) => {
        await link.close()
        boards.restart(i)
        boards.hang(i)
        return await boards.connect(i, options)
      },
      stop: () => boards.stop(),
    }
    await bench.start({ set })
    let stoppedAt = 0
    const harm = () => {
      stoppedAt = clock.now()
      boards.hang(1)
    }
    const failure = await bench.trainWith(training, 33, harm).catch(error => error)
    expect(clock.now() - stoppedAt).toBeLessThan(10_000)
    expect(failure).toMatchObject({ code: "board-lost", kind: "board" })
    expect(failure.message).toMatch(/^board 1 \(virtual, [0-9a-f]{16}\) .*after sample 3\d of 40/)
    expect(failure.likely).toBeTruthy()
    expect(failure.help).toBeTruthy()
  })

  it("on a board that stops again and again without getting on", async () => {
    const fleet = await start(1)
    const failure = await bench
      .run(
        fleet.train(mnist.train, training, done => {
          if (done % CHECKPOINT === 5) bench.boards.kill(0)
        }),
      )
      .catch(error => error)
    expect(failure).toMatchObject({ kind: "board" })
    // The first stop brings checkpoints closer, up to the last one before the sample that stops it.
    expect(failure.message).toMatch(/6th stop since the checkpoint at sample 4/)
    expect(fleet.recoveries).toBe(6)
  })

  it("at once when it is interrupted, in the middle of a recovery too", async () => {
    const abort = new AbortController()
    await start(2, { signal: abort.signal })
    const { clock, boards } = bench
    let abortedAt = 0
    const harm = () => {
      boards.hang(1)
      clock.after(3_200, () => {
        abortedAt = clock.now()
        abort.abort()
      })
    }
    const failure = await bench.trainWith(training, 5, harm).catch(error => error)
    expect(failure).toMatchObject({ kind: "interrupted" })
    expect(abortedAt).toBeGreaterThan(0)
    expect(clock.now() - abortedAt).toBeLessThan(10)
  })
})
