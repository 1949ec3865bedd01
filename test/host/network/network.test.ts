import fc from "fast-check"
import { describe, expect, test } from "vitest"
import {
  coefficientMax,
  fanInOf,
  initialCoefficient,
  integerSqrt,
  isDense,
  largestSignal,
  linksOf,
  type Network,
  q12,
  signalsOf,
  sourcesOf,
} from "../../../host/network/network"
import { pico16 } from "../../../host/network/presets"
import { buildShard } from "../../../host/network/shard"
import { faultOf } from "../../../host/network/validate"
import { Part } from "../../../src/core/layout"
import { learnDense, learnSparse, listSignals, sumDense, sumSparse } from "../../../src/core/links"
import { partAt } from "../../../src/core/run"
import { settleForward } from "../../../src/core/settle"
import {
  address,
  network,
  Q12,
  readI16,
  readI32,
  sourceIds,
  synapsesOf,
  writeI16,
  writeI32,
} from "../../src/core/helpers"

const shapes = fc.record({
  width: fc.integer({ min: 1, max: 60 }),
  seed: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
  layers: fc.array(
    fc.record({
      neurons: fc.integer({ min: 1, max: 12 }),
      inputs: fc.integer({ min: 1, max: 5 }),
      fanIn: fc.integer({ min: 1, max: 40 }),
    }),
    { minLength: 1, maxLength: 3 },
  ),
})
const toNetwork = (s: { width: number; seed: number; layers: Partial<Network["layers"][0]>[] }) =>
  network(s.layers, { width: s.width, seed: s.seed })

describe("the links of a synapse", () => {
  test("are fan-in different signals of the layer before, ascending, and the same again", () => {
    fc.assert(
      fc.property(shapes, shape => {
        const net = toNetwork(shape)
        for (const [k, l] of net.layers.entries()) {
          const available = k === 0 ? net.width : net.layers[k - 1].neurons * 2
          expect(signalsOf(net, k)).toBe(available)
          expect(fanInOf(net, k + 1)).toBe(Math.min(l.fanIn, available))
          expect(linksOf(net, k + 1)).toBe(l.neurons * l.inputs * Math.min(l.fanIn, available))
          for (let t = 0; t < l.neurons * l.inputs; t++) {
            const sources = sourcesOf(net, k + 1, t)
            expect(sources.length).toBe(Math.min(l.fanIn, available))
            for (const [i, s] of sources.entries()) {
              expect(s).toBeGreaterThan(i === 0 ? -1 : sources[i - 1])
              expect(s).toBeLessThan(available)
            }
            expect(sourcesOf(net, k + 1, t)).toEqual(sources)
          }
        }
      }),
    )
  })

  test("differ between seeds, layers and synapses", () => {
    const seen = new Set<string>()
    let drawn = 0
    for (const seed of [0, 1, 2, -1, 2 ** 31 - 1]) {
      // Both layers draw 10 of 40, so that only the layer's number can tell them apart.
      const net = network([{ neurons: 20, fanIn: 10 }, { fanIn: 10 }], { width: 40, seed })
      for (const layer of [1, 2])
        for (let t = 0; t < 12; t++) {
          seen.add(String(sourcesOf(net, layer, t)))
          drawn++
        }
    }
    expect(seen.size).toBe(drawn)
  })

  test("spread evenly over the signals, and in pairs", () => {
    const net = network([{ neurons: 1000, inputs: 3, fanIn: 10 }], { width: 50 })
    const count = new Array(50).fill(0)
    const both = new Array(49).fill(0)
    for (let t = 0; t < 3000; t++) {
      const sources = new Set(sourcesOf(net, 1, t))
      for (const s of sources) {
        count[s]++
        if (sources.has(s + 1)) both[s]++
      }
    }
    // Each signal is drawn with probability 1/5 (variance 0.16 · 3000; without repetition the sum
    // over 50 of the squares has 49 degrees of freedom): 99.99 % point of chi-square is 95.
    const chi = count.reduce((sum, n) => sum + (n - 600) ** 2 / 600, 0)
    expect(chi * (1 / 0.8) * (49 / 50)).toBeLessThan(95)
    // Neighbours go together with probability 10·9/(50·49); 5.5 standard deviations.
    const p = 90 / 2450
    for (const n of both)
      expect(Math.abs(n - 3000 * p)).toBeLessThan(5.5 * Math.sqrt(3000 * p * (1 - p)))
  })

  test("of pico-16 are 32 and 20 synapses' worth, few pixels left out", () => {
    const net = pico16(1)
    expect([linksOf(net, 1), linksOf(net, 2)]).toEqual([32 * 96, 20 * 32])
    const used = new Set<number>()
    for (let t = 0; t < 32; t++) for (const s of sourcesOf(net, 1, t)) used.add(s)
    // A pixel is missed with probability (1 − 96/784)^32 = 1.5 %: 12 ± 3.4 of 784.
    expect(used.size).toBeGreaterThan(784 - 12 - 20)
  })
})

describe("initial coefficients", () => {
  for (const fanIn of [2, 9, 64, 784])
    test(`have mean 0 and variance 1/${fanIn}`, () => {
      const net = network([{ neurons: 40, inputs: 5, fanIn }], { width: 784 })
      let n = 0
      let sum = 0
      let squares = 0
      let fourth = 0
      for (let t = 0; t < 200; t++)
        for (let rank = 0; rank < Math.min(fanIn, 64); rank++) {
          const c = (initialCoefficient(net, 1, t, rank) / 8192) * Math.sqrt(fanIn)
          n++
          sum += c
          squares += c * c
          fourth += c ** 4
        }
      const mean = sum / n
      // floor(… · scale) and the floor of the root: half a step of Q13, and up to 1 part in 292.
      const step = Math.sqrt(fanIn) / 8192
      expect(Math.abs(mean)).toBeLessThan(4.5 / Math.sqrt(n) + step)
      expect(Math.abs(squares / n - 1)).toBeLessThan(4.5 * Math.sqrt(2 / n) + 2 * step + 0.01)
      // Of a normal number 3, of twelve uniform ones 2.9; of one uniform 1.8.
      expect(fourth / n / (squares / n) ** 2).toBeGreaterThan(2.3)
    })

  test("differ between links and seeds", () => {
    const net = network([{ neurons: 5, inputs: 5, fanIn: 64 }], { width: 784 })
    const other = { ...net, seed: 2 }
    const values: number[] = []
    for (const n of [net, other])
      for (let t = 0; t < 25; t++)
        for (let rank = 0; rank < 64; rank++) values.push(initialCoefficient(n, 1, t, rank))
    // 3200 numbers over about 4000 likely values: far more than a generator that repeats would give.
    expect(new Set(values).size).toBeGreaterThan(1500)
  })
})

describe("32 bits", () => {
  const wide = fc.record({
    neurons: fc.integer({ min: 1, max: 40 }),
    outputs: fc.integer({ min: 1, max: 5 }),
    fanIn: fc.integer({ min: 1, max: 250 }),
    last: fc.integer({ min: 1, max: 50 }),
    lastFanIn: fc.integer({ min: 1, max: 250 }),
    signalBits: fc.integer({ min: 6, max: 12 }),
    lambdaMax: fc.integer({ min: 1, max: 2 * Q12 }),
    elementMin: fc.integer({ min: 1, max: Q12 - 1 }),
    elementMax: fc.integer({ min: Q12 + 1, max: 3 * Q12 }),
  })
  type Wide = typeof wide extends fc.Arbitrary<infer T> ? T : never
  const wideNetwork = (w: Wide) =>
    network(
      [
        { neurons: w.neurons, outputFirst: 5 - w.outputs, outputs: w.outputs, fanIn: w.fanIn },
        { neurons: w.last, inputs: 5, fanIn: w.lastFanIn },
      ],
      {
        width: 250,
        signalBits: w.signalBits,
        lambdaMax: w.lambdaMax,
        elementMin: w.elementMin,
        elementMax: w.elementMax,
      },
    )

  test("hold the forward and backward sums when everything is at its worst", () => {
    fc.assert(
      fc.property(wide, fc.constantFrom(-1, 1), (w, sign) => {
        const net = wideNetwork(w)
        const max = coefficientMax(net)
        expect(max).toBeGreaterThan(0)
        const part = partAt(0)
        const m = buildShard(net, [{ layer: 2, first: 0, count: w.last }], 1)
        // What the part reads is on its bus, and nothing else.
        const ids = sourceIds(m, part)
        const sources = ids.length
        const links = linksOf(net, 2)
        // Every coefficient on its clamp, every signal and every λ as large as it gets. The sums are
        // written as int32 by the core: one past the range would be refused here.
        writeI16(m, address(m, part, Part.Coefficient), new Array(links).fill(sign * max))
        writeI16(m, address(m, part, Part.BusIn), new Array(sources).fill(largestSignal(net)))
        writeI16(
          m,
          address(m, part, Part.Lambda),
          new Array(synapsesOf(m, part)).fill(net.lambdaMax),
        )
        if (isDense(net, 2)) {
          sumDense(m, part, 0, 0, synapsesOf(m, part))
          learnDense(m, part, 0, 0, synapsesOf(m, part))
        } else {
          listSignals(m, part, 0)
          sumSparse(m, part, 0, sources)
          learnSparse(m, part, 0, sources)
        }
        const sums = readI32(m, address(m, part, Part.Sum), synapsesOf(m, part))
        expect(new Set(sums)).toEqual(new Set([sign * fanInOf(net, 2) * max * largestSignal(net)]))
        const fanOut = new Array(signalsOf(net, 1)).fill(0)
        for (let t = 0; t < synapsesOf(m, part); t++)
          for (const s of sourcesOf(net, 2, t)) fanOut[s]++
        expect(readI32(m, address(m, part, Part.BackOut), sources)).toEqual(
          ids.map(s => fanOut[s]).map(n => n * sign * max * net.lambdaMax + 0),
        )
      }),
      { numRuns: 60 },
    )
  })

  test("use what there is: a coefficient one larger could leave them, unless it fills int16", () => {
    for (const w of [
      { neurons: 40, outputs: 5, last: 50, lastFanIn: 250, signalBits: 12, lambdaMax: 8192 },
      { neurons: 40, outputs: 2, last: 50, lastFanIn: 20, signalBits: 8, lambdaMax: 4096 },
      { neurons: 4, outputs: 1, last: 2, lastFanIn: 20, signalBits: 6, lambdaMax: 4096 },
    ]) {
      const net = wideNetwork({ ...w, fanIn: 100, elementMin: 1229, elementMax: 3 * Q12 })
      const max = coefficientMax(net)
      let most = 0
      for (const layer of [1, 2]) most = Math.max(most, fanInOf(net, layer) * largestSignal(net))
      const fanOut = new Array(signalsOf(net, 1)).fill(0)
      for (let t = 0; t < 5 * w.last; t++) for (const s of sourcesOf(net, 2, t)) fanOut[s]++
      most = Math.max(most, Math.max(...fanOut) * net.lambdaMax)
      expect(most * max).toBeLessThan(2 ** 31)
      expect(max === 32767 || most * (max + 1) >= 2 ** 31).toBe(true)
    }
  })

  test("largestSignal is not passed by any settle, whatever the clamps, steps and format", () => {
    fc.assert(
      fc.property(
        wide,
        fc.integer({ min: 2, max: 16 }),
        fc.constantFrom(-4, 4),
        fc.array(fc.boolean(), { minLength: 5, maxLength: 5 }),
        (w, steps, u, on) => {
          const net = network([{ neurons: 1, inputs: 5, outputFirst: 0, outputs: 5 }], {
            ...w,
            steps,
            netMin: -4 * Q12,
            netMax: 4 * Q12,
          })
          const m = buildShard(net, [{ layer: 1, first: 0, count: 1 }], 1)
          writeI32(
            m,
            address(m, partAt(0), Part.Sum),
            on.map(yes => (yes ? u * 2 ** (13 + net.signalBits) : 0)),
          )
          settleForward(m, partAt(0), 0, 0, 1)
          for (const s of readI16(m, address(m, partAt(0), Part.BusOut), 5))
            expect(Math.abs(s)).toBeLessThanOrEqual(largestSignal(net))
        },
      ),
      { numRuns: 500 },
    )
  })

  test("initial coefficients respect coefficientMax", () => {
    fc.assert(
      fc.property(wide, w => {
        const net = wideNetwork(w)
        const max = coefficientMax(net)
        const m = buildShard(net, [{ layer: 2, first: 0, count: w.last }], 1)
        for (const c of readI16(m, address(m, partAt(0), Part.Coefficient), linksOf(net, 2)))
          expect(Math.abs(c)).toBeLessThanOrEqual(max)
      }),
      { numRuns: 60 },
    )
  })
})

describe("faultOf", () => {
  const good = () => pico16(1)
  const layer = (change: Partial<Network["layers"][0]>) => {
    const net = good()
    net.layers[0] = { ...net.layers[0], ...change }
    return net
  }

  test("accepts the presets and every value at the end of its range", () => {
    expect(faultOf(good())).toBe("")
    const ends: Partial<Network>[] = [
      { width: 1 },
      { width: 65535 },
      { steps: 2 },
      { steps: 16 },
      { signalBits: 6 },
      { signalBits: 12 },
      { inputScale: 0 },
      { inputScale: q12(4) },
      { netMin: q12(-4) },
      { netMin: 0 },
      { netMax: 0 },
      { netMax: q12(4) },
      { elementMin: 1 },
      { elementMin: 4095 },
      { elementMax: 4097 },
      { elementMax: q12(3) },
      { lambdaMax: 1 },
      { lambdaMax: q12(2) },
      { learnShift: 1 },
      { learnShift: 16 },
    ]
    for (const change of ends)
      expect(faultOf({ ...good(), ...change }), JSON.stringify(change)).toBe("")
    expect(faultOf(layer({ neurons: 1, inputs: 1, outputFirst: 0, outputs: 5, fanIn: 1 }))).toBe("")
    expect(faultOf(layer({ inputs: 5, outputFirst: 4, outputs: 1 }))).toBe("")
  })

  /** What a network has other than the preset, for the test's title. */
  const difference = (net: Network) => {
    const fields = (n: Network) => Object.entries({ ...n, ...n.layers[0], layers: n.layers.length })
    const usual = new Map(fields(good()))
    return Object.fromEntries(fields(net).filter(([k, v]) => v !== usual.get(k)))
  }

  const faults: [string, Network][] = [
    ["no layer", { ...good(), layers: [] }],
    ["width", { ...good(), width: 0 }],
    ["width", { ...good(), width: 65536 }],
    ["steps", { ...good(), steps: 1 }],
    ["steps", { ...good(), steps: 17 }],
    ["signalBits", { ...good(), signalBits: 5 }],
    ["signalBits", { ...good(), signalBits: 13 }],
    ["elementMin", { ...good(), elementMin: 0 }],
    ["elementMin", { ...good(), elementMin: 4096 }],
    ["elementMax", { ...good(), elementMax: 4096 }],
    ["elementMax", { ...good(), elementMax: q12(3) + 1 }],
    ["netMin", { ...good(), netMin: q12(-4) - 1 }],
    ["netMin", { ...good(), netMin: 1 }],
    ["netMax", { ...good(), netMax: q12(4) + 1 }],
    ["netMax", { ...good(), netMax: -1 }],
    ["inputScale", { ...good(), inputScale: -1 }],
    ["inputScale", { ...good(), inputScale: q12(4) + 1 }],
    ["lambdaMax", { ...good(), lambdaMax: 0 }],
    ["lambdaMax", { ...good(), lambdaMax: q12(2) + 1 }],
    ["learnShift", { ...good(), learnShift: 0 }],
    ["learnShift", { ...good(), learnShift: 17 }],
    ["needs a neuron", layer({ neurons: 0 })],
    ["inputs", layer({ inputs: 0 })],
    ["inputs", layer({ inputs: 6 })],
    ["output elements", layer({ outputs: 0 })],
    ["output elements", layer({ outputFirst: -1 })],
    ["output elements", layer({ outputFirst: 4, outputs: 2 })],
    ["fanIn", layer({ fanIn: 0 })],
  ]
  for (const [what, net] of faults)
    test(`names ${what}: ${JSON.stringify(difference(net))}`, () => {
      expect(faultOf(net)).toContain(what)
    })

  test("what it accepts can be built (all ends of the ranges together)", () => {
    fc.assert(
      fc.property(
        fc.record({
          steps: fc.integer({ min: 2, max: 16 }),
          signalBits: fc.integer({ min: 6, max: 12 }),
          inputScale: fc.constantFrom(0, q12(4)),
          netMin: fc.constantFrom(q12(-4), 0),
          netMax: fc.constantFrom(0, q12(4)),
          elementMin: fc.constantFrom(1, 4095),
          elementMax: fc.constantFrom(4097, q12(3)),
          lambdaMax: fc.constantFrom(1, q12(2)),
          learnShift: fc.integer({ min: 1, max: 16 }),
          seed: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
        }),
        fields => {
          const net = network([{ neurons: 2, fanIn: 30 }, { neurons: 2 }], { ...fields, width: 30 })
          expect(faultOf(net)).toBe("")
          buildShard(
            net,
            [
              { layer: 1, first: 0, count: 2 },
              { layer: 2, first: 0, count: 2 },
            ],
            1,
          )
        },
      ),
    )
  })
})

test("integerSqrt is the floor of the root", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 31 - 1 }), x => {
      const root = integerSqrt(x)
      expect(root * root).toBeLessThanOrEqual(x)
      expect((root + 1) ** 2).toBeGreaterThan(x)
    }),
  )
  for (const x of [0, 1, 3, 4, 2 ** 26, 2 ** 31 - 1])
    expect(integerSqrt(x)).toBe(Math.floor(Math.sqrt(x)))
})
