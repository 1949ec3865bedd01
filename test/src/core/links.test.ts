import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { exchangeCoefficients } from "../../../host/network/exchange"
import {
  coefficientMax,
  fanInOf,
  isDense,
  type Network,
  signalsOf,
  sourcesOf,
} from "../../../host/network/network"
import { buildShard } from "../../../host/network/shard"
import type { Slice } from "../../../host/network/slices"
import { Header, Part } from "../../../src/core/layout"
import {
  drawNoise,
  isFull,
  learnDense,
  learnSparse,
  listSignals,
  sumDense,
  sumFull,
  sumSparse,
} from "../../../src/core/links"
import { beginLearning, partAt } from "../../../src/core/run"
import {
  address,
  network,
  Q12,
  readI16,
  readI32,
  sourceIds,
  synapsesOf,
  uniform,
  writeI16,
} from "./helpers"

/**
 * A layer of links alone: part 0 of a shard is a slice of layer 2, whose bus, λ and coefficients the
 * test writes. Fan-in below the 2·`before` signals makes it sparse, above dense.
 */
interface Case {
  net: Network
  m: Buffer
  slice: Slice
  signals: number[]
  /** Coefficients of the whole layer [synapse][rank], Q13. */
  coefficients: number[][]
  sources: number[][]
}

const part = partAt(0)

function makeCase(net: Network, slice: Slice, seed: number, largest = 32767): Case {
  const next = uniform(seed)
  const max = Math.min(largest, coefficientMax(net))
  const m = buildShard(net, [slice], 1)
  const layer = net.layers[1]
  const signals = Array.from({ length: signalsOf(net, 1) }, () =>
    next() < 0.2 ? 0 : Math.floor((next() * 2 - 0.7) * 2 ** net.signalBits),
  )
  writeI16(
    m,
    address(m, part, Part.BusIn),
    sourceIds(m, part).map(s => signals[s]),
  )
  const sources: number[][] = []
  const coefficients: number[][] = []
  for (let t = 0; t < layer.neurons * layer.inputs; t++) {
    sources.push(sourcesOf(net, 2, t))
    coefficients.push(sources[t].map(() => Math.floor((2 * next() - 1) * max) + 1))
  }
  put({ net, m, slice, signals, coefficients, sources })
  return { net, m, slice, signals, coefficients, sources }
}

/** Links of layer 1 come first in the network's own order; this shard holds none of them. */
function before(net: Network): number {
  return net.layers[0].neurons * net.layers[0].inputs * fanInOf(net, 1)
}

function put(c: Case): void {
  const all = Buffer.alloc(2 * (before(c.net) + c.coefficients.flat().length))
  writeI16(all, 2 * before(c.net), c.coefficients.flat())
  exchangeCoefficients(c.m, c.net, all, true)
}

function get(c: Case): number[][] {
  const all = Buffer.alloc(2 * (before(c.net) + c.coefficients.flat().length))
  exchangeCoefficients(c.m, c.net, all, false)
  const flat = readI16(all, 2 * before(c.net), c.coefficients.flat().length)
  return c.coefficients.map(row => row.map(() => flat.shift() as number))
}

function sum(c: Case, from = 0): number[] {
  const n = synapsesOf(c.m, part)
  c.m.fill(0, address(c.m, part, Part.Sum), address(c.m, part, Part.Sum) + 4 * n)
  if (isDense(c.net, 2)) {
    sumDense(c.m, part, 0, 0, from)
    sumDense(c.m, part, 0, from, n)
  } else {
    listSignals(c.m, part, 0)
    const listed = sourceIds(c.m, part).length
    const cut = Math.min(from, listed)
    sumSparse(c.m, part, 0, cut)
    sumSparse(c.m, part, cut, listed)
  }
  return readI32(c.m, address(c.m, part, Part.Sum), n)
}

/** Learns sample `sample` with the given λ; returns the backward sums of the layer's signals. */
function learn(c: Case, lambda: number[], sample: number): number[] {
  const ids = sourceIds(c.m, part)
  beginLearning(c.m, sample)
  writeI16(c.m, address(c.m, part, Part.Lambda), lambda)
  drawNoise(c.m, part)
  if (isDense(c.net, 2)) learnDense(c.m, part, 0, 0, synapsesOf(c.m, part))
  else {
    listSignals(c.m, part, 0)
    learnSparse(c.m, part, 0, ids.length)
  }
  const back = c.signals.map(() => 0)
  readI32(c.m, address(c.m, part, Part.BackOut), ids.length).forEach((v, i) => {
    back[ids[i]] = v
  })
  return back
}

/** The synapses of the case's slice, as numbers in the layer. */
function own(c: Case): number[] {
  const inputs = c.net.layers[1].inputs
  return Array.from({ length: c.slice.count * inputs }, (_, t) => c.slice.first * inputs + t)
}

const cases = fc.record({
  hidden: fc.integer({ min: 1, max: 12 }),
  outputs: fc.integer({ min: 1, max: 5 }),
  neurons: fc.integer({ min: 1, max: 12 }),
  inputs: fc.integer({ min: 1, max: 5 }),
  fanIn: fc.integer({ min: 1, max: 70 }),
  signalBits: fc.integer({ min: 6, max: 12 }),
  /** Past 16 with finer elements, the only ones that take it. */
  learnShift: fc.integer({ min: 1, max: 20 }),
  first: fc.nat(100),
  count: fc.nat(100),
  seed: fc.integer({ min: 0, max: 2 ** 31 - 1 }),
  largest: fc.constantFrom(3, 300, 32767),
})

function formatFor(learnShift: number): Partial<Network> {
  return learnShift > 16 ? { elementBits: 16, elementMax: 11776 } : {}
}

/** Kept out of the arbitrary, so that a failure prints the numbers above and not a buffer. */
function caseOf(r: typeof cases extends fc.Arbitrary<infer T> ? T : never): Case {
  const net = network(
    [
      { neurons: r.hidden, outputFirst: 5 - r.outputs, outputs: r.outputs, fanIn: 5 },
      { neurons: r.neurons, inputs: r.inputs, fanIn: r.fanIn },
    ],
    {
      signalBits: r.signalBits,
      learnShift: r.learnShift,
      seed: r.seed,
      ...formatFor(r.learnShift),
    },
  )
  const first = r.first % r.neurons
  const slice = { layer: 2, first, count: 1 + (r.count % (r.neurons - first)) }
  return makeCase(net, slice, r.seed, r.largest)
}

describe("sums of a layer's links", () => {
  test("are Σ C·S over the sources of each synapse, sparse and dense, in one chunk or two", () => {
    fc.assert(
      fc.property(cases, fc.nat(20), (r, cut) => {
        const c = caseOf(r)
        const found = sum(c, Math.min(cut, own(c).length))
        expect(found).toEqual(
          own(c).map(t =>
            c.coefficients[t].reduce((s, v, r) => s + v * c.signals[c.sources[t][r]], 0),
          ),
        )
      }),
      { numRuns: 300 },
    )
  })
})

describe("learning of a layer's links", () => {
  test("moves each coefficient by S·λ shifted, rounded to a neighbour and clamped, and sends Σ C·λ back", () => {
    let moved = 0
    let clamped = 0
    fc.assert(
      fc.property(cases, fc.nat(100000), fc.constantFrom(3, 200, Q12), (r, sample, size) => {
        const c = caseOf(r)
        const next = uniform(sample)
        const lambda = own(c).map(() => (next() < 0.3 ? 0 : Math.round((2 * next() - 1) * size)))
        const max = coefficientMax(c.net)
        const back = learn(c, lambda, sample)
        const after = get(c)

        const expectedBack = c.signals.map(() => 0)
        for (const [k, t] of own(c).entries()) {
          for (const [rank, old] of c.coefficients[t].entries()) {
            const source = c.sources[t][rank]
            // With the coefficient from before the update.
            expectedBack[source] += old * lambda[k]
            const exact = old + (c.signals[source] * lambda[k]) / 2 ** c.net.learnShift
            const low = Math.max(-max, Math.min(max, Math.floor(exact)))
            const high = Math.max(-max, Math.min(max, Math.ceil(exact)))
            expect([low, high]).toContain(after[t][rank])
            if (after[t][rank] !== old) moved++
            if (Math.abs(after[t][rank]) === max && Math.abs(old) < max) clamped++
          }
        }
        expect(back).toEqual(expectedBack)
      }),
      { numRuns: 300 },
    )
    expect(moved).toBeGreaterThan(1000)
    expect(clamped).toBeGreaterThan(100)
  })

  test("leaves a link alone whose source is silent or whose synapse has no λ", () => {
    fc.assert(
      fc.property(cases, fc.nat(100000), (r, sample) => {
        const c = caseOf(r)
        const next = uniform(sample + 1)
        const lambda = own(c).map(() => (next() < 0.5 ? 0 : Q12))
        learn(c, lambda, sample)
        const after = get(c)
        for (const [k, t] of own(c).entries())
          for (const [rank, old] of c.coefficients[t].entries())
            if (c.signals[c.sources[t][rank]] === 0 || lambda[k] === 0)
              expect(after[t][rank]).toBe(old)
      }),
      { numRuns: 100 },
    )
  })
})

describe("stochastic rounding", () => {
  const kinds: [string, number, number][] = [
    ["sparse", 9, 14],
    ["dense", 40, 14],
    ["sparse", 9, 18],
    ["dense", 40, 18],
  ]
  const net = (fanIn: number, learnShift: number) =>
    network(
      [
        { neurons: 8, fanIn: 5 },
        { neurons: 6, inputs: 4, fanIn },
      ],
      { learnShift, seed: 3, ...formatFor(learnShift) },
    )
  const whole: Slice = { layer: 2, first: 0, count: 6 }
  const SAMPLES = 3000
  /** The larger the smaller the rate, or nothing would change. */
  const lambdaOf = ({ net }: Case, synapse: number) =>
    (37 * synapse - 400) * 2 ** (net.learnShift - 14)

  /** ΔC of each link at each sample, from the same coefficients every time. */
  function changes(c: Case, samples: number): number[][] {
    const lambda = own(c).map(t => lambdaOf(c, t))
    const all: number[][] = []
    for (let sample = 0; sample < samples; sample++) {
      put(c)
      learn(c, lambda, sample)
      const after = get(c)
      all.push(own(c).flatMap(t => after[t].map((v, r) => v - c.coefficients[t][r])))
    }
    return all
  }

  for (const [form, fanIn, learnShift] of kinds) {
    const name = `shift ${learnShift} of ${form}`
    const c = makeCase(net(fanIn, learnShift), whole, 11, 500)
    const exact = own(c).flatMap(t =>
      c.sources[t].map(s => (c.signals[s] * lambdaOf(c, t)) / 2 ** c.net.learnShift),
    )

    let found: number[][] | undefined
    const once = () => {
      found ??= changes(c, SAMPLES)
      return found
    }

    test(`of ${name} links has the exact product as its mean`, () => {
      const all = once()
      let tested = 0
      for (const [i, x] of exact.entries()) {
        const mean = all.reduce((s, row) => s + row[i], 0) / SAMPLES
        // Up with probability p = the fraction: variance p(1−p), and 5 of its standard deviations
        // (the sample's numbers are 2^16 possible states, not infinitely many: + 2^−14).
        const p = x - Math.floor(x)
        const tolerance = 5 * Math.sqrt((p * (1 - p)) / SAMPLES) + 2 ** -14
        expect(Math.abs(mean - x), `link ${i}, ΔC = ${x}`).toBeLessThanOrEqual(tolerance)
        if (p > 0.05 && p < 0.95) tested++
      }
      expect(tested).toBeGreaterThan(30)
    })

    test(`of ${name} links is unrelated from one synapse to another, and from sample to sample`, () => {
      const all = once()
      const links = exact
        .map((x, i) => ({ i, p: x - Math.floor(x) }))
        .filter(({ p }) => p > 0.1 && p < 0.9)
      const fan = c.sources[0].length
      // 1 or 0 for up or down, less its mean, over its standard deviation.
      const standard = links.map(({ i, p }) =>
        all.map(row => (row[i] - Math.floor(exact[i]) - p) / Math.sqrt(p * (1 - p))),
      )
      const correlation = (a: number[], b: number[], lag: number) => {
        let s = 0
        for (let n = lag; n < SAMPLES; n++) s += a[n] * b[n - lag]
        return s / (SAMPLES - lag)
      }
      // Over all 65,536 states of a 16-bit generator some pairs of synapses keep up to 0.08, which
      // learning does not notice; 5.5 standard deviations of the estimate (0.1) on top. Synapses
      // that shared a number would show 1.
      const most = 0.2
      for (const [a, x] of standard.entries()) {
        expect(Math.abs(correlation(x, x, 1))).toBeLessThan(most)
        for (const [b, y] of standard.entries()) {
          // Sources of one synapse share its number on purpose, shifted by a constant each.
          if (b <= a || Math.floor(links[a].i / fan) === Math.floor(links[b].i / fan)) continue
          if ((a + b) % 7 === 0)
            expect(Math.abs(correlation(x, y, 0)), `${a} ${b}`).toBeLessThan(most)
        }
      }
    })

    test(`of ${name} links depends only on seed, link and sample`, () => {
      const lambda = own(c).map(t => lambdaOf(c, t))
      const run = (k: Case, of: number[], samples: number[]) => {
        put(k)
        for (const s of samples) {
          put(k)
          learn(
            k,
            own(k).map(t => of[t]),
            s,
          )
        }
        return get(k)
      }
      const straight = run(c, lambda, [40])
      // What was learned before it does not matter,
      expect(run(c, lambda, [3, 99, 40])).toEqual(straight)
      // nor which other synapses learn,
      const some = lambda.map((l, t) => (t % 3 === 1 ? l : 0))
      const few = run(c, some, [40])
      for (const [t, l] of some.entries()) if (l !== 0) expect(few[t]).toEqual(straight[t])
      // nor where the layer is cut.
      for (let first = 0; first < 6; first++) {
        const cut = makeCase(net(fanIn, learnShift), { layer: 2, first, count: 1 }, 11, 500)
        const found = run(cut, lambda, [40])
        for (const t of own(cut)) expect(found[t]).toEqual(straight[t])
      }
      // The sample and the seed do.
      expect(run(c, lambda, [41])).not.toEqual(straight)
      c.m.setAt(Header.Seed, "i32", 4)
      expect(run(c, lambda, [40])).not.toEqual(straight)
      c.m.setAt(Header.Seed, "i32", 3)
      expect(run(c, lambda, [40])).toEqual(straight)
    })
  }
})

test("the sum of a layer-1 part runs over the image's pixels alone", () => {
  const net = network([{ neurons: 3, fanIn: 9 }])
  const m = buildShard(net, [{ layer: 1, first: 0, count: 3 }], 1)
  const list = address(m, part, Part.List)
  const entries = [
    [2, 700],
    [3, -20],
    [17, 5],
  ]
  m.writeInt32LE(entries.length, list)
  for (const [i, [pixel, signal]] of entries.entries()) {
    m.writeUInt16LE(pixel, list + 4 + 4 * i)
    m.writeInt16LE(signal, list + 6 + 4 * i)
  }
  const all = Buffer.alloc(2 * 9 * 9)
  exchangeCoefficients(m, net, all, false)
  sumSparse(m, part, 0, entries.length)
  const expected = Array.from({ length: 9 }, (_, t) => {
    let s = 0
    for (const [rank, source] of sourcesOf(net, 1, t).entries())
      for (const [pixel, signal] of entries)
        if (pixel === source) s += signal * all.readInt16LE(2 * (9 * t + rank))
    return s
  })
  expect(readI32(m, address(m, part, Part.Sum), 9)).toEqual(expected)
})

test("where every pixel reaches every synapse: the same sums, however the list is cut", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 40 }),
      fc.integer({ min: 1, max: 9 }),
      fc.integer({ min: 1, max: 5 }),
      fc.integer({ min: 0, max: 40 }),
      fc.integer({ min: 0, max: 2 ** 31 - 1 }),
      (width, neurons, inputs, cut, seed) => {
        const net = network([{ neurons, inputs, fanIn: 100 }], { width })
        const m = buildShard(net, [{ layer: 1, first: 0, count: neurons }], 1)
        expect(isFull(m, part)).toBe(true)
        const next = uniform(seed)
        const all = Buffer.alloc(2 * width * neurons * inputs)
        const max = coefficientMax(net)
        for (let at = 0; at < all.length; at += 2)
          all.writeInt16LE(Math.floor((2 * next() - 1) * max), at)
        exchangeCoefficients(m, net, all, true)
        // Any of the pixels, in ascending order.
        const lit = Array.from({ length: width }, (_, pixel) => pixel).filter(() => next() < 0.8)
        const signals = lit.map(() => Math.floor((2 * next() - 1) * 2 ** net.signalBits))
        const list = address(m, part, Part.List)
        m.writeInt32LE(lit.length, list)
        for (const [i, pixel] of lit.entries()) {
          m.writeUInt16LE(pixel, list + 4 + 4 * i)
          m.writeInt16LE(signals[i], list + 6 + 4 * i)
        }
        sumFull(m, part, 0, Math.min(cut, lit.length))
        sumFull(m, part, Math.min(cut, lit.length), lit.length)
        // By synapse, then source.
        const expected = Array.from({ length: neurons * inputs }, (_, t) =>
          lit.reduce((s, pixel, i) => s + signals[i] * all.readInt16LE(2 * (t * width + pixel)), 0),
        )
        expect(readI32(m, address(m, part, Part.Sum), neurons * inputs)).toEqual(expected)
      },
    ),
    { numRuns: 300 },
  )
})

test("a part with one link fewer than all is not full", () => {
  const full = (fanIn: number) =>
    isFull(
      buildShard(
        network([{ neurons: 3, fanIn }], { width: 12 }),
        [{ layer: 1, first: 0, count: 3 }],
        1,
      ),
      part,
    )
  expect([11, 12, 13].map(full)).toEqual([false, true, true])
})
