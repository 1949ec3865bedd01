/** Batches that are rounded once: the host's lanes against the core's own loops (src/core/once.ts), and those against arithmetic. */
import fc from "fast-check"
import { afterEach, describe, expect, test } from "vitest"
import { WuxingError } from "../../../host/base/errors"
import { encodeRuns } from "../../../host/data/runs"
import { exchangeCoefficients } from "../../../host/network/exchange"
import { coefficientsOf, HostNetwork, wholeNetwork } from "../../../host/network/host-network"
import { coefficientMax, type Layer, linksOf, type Network } from "../../../host/network/network"
import { model1, pico16 } from "../../../host/network/presets"
import { buildShard } from "../../../host/network/shard"
import { faultOf } from "../../../host/network/validate"
import { lanesFaultOf } from "../../../host/training/lane-memory"
import { type EngineOptions, TrainingEngine } from "../../../host/training/training-engine"
import { Header, Kernel, Part, PartFlag } from "../../../src/core/layout"
import {
  gatherWhole,
  keptMost,
  MOST_SUM,
  quantised,
  roundOnce,
  roundWhole,
} from "../../../src/core/once"
import { fitted, network, partsOf, randomImage, uniform } from "../../src/core/helpers"

const engines: TrainingEngine[] = []
afterEach(async () => {
  await Promise.all(engines.splice(0).map(engine => engine.close()))
})

async function start(net: Network, options: EngineOptions): Promise<TrainingEngine> {
  const engine = await TrainingEngine.start(net, { rounding: "once", ...options })
  engines.push(engine)
  return engine
}

/** The core with room to gather a batch in. */
class CoreBatch {
  private readonly memory: Buffer
  /** Of layers of four bits those of 16 that learn; of others the same as the shard's. */
  kept: Buffer

  constructor(private readonly net: Network) {
    const shard = buildShard(net, wholeNetwork(net), 1)
    const parts = partsOf(shard)
    let end = (shard.length + 3) & ~3
    for (const part of parts) {
      shard.writeInt32LE(end, part + Part.Delta)
      const flags = shard.readUInt16LE(part + Part.Flags)
      end += ((flags & PartFlag.Shared) === 0 ? 4 : 8) * shard.readInt32LE(part + Part.Links)
      shard.writeUInt16LE(flags & ~PartFlag.AtOnce, part + Part.Flags)
    }
    this.memory = Buffer.alloc(end)
    shard.copy(this.memory)
    this.kept = coefficientsOf(net, [shard])
  }

  learn(images: Uint8Array[], labels: Uint8Array, first: number, rate: number): number {
    this.memory.writeUInt16LE(rate >> 3, Header.LearnShift)
    let right = 0
    for (const [i, image] of images.entries()) {
      const runs = encodeRuns(image)
      if (gatherWhole(this.memory, runs, 0, runs.length, 0, labels[i]) === labels[i]) right++
    }
    exchangeCoefficients(this.memory, this.net, this.kept, true)
    roundWhole(this.memory, first, 8 + (rate & 7))
    this.kept = coefficientsOf(this.net, [this.memory])
    const used = Buffer.from(this.kept)
    for (const { at, shift, most } of this.fewBits()) {
      const kept = Math.max(-most, Math.min(most, this.kept.readInt16LE(at)))
      this.kept.writeInt16LE(kept, at)
      used.writeInt16LE(quantised(kept, shift), at)
    }
    exchangeCoefficients(this.memory, this.net, used, true)
    return right
  }

  /** Of each coefficient of four bits its place, and how far it is kept. */
  private *fewBits() {
    let at = 0
    for (const [i, { quantised: few }] of this.net.layers.entries()) {
      const end = at + 2 * linksOf(this.net, i + 1)
      const part = partsOf(this.memory).find(
        p => this.memory.readUInt16LE(p + Part.Layer) === i + 1,
      )!
      const shared = (this.memory.readUInt16LE(part + Part.Flags) & PartFlag.Shared) !== 0
      const clamp = shared
        ? this.memory.readUInt16LE(
            this.memory.readInt32LE(part + Part.Start) + Kernel.CoefficientMax,
          )
        : this.memory.readInt16LE(Header.CoefficientMax)
      const shift = few ? 13 - few.exponent : 0
      if (few) for (; at < end; at += 2) yield { at, shift, most: keptMost(clamp, shift) }
      at = end
    }
  }

  coefficients(): Buffer {
    return coefficientsOf(this.net, [this.memory])
  }
}

/** Rings that have settles of their own (lanes-apart.ts). */
const APART = { inputs: 2, inputStep: 2, outputFirst: 1, outputs: 2, outputStep: 2 }

const hidden: fc.Arbitrary<Layer & { kind: "window" | "fan-in" | "all" }> = fc
  .record({
    neurons: fc.integer({ min: 1, max: 14 }),
    inputs: fc.integer({ min: 1, max: 5 }),
    outputFirst: fc.integer({ min: 0, max: 4 }),
    outputs: fc.integer({ min: 1, max: 5 }),
    fanIn: fc.integer({ min: 1, max: 30 }),
    inputStep: fc.constantFrom(undefined, 2),
    outputStep: fc.constantFrom(undefined, 2),
    finer: fc.constantFrom(undefined, undefined, 2, 5),
    kind: fc.constantFrom("window" as const, "fan-in" as const, "all" as const),
    apart: fc.boolean(),
  })
  .map(({ apart, ...layer }) => fitted({ ...layer, ...(apart && APART) }))

/** Some layers share kernels: `kernels` says how many of the first, where the window suits. */
function withKernels(net: Network, kernels: number, stride: number): Network {
  let [across, down] = [Math.sqrt(net.width), Math.sqrt(net.width)]
  let before = net.inputSignals ?? 1
  const layers = net.layers.map((layer, i) => {
    if (i >= kernels || i === net.layers.length - 1) return layer
    const [width, height] = [Math.min(3, across), Math.min(2, down)]
    const window = { across, down, width, height, stride, shared: true }
    const fanIn = width * height * before
    across = Math.floor((across - width) / stride) + 1
    down = Math.floor((down - height) / stride) + 1
    const channels = 1 + (layer.neurons % 5)
    before = channels * layer.outputs
    return { ...layer, window, fanIn, neurons: channels * across * down }
  })
  // Windows without sharing are laid out on the input alone.
  const fits = layers.every(({ window }, i) => i === 0 || !window || window.shared)
  return fits ? { ...net, layers } : net
}

/** Coefficients of four bits in layers that have an exponent. */
function fewBits(net: Network, exponents: (number | undefined)[]): Network {
  const layers = net.layers.map((layer, i) => {
    const exponent = exponents[i]
    return exponent ? { ...layer, quantised: { bits: 4 as const, exponent } } : layer
  })
  return { ...net, layers }
}

const networks: fc.Arbitrary<Network> = fc
  .record({
    kernels: fc.constantFrom(0, 1, 2, 3),
    stride: fc.integer({ min: 1, max: 2 }),
    side: fc.integer({ min: 4, max: 7 }),
    window: fc.record({
      width: fc.integer({ min: 1, max: 2 }),
      height: fc.integer({ min: 1, max: 4 }),
      pitch: fc.constantFrom(undefined, 2),
    }),
    hidden: fc.array(hidden, { maxLength: 3 }),
    classes: fc.integer({ min: 2, max: 11 }),
    outputInputs: fc.integer({ min: 1, max: 5 }),
    fanIn: fc.integer({ min: 1, max: 70 }),
    // Of each layer from the first on; half of the networks have none.
    exponents: fc.oneof(
      fc.constant<(number | undefined)[]>([]),
      fc.array(fc.option(fc.integer({ min: 1, max: 12 }), { nil: undefined }), {
        ...{ minLength: 4, maxLength: 4 },
      }),
    ),
    inputSignals: fc.integer({ min: 1, max: 4 }),
    seed: fc.integer({ min: 0, max: 2 ** 31 - 1 }),
    steps: fc.integer({ min: 2, max: 8 }),
    signalBits: fc.integer({ min: 8, max: 12 }),
    elementMax: fc.integer({ min: 4200, max: 3 * 4096 }),
    netMin: fc.integer({ min: -4096, max: -50 }),
    netMax: fc.integer({ min: 50, max: 8192 }),
    lambdaMax: fc.integer({ min: 40, max: 8192 }),
    margin: fc.integer({ min: 0, max: 4096 }),
    softmaxGain: fc.constantFrom(0, 60, 231, 2000),
    feedback: fc.constantFrom(undefined, undefined, "fixed" as const, "none" as const),
  })
  .map(({ kernels, stride, side, window, hidden, classes, outputInputs, ...rest }) => {
    const { fanIn, exponents, ...fields } = rest
    const layers = hidden.map(({ kind, ...layer }, i) => {
      const before = i === 0 ? side * side * fields.inputSignals : 0
      if (kind === "all") return { ...layer, fanIn: 65535 }
      if (kind === "fan-in" || before === 0) return layer
      const size = window.width * window.height * fields.inputSignals
      return { ...layer, fanIn: size, window: { across: side, down: side, ...window } }
    })
    const output = { neurons: classes, inputs: outputInputs, outputFirst: 4, outputs: 1, fanIn }
    const net = network([...layers, output], { ...fields, width: side * side, inputScale: 4096 })
    return fewBits(withKernels(net, kernels, stride), exponents)
  })
  .filter(net => faultOf(net) === "" && lanesFaultOf(net, 80) === "")

function samplesOf(net: Network, count: number, seed: number, ink: number) {
  const next = uniform(seed)
  const images = Array.from({ length: count }, () => randomImage(net.width, next, ink))
  const classes = net.layers[net.layers.length - 1].neurons
  return { images, labels: Uint8Array.from(images, () => Math.floor(next() * classes)) }
}

const joined = (images: Uint8Array[]) => Uint8Array.from(images.flatMap(image => [...image]))
const everyOne = (count: number) => new Int32Array(count).map((_, i) => i)

describe("a batch that is rounded once", () => {
  test("ends with the bits of the core: any network of adders, batch, rates and threads", async () => {
    await fc.assert(
      fc.asyncProperty(
        networks,
        fc.integer(),
        fc.double({ min: 0.05, max: 1, noNaN: true }),
        fc.constantFrom(1, 5, 16, 32, 40, 70),
        fc.integer({ min: 1, max: 3 }),
        async (net, seed, ink, batch, workers) => {
          const count = batch + 45
          const { images, labels } = samplesOf(net, count, seed, ink)
          const next = uniform(seed + 1)
          const core = new CoreBatch(net)
          const engine = await start(net, { batch, workers })
          try {
            const store = engine.store(joined(images), labels)
            expect(engine.coefficients.equals(core.coefficients())).toBe(true)
            // From hardly any change to clamps in a few batches.
            const lowest = 4 + Math.floor(next() * 8)
            const rates = Uint8Array.from(images, () => (lowest << 3) + Math.floor(next() * 40))
            let right = 0
            for (let first = 0; first < count; first += batch) {
              const end = Math.min(count, first + batch)
              right += core.learn(
                ...([images.slice(first, end), labels.subarray(first, end)] as const),
                ...([first, rates[first]] as const),
              )
            }
            expect(await engine.train(store, everyOne(count), { rates })).toEqual({
              done: count,
              right,
            })
            expect(engine.coefficients.equals(core.coefficients())).toBe(true)
            expect(engine.kept.equals(core.kept)).toBe(true)
            const alone = new HostNetwork(net)
            alone.load(engine.coefficients, Buffer.alloc(0))
            expect([...(await engine.predict(store, everyOne(count)))]).toEqual(
              images.map(image => alone.predict(image)),
            )
          } finally {
            await engine.close()
          }
        },
      ),
      { numRuns: 24 },
    )
  })

  test("has each coefficient within one of a board's, where it is of a single sample", async () => {
    const net = { ...pico16(5), softmaxGain: 231, learnShift: 8 }
    const { images, labels } = samplesOf(net, 6, 3, 0.4)
    for (const [i, image] of images.entries()) {
      const board = new HostNetwork(net)
      board.train(image, labels[i], 0)
      const engine = await start(net, { batch: 1, workers: 1 })
      await engine.train(engine.store(image, labels.subarray(i, i + 1)), Int32Array.of(0))
      const [one, other] = [board.coefficients(), engine.coefficients]
      const before = new HostNetwork(net).coefficients()
      expect(one.equals(before)).toBe(false)
      for (let at = 0; at < one.length; at += 2)
        expect(Math.abs(one.readInt16LE(at) - other.readInt16LE(at))).toBeLessThanOrEqual(1)
    }
  })

  test("moves images as batches do that are rounded sample by sample", async () => {
    const net = { ...pico16(2), softmaxGain: 231 }
    const { images, labels } = samplesOf(net, 20, 8, 0.3)
    const next = uniform(4)
    const shifts = Int32Array.from(images, () => Math.floor(next() * 7) - 3)
    // All are of one batch, which both name by the same coefficients.
    const rights = []
    for (const rounding of ["each", "once"] as const) {
      const engine = await start(net, { batch: 20, workers: 2, rounding })
      const store = engine.store(joined(images), labels)
      rights.push((await engine.train(store, everyOne(20), { shifts })).right)
    }
    expect(rights[1]).toBe(rights[0])
    expect(rights[0]).toBeGreaterThan(0)
  })

  test("goes on from coefficients that it is given, and keeps to their clamp", async () => {
    const net = { ...pico16(3), softmaxGain: 462, learnShift: 3 }
    const { images, labels } = samplesOf(net, 64, 5, 0.5)
    const engine = await start(net, { batch: 32 })
    const given = new HostNetwork(pico16(9)).coefficients()
    engine.coefficients = given
    expect(engine.coefficients.equals(given)).toBe(true)
    const store = engine.store(joined(images), labels)
    for (let epoch = 0; epoch < 3; epoch++) await engine.train(store, everyOne(64))
    const all = engine.coefficients
    let largest = 0
    for (let at = 0; at < all.length; at += 2)
      largest = Math.max(largest, Math.abs(all.readInt16LE(at)))
    expect(largest).toBe(coefficientMax(net))
  })

  test("is refused where lanes do not know the network, and where its sums could not be held", async () => {
    const refused = (net: Network, batch: number) =>
      TrainingEngine.start(net, { batch, rounding: "once" }).catch((error: unknown) => error)
    const error = await refused(model1(1), 32)
    expect(error).toBeInstanceOf(WuxingError)
    expect((error as WuxingError).code).toBe("rounding-once")
    expect(String(await refused(pico16(1), 65536))).toMatch(/a batch of 65536 is more than/)
  })
})

describe("one rounding of a sum", () => {
  test("is the rate times the sum in the mean over all noise, to an eighth of the sum's last bits", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: -MOST_SUM, max: MOST_SUM }),
        fc.integer({ min: 8, max: 15 }),
        fc.integer({ min: 1, max: 16 }),
        (sum, eighths, shift) => {
          let total = 0
          const kinds = 2 ** shift
          const step = Math.max(1, kinds / 256)
          for (let noise = 0; noise < kinds; noise += step)
            total += roundOnce(sum, eighths, noise, shift)
          const mean = total / (kinds / step)
          const exact = (sum * eighths) / 8 / kinds
          // Half of eight below the sum's last bits, and half a step of the noise.
          const off = (4 * eighths) / 8 / kinds + step / kinds
          expect(Math.abs(mean - exact)).toBeLessThanOrEqual(off)
          expect(Number.isSafeInteger(total)).toBe(true)
        },
      ),
    )
  })
})

describe("a coefficient of four bits", () => {
  const shift = fc.integer({ min: 1, max: 12 })

  test("is the nearest of fifteen multiples, within the clamp of its sums, for any that is kept", () => {
    fc.assert(
      fc.property(
        shift,
        fc.integer({ min: 1, max: 32767 }),
        fc.double({ min: -1, max: 1, noNaN: true }),
        (...c) => {
          const [bits, clamp, part] = c
          const most = keptMost(clamp, bits)
          expect(most).toBeLessThanOrEqual(clamp)
          const kept = Math.round(part * most)
          const used = quantised(kept, bits) / 2 ** bits
          expect(Math.abs(used)).toBeLessThanOrEqual(7)
          expect(used).toBe(Math.floor(kept / 2 ** bits + 0.5))
          expect(Math.abs(used) * 2 ** bits).toBeLessThanOrEqual(clamp)
        },
      ),
    )
  })

  test("can be 7 multiples, and go back from there by half of one", () => {
    for (let bits = 1; bits <= 12; bits++) {
      const most = keptMost(32767, bits)
      expect(quantised(most, bits)).toBe(7 * 2 ** bits)
      expect(quantised(-most, bits)).toBe(-7 * 2 ** bits)
      expect(quantised(most - 2 ** bits, bits)).toBe(6 * 2 ** bits)
    }
  })
})
