/** Each row in a tiny setting: its numbers against what they must be, whoever computes them. */
import { beforeAll, describe, expect, test } from "vitest"
import { readMnist } from "../../../host/data/mnist"
import { HostNetwork } from "../../../host/network/host-network"
import { drawLinks } from "../../../host/network/network"
import { pico16, preset } from "../../../host/network/presets"
import { feedbackNetwork } from "../../../host/reproduce/feedback"
import { roundedTo, sixteenBits } from "../../../host/reproduce/four-bits"
import { disturb } from "../../../host/reproduce/noise"
import { ownOf, roundOf } from "../../../host/reproduce/own-data"
import type { Finding, Row, Task } from "../../../host/reproduce/row"
import { rows } from "../../../host/reproduce/rows"
import { spread } from "../../../host/reproduce/seeds"
import { PAPER_TARGETS, REACHABLE_TARGETS } from "../../../host/reproduce/storing"
import { windowNetwork } from "../../../host/reproduce/windows"
import { describeWith, SPOKEN, WAND } from "../signals/own-data"

const data = readMnist()
/** Of recordings that are no part of the project a row is there where they are. */
const measured = rows.filter(({ notYet }) => notYet === undefined)
const found = new Map<string, Finding>()
const shares = new Map<string, number[]>()

async function measure(row: Row): Promise<Finding> {
  const seen: number[] = []
  shares.set(row.name, seen)
  const task: Task = {
    scale: "tiny",
    seed: 1,
    signal: new AbortController().signal,
    data,
    progress: share => seen.push(share),
    breathe: async () => {},
  }
  let last: Finding | undefined
  for await (const finding of row.run(task)) last = finding
  if (!last) throw new Error(`${row.name} found nothing`)
  return last
}

beforeAll(async () => {
  for (const row of measured) found.set(row.name, await measure(row))
})

const of = (name: string): Finding => {
  const finding = found.get(name)
  if (!finding) throw new Error(name)
  return finding
}
/** "85.9 %" as 0.859. */
const share = (cell: string | number) => Number(/^([\d.]+) %$/.exec(String(cell))?.[1]) / 100
const column = (name: string, table: number, index: number) =>
  of(name).tables[table].rows.map(row => row[index])

describe("every row", () => {
  for (const { name } of measured)
    test(`${name}: says what was run, and has a figure with points`, () => {
      const { comparisons, how, charts, tables } = of(name)
      expect(comparisons.length).toBeGreaterThan(0)
      for (const { what, paper, ours } of comparisons) {
        expect(what).not.toBe("")
        expect(paper).not.toBe("")
        expect(ours).not.toMatch(/NaN|undefined|Infinity|^$/)
      }
      expect(how.length).toBeGreaterThan(40)
      expect(how).not.toMatch(/NaN|undefined/)
      expect(charts.length).toBeGreaterThan(0)
      for (const chart of charts) {
        expect(chart.series.length).toBeGreaterThan(0)
        for (const { points } of chart.series) expect(points.length).toBeGreaterThan(0)
      }
      for (const table of tables)
        for (const row of table.rows) expect(row.length).toBe(table.head.length)
    })

  for (const { name } of measured)
    test(`${name}: progress goes on from 0 to 1 and never back`, () => {
      const seen = shares.get(name) ?? []
      for (const [i, s] of seen.entries()) {
        expect(s).toBeGreaterThanOrEqual(i === 0 ? 0 : seen[i - 1] - 1e-9)
        expect(s).toBeLessThanOrEqual(1 + 1e-9)
      }
    })

  test("accuracies are counts of the images they are of", () => {
    // 10 or 20 or 50 test images: each share is a whole number of them.
    for (const [name, count] of [
      ["method-1", 10],
      ["models", 20],
      ["adders", 20],
      ["depth", 20],
      ["backpropagation", 20],
      ["noise", 50],
      ["own-data", 50],
      ["link-ratio", 20],
      ["windows", 20],
      ["feedback", 20],
      ["seeds", 20],
      ["four-bits", 20],
    ] as const)
      for (const series of of(name).charts[0].series)
        for (const [, accuracy] of series.points)
          expect(Math.abs(accuracy * count - Math.round(accuracy * count))).toBeLessThan(1e-9)
  })
})

test("fixed-point: the formula is (K1 − K2)/K3, and the ring rests there", () => {
  for (const row of of("fixed-point").tables[0].rows) {
    const [k1, k2, k3, formula, core, relaxed, exact] = row.map(Number)
    // The table's parameters are rounded to 0.0005.
    expect(Math.abs(formula - (k1 - k2) / k3)).toBeLessThan(0.01)
    expect(core).toBeCloseTo(formula, 3)
    expect(exact).toBeCloseTo(formula, 3)
    expect(Math.abs(relaxed - formula)).toBeLessThan(0.005)
  }
  expect(of("fixed-point").tables[0].rows.length).toBeGreaterThan(3)
})

describe("storing", () => {
  test("the paper's targets by K1, a reachable one by K3: parameters that balance the equation there", () => {
    for (const [table, targets, name] of [
      [0, PAPER_TARGETS, "K1"],
      [1, REACHABLE_TARGETS, "K3"],
    ] as const) {
      const { rows: lines, head } = of("storing").tables[table]
      expect(head[2]).toBe(name)
      for (const [i, [, target, k, core, exact]] of lines.entries()) {
        expect(target).toBe(targets[i])
        const before = targets[(i + 4) % 5]
        const inhibitor = targets[(i + 3) % 5]
        const t = targets[i]
        const balance =
          name === "K1"
            ? (0.5 * t + 0.5 * t * inhibitor) / before
            : (before - 0.5 * t) / (t * inhibitor)
        expect(Math.abs(Number(k) - balance)).toBeLessThan(0.01)
        expect(Math.abs(Number(core) - t)).toBeLessThan(0.01)
        expect(Math.abs(Number(exact) - t)).toBeLessThan(0.01)
      }
    }
  })

  test("the paper's targets by K3 are refused by name: a K3 would have to be negative", () => {
    const refusal = of("storing").comparisons[2].ours
    // K1·T[S] = 0.6 is below K2·T[M] = 0.75.
    expect(refusal).toMatch(/^refused: .*0\.8, 0\.6, 1\.5, 1, 0\.9.*element M .*K3/)
  })

  test("every round brings the elements nearer in the end", () => {
    for (const chart of of("storing").charts.slice(0, 2))
      for (const series of chart.series) {
        const target = Number(/target ([\d.]+)/.exec(series.name)?.[1])
        const off = series.points.map(([, e]) => Math.abs(e - target))
        expect(off[19]).toBeLessThanOrEqual(off[0])
        expect(off[19]).toBeLessThan(0.01)
      }
  })
})

test("link-ratio: links are the given share of MODEL1's pairs", () => {
  const layers = [784, 839, 283, 96, 32, 10]
  for (const row of of("link-ratio").tables[0].rows) {
    const ratio = share(row[1])
    const links = layers
      .slice(1)
      .reduce((sum, after, i) => sum + Math.round(ratio * layers[i] * after), 0)
    expect(Number(String(row[2]).replaceAll(",", ""))).toBe(links)
  }
})

test("models: the papers' own link ratios and layers", () => {
  const [ratios] = of("models").comparisons
  expect(ratios.ours).toContain("MODEL1 0.51 %")
  expect(ratios.ours).toContain("MODEL2 0.38 %")
  expect(of("models").how).toContain("784-839-283-96-32-10")
  expect(of("models").how).toContain("784-1048-353-119-40-10")
})

test("adders: links are synapses times fan-in", () => {
  for (const [fanIn, links] of of("adders").tables[0].rows)
    expect(Number(String(links).replaceAll(",", ""))).toBe(
      64 * 3 * Number(fanIn) + 10 * 4 * Math.min(128, Number(fanIn)),
    )
})

test("depth: links are those of all layers", () => {
  for (const [depth, , links] of of("depth").tables[0].rows)
    expect(Number(String(links).replaceAll(",", ""))).toBe(Number(depth) * 64 * 3 * 64 + 40 * 64)
})

describe("alignment", () => {
  const cosines = (name: RegExp, how: string) =>
    of("alignment")
      .tables[0].rows.filter(row => name.test(String(row[0])) && row[1] === how)
      .flatMap(row => row.slice(2))
      .map(Number)

  test("the exact adjoint has a cosine of 1: the differences and the links fit", () => {
    expect(cosines(/./, "exact adjoint").length).toBeGreaterThan(4)
    for (const c of cosines(/./, "exact adjoint")) expect(c).toBeGreaterThan(0.9999)
  })

  test("of small signals all are near the gradient, of large ones the operating point nearer than BSP", () => {
    for (const how of ["BSP", "operating point", "operating point, integer core"])
      for (const c of cosines(/small signals/, how)) expect(c).toBeGreaterThan(0.95)
    // An error of 1/16 leaves the core's BSP few bits.
    for (const c of cosines(/small signals/, "BSP, integer core")) expect(c).toBeGreaterThan(0.8)
    const [bsp, ours] = ["BSP", "operating point"].map(how => cosines(/large signals and/, how))
    for (const [k, c] of bsp.entries()) expect(ours[k]).toBeGreaterThan(c)
    for (const c of cosines(/large/, "operating point")) expect(c).toBeGreaterThan(0.9)
  })
})

describe("ring-size", () => {
  test("a ring of five oscillates from 0.854 on, those of 1 to 4 and 6 do not", () => {
    for (const [n, run, core, exact] of of("ring-size").tables[0].rows)
      if (n === 5) {
        expect(Math.abs(Number(run) - 0.854)).toBeLessThan(0.02)
        expect(Math.abs(Number(core) - 0.854)).toBeLessThan(0.002)
        expect(Number(exact)).toBe(0.854)
      } else for (const cell of [run, core, exact]) expect(cell).toMatch(/none/)
  })

  test("one element answers with 1/(K1 − K2), five as known", () => {
    const responses = of("ring-size").tables[1].rows
    const number = (cell: string | number) => Number(/^-?[\d.]+/.exec(String(cell))?.[0])
    expect(Math.abs(number(responses[0][1]) - 2)).toBeLessThan(0.06)
    for (const [k, known] of [0.78, 0.878, 0.488, 0.049, -0.195].entries())
      expect(Math.abs(number(responses[4][k + 1]) - known)).toBeLessThan(0.01)
  })
})

describe("own-data", () => {
  test("each board learns its two digits alone, in shares of one round", () => {
    const own = [0, 1, 2, 3, 4].map(board => ownOf(data.train, board))
    expect(own.flat().length).toBe(data.train.count)
    const round = roundOf(own, 3, 4)
    for (const [k, image] of round.entries())
      expect(data.train.labels[image] >> 1).toBe(Math.floor(k / 4))
    expect([...round.subarray(0, 4)]).toEqual(own[0].slice(12, 16))
  })

  test("who has seen two digits names nothing else; the average comes further", () => {
    for (const [, , its, all] of of("own-data").tables[0].rows)
      expect(share(all)).toBeLessThanOrEqual(share(its))
    const [{ ours }] = of("own-data").comparisons
    const [alone, averaged] = ours.split("; ").map(share)
    expect(alone).toBeLessThan(0.35)
    expect(averaged).toBeGreaterThan(alone)
  })
})

describe("noise", () => {
  const images = Uint8Array.from(data.test.images.subarray(0, 20 * 784))

  test("no noise leaves the images, and their accuracy, as they are", () => {
    expect(disturb(images, "Gaussian noise", 0, 1)).toEqual(images)
    expect(disturb(images, "pixels set to black or white", 0, 1)).toEqual(images)
    const [first] = of("noise").tables[0].rows
    expect(first[1]).toBe(first[2])
  })

  test("Gaussian noise has the deviation asked for, where nothing cuts it off", () => {
    const grey = new Uint8Array(50_000).fill(128)
    const noisy = disturb(grey, "Gaussian noise", 0.1, 1)
    const mean = noisy.reduce((sum, v) => sum + v, 0) / noisy.length
    const deviation = Math.sqrt(noisy.reduce((sum, v) => sum + (v - mean) ** 2, 0) / noisy.length)
    expect(Math.abs(mean - 128)).toBeLessThan(0.5)
    expect(Math.abs(deviation - 25.5)).toBeLessThan(0.5)
  })

  test("of the other the level is the share of pixels replaced, as many by black as by white", () => {
    const noisy = disturb(new Uint8Array(50_000).fill(128), "pixels set to black or white", 0.3, 1)
    const count = (value: number) => noisy.filter(v => v === value).length / noisy.length
    expect(count(128)).toBeCloseTo(0.7, 1)
    expect(count(0)).toBeCloseTo(0.15, 1)
    expect(count(255)).toBeCloseTo(0.15, 1)
  })
})

test("backpropagation: all begin with the same network", () => {
  const [first] = of("backpropagation").tables[0].rows
  // The integer core's roundings may turn a few of 20 images; the float64 ones are the same.
  expect(new Set(first.slice(2)).size).toBe(1)
  expect(Math.abs(share(first[1]) - share(first[2]))).toBeLessThanOrEqual(0.151)
})

test("method-1 and methods: the network is MODEL1, and nothing is left out", () => {
  expect(column("methods", 0, 0)).toEqual([0, 1])
  expect(of("methods").tables[0].head).toEqual(["epoch", "method 1", "method 2", "mixed"])
  // Before learning all are the same network.
  expect(new Set(of("methods").tables[0].rows[0].slice(1)).size).toBe(1)
  expect(of("method-1").how).toContain("784-839-283-96-32-10")
})

describe("windows", () => {
  test("both kinds have as many links, a window's on a square of the picture", () => {
    const drawn = [true, false].map(windows => drawLinks(windowNetwork(1, windows), 1))
    for (const links of drawn) {
      expect(links.length).toBe(288)
      for (const sources of links) expect(new Set(sources).size).toBe(36)
    }
    const span = (sources: number[], of: (pixel: number) => number) =>
      Math.max(...sources.map(of)) - Math.min(...sources.map(of))
    const column = (pixel: number) => pixel % 28
    const row = (pixel: number) => Math.floor(pixel / 28)
    const [windows, anywhere] = drawn
    for (const sources of windows)
      expect([span(sources, column), span(sources, row)]).toEqual([5, 5])
    for (const sources of anywhere) expect(span(sources, row)).toBeGreaterThan(12)
    expect(new Set(windows.map(sources => sources[0])).size).toBe(144)
  })

  test("digits and clothes are measured with each", () => {
    const { rows: lines } = of("windows").tables[0]
    expect(lines.map(([set, kind]) => `${set} ${kind}`)).toEqual([
      "MNIST windows",
      "MNIST from anywhere",
      "Fashion-MNIST windows",
      "Fashion-MNIST from anywhere",
    ])
    for (const [, , links] of lines) expect(links).toBe("21,888")
  })
})

describe("feedback", () => {
  test("is of networks that differ in what the error returns over alone", () => {
    for (const depth of [1, 2]) {
      const [own, fixed, none] = ([undefined, "fixed", "none"] as const).map(feedback =>
        feedbackNetwork(1, depth, feedback),
      )
      expect({ ...fixed, feedback: undefined }).toEqual({ ...own, feedback: undefined })
      expect({ ...none, feedback: undefined }).toEqual({ ...own, feedback: undefined })
      expect(own.layers.length).toBe(depth + 1)
    }
  })

  test("begins with the same network", () => {
    const { charts, tables } = of("feedback")
    expect(tables[0].rows.map(([network]) => network)).toEqual([
      ...new Array(3).fill("784-64-10"),
      ...new Array(3).fill("784-64-64-10"),
    ])
    for (const from of [0, 3]) {
      const untrained = charts[0].series.slice(from, from + 3).map(({ points }) => points[0][1])
      expect(new Set(untrained).size).toBe(1)
    }
  })
})

describe("seeds", () => {
  test("name mean, deviation of a sample, least and largest", () => {
    // Of 1, 2, 3, 4 hundredths: mean 2.5, squares 5 over 3.
    expect(spread([0.94, 0.91, 0.92, 0.93])).toBe("92.50 ± 1.29 %, 91.00 to 94.00 %")
    expect(spread([0.9])).toBe("90.00 %")
  })

  test("are told one by one, and each is another network", () => {
    const lines = of("seeds").tables[0].rows
    expect(lines.map(([preset, seed]) => `${preset} ${seed}`)).toEqual(
      ["mnist-windows", "pico-16", "fleet-300"].flatMap(name => [`${name} 1`, `${name} 2`]),
    )
    for (const { what, ours } of of("seeds").comparisons) {
      const preset = /of (\S+),/.exec(what)?.[1]
      const tests = lines.filter(([name]) => name === preset).map(line => share(line[3]))
      expect(ours).toBe(spread(tests))
    }
    const two = [1, 2].map(seed => drawLinks(pico16(seed), 1))
    expect(two[0]).not.toEqual(two[1])
  })
})

describeWith(WAND, "sequences", () => {
  test("are of 400 links that learn, pictures of 2,688, of the same strokes", () => {
    const { comparisons, how, tables } = of("sequences")
    expect(comparisons.map(({ what }) => /, ([\d,]+) links/.exec(what)?.[1])).toEqual([
      "2,688",
      "400",
    ])
    expect(how).toContain("600 strokes learnt, 200 test strokes")
    expect(tables[0].rows).toHaveLength(1)
  })
})

describeWith(SPOKEN, "speakers", () => {
  test("four speakers and their variants are learnt, the fifth is asked", () => {
    const { comparisons, how, tables } = of("speakers")
    expect(comparisons[0].what).toContain("40,000 links, mean of 1 speaker")
    // Six of each speaker's 500, twice varied.
    expect(how).toContain("72 recordings of the other four")
    expect(how).toContain("asked for 6 recordings of the fifth")
    expect(tables[0].rows).toHaveLength(1)
  })
})

describe("four-bits", () => {
  const few = preset("mnist-tiny", 1)!
  const sixteen = sixteenBits(few)

  test("the networks differ in the bits of their coefficients alone", () => {
    expect(sixteen.layers.map(layer => "quantised" in layer)).toEqual([false, false, false])
    const bits = few.layers.map(({ quantised }) => ({ quantised }))
    const again = sixteen.layers.map((layer, i) => ({ ...layer, ...bits[i] }))
    expect({ ...sixteen, name: few.name, layers: again }).toEqual(few)
  })

  test("rounding at the end takes the nearest of fifteen multiples", () => {
    const drawn = new HostNetwork(sixteen).coefficients()
    const rounded = roundedTo(few, drawn)
    for (let at = 0; at < drawn.length; at += 2) {
      // 720 coefficients of the first layer are multiples of 2^−4, all others of 2^−5.
      const step = at < 2 * 720 ? 512 : 256
      const multiple = rounded.readInt16LE(at) / step
      const nearest = Math.floor(drawn.readInt16LE(at) / step + 0.5)
      expect(multiple).toBe(Math.max(-7, Math.min(7, nearest)))
    }
  })

  test("has a line for each, the last without an epoch of its own", () => {
    const { rows: lines } = of("four-bits").tables[0]
    expect(lines.map(([name, bytes]) => [name, bytes])).toEqual([
      ["4 bits", "11,840"],
      ["16 bits", "47,360"],
      ["16 bits, rounded to 4 at the end", "11,840"],
    ])
    expect(of("four-bits").comparisons[0].ours).toBe(column("four-bits", 0, 3).join("; "))
  })
})
