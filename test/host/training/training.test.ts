import { beforeAll, describe, expect, test } from "vitest"
import { Distorter } from "../../../host/data/distort"
import { openFleet } from "../../../host/library/open-fleet"
import { decodeModel, encodeModel, KEPT_ARRAY } from "../../../host/models/model-file"
import { untrained } from "../../../host/models/model-source"
import { HostNetwork } from "../../../host/network/host-network"
import { mostFiner, type Network } from "../../../host/network/network"
import { model1, pico16, preset, presetNames } from "../../../host/network/presets"
import { ShardView } from "../../../host/network/shard-view"
import { faultOf } from "../../../host/network/validate"
import { AveragedEngine } from "../../../host/training/averaged-engine"
import { lanesFaultOf } from "../../../host/training/lane-memory"
import { recipeOf } from "../../../host/training/recipes"
import { epochRates, learnShiftAt } from "../../../host/training/schedule"
import { epochOrder, epochShifts } from "../../../host/training/train-model"
import { type Plan, planOf, Training } from "../../../host/training/training"
import type { TrainingData } from "../../../host/training/training-data"
import { Header, MOST_LEARN_SHIFT, PartFlag } from "../../../src/core/layout"
import { network, randomImage, uniform } from "../../src/core/helpers"

const WIDTH = 8
const net = network(
  [
    { neurons: 5, fanIn: 20 },
    { neurons: 3, inputs: 4, outputFirst: 4, outputs: 1, fanIn: 10 },
  ],
  { width: WIDTH * WIDTH, seed: 5, softmaxGain: 231 },
)
const plan: Plan = {
  ...{ epochs: 3, learnShift: 11, epochsPerBit: 2, shiftImages: true, softmaxGain: 231 },
  ...{ seed: 17, batch: 1, images: 50, validation: 10 },
}

let data: TrainingData
beforeAll(() => {
  data = { name: "made up", classes: ["a", "b", "c"], train: images(70, 1), test: images(20, 2) }
})

function images(count: number, seed: number) {
  const next = uniform(seed)
  // Two of three keep off the frame, so that they can be moved.
  const all = Array.from({ length: count }, (_, i) =>
    randomImage(WIDTH * WIDTH, next, 0.2).map((v, p) => {
      const [x, y] = [p % WIDTH, Math.floor(p / WIDTH)]
      return i % 3 > 0 && (x % (WIDTH - 1) === 0 || y % (WIDTH - 1) === 0) ? 0 : v
    }),
  )
  return {
    images: Uint8Array.from(all.flatMap(image => [...image])),
    labels: Uint8Array.from({ length: count }, () => Math.floor(next() * 3)),
    ...{ count, width: WIDTH, height: WIDTH },
  }
}

const imageOf = (i: number) =>
  data.train.images.subarray(i * WIDTH * WIDTH, (i + 1) * WIDTH * WIDTH)

/** All epochs to the end; a training that was begun or resumed. */
async function finish(training: Training) {
  try {
    while (!training.finished) await training.epoch()
    return training.model("command")
  } finally {
    await training.close()
  }
}

describe("a training", () => {
  test("is its epochs one after the other on the core, in the plan's order, shifts and rates", async () => {
    const one = new HostNetwork(net)
    let moved = 0
    for (let epoch = 0; epoch < plan.epochs; epoch++) {
      one.memory.setAt(Header.LearnShift, "u16", [11, 11, 12][epoch])
      const order = epochOrder(plan.images, plan.seed, epoch)
      const shifts = epochShifts(plan.images, plan.seed, epoch, WIDTH)
      for (const [k, i] of order.entries()) {
        const image = imageOf(i)
        // Down and to the right by so much; an image some ink of which would leave is not moved.
        const [down, right] = [-1, 0, 1]
          .flatMap(y => [-1, 0, 1].map(x => [y, x]))
          .find(([y, x]) => y * WIDTH + x === shifts[k])!
        const ink = [...image.entries()].filter(([, v]) => v !== 0).map(([p]) => p)
        const within = (v: number) => v >= 0 && v < WIDTH
        const inside = ink.every(
          p => within((p % WIDTH) + right) && within(Math.floor(p / WIDTH) + down),
        )
        if (inside) moved++
        const at = ink.map(p => p + shifts[k])
        const there = new Uint8Array(image.length)
        for (const p of at) if (inside) there[p] = image[p - shifts[k]]
        one.train(inside ? there : image, data.train.labels[i])
      }
    }
    const kept = await finish(await Training.start(untrained(net), plan, data))
    expect(moved).toBeGreaterThan(20)
    expect(kept.coefficients).toEqual(one.coefficients())
    expect(kept.training).toMatchObject({ epochs: 3, samples: 150, seed: 17, data: "made up" })
  })

  test.each([1, 8])("with batches of %i stopped anywhere goes on to the same bits", async batch => {
    const slow = { ...plan, batch, images: 40, epochs: 2 }
    // Under MNIST's name images are moved whatever they lose at a side, as done by hand below.
    const named = { ...data, name: "mnist" }
    const whole = await finish(await Training.start(untrained(net), slow, named))
    for (const stopAfter of [0, 1, 2, 4]) {
      const first = await Training.start(untrained(net), slow, named)
      // As far as an abort would have let it come: whole batches.
      const done = stopAfter * 8
      const { engine } = first
      engine.learnShift = learnShiftAt(slow, 0, engine.network)
      const store = engine.store(data.train.images, data.train.labels)
      await engine.train(store, epochOrder(40, 17, 0).subarray(0, done), {
        shifts: epochShifts(40, 17, 0, WIDTH).subarray(0, done),
      })
      first.position = { epoch: 0, done, right: 0 }
      const stopped = first.model("command")
      await first.close()
      const resumed = await finish(await Training.resume("file", stopped, named, { workers: 1 }))
      expect(resumed.coefficients).toEqual(whole.coefficients)
    }
  })

  test("really aborted goes on to the same bits", async () => {
    const large = { ...plan, images: 60, epochs: 3000 }
    const abort = new AbortController()
    const first = await Training.start(untrained(net), large, data)
    let epochs = 0
    while (await first.epoch({ signal: abort.signal }))
      if (++epochs === 3) setTimeout(() => abort.abort(), 5)
    expect(first.position.done).toBeLessThan(60)
    const epochsInAll = first.position.epoch + 2
    const stopped = first.model("command")
    await first.close()
    const resumed = await Training.resume("file", stopped, data, { epochs: epochsInAll })
    const whole = await Training.start(untrained(net), { ...large, epochs: epochsInAll }, data)
    expect((await finish(resumed)).coefficients).toEqual((await finish(whole)).coefficients)
  })

  test("of four bits goes on to the same bits from a file, and has no others at its end", async () => {
    const few: Network = {
      ...net,
      layers: net.layers.map(layer => ({ ...layer, quantised: { bits: 4, exponent: 4 } })),
    }
    const once: Plan = { ...plan, batch: 8, rounding: "once" }
    const whole = await finish(await Training.start(untrained(few), once, data))
    const first = await Training.start(untrained(few), once, data)
    await first.epoch()
    const kept = first.engine.kept!
    const bytes = encodeModel(first.model("command"))
    await first.close()
    const stopped = decodeModel(bytes, "f")
    expect(stopped.arrays![KEPT_ARRAY].equals(kept)).toBe(true)
    expect(stopped.coefficients.equals(kept)).toBe(false)
    const ended = await finish(await Training.resume("f", stopped, data))
    expect(ended).toEqual(whole)
    expect(ended.arrays).toBeUndefined()
    expect(ended.coefficients.equals(untrained(few).coefficients)).toBe(false)
    // From four bits alone it would be another training.
    const cut = { ...stopped, arrays: undefined }
    await expect(Training.resume("f", cut, data)).rejects.toThrow(/coefficients of four bits alone/)
    const wrong = { ...stopped, arrays: { [KEPT_ARRAY]: kept.subarray(2) } }
    expect(() => encodeModel(wrong)).toThrow(/keeps \d+ coefficients of 16 bits/)
  })

  test("of four bits is the host's, in batches that are rounded once", async () => {
    const few: Network = { ...net, layers: [...net.layers] }
    few.layers[1] = { ...few.layers[1], quantised: { bits: 4, exponent: 4 } }
    const refused = await Training.start(untrained(few), plan, data).catch(error => error)
    expect(refused).toMatchObject({ code: "quantised-learning", kind: "usage" })
    const host = new HostNetwork(few)
    expect(() => host.train(imageOf(0), 0)).toThrow(/cannot learn image by image/)
    const plan16 = { ...plan, rounding: "once", batch: 8 } as const
    const engine = async () =>
      new AveragedEngine(few, [], { replicas: 1, average: 1, start: Buffer.alloc(0) })
    await expect(Training.start(untrained(few), plan16, data, { engine })).rejects.toThrow(
      /has coefficients of four bits/,
    )
    await expect(
      openFleet({ location: { kind: "sim", boards: 1 }, network: few, goal: "learning" }),
    ).rejects.toThrow(/has coefficients of four bits/)
  })

  test("with distorted pictures and a smooth rate is the core's, image by image", async () => {
    const smooth = { eighths: 11, warm: 50 }
    const distortion = { rotate: 300, scale: 200, shift: 100, elastic: 100, flip: false }
    const bent = { ...plan, learnShift: 15, smooth, distortion }
    const one = new HostNetwork(net)
    // Rates below 2^−16 are known to the loops over listed pixels, which the engine takes.
    for (const part of new ShardView(one.memory).parts) part.flags &= ~PartFlag.AtOnce
    const distorter = new Distorter(WIDTH, WIDTH, distortion, plan.seed)
    for (let epoch = 0; epoch < plan.epochs; epoch++) {
      const rates = epochRates(bent, epoch, plan.images, plan.seed, net)!
      for (const [k, i] of epochOrder(plan.images, plan.seed, epoch).entries()) {
        const picture = new Uint8Array(WIDTH * WIDTH)
        distorter.draw(epoch, i, imageOf(i), picture)
        one.memory.setAt(Header.LearnShift, "u16", rates[k])
        one.train(picture, data.train.labels[i])
      }
    }
    const kept = await finish(await Training.start(untrained(net), bent, data))
    expect(kept.coefficients).toEqual(one.coefficients())
    expect(kept.coefficients).not.toEqual(
      (await finish(await Training.start(untrained(net), plan, data))).coefficients,
    )
    expect(planOf("file", kept).plan).toEqual(bent)
  })

  test.each([1, 8])("with both, in batches of %i, goes on to the same bits", async batch => {
    const distortion = { rotate: 300, scale: 200, shift: 100, elastic: 100, flip: true }
    // More images than one lot of pictures.
    const many = { ...data, train: images(3000, 4) }
    const bent = { ...plan, batch, images: 2900, smooth: { eighths: 8, warm: 100 }, distortion }
    const whole = await finish(await Training.start(untrained(net), bent, many))
    const abort = new AbortController()
    const first = await Training.start(untrained(net), bent, many, { workers: 2 })
    await first.epoch({ onProgress: done => done > 200 && abort.abort(), signal: abort.signal })
    expect(first.position.done % batch).toBe(0)
    const stopped = first.model("command")
    await first.close()
    const resumed = await finish(await Training.resume("file", stopped, many, { workers: 1 }))
    expect(resumed.coefficients).toEqual(whole.coefficients)
    await expect(Training.resume("file", stopped, many, { epochs: 9 })).rejects.toMatchObject({
      code: "resume-impossible",
    })
  })

  test("keeps what elements learnt beside coefficients", async () => {
    const own: Network = {
      ...net,
      rule: "mixed",
      elements: { shift: 12, bound: 6, min: 4096, max: 12000, signal: "product" },
    }
    expect(faultOf(own)).toBe("")
    const short = { ...plan, epochs: 2 }
    const whole = await finish(await Training.start(untrained(own), short, data))
    const first = await Training.start(untrained(own), short, data)
    await first.epoch()
    const kept = first.model("command")
    await first.close()
    const resumed = await finish(await Training.resume("file", kept, data))
    expect(resumed.arrays?.elements).toEqual(whole.arrays?.elements)
    expect(kept.arrays?.elements.equals(whole.arrays!.elements)).toBe(false)
    expect(resumed.coefficients).toEqual(whole.coefficients)
  })

  test("measures the images it learns from, those kept apart, and the test images", async () => {
    const training = await Training.start(untrained(net), plan, data)
    try {
      await training.epoch()
      const one = new HostNetwork(net)
      const memory = training.engine.coefficients
      const { exchangeCoefficients } = await import("../../../host/network/exchange")
      exchangeCoefficients(one.memory, net, memory, true)
      const share = (from: number, to: number, set: TrainingData["train"]) => {
        let right = 0
        for (let i = from; i < to; i++) {
          const image = set.images.subarray(i * WIDTH * WIDTH, (i + 1) * WIDTH * WIDTH)
          if (one.predict(image) === set.labels[i]) right++
        }
        return right / (to - from)
      }
      expect(await training.measure("train")).toBe(share(0, 50, data.train))
      expect(await training.measure("validation")).toBe(share(60, 70, data.train))
      expect(await training.measure("test")).toBe(share(0, 20, data.test))
      expect(training.model("c").training?.accuracy).toEqual({
        train: share(0, 50, data.train),
        validation: share(60, 70, data.train),
        test: share(0, 20, data.test),
      })
    } finally {
      await training.close()
    }
  })
})

describe("refuses", () => {
  test.each([
    ["images of another size", { width: 7 }, /7x8 pixels.*64/],
    [
      "a class the network does not know",
      { labels: new Uint8Array(70).fill(3) },
      /class 3.*0 to 2/,
    ],
  ])("%s", async (_, change, message) => {
    const other = { ...data, train: { ...data.train, ...change } }
    await expect(Training.start(untrained(net), plan, other)).rejects.toThrow(message)
    await expect(Training.start(untrained(net), plan, other)).rejects.toMatchObject({
      code: "data-mismatch",
      kind: "data",
    })
  })

  test("more images than there are", async () => {
    const much = { ...plan, images: 61 }
    await expect(Training.start(untrained(net), much, data)).rejects.toThrow(/61.*10.*70/)
  })

  test("to go on with other images, or from a network that was not in training", async () => {
    const training = await Training.start(untrained(net), plan, data)
    await training.epoch()
    const kept = training.model("command")
    await training.close()
    const other = { ...data, train: images(70, 3) }
    await expect(Training.resume("file", kept, other)).rejects.toMatchObject({
      code: "resume-data",
    })
    expect(() => planOf("file", untrained(net))).toThrow(/file does not say/)
    const strange = { ...kept, training: { ...kept.training!, state: { epoch: 1 } } }
    expect(() => planOf("file", strange)).toThrow(/file does not say/)
    const pid = { proportional: 16, integral: 1, differential: 1, memory: 4 }
    expect(() => planOf("file", { ...kept, network: { ...net, pid } })).toThrow(/PID/)
  })
})

describe("recipes", () => {
  test("every preset has one that the core can follow", () => {
    for (const name of presetNames) {
      const made = preset(name, 1)!
      expect(faultOf(made), name).toBe("")
      const recipe = recipeOf(made)
      expect(recipe.epochs, name).toBeGreaterThan(0)
      const at = (epoch: number) => learnShiftAt(recipe, epoch, made)
      if (recipe.smooth) {
        // It is at its largest once it has risen.
        expect(at(1), name).toBeGreaterThanOrEqual(recipe.learnShift - 1)
        expect(at(1), name).toBeLessThanOrEqual(at(0))
        expect(at(recipe.epochs - 1), name).toBeLessThanOrEqual(MOST_LEARN_SHIFT - mostFiner(made))
        expect(recipe.rounding === "once" ? lanesFaultOf(made, recipe.batch ?? 1) : "").toBe("")
        continue
      }
      expect(at(0), name).toBe(recipe.learnShift)
      expect(faultOf({ ...made, learnShift: at(recipe.epochs - 1) }), name).toBe("")
    }
    expect(recipeOf({ ...pico16(1), name: "my own", learnShift: 9 }).learnShift).toBe(9)
  })

  test("the rate is halved every so many epochs, down to what the core takes", () => {
    const recipe = { ...plan, learnShift: 12, epochsPerBit: 5 }
    const shifts = (net: Network) =>
      [0, 4, 5, 9, 10, 24, 25, 90].map(epoch => learnShiftAt(recipe, epoch, net))
    expect(shifts(pico16(1))).toEqual([12, 12, 13, 13, 14, 16, 16, 16])
    expect(shifts(model1(1))).toEqual([12, 12, 13, 13, 14, 16, 17, 20])
  })

  test("every epoch has all images once, in an order of its own and of the seed's", () => {
    const order = epochOrder(500, 3, 1)
    expect([...order].sort((a, b) => a - b)).toEqual(Array.from({ length: 500 }, (_, i) => i))
    expect(epochOrder(500, 3, 1)).toEqual(order)
    expect(epochOrder(500, 3, 2)).not.toEqual(order)
    expect(epochOrder(500, 4, 1)).not.toEqual(order)
  })

  test("shifts are the nine of one pixel at most, about equally often", () => {
    const shifts = [...epochShifts(9000, 3, 0, 28)]
    const counts = new Map<number, number>()
    for (const s of shifts) counts.set(s, (counts.get(s) ?? 0) + 1)
    expect([...counts.keys()].sort((a, b) => a - b)).toEqual([-29, -28, -27, -1, 0, 1, 27, 28, 29])
    // Nine equal ones: 1000 each, standard deviation 30.
    for (const count of counts.values()) expect(Math.abs(count - 1000)).toBeLessThan(150)
    expect([...epochShifts(9000, 3, 1, 28)]).not.toEqual(shifts)
  })
})
