/** Copies that learn side by side and are averaged: the same bits whoever does which share, and when. */
import fc from "fast-check"
import { describe, expect, test } from "vitest"
import "../../../host/base/memory"
import { takeTurns, VirtualClock } from "../../../host/base/clock"
import { WuxingError } from "../../../host/base/errors"
import { imageAt, readMnist } from "../../../host/data/mnist"
import { readBoardProfile } from "../../../host/hardware/board-profile"
import type { Hands, WrapPort } from "../../../host/hardware/board-set"
import { TimedBoards } from "../../../host/hardware/timed-boards"
import { averageOf } from "../../../host/network/average"
import { HostNetwork } from "../../../host/network/host-network"
import { picoFast } from "../../../host/network/presets"
import {
  AveragedEngine,
  checkAveraged,
  HostLearner,
  type Learner,
} from "../../../host/training/averaged-engine"
import { learnersOn } from "../../../host/training/board-learners"
import { ownOrder } from "../../../host/training/train-model"
import { firmware } from "../../firmware/compiled"

const mnist = readMnist(process.env.WUXING_MNIST)
const network = picoFast(4)
const start = new HostNetwork(network).coefficients()
const REPLICAS = 3
const AVERAGE = 4
/** Three whole rounds, and one of a share and a half. */
const COUNT = 3 * REPLICAS * AVERAGE + 6

const copy = fc.array(fc.integer({ min: -32768, max: 32767 }), { minLength: 6, maxLength: 6 })
const bytesOf = (values: number[]) => {
  const bytes = Buffer.alloc(2 * values.length)
  for (const [i, value] of values.entries()) bytes.writeInt16LE(value, 2 * i)
  return bytes
}

describe("an average", () => {
  test("is one of the two whole numbers next to the mean, in whatever order copies come", () => {
    fc.assert(
      fc.property(fc.array(copy, { minLength: 1, maxLength: 9 }), fc.nat(), (copies, sample) => {
        const mean = averageOf(copies.map(bytesOf), 7, sample)
        for (let i = 0; i < 6; i++) {
          const exact = copies.reduce((sum, values) => sum + values[i], 0) / copies.length
          expect(Math.abs(mean.readInt16LE(2 * i) - exact)).toBeLessThan(1)
        }
        expect(averageOf(copies.map(bytesOf).reverse(), 7, sample)).toEqual(mean)
      }),
    )
  })

  test("is the mean, on average over rounds", () => {
    let sum = 0
    const copies = [bytesOf([10]), bytesOf([11]), bytesOf([11])]
    for (let sample = 0; sample < 3000; sample++) sum += averageOf(copies, 1, sample).readInt16LE(0)
    expect(sum / 3000).toBeCloseTo(32 / 3, 1)
  })
})

/** The schedule, share by share, as the page of it has it. */
function reference(): Buffer {
  let coefficients = start
  for (let done = 0; done < COUNT; ) {
    const copies: Buffer[] = []
    const first = done
    while (copies.length < REPLICAS && done < COUNT) {
      const host = new HostNetwork(network)
      host.load(coefficients, Buffer.alloc(0))
      // Three copies: a bit faster than one.
      host.learnShift = network.learnShift - 1
      host.samples = done
      for (let k = 0; k < AVERAGE && done < COUNT; k++, done++)
        host.train(imageAt(mnist.train, done), mnist.train.labels[done])
      copies.push(host.coefficients())
    }
    coefficients = averageOf(copies, network.seed, first)
  }
  return coefficients
}

const wanted = reference()
const all = Int32Array.from({ length: COUNT }, (_, i) => i)

function engineOf(learners: Learner[]): AveragedEngine {
  return new AveragedEngine(network, learners, { replicas: REPLICAS, average: AVERAGE, start })
}

async function learnt(engine: AveragedEngine): Promise<Buffer> {
  const store = engine.store(mnist.train.images, mnist.train.labels)
  expect((await engine.train(store, all)).done).toBe(COUNT)
  expect(engine.samples).toBe(COUNT)
  await engine.close()
  return engine.coefficients
}

const onHost = () => new HostLearner(network)

/** Learns, but for what `spoil` makes of it. */
class Spoilt implements Learner {
  stalled = false
  private readonly host = onHost()
  private shares = 0
  constructor(private readonly spoil: (self: Spoilt, share: number) => Promise<void> | undefined) {}
  async load(...given: Parameters<Learner["load"]>) {
    await this.spoil(this, this.shares++)
    await this.host.load(...given)
  }
  learn(...given: Parameters<Learner["learn"]>) {
    return this.host.learn(...given)
  }
  async close() {}
}

describe("a training side by side ends with the same bits", () => {
  test.each([1, 2, 3, 5])("on %i learners", async count => {
    expect(await learnt(engineOf(Array.from({ length: count }, onHost)))).toEqual(wanted)
  })

  test("with one that is lost after its first share", async () => {
    const bad = new Spoilt((_, share) =>
      share > 0 ? Promise.reject(new Error("gone")) : undefined,
    )
    const engine = engineOf([onHost(), bad, onHost()])
    expect(await learnt(engine)).toEqual(wanted)
    expect(engine.lost.has(bad)).toBe(true)
  })

  test("with one that hangs for two rounds and comes back", async () => {
    let release: () => void = () => {}
    let rounds = 0
    const slow = new Spoilt((self, share) => {
      if (share !== 1) return undefined
      self.stalled = true
      engine.stir()
      return new Promise(resolve => {
        release = () => {
          self.stalled = false
          resolve()
        }
      })
    })
    const counted = new Spoilt(() => {
      if (++rounds === 6) release()
      return undefined
    })
    const engine = engineOf([slow, counted, onHost()])
    expect(await learnt(engine)).toEqual(wanted)
  })

  test("not if all are lost: then by what the last was lost", async () => {
    const bad = () => new Spoilt(() => Promise.reject(new Error("gone too")))
    const engine = engineOf([bad(), bad()])
    const store = engine.store(mnist.train.images, mnist.train.labels)
    await expect(engine.train(store, all)).rejects.toThrow("gone too")
  })

  test("stopped, it ends between two rounds, and goes on to them", async () => {
    const engine = engineOf([onHost()])
    const store = engine.store(mnist.train.images, mnist.train.labels)
    const end = new AbortController()
    const { done } = await engine.train(store, all, {
      signal: end.signal,
      onProgress: n => n >= REPLICAS * AVERAGE && end.abort(),
    })
    expect(done).toBe(REPLICAS * AVERAGE)
    await engine.train(store, all.subarray(done))
    expect(engine.coefficients).toEqual(wanted)
  })
})

describe("learners with images of their own", () => {
  const own = [
    { from: 0, to: 10 },
    { from: 10, to: 13 },
    { from: 13, to: 14 },
  ]
  const order = ownOrder(own, AVERAGE, 10, 7, 0)
  const taught = async (learners: Learner[], each: boolean) => {
    const options = { replicas: REPLICAS, average: AVERAGE, start, own: each }
    const engine = new AveragedEngine(network, learners, options)
    await engine.train(engine.store(mnist.train.images, mnist.train.labels), order)
    return engine.coefficients
  }

  test("learn shares of them alone, whoever is slow, to the bits of any others'", async () => {
    // Which images a learner was given, by their first lit pixels.
    const given = own.map(() => new Set<string>())
    const learners = own.map((_, i): Learner => {
      const host = onHost()
      return {
        ...{ stalled: false, close: () => host.close() },
        load: (...args) => host.load(...args),
        learn: async (lessons, count, stopped) => {
          for (let turns = 0; turns < 3 * (own.length - i); turns++) await takeTurns()
          for (let k = 0; k < count; k++)
            given[i].add(Buffer.from(lessons(k).image).toString("hex"))
          return await host.learn(lessons, count, stopped)
        },
      }
    })
    expect(await taught(learners, true)).toEqual(await taught([onHost()], false))
    const hex = (i: number) => Buffer.from(imageAt(mnist.train, i)).toString("hex")
    for (const [i, { from, to }] of own.entries())
      expect(given[i]).toEqual(new Set(Array.from({ length: to - from }, (_, k) => hex(from + k))))
  })

  test("end by what one was lost by: nobody else has its images", async () => {
    const bad = new Spoilt(() => Promise.reject(new Error("gone home")))
    await expect(taught([onHost(), bad, onHost()], true)).rejects.toThrow("gone home")
  })
})

test("an epoch of own images: whole shares, each image as often as its board's others", () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 5 })
  fc.assert(
    fc.property(sizes, fc.integer({ min: 1, max: 12 }), fc.nat(), (counts, share, epoch) => {
      const own = counts.map((count, i) => {
        const from = counts.slice(0, i).reduce((sum, before) => sum + before, 0)
        return { from, to: from + count }
      })
      const most = Math.max(...counts)
      const order = ownOrder(own, share, most, 5, epoch)
      const rounds = Math.ceil(most / share)
      expect(order).toHaveLength(rounds * share * own.length)
      for (const [board, { from, to }] of own.entries()) {
        const times = new Map<number, number>()
        for (const [at, i] of order.entries())
          if (Math.floor(at / share) % own.length === board) times.set(i, (times.get(i) ?? 0) + 1)
        expect([...times.keys()].sort((a, b) => a - b)).toEqual(
          Array.from({ length: to - from }, (_, k) => from + k),
        )
        expect(Math.max(...times.values()) - Math.min(...times.values())).toBeLessThanOrEqual(1)
      }
    }),
  )
})

test("on boards, one of which loses its power in the middle, it is the host's", async () => {
  let hands: Hands | undefined
  const wrap: WrapPort = (board, port, given) => {
    if (board === 1) hands = given
    return port
  }
  const clock = new VirtualClock()
  const boards = new TimedBoards(REPLICAS, {
    clock,
    profile: readBoardProfile("pico"),
    wrap,
  })
  const said: string[] = []
  const bytecode = await firmware()
  const learners = await clock.run(
    learnersOn(boards, { network, bytecode, status: text => said.push(text) }),
  )
  const engine = engineOf(learners)
  for (const learner of learners) learner.onChange = engine.stir
  const store = engine.store(mnist.train.images, mnist.train.labels)
  let cut = false
  const training = engine.train(store, all, {
    onProgress: () => {
      if (!cut) hands?.kill?.()
      cut = true
    },
  })
  await clock.run(training)
  expect(cut).toBe(true)
  expect(learners.reduce((sum, { fleet }) => sum + fleet.recoveries, 0)).toBeGreaterThan(0)
  expect(engine.coefficients).toEqual(wanted)
  await clock.run(engine.close())
})

test("elements that learn cannot be averaged: refused", () => {
  const elements = { shift: 10, bound: 6, min: 4096, max: 12000, signal: "product" as const }
  expect(() => checkAveraged({ ...network, elements })).toThrow(/cannot be learnt by shares/)
})

test("a board that cannot be had is left out, unless it has data of its own", async () => {
  class WithoutTheSecond extends TimedBoards {
    override async connect(...given: Parameters<TimedBoards["connect"]>) {
      if (given[0] === 1)
        throw new WuxingError({
          code: "board-gone",
          kind: "board",
          message: "board 1 is not there",
        })
      return await super.connect(...given)
    }
  }
  const said: string[] = []
  const open = async (all: boolean) => {
    const clock = new VirtualClock()
    const boards = new WithoutTheSecond(2, { clock, profile: readBoardProfile("pico") })
    const bytecode = await firmware()
    const options = { network, bytecode, all, status: (text: string) => said.push(text) }
    const learners = await clock.run(learnersOn(boards, options))
    for (const learner of learners) await clock.run(learner.close())
    return learners.length
  }
  expect(await open(false)).toBe(1)
  expect(said.join("\n")).toMatch(/board 1 is left out: board 1 is not there/)
  await expect(open(true)).rejects.toThrow("board 1 is not there")
})
