/** Several boards as one network: the host's bits, and what happens when one of them fails. */
import { createHash } from "node:crypto"
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest"
import { imageAt, readMnist } from "../../../host/data/mnist"
import { drawSamples } from "../../../host/data/samples"
import { Fleet, startFleet } from "../../../host/fleet/fleet"
import { VirtualBoards } from "../../../host/hardware/virtual-boards"
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
import { isAlive, virtualMachines } from "../hardware/processes"

const mnist = readMnist(process.env.WUXING_MNIST)
const network = pico16(3)
const CHECKPOINT = 8

const sha = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex")

/** The same run on the host: its hash, and what it answered before it learnt each. */
function onHost(indices: number[]) {
  const host = new HostNetwork(network)
  const right = indices.map(
    i => host.train(imageAt(mnist.train, i), mnist.train.labels[i]) === mnist.train.labels[i],
  )
  return { host, hash: sha(host.coefficients()), correct: right.filter(Boolean).length }
}

const training = drawSamples(mnist.train.count, 40, 3, 1)
const testing = drawSamples(mnist.test.count, 60, 3, 2)

/** Service index of a virtual board's DeviceScript manager, as it announces it. */
const MANAGER = 2

let fleet: Fleet | undefined
let virtual: VirtualBoards
const said: string[] = []

/** As startFleet, but the boards stay in the test's hands. */
async function start(boards: number, signal?: AbortSignal, verify = true): Promise<Fleet> {
  said.length = 0
  const bytecode = await firmware()
  virtual = await VirtualBoards.start(boards, { signal })
  fleet = new Fleet(
    {
      network,
      boards,
      bytecode,
      signal,
      status: line => said.push(line),
      checkpointSamples: CHECKPOINT,
      verify,
    },
    virtual,
    splitEvenly(network, boards),
  )
  await fleet.begin()
  return fleet
}

const kill = (index: number, signal = "SIGKILL") => process.kill(virtual.info[index].pid!, signal)

/** A frame to a board behind the back of its fleet. */
function tell(
  index: number,
  device: DeviceId,
  service: number,
  command: number,
  ...payload: number[]
) {
  const frame = buildPacket(
    device,
    JD_FRAME_FLAG_COMMAND,
    service,
    command,
    Uint8Array.from(payload),
  )
  void virtual.ports[index].write(encodeFrame(frame))
}
const own = (index: number) => deviceIdFromHex(virtual.info[index].deviceId)

async function stop(): Promise<void> {
  const running = virtualMachines()
  await fleet?.close()
  await virtual?.stop()
  fleet = undefined
  expect(running.filter(isAlive)).toEqual([])
  expect(virtualMachines()).toEqual([])
}

/** Trains, does `harm` to the fleet after so many samples, and says what was seen of it. */
async function trainWith(fleet: Fleet, indices: number[], after: number, harm: () => unknown) {
  const order: number[] = []
  let harmed = 0
  let longest = 0
  let last = performance.now()
  let correct = 0
  await fleet.train(mnist.train, indices, (done, right) => {
    longest = Math.max(longest, performance.now() - last)
    last = performance.now()
    order.push(done)
    correct = right
    if (done === after && harmed++ === 0) harm()
  })
  return { order, longest, correct }
}

describe("a fleet", () => {
  afterEach(stop)

  for (const boards of [1, 2, 3])
    it(`of ${boards} ends with the host's coefficients and gives the host's answers`, async () => {
      const fleet = await start(boards)
      const shares = await fleet.boards()
      expect(shares.length).toBe(boards)
      expect(shares.reduce((sum, s) => sum + s.neurons, 0)).toBe(26)
      expect(shares.reduce((sum, s) => sum + s.links, 0)).toBe(16 * 2 * 96 + 10 * 2 * 32)
      const before = sha(await fleet.coefficients())
      expect(before).toBe(sha(new HostNetwork(network).coefficients()))
      const seen: number[] = []
      await fleet.train(mnist.train, training.slice(0, 30), (done, correct) => {
        seen.push(done)
        expect(correct).toBeLessThanOrEqual(done)
      })
      const host = onHost(training.slice(0, 30))
      expect(seen).toEqual(Array.from({ length: 30 }, (_, i) => i + 1))
      expect(sha(await fleet.coefficients())).toBe(host.hash)
      expect(host.hash).not.toBe(before)

      // Image by image: which are right, not only how many.
      const rights: boolean[] = []
      let right = 0
      const result = await fleet.evaluate(mnist.test, testing, (_, correct) => {
        rights.push(correct > right)
        right = correct
      })
      expect(rights).toEqual(
        testing.map(i => host.host.predict(imageAt(mnist.test, i)) === mnist.test.labels[i]),
      )
      expect(result).toEqual({ correct: rights.filter(Boolean).length, tested: testing.length })

      // On from there, as the host: a second training takes up the first one's numbers.
      await fleet.train(mnist.train, training.slice(30, 36))
      for (const i of training.slice(30, 36))
        host.host.train(imageAt(mnist.train, i), mnist.train.labels[i])
      expect(sha(await fleet.coefficients())).toBe(sha(host.host.coefficients()))
      expect(fleet.recoveries).toBe(0)
    })

  it("notices that a board learns at another rate, and sets it right", async () => {
    const fleet = await start(2)
    await fleet.set(0, Setting.LearnShift, network.learnShift + 1)
    await fleet.train(mnist.train, training)
    expect(fleet.recoveries).toBe(1)
    expect(said.join()).toMatch(/not what the host computes/)
    expect(sha(await fleet.coefficients())).toBe(onHost(training).hash)
  })

  it("without the host's own run beside it, notices nothing of that", async () => {
    const fleet = await start(2, undefined, false)
    await fleet.set(0, Setting.LearnShift, network.learnShift + 1)
    await fleet.train(mnist.train, training)
    expect(sha(await fleet.coefficients())).not.toBe(onHost(training).hash)
  })

  it("says that a network does not fit its boards", async () => {
    const layers = network.layers.map((l, i) => (i === 0 ? { ...l, neurons: 64, fanIn: 128 } : l))
    await expect(
      startFleet({ network: { ...network, layers }, boards: 1, bytecode: await firmware() }),
    ).rejects.toMatchObject({
      code: "shard-too-large",
      kind: "capacity",
      message: expect.stringMatching(/^board 0 \(virtual, /),
    })
  })

  it("refuses more boards than the hidden layer has neurons, before it starts any", async () => {
    await expect(
      startFleet({ network, boards: 17, bytecode: await firmware() }),
    ).rejects.toMatchObject({ code: "too-many-boards", kind: "capacity" })
  })
})

describe("a fleet recovers", () => {
  const harms: [string, () => unknown, RegExp][] = [
    ["the process of a board is killed", () => kill(1), /board 1 \(virtual, [0-9a-f]{16}\)/],
    ["the process of the first board is killed", () => kill(0), /board 0 \(virtual, /],
    [
      "both processes are killed at once",
      () => {
        kill(0)
        kill(1)
      },
      /board/,
    ],
    [
      "a board is reset and stays silent",
      () => tell(1, own(1), JD_SERVICE_INDEX_CONTROL, JD_CONTROL_CMD_RESET),
      /board 1 \(virtual, /,
    ],
    [
      "a program is asked to reset",
      () => tell(0, servedDeviceId(own(0)), JD_SERVICE_INDEX_CONTROL, JD_CONTROL_CMD_RESET),
      /board 0 \(virtual, /,
    ],
    [
      "a program is stopped by the manager",
      () => tell(0, own(0), MANAGER, CMD_SET_REG | JD_DEVICE_SCRIPT_MANAGER_REG_RUNNING, 0),
      /board 0 \(virtual, /,
    ],
    [
      "a program is started anew by the manager",
      () => {
        for (const on of [0, 1])
          tell(0, own(0), MANAGER, CMD_SET_REG | JD_DEVICE_SCRIPT_MANAGER_REG_RUNNING, on)
      },
      /board 0 \(virtual, .*the boards loaded again/,
    ],
    ["a process hangs", () => kill(0, "SIGSTOP"), /board 0 \(virtual, /],
  ]
  // One fleet and one host for all of them: what one recovery left wrong, the next ones would show.
  const host = new HostNetwork(network)
  beforeAll(() => start(2))
  afterAll(stop)

  for (const [i, [what, harm, names]] of harms.entries())
    it(`when ${what}`, async () => {
      said.length = 0
      const before = fleet!.recoveries
      const indices = drawSamples(mnist.train.count, 16, 10 + i, 1)
      const { order, longest, correct } = await trainWith(fleet!, indices, 11, harm)
      const right = indices.filter(
        i => host.train(imageAt(mnist.train, i), mnist.train.labels[i]) === mnist.train.labels[i],
      )
      expect(fleet!.recoveries).toBeGreaterThan(before)
      expect(sha(await fleet!.coefficients())).toBe(sha(host.coefficients()))
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
    const before = fleet!.recoveries
    const counted: number[] = []
    const result = await fleet!.evaluate(mnist.test, testing, done => {
      counted.push(done)
      if (done === 9) kill(0)
    })
    expect(fleet!.recoveries).toBe(before + 1)
    expect(counted).toEqual(testing.map((_, i) => i + 1))
    expect(result).toEqual({
      correct: testing.filter(i => host.predict(imageAt(mnist.test, i)) === mnist.test.labels[i])
        .length,
      tested: testing.length,
    })
  })
})

describe("a fleet gives up", () => {
  afterEach(stop)

  it("within 10 s on a board that stays silent, and says which, when and what to try", async () => {
    const fleet = await start(2)
    let stoppedAt = 0
    // Whatever process takes the board's place is stopped too.
    const hold = setInterval(() => {
      if (stoppedAt > 0 && virtual.info[1].pid !== undefined) kill(1, "SIGSTOP")
    }, 20)
    try {
      const failure = await trainWith(fleet, training, 33, () => {
        stoppedAt = performance.now()
      }).catch(error => error)
      expect(performance.now() - stoppedAt).toBeLessThan(10_000)
      expect(failure).toMatchObject({ code: "board-lost", kind: "board" })
      expect(failure.message).toMatch(/^board 1 \(virtual, [0-9a-f]{16}\) .*after sample 3\d of 40/)
      expect(failure.likely).toBeTruthy()
      expect(failure.help).toBeTruthy()
    } finally {
      clearInterval(hold)
    }
  })

  it("on a board that stops again and again without getting on", async () => {
    const fleet = await start(1)
    const failure = await fleet
      .train(mnist.train, training, done => {
        if (done % CHECKPOINT === 5) kill(0)
      })
      .catch(error => error)
    expect(failure).toMatchObject({ kind: "board" })
    // The first stop brings checkpoints closer, up to the last one before the sample that stops it.
    expect(failure.message).toMatch(/6th stop since the checkpoint at sample 4/)
    expect(fleet.recoveries).toBe(6)
  })

  it("at once when it is interrupted, in the middle of a recovery too", async () => {
    const abort = new AbortController()
    const fleet = await start(2, abort.signal)
    let abortedAt = 0
    const failure = await trainWith(fleet, training, 5, () => {
      kill(1, "SIGSTOP")
      setTimeout(() => {
        abortedAt = performance.now()
        abort.abort()
      }, 3_200)
    }).catch(error => error)
    expect(failure).toMatchObject({ kind: "interrupted" })
    expect(performance.now() - abortedAt).toBeLessThan(2_000)
  })
})
