import fc from "fast-check"
import { afterEach, describe, expect, test } from "vitest"
import { WuxingError } from "../../../host/base/errors"
import { exchangeCoefficients } from "../../../host/network/exchange"
import { HostNetwork } from "../../../host/network/host-network"
import { coefficientMax, mostLearnShift, type Network } from "../../../host/network/network"
import { model1, model2, pico16 } from "../../../host/network/presets"
import { faultOf } from "../../../host/network/validate"
import { type EngineOptions, TrainingEngine } from "../../../host/training/training-engine"
import { Header } from "../../../src/core/layout"
import { fitted, network, randomImage, uniform } from "../../src/core/helpers"

const RUNS = { numRuns: 16 }

const engines: TrainingEngine[] = []
afterEach(async () => {
  await Promise.all(engines.splice(0).map(engine => engine.close()))
})

async function start(net: Network, options: EngineOptions = {}): Promise<TrainingEngine> {
  const engine = await TrainingEngine.start(net, options)
  engines.push(engine)
  return engine
}

/** Networks of every kind the core runs, small. */
const networks: fc.Arbitrary<Network> = fc
  .record({
    width: fc.integer({ min: 1, max: 40 }),
    hidden: fc.array(
      fc.record({
        neurons: fc.integer({ min: 1, max: 14 }),
        inputs: fc.integer({ min: 1, max: 5 }),
        outputFirst: fc.integer({ min: 0, max: 4 }),
        outputs: fc.integer({ min: 1, max: 5 }),
        fanIn: fc.integer({ min: 1, max: 30 }),
        inputStep: fc.constantFrom(undefined, 2),
        outputStep: fc.constantFrom(undefined, 2),
        finer: fc.constantFrom(undefined, undefined, 2, 5),
      }),
      { maxLength: 2 },
    ),
    classes: fc.integer({ min: 2, max: 11 }),
    fanIn: fc.integer({ min: 1, max: 70 }),
    linking: fc.constantFrom("adder" as const, "strict" as const),
    inputSignals: fc.integer({ min: 1, max: 4 }),
    seed: fc.integer({ min: 0, max: 2 ** 31 - 1 }),
    steps: fc.integer({ min: 2, max: 12 }),
    elementBits: fc.constantFrom(undefined, 12, 16),
    signalBits: fc.integer({ min: 8, max: 14 }),
    elementMax: fc.integer({ min: 5000, max: 3 * 4096 }),
    netMin: fc.integer({ min: -4096, max: -50 }),
    netMax: fc.integer({ min: 50, max: 8192 }),
    lambdaMax: fc.integer({ min: 40, max: 8192 }),
    margin: fc.integer({ min: 0, max: 4096 }),
    softmaxGain: fc.constantFrom(0, 60, 231, 2000),
    learnShift: fc.integer({ min: 6, max: 20 }),
  })
  .map(({ hidden, classes, fanIn, ...fields }) =>
    network(
      [...hidden.map(fitted), { neurons: classes, inputs: 4, outputFirst: 4, outputs: 1, fanIn }],
      fields,
    ),
  )
  .filter(net => faultOf(net) === "")

interface Samples {
  images: Uint8Array[]
  labels: Uint8Array
}

function samplesOf(net: Network, count: number, seed: number, ink: number): Samples {
  const next = uniform(seed)
  const images = Array.from({ length: count }, () => randomImage(net.width, next, ink))
  const classes = net.layers[net.layers.length - 1].neurons
  return { images, labels: Uint8Array.from(images, () => Math.floor(next() * classes)) }
}

const joined = (images: Uint8Array[]) => Uint8Array.from(images.flatMap(image => [...image]))
const everyOne = (count: number) => new Int32Array(count).map((_, i) => i)
/** More than is ever learnt before a test stops it. */
const endless = (images: number) => new Int32Array(200_000).map((_, i) => i % images)

/** The image moved by so many pixels, or as it is if a pixel would leave the frame. */
function moved(image: Uint8Array, by: number): Uint8Array {
  const out = new Uint8Array(image.length)
  for (const [i, v] of image.entries()) {
    if (v === 0) continue
    if (i + by < 0 || i + by >= image.length) return image
    out[i + by] = v
  }
  return out
}

describe("a batch of 1", () => {
  test("ends with the bits of the core on Node: any network, seed, error, image, shift and rate", async () => {
    await fc.assert(
      fc.asyncProperty(
        networks,
        fc.integer(),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.integer({ min: 1, max: 20 }),
        async (net, seed, ink, secondShift) => {
          const secondRate = Math.min(secondShift, mostLearnShift(net))
          const { images, labels } = samplesOf(net, 24, seed, ink)
          const next = uniform(seed + 1)
          const shifts = Int32Array.from(images, () => Math.floor(next() * 7) - 3)
          const order = Int32Array.from(images, () => Math.floor(next() * images.length))
          const one = new HostNetwork(net)
          const engine = await start(net)
          try {
            const store = engine.store(joined(images), labels)
            expect(engine.coefficients.equals(one.coefficients())).toBe(true)
            for (const [from, to, rate] of [
              [0, 15, net.learnShift],
              [15, 24, secondRate],
            ]) {
              one.memory.setAt(Header.LearnShift, "u16", rate)
              engine.learnShift = rate
              let right = 0
              for (let k = from; k < to; k++) {
                const i = order[k]
                if (one.train(moved(images[i], shifts[k]), labels[i]) === labels[i]) right++
              }
              expect(
                await engine.train(store, order.subarray(from, to), {
                  shifts: shifts.subarray(from, to),
                }),
              ).toEqual({ done: to - from, right })
              expect(engine.coefficients.equals(one.coefficients())).toBe(true)
            }
            expect([...(await engine.predict(store, everyOne(24)))]).toEqual(
              images.map(image => one.predict(image)),
            )
          } finally {
            await engine.close()
          }
        },
      ),
      RUNS,
    )
  })

  test.each([model1(3), model2(4), pico16(5), { ...pico16(6), softmaxGain: 231 }])(
    "ends with the bits of the core on Node: $name",
    async net => {
      const { images, labels } = samplesOf(net, 8, 1, 0.2)
      const one = new HostNetwork(net)
      for (const [i, image] of images.entries()) one.train(image, labels[i])
      const engine = await start(net, { workers: 2 })
      const store = engine.store(joined(images), labels)
      const before = engine.coefficients
      await engine.train(store, everyOne(8))
      expect(engine.coefficients.equals(one.coefficients())).toBe(true)
      expect(engine.coefficients.equals(before)).toBe(false)
      expect([...(await engine.predict(store, everyOne(8)))]).toEqual(
        images.map(image => one.predict(image)),
      )
    },
  )
})

/** Set in a copy, so that one sample's change is not cut before the changes are added up. */
const NO_CLAMP = 32767

/**
 * A batch by itself: each sample on a copy of the network that has the batch's coefficients; what
 * each copy's coefficients changed by is added up, then clamped.
 *
 * @returns undefined where a single sample would leave 16 bits, which this cannot follow
 */
function batchByHand(
  net: Network,
  coefficients: Buffer,
  samples: { image: Uint8Array; label: number; number: number }[],
): Buffer | undefined {
  const sums = Array.from({ length: coefficients.length / 2 }, () => 0)
  for (const { image, label, number } of samples) {
    const copy = new HostNetwork(net)
    exchangeCoefficients(copy.memory, net, coefficients, true)
    copy.memory.setAt(Header.CoefficientMax, "i16", NO_CLAMP)
    copy.samples = number
    copy.train(image, label)
    const after = copy.coefficients()
    for (let i = 0; i < sums.length; i++) {
      if (Math.abs(after.readInt16LE(2 * i)) === NO_CLAMP) return undefined
      sums[i] += after.readInt16LE(2 * i) - coefficients.readInt16LE(2 * i)
    }
  }
  const most = coefficientMax(net)
  const out = Buffer.alloc(coefficients.length)
  for (const [i, sum] of sums.entries()) {
    const c = coefficients.readInt16LE(2 * i) + sum
    out.writeInt16LE(Math.max(-most, Math.min(most, c)), 2 * i)
  }
  return out
}

/** Wide links and large signals make the largest coefficient small, so that learning reaches it. */
const tight = network(
  [
    { neurons: 8, inputs: 4, outputFirst: 4, outputs: 1, fanIn: 30 },
    { neurons: 4, inputs: 4, outputFirst: 4, outputs: 1, fanIn: 8 },
  ],
  {
    width: 40,
    linking: "adder" as const,
    inputSignals: 4,
    seed: 1,
    steps: 4,
    signalBits: 12,
    elementMax: 3 * 4096,
    netMin: -4096,
    netMax: 8192,
    lambdaMax: 8192,
    margin: 4096,
    softmaxGain: 0,
    learnShift: 9,
  },
)

describe("a batch of several", () => {
  test("adds up what each sample would change by itself, and clamps the sum", async () => {
    let clamped = 0
    await fc.assert(
      fc.asyncProperty(
        networks,
        fc.integer({ min: 2, max: 9 }),
        fc.integer(),
        fc.integer({ min: 9, max: 13 }),
        fc.integer({ min: 1, max: 2 }),
        async (net, batch, seed, learnShift, workers) => {
          const rated = { ...net, learnShift: Math.min(learnShift, mostLearnShift(net)) }
          const { images, labels } = samplesOf(rated, 2 * batch - 1, seed, 0.5)
          const engine = await start(rated, { batch, workers })
          try {
            const store = engine.store(joined(images), labels)
            const first = engine.coefficients
            const samples = images.map((image, i) => ({ image, label: labels[i], number: i }))
            const afterOne = batchByHand(rated, first, samples.slice(0, batch))
            // The last batch is shorter.
            const afterTwo = afterOne && batchByHand(rated, afterOne, samples.slice(batch))
            fc.pre(afterTwo !== undefined)
            await engine.train(store, everyOne(batch))
            expect(engine.coefficients.equals(afterOne!)).toBe(true)
            await engine.train(store, everyOne(images.length).subarray(batch))
            expect(engine.coefficients.equals(afterTwo!)).toBe(true)
            const most = coefficientMax(rated)
            for (let at = 0; at < afterTwo!.length; at += 2)
              if (Math.abs(afterTwo!.readInt16LE(at)) === most) clamped++
          } finally {
            await engine.close()
          }
        },
      ),
      { ...RUNS, examples: [[tight, 9, 1, 9, 2]] },
    )
    // Else the clamp was not tested.
    expect(clamped).toBeGreaterThan(0)
  })

  test("does not depend on the number of threads", async () => {
    await fc.assert(
      fc.asyncProperty(
        networks,
        fc.integer({ min: 2, max: 40 }),
        fc.integer(),
        async (net, batch, seed) => {
          const { images, labels } = samplesOf(net, 90, seed, 0.4)
          const shifts = Int32Array.from(images, (_, i) => (i % 3) - 1)
          const ends: { done: number; right: number; classes: Int32Array; all: string }[] = []
          for (const workers of [1, 2, 3]) {
            const engine = await start(net, { batch, workers })
            const store = engine.store(joined(images), labels)
            const figures = await engine.train(store, everyOne(90), { shifts })
            const classes = await engine.predict(store, everyOne(90))
            ends.push({ ...figures, classes, all: engine.coefficients.toString("hex") })
            await engine.close()
          }
          expect(ends[1]).toEqual(ends[0])
          expect(ends[2]).toEqual(ends[0])
          expect(ends[0].done).toBe(90)
        },
      ),
      { numRuns: 15 },
    )
  })

  test("does not depend on the number of threads where they share one large set of links", async () => {
    const net = network(
      [
        { neurons: 100, fanIn: 150 },
        { neurons: 10, inputs: 4, outputFirst: 4, outputs: 1, fanIn: 100 },
      ],
      { width: 200, softmaxGain: 231, learnShift: 10 },
    )
    const { images, labels } = samplesOf(net, 40, 6, 0.3)
    const ends: Buffer[] = []
    for (const workers of [1, 2, 3]) {
      const engine = await start(net, { batch: 8, workers })
      await engine.train(engine.store(joined(images), labels), everyOne(40))
      ends.push(engine.coefficients)
    }
    expect(ends[0].length / 2).toBeGreaterThan(32768)
    expect(ends[1].equals(ends[0])).toBe(true)
    expect(ends[2].equals(ends[0])).toBe(true)
    const samples = images.map((image, i) => ({ image, label: labels[i], number: i }))
    let byHand = new HostNetwork(net).coefficients()
    for (let first = 0; first < 40; first += 8)
      byHand = batchByHand(net, byHand, samples.slice(first, first + 8))!
    expect(ends[0].equals(byHand)).toBe(true)
  })

  test("of one sample at a time is the same as no batch", async () => {
    const net = pico16(9)
    const { images, labels } = samplesOf(net, 12, 3, 0.2)
    const alone = await start(net)
    await alone.train(alone.store(joined(images), labels), everyOne(12))
    const batched = await start(net, { batch: 8 })
    const store = batched.store(joined(images), labels)
    for (let i = 0; i < 12; i++) await batched.train(store, Int32Array.of(i))
    expect(batched.coefficients.equals(alone.coefficients)).toBe(true)
  })
})

describe("stopped in between", () => {
  test.each([
    [1, 1],
    [1, 2],
    [16, 1],
    [16, 2],
    [16, 3],
  ])("a batch of %i on %i threads has learnt what it says it has", async (batch, workers) => {
    const net = pico16(2)
    const { images, labels } = samplesOf(net, 40, 5, 0.2)
    const order = endless(40)
    const engine = await start(net, { batch, workers })
    const store = engine.store(joined(images), labels)
    const abort = new AbortController()
    const { done, right } = await engine.train(store, order, {
      signal: abort.signal,
      onProgress: learnt => {
        if (learnt > 0) abort.abort()
      },
    })
    expect(done).toBeGreaterThan(0)
    expect(done).toBeLessThan(order.length)
    expect(done % batch).toBe(0)
    expect(engine.samples).toBe(done)

    const again = await start(net, { batch, workers: 1 })
    const sameStore = again.store(joined(images), labels)
    expect(await again.train(sameStore, order.subarray(0, done))).toEqual({ done, right })
    expect(engine.coefficients.equals(again.coefficients)).toBe(true)

    // It goes on to the same bits as well.
    await engine.train(store, order.subarray(done, done + 160))
    await again.train(sameStore, order.subarray(done, done + 160))
    expect(engine.coefficients.equals(again.coefficients)).toBe(true)
  })

  test("before the beginning, nothing is learnt", async () => {
    const net = pico16(2)
    const { images, labels } = samplesOf(net, 3, 5, 0.2)
    const engine = await start(net)
    const before = engine.coefficients
    const store = engine.store(joined(images), labels)
    const signal = AbortSignal.abort(new Error("stop"))
    expect(await engine.train(store, everyOne(3), { signal })).toEqual({ done: 0, right: 0 })
    expect(engine.coefficients).toEqual(before)
    await expect(engine.predict(store, everyOne(3), { signal })).rejects.toMatchObject({
      code: "interrupted",
    })
  })

  test("while classifying, says so", async () => {
    const net = pico16(2)
    const { images, labels } = samplesOf(net, 40, 5, 0.2)
    const engine = await start(net, { workers: 2 })
    const store = engine.store(joined(images), labels)
    const abort = new AbortController()
    const order = endless(40)
    const run = engine.predict(store, order, {
      signal: abort.signal,
      onProgress: () => abort.abort(),
    })
    await expect(run).rejects.toMatchObject({ code: "interrupted" })
    // And is ready for the next.
    expect((await engine.predict(store, everyOne(40))).length).toBe(40)
  })
})

describe("what makes no sense is refused before anything is done", () => {
  const net = network([{ neurons: 4, inputs: 4, outputFirst: 4, outputs: 1 }])
  const image = new Uint8Array(20)

  test("images and labels", async () => {
    const engine = await start(net)
    expect(() => engine.store(image.subarray(1), Uint8Array.of(0))).toThrow(/19 bytes.*20 pixels/)
    expect(() => engine.store(new Uint8Array(40), Uint8Array.of(0))).toThrow(/40 bytes.*1 images/)
    expect(() => engine.store(image, Uint8Array.of(4))).toThrow(/label 0 is 4.*4 outputs/)
    expect(engine.store(image, Uint8Array.of(3)).labels).toEqual(Uint8Array.of(3))
  })

  test("indices and shifts", async () => {
    const engine = await start(net)
    const store = engine.store(image, Uint8Array.of(3))
    await expect(engine.train(store, Int32Array.of(1))).rejects.toThrow(/index 1 of 1/)
    await expect(engine.predict(store, Int32Array.of(-1))).rejects.toThrow(/index -1 of 1/)
    await expect(
      engine.train(store, Int32Array.of(0), { shifts: new Int32Array(2) }),
    ).rejects.toThrow(/2 shifts for 1/)
  })

  test("a second job at the same time", async () => {
    const engine = await start(net)
    const store = engine.store(image, Uint8Array.of(3))
    const first = engine.train(store, Int32Array.of(0))
    await expect(engine.train(store, Int32Array.of(0))).rejects.toThrow(/one job/)
    expect(await first).toMatchObject({ done: 1 })
  })

  test.each([
    ["one by one", {}],
    ["in batches", { batch: 4, workers: 3 }],
  ])("coefficients, learning %s", async (_, options) => {
    const engine = await start(net, options)
    const whole = engine.coefficients
    expect(() => {
      engine.coefficients = whole.subarray(2)
    }).toThrow(/bytes are not/)
    const large = Buffer.from(whole)
    large.writeInt16LE(-32768, 6)
    expect(() => {
      engine.coefficients = large
    }).toThrow(/coefficient 3 is -32768/)
    expect(engine.coefficients).toEqual(whole)
    const other = new HostNetwork({ ...net, seed: 8 }).coefficients()
    engine.coefficients = other
    expect(engine.coefficients).toEqual(other)
    // Every thread has them.
    const { images, labels } = samplesOf(net, 60, 2, 0.5)
    const classes = await engine.predict(engine.store(joined(images), labels), everyOne(60))
    const one = new HostNetwork({ ...net, seed: 8 })
    const same = { ...net, seed: 1 }
    const links = new HostNetwork(same)
    exchangeCoefficients(links.memory, same, one.coefficients(), true)
    expect([...classes]).toEqual(images.map(image => links.predict(image)))
  })

  test.each([
    ["a batch of none", { batch: 0 }, /batch is 0/],
    ["a batch past 32 bits", { batch: 65537 }, /batch is 65537/],
    ["half a thread", { workers: 0.5 }, /workers is 0.5/],
  ])("%s", async (_, options, message) => {
    await expect(TrainingEngine.start(net, options)).rejects.toThrow(message)
  })

  test("a network that cannot be run, and a rate there is not", async () => {
    await expect(TrainingEngine.start({ ...net, steps: 1 })).rejects.toThrow(/steps/)
    const engine = await start(net)
    expect(() => {
      engine.learnShift = 17
    }).toThrow(/learnShift is 17/)
  })
})

describe("threads", () => {
  /** The threads themselves, to do to them what a defect would. */
  const threadsOf = (engine: TrainingEngine) =>
    (engine as unknown as { threads: { threads: import("node:worker_threads").Worker[] } }).threads
      .threads

  test.each([0, 1])("when thread %i of 2 is lost, the job fails and says so", async lost => {
    const net = pico16(1)
    const { images, labels } = samplesOf(net, 10, 1, 0.2)
    const engine = await start(net, { batch: 10, workers: 2 })
    const store = engine.store(joined(images), labels)
    const order = endless(10)
    let killed = false
    const run = engine.train(store, order, {
      onProgress: done => {
        if (done > 0 && !killed) {
          killed = true
          void threadsOf(engine)[lost].terminate()
        }
      },
    })
    await expect(run).rejects.toMatchObject({ code: "engine-thread" })
    await expect(engine.train(store, everyOne(10))).rejects.toBeInstanceOf(WuxingError)
  })

  test("what a thread throws is in the message", async () => {
    const engine = await start(pico16(1))
    const broken = {
      images: new Uint8Array(784),
      starts: new Int32Array(2),
      labels: new Uint8Array(1),
    }
    broken.starts[1] = 2 ** 31 - 1
    // A run of addresses no memory has.
    broken.starts[0] = 2 ** 31 - 9
    await expect(engine.train(broken, Int32Array.of(0))).rejects.toThrow(/thread 0.*memory access/)
  })

  test("end with close in the middle of a job", async () => {
    const { images, labels } = samplesOf(pico16(1), 10, 1, 0.2)
    const engine = await start(pico16(1), { batch: 10, workers: 3 })
    const store = engine.store(joined(images), labels)
    await engine.train(store, everyOne(10))
    const ended = threadsOf(engine).map(
      thread => new Promise<boolean>(resolve => thread.on("exit", () => resolve(true))),
    )
    expect(ended.length).toBe(3)
    const job = engine.train(store, endless(10)).catch((error: Error) => error)
    await engine.close()
    expect(await Promise.all(ended)).toEqual([true, true, true])
    expect(await job).toBeInstanceOf(WuxingError)
    await expect(engine.train(store, everyOne(10))).rejects.toBeInstanceOf(WuxingError)
  })

  test("work for the next engine after close, which is told nothing of them, and end once they hold much", async () => {
    const net = pico16(1)
    const { images, labels } = samplesOf(net, 10, 1, 0.2)
    const one = new HostNetwork(net)
    for (const [i, image] of images.entries()) one.train(image, labels[i])
    const before = new Set<unknown>()
    let again = 0
    let former: TrainingEngine | undefined
    // A thread is kept for 16 engines at most.
    for (let turn = 0; turn < 20; turn++) {
      const engine = await start(net, { workers: 1 })
      const store = engine.store(joined(images), labels)
      await engine.train(store, everyOne(10))
      expect(engine.coefficients.equals(one.coefficients())).toBe(true)
      const [thread] = threadsOf(engine)
      if (before.has(thread)) again++
      before.add(thread)
      expect(thread.listenerCount("exit")).toBe(2)
      await expect(
        former?.train(store, everyOne(10)) ?? Promise.reject(new RangeError("closed")),
      ).rejects.toThrow(/closed/)
      await engine.close()
      former = engine
    }
    expect(again).toBeGreaterThan(10)
    expect(before.size).toBeGreaterThan(1)
  })
})
