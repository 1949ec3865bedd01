import { describe, expect, test } from "vitest"
import { Yardstick } from "../../../host/bench/yardstick"
import { imageAt, readMnist } from "../../../host/data/mnist"
import { HostNetwork } from "../../../host/network/host-network"
import { model1, pico16 } from "../../../host/network/presets"
import { Header } from "../../../src/core/layout"

const { train } = readMnist()
const COUNT = 100

describe.each([pico16(1), { ...pico16(2), softmaxGain: 462 }, { ...model1(1), softmaxGain: 2308 }])(
  "the yardstick does the work of the core: $name, softmax gain $softmaxGain",
  net => {
    test("names what the core names", () => {
      const one = new HostNetwork(net)
      const yardstick = new Yardstick(net, one.coefficients())
      let same = 0
      for (let i = 0; i < COUNT; i++)
        if (one.predict(imageAt(train, i)) === yardstick.predict(imageAt(train, i))) same++
      // Where two outputs are nearly equal the core's rounding decides.
      expect(same).toBeGreaterThanOrEqual(0.95 * COUNT)
    })

    test("changes coefficients as the core does, rounding apart", () => {
      const start = new HostNetwork(net).coefficients()
      const [dot, ours, theirs] = [0, 0, 0].map(() => ({ sum: 0 }))
      for (let i = 0; i < COUNT; i++) {
        const one = new HostNetwork(net)
        // A rate so high that rounding counts little.
        one.memory.setAt(Header.LearnShift, "u16", 6)
        const fast = new Yardstick({ ...net, learnShift: 6 }, start)
        one.train(imageAt(train, i), train.labels[i])
        fast.train(imageAt(train, i), train.labels[i])
        const after = one.coefficients()
        for (const [k, c] of fast.coefficients.entries()) {
          const before = start.readInt16LE(2 * k)
          const a = (after.readInt16LE(2 * k) - before) / 8192
          const b = c - before / 8192
          dot.sum += a * b
          ours.sum += a * a
          theirs.sum += b * b
        }
      }
      expect(dot.sum / Math.sqrt(ours.sum * theirs.sum)).toBeGreaterThan(0.97)
      expect(Math.sqrt(ours.sum / theirs.sum)).toBeGreaterThan(0.95)
      expect(Math.sqrt(ours.sum / theirs.sum)).toBeLessThan(1.05)
    })
  },
)
