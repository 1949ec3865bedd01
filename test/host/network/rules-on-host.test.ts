/** The rules in WebAssembly: the bits of Node's, and in batches of whatever the threads. */
import { describe, expect, test } from "vitest"
import { exchangeElements } from "../../../host/network/exchange"
import { HostNetwork } from "../../../host/network/host-network"
import type { Network } from "../../../host/network/network"
import { TrainingEngine } from "../../../host/training/training-engine"
import { randomImage, uniform } from "../../src/core/helpers"
import { networkOf, rules, valuesOf } from "../../src/core/rule-helpers"

/** And those that no board knows. */
const hostRules: typeof rules = {
  ...rules,
  "links, fixed feedback": { feedback: "fixed" },
  "links, fixed feedback, bounded": { feedback: "fixed", linkBound: 3 },
  "links, fixed feedback, finer elements, a small rate": {
    ...rules["links, finer elements, a small rate"],
    feedback: "fixed",
  },
  "links, the papers' backward equation, fixed feedback": {
    ...rules["links, the papers' backward equation"],
    feedback: "fixed",
  },
}

const SAMPLES = 60
const next = uniform(9)
const images = Array.from({ length: SAMPLES }, () => randomImage(30, next))
const labels = Uint8Array.from({ length: SAMPLES }, () => Math.floor(next() * 4))
const order = Int32Array.from({ length: SAMPLES }, (_, i) => i)

async function taught(net: Network, options: { batch: number; workers: number }) {
  const engine = await TrainingEngine.start(net, options)
  try {
    await engine.train(engine.store(Buffer.concat(images), labels), order)
    return { coefficients: engine.coefficients, elements: engine.elements }
  } finally {
    await engine.close()
  }
}

describe("the WebAssembly engine", () => {
  for (const [name, fields] of Object.entries(hostRules)) {
    const net = networkOf(fields)
    test(`${name}: one by one it has the bits of Node`, async () => {
      const one = new HostNetwork(net)
      const start = { coefficients: one.coefficients(), elements: one.elements() }
      images.forEach((image, i) => {
        one.train(image, labels[i])
      })
      const end = await taught(net, { batch: 1, workers: 1 })
      expect(end.coefficients).toEqual(one.coefficients())
      expect(end.elements).toEqual(one.elements())
      // What a rule teaches moves, and nothing else.
      expect(end.coefficients.equals(start.coefficients)).toBe(net.rule === "elements")
      expect(end.elements.equals(start.elements)).toBe((net.rule ?? "links") === "links")
    })

    test(`${name}: batches`, async () => {
      if (net.pid) {
        await expect(taught(net, { batch: 4, workers: 1 })).rejects.toThrow(/PID/)
        return
      }
      const alone = await taught(net, { batch: 4, workers: 1 })
      expect(await taught(net, { batch: 4, workers: 3 })).toEqual(alone)
      const singly = await taught(net, { batch: 1, workers: 1 })
      expect(alone).not.toEqual(singly)
      if (!net.elements) return
      const { min, max } = net.elements
      for (const k of valuesOf(net, alone.elements, "K3").flat(2)) {
        expect(k * 2 ** 14).toBeGreaterThanOrEqual(min)
        expect(k * 2 ** 14).toBeLessThanOrEqual(max)
      }
    })
  }

  test("goes on from what elements had, to the bit", async () => {
    const net = networkOf(rules["mixed, all at once"])
    // Without the controllers' records, which are not part of it.
    const { pid: _, ...plain } = net
    const whole = new HostNetwork(plain)
    images.forEach((image, i) => {
      whole.train(image, labels[i])
    })
    const first = new HostNetwork(plain)
    for (let i = 0; i < 30; i++) first.train(images[i], labels[i])
    const engine = await TrainingEngine.start(plain)
    engine.coefficients = first.coefficients()
    engine.elements = first.elements()
    engine.samples = 30
    await engine.train(engine.store(Buffer.concat(images), labels), order.slice(30))
    expect(engine.coefficients).toEqual(whole.coefficients())
    expect(engine.elements).toEqual(whole.elements())
    await engine.close()
    const copy = new HostNetwork(plain)
    exchangeElements(copy.memory, plain, whole.elements(), true)
    expect(copy.elements()).toEqual(whole.elements())
  })

  test("lowers the rate of elements together with that of links", async () => {
    const net = networkOf(rules["elements, by gradient"])
    const moved = async (bits: number) => {
      const engine = await TrainingEngine.start(net)
      engine.learnShift = net.learnShift + bits
      await engine.train(engine.store(Buffer.concat(images), labels), order.slice(0, 10))
      const k3 = valuesOf(net, engine.elements, "K3").flat(2)
      await engine.close()
      return k3.reduce((sum, k) => sum + Math.abs(k - 0.5), 0)
    }
    expect(await moved(4)).toBeLessThan((await moved(0)) / 3)
  })
})
