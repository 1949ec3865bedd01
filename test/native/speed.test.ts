/**
 * How fast the program is on an RP2040 at 125 MHz, by rp2040js's count of cycles (waits of the flash's
 * cache are not in it; the inner loops run from RAM, which has none).
 */
import { describe, expect, it } from "vitest"
import { imageAt, readMnist } from "../../host/data/mnist"
import { buildNativeFirmware, compilerVersion } from "../../host/native/build-firmware"
import { preset } from "../../src/presets"
import { profile, type Spent } from "./profiler"
import { Stream } from "./streaming"

const CLOCK = 125e6
/** What the service calls of the core. */
const CORE = [
  ...["forward", "backward", "beginLearning", "outputError", "readout"],
  ...["activateRuns", "clearImage"],
]
const LOOPS = ["sumDense", "sumSparse"]

interface Figures {
  inference: number
  learning: number
  streamedInference: number
  streamedLearning: number
  denseCycles: number
}

function measure(name: string, slots: number, count: number): Figures {
  const { uf2, symbols } = buildNativeFirmware()
  const network = preset(name, 1)!
  const stream = new Stream(uf2, network, slots)
  const { train } = readMnist()
  const images = Array.from({ length: count }, (_, i) => imageAt(train, i))
  const spent = profile(stream.pico, symbols, [...CORE, ...LOOPS])
  const perSecond = (): number => {
    const cycles = CORE.reduce((sum, core) => sum + spent.get(core)!.cycles, 0)
    for (const s of spent.values()) Object.assign(s, { cycles: 0, calls: 0 } satisfies Spent)
    return CLOCK / (cycles / count)
  }
  const streamedInference = 1 / stream.infer(images)
  const last = network.layers.at(-1)!
  const dense = spent.get("sumDense")!.cycles / count
  const inference = perSecond()
  const streamedLearning = 1 / stream.learn(images, train.labels)
  const learning = perSecond()
  const denseCycles = dense / (last.neurons * last.inputs * 32)
  return { inference, learning, streamedInference, streamedLearning, denseCycles }
}

describe.skipIf(compilerVersion() === undefined)("at 125 MHz (gcc-arm-none-eabi)", () => {
  it("pico-16: 800 inferences and 300 learnt samples a second, 15 cycles a multiply-accumulate", () => {
    const figures = measure("pico-16", 2, 10)
    expect(figures.inference).toBeGreaterThan(800)
    expect(figures.learning).toBeGreaterThan(300)
    expect(figures.denseCycles).toBeLessThan(15)
  })

  it("MODEL1 whole: 30 and 10, four fifths of it streamed over USB", () => {
    const figures = measure("model1", 2, 3)
    expect(figures.inference).toBeGreaterThan(30)
    expect(figures.learning).toBeGreaterThan(10)
    expect(figures.streamedInference / figures.inference).toBeGreaterThan(0.8)
    expect(figures.streamedLearning / figures.learning).toBeGreaterThan(0.8)
  })
})
