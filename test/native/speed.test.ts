/**
 * How fast the program is on an RP2040 at 125 MHz, by rp2040js's count of cycles (waits of the flash's
 * cache are not in it; the inner loops run from RAM, which has none).
 */
import { describe, expect, it } from "vitest"
import { imageAt, readMnist } from "../../host/data/mnist"
import { buildNativeFirmware, compilerVersion } from "../../host/native/build-firmware"
import { drawLinks, type Network } from "../../src/network"
import { preset } from "../../src/presets"
import { profile, type Spent } from "./profiler"
import { Stream } from "./streaming"

const CLOCK = 125e6
const COUNT = 8
/** What the service calls of the core. */
const CORE = [
  ...["forward", "backward", "beginLearning", "outputError", "readout"],
  ...["activateRuns", "clearImage"],
]
const LOOPS = ["sumDense", "image_sumRuns", "learnRuns"]

interface Figures {
  inference: number
  learning: number
  streamedInference: number
  streamedLearning: number
  /** Cycles a sample in a loop over links. */
  loops: Record<string, number>
}

let built: ReturnType<typeof buildNativeFirmware> | undefined

function measure(network: Network, slots: number, count: number): Figures {
  built ??= buildNativeFirmware()
  const { uf2, symbols } = built
  const stream = new Stream(uf2, network, slots)
  const { train } = readMnist()
  const images = Array.from({ length: count }, (_, i) => imageAt(train, i))
  const spent = profile(stream.pico, symbols, [...CORE, ...LOOPS])
  const perSecond = (): number => {
    const cycles = CORE.reduce((sum, core) => sum + spent.get(core)!.cycles, 0)
    for (const s of spent.values()) Object.assign(s, { cycles: 0, calls: 0 } satisfies Spent)
    return CLOCK / (cycles / count)
  }
  const loops: Record<string, number> = {}
  const streamedInference = 1 / stream.infer(images)
  for (const loop of ["sumDense", "image_sumRuns"]) loops[loop] = spent.get(loop)!.cycles / count
  const inference = perSecond()
  const streamedLearning = 1 / stream.learn(images, train.labels)
  loops.learnRuns = spent.get("learnRuns")!.cycles / count
  const learning = perSecond()
  return { inference, learning, streamedInference, streamedLearning, loops }
}

/** Links of the first layer that the pixels of an image drive, on average over the images. */
function drivenLinks(network: Network, count: number): number {
  const links = drawLinks(network, 1).flat()
  const { train } = readMnist()
  let driven = 0
  for (let i = 0; i < count; i++) {
    const image = imageAt(train, i)
    driven += links.filter(source => image[source] !== 0).length
  }
  return driven / count
}

describe.skipIf(compilerVersion() === undefined)("at 125 MHz (gcc-arm-none-eabi)", () => {
  it("pico-16: 800 inferences and 300 learnt samples a second, 15 cycles a multiply-accumulate", () => {
    const network = preset("pico-16", 1)!
    const figures = measure(network, 2, COUNT)
    expect(figures.inference).toBeGreaterThan(800)
    expect(figures.learning).toBeGreaterThan(300)
    const last = network.layers.at(-1)!
    expect(figures.loops.sumDense / (last.neurons * last.inputs * 32)).toBeLessThan(15)

    // The same with half the links: what one of the others costs is a multiply-accumulate.
    const [first, ...others] = network.layers
    const sparser = { ...network, layers: [{ ...first, fanIn: first.fanIn / 2 }, ...others] }
    const more = drivenLinks(network, COUNT) - drivenLinks(sparser, COUNT)
    const { loops } = measure(sparser, 2, COUNT)
    expect(more).toBeGreaterThan(200)
    for (const [loop, most] of [
      ["image_sumRuns", 15],
      ["learnRuns", 35],
    ] as const) {
      expect(loops[loop]).toBeGreaterThan(0)
      expect((figures.loops[loop] - loops[loop]) / more, loop).toBeLessThan(most)
    }
  })

  it("MODEL1 whole: 30 and 10, four fifths of it streamed over USB", () => {
    const figures = measure(preset("model1", 1)!, 2, 3)
    expect(figures.inference).toBeGreaterThan(30)
    expect(figures.learning).toBeGreaterThan(10)
    expect(figures.streamedInference / figures.inference).toBeGreaterThan(0.8)
    expect(figures.streamedLearning / figures.learning).toBeGreaterThan(0.8)
  })
})
