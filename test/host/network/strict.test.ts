import fc from "fast-check"
import { describe, expect, test } from "vitest"
import "../../../host/base/memory"
import { linkRatios } from "../../../host/network/link-ratio"
import { drawLinks, linksOf, type Network } from "../../../host/network/network"
import { model1, model2 } from "../../../host/network/presets"
import { faultOf } from "../../../host/network/validate"
import { network } from "../../src/core/helpers"

interface End {
  layer: number
  neuron: number
  element: number
}

/** Every link as the two interfaces it joins. */
function linksAsInterfaces(net: Network): { from: End; to: End }[] {
  return net.layers.flatMap((l, i) => {
    const before = i === 0 ? { outputFirst: 1, outputs: net.inputSignals ?? 1 } : net.layers[i - 1]
    return drawLinks(net, i + 1).flatMap((sources, synapse) =>
      sources.map(source => ({
        from: {
          layer: i,
          neuron: Math.floor(source / before.outputs),
          element: before.outputFirst + (source % before.outputs),
        },
        to: { layer: i + 1, neuron: Math.floor(synapse / l.inputs), element: synapse % l.inputs },
      })),
    )
  })
}

const keyOf = ({ layer, neuron, element }: End) => `${layer} ${neuron} ${element}`

/** Uses of each interface; the pixel itself is on element 0 of an input neuron. */
function usesOf(net: Network): Map<string, ("in" | "out")[]> {
  const uses = new Map<string, ("in" | "out")[]>()
  const add = (end: End, as: "in" | "out") =>
    uses.set(keyOf(end), [...(uses.get(keyOf(end)) ?? []), as])
  for (let neuron = 0; neuron < net.width; neuron++) add({ layer: 0, neuron, element: 0 }, "in")
  for (const { from, to } of linksAsInterfaces(net)) {
    add(from, "out")
    add(to, "in")
  }
  // Element 4 of an output neuron is read.
  const last = net.layers[net.layers.length - 1]
  for (let neuron = 0; neuron < last.neurons; neuron++)
    add({ layer: net.layers.length, neuron, element: last.outputFirst }, "out")
  return uses
}

function expectStrict(net: Network): void {
  const uses = usesOf(net)
  for (const [name, as] of uses) expect(as.length, `interface ${name}: ${as}`).toBe(1)
  for (const { from, to } of linksAsInterfaces(net)) {
    expect(from.layer === 0 ? net.width : net.layers[from.layer - 1].neurons).toBeGreaterThan(
      from.neuron,
    )
    expect(net.layers[to.layer - 1].neurons).toBeGreaterThan(to.neuron)
    expect(Math.max(from.element, to.element)).toBeLessThan(5)
  }
}

/** Of each hidden neuron: "inputs/outputs" that carry a link, and how many neurons have so many. */
function shapesOf(net: Network, layer: number): Map<string, number> {
  const ins = new Array(net.layers[layer - 1].neurons).fill(0)
  const outs = [...ins]
  for (const { from, to } of linksAsInterfaces(net)) {
    if (to.layer === layer) ins[to.neuron]++
    if (from.layer === layer) outs[from.neuron]++
  }
  const shapes = new Map<string, number>()
  ins.forEach((n, i) => {
    shapes.set(`${n}/${outs[i]}`, (shapes.get(`${n}/${outs[i]}`) ?? 0) + 1)
  })
  return shapes
}

const SEEDS = [1, 2, 77, -5, 2 ** 31 - 1]

describe("MODEL1 (paper 001)", () => {
  test("has 3136, 1055, 360, 120 and 40 links, 4,711 together, 0.51 % of all", () => {
    for (const seed of SEEDS) {
      const { pairs, pooled } = linkRatios(model1(seed))
      expect(pairs.map(({ links }) => links)).toEqual([3136, 1055, 360, 120, 40])
      expect(pairs.map(({ before }) => before)).toEqual([784, 839, 283, 96, 32])
      expect(pairs.map(({ after }) => after)).toEqual([839, 283, 96, 32, 10])
      expect(pooled.links).toBe(4711)
      expect(pooled.possible).toBe(784 * 839 + 839 * 283 + 283 * 96 + 96 * 32 + 32 * 10)
      expect((pooled.ratio * 100).toFixed(2)).toBe("0.51")
      // The counts are of the links that are really there.
      for (const [i, { links }] of pairs.entries())
        expect(drawLinks(model1(seed), i + 1).flat().length).toBe(links)
    }
  })

  test("uses every interface but four, all in the second layer", () => {
    const net = model1(3)
    const uses = usesOf(net)
    const sizes = [784, 839, 283, 96, 32, 10]
    const unused = sizes.map((neurons, layer) => {
      let free = 0
      for (let neuron = 0; neuron < neurons; neuron++)
        for (let element = 0; element < 5; element++)
          if (!uses.has(keyOf({ layer, neuron, element }))) free++
      return free
    })
    expect(unused).toEqual([0, 4, 0, 0, 0, 0])
  })

  test("joins an interface once, as an input or an output, never both, for several seeds", () => {
    for (const seed of SEEDS) expectStrict(model1(seed))
  })

  test("has hidden neurons of 3 inputs and 2 outputs or 4 and 1, but for the four unused", () => {
    const net = model1(1)
    for (const layer of [2, 3, 4])
      expect([...shapesOf(net, layer).keys()].sort()).toEqual(["3/2", "4/1"])
    // 283 · 3 + 206 = 1055 inputs; 96 · 3 + 72 = 360; 32 · 3 + 24 = 120.
    expect([2, 3, 4].map(layer => shapesOf(net, layer).get("4/1"))).toEqual([206, 72, 24])
  })

  test("draws who has four inputs all over the layer", () => {
    const net = model1(1)
    const four = new Set(
      linksAsInterfaces(net)
        .filter(({ to }) => to.layer === 2 && to.element === 3)
        .map(({ to }) => to.neuron),
    )
    // 206 of 283: of the first 141 about 103 (hypergeometric, standard deviation 3.8).
    const firstHalf = [...four].filter(neuron => neuron < 141).length
    expect(Math.abs(firstHalf - (206 * 141) / 283)).toBeLessThan(20)
  })
})

describe("MODEL2 (paper 001)", () => {
  test("has about 4,700 links, 0.38 % of all, and neurons of 3 inputs and 1 output", () => {
    for (const seed of SEEDS) {
      const net = model2(seed)
      const { pairs, pooled } = linkRatios(net)
      expect(pairs.map(({ links }) => links)).toEqual([3136, 1048, 353, 119, 40])
      expect(pooled.links).toBe(4696)
      expect((pooled.ratio * 100).toFixed(2)).toBe("0.38")
      expectStrict(net)
      expect(shapesOf(net, 4)).toEqual(
        // 119 sources for 120 inputs.
        new Map([
          ["3/1", 39],
          ["2/1", 1],
        ]),
      )
      for (const { from, to } of linksAsInterfaces(net)) {
        if (from.layer > 0) expect(from.element).toBe(2)
        if (to.layer < 5) expect([0, 1, 3]).toContain(to.element)
      }
    }
  })
})

describe("the links of a strict network", () => {
  test("are the same again for a seed, and others for another", () => {
    const drawn = (seed: number) =>
      JSON.stringify(model1(seed).layers.map((_, i) => drawLinks(model1(seed), i + 1)))
    expect(drawn(1)).toBe(drawn(1))
    expect(drawn(1)).not.toBe(drawn(2))
  })

  test("spread the four signals of a pixel over the layer", () => {
    const targets = new Map<number, number[]>()
    for (const { from, to } of linksAsInterfaces(model1(1)))
      if (from.layer === 0)
        targets.set(from.neuron, [...(targets.get(from.neuron) ?? []), to.neuron])
    expect(targets.size).toBe(784)
    const distance = [...targets.values()].map(t => Math.max(...t) - Math.min(...t))
    // The range of four of 839 drawn evenly is 3/5 of it on average, 0.2 its standard deviation.
    const mean = distance.reduce((a, b) => a + b) / 784 / 839
    expect(Math.abs(mean - 0.6)).toBeLessThan(0.03)
  })

  test("are strict whatever the layers", () => {
    const layer = fc.constantFrom(
      { inputs: 4, outputFirst: 3, outputs: 2 },
      { inputs: 3, outputFirst: 3, outputs: 1 },
      { inputs: 5, outputFirst: 2, outputs: 3 },
      { inputs: 2, outputFirst: 1, outputs: 4 },
      { inputs: 1, outputFirst: 4, outputs: 1 },
      { inputs: 4, outputFirst: 2, outputs: 1 },
      { inputs: 5, outputFirst: 1, outputs: 3 },
    )
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 1, max: 4 }),
        fc.integer({ min: 1, max: 8 }),
        fc.array(fc.tuple(layer, fc.integer({ min: 1, max: 30 })), { maxLength: 4 }),
        fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
        (width, inputSignals, outputs, hidden, seed) => {
          const net = network(
            [
              ...hidden.map(([l, neurons]) => ({ ...l, neurons })),
              { neurons: outputs, inputs: 4, outputFirst: 4, outputs: 1 },
            ],
            { width, inputSignals, seed, linking: "strict" },
          )
          expect(faultOf(net)).toBe("")
          expectStrict(net)
          for (let k = 1; k <= net.layers.length; k++)
            expect(drawLinks(net, k).flat().length).toBe(linksOf(net, k))
        },
      ),
      { numRuns: 300 },
    )
  })

  test("need an input element, and no input on what is read", () => {
    const fault = (l: object) =>
      faultOf(network([l, { inputs: 4, outputFirst: 4, outputs: 1 }], { linking: "strict" }))
    expect(fault({})).toBe("")
    expect(fault({ outputFirst: 0, outputs: 1 })).toContain("element 0")
    expect(fault({ inputs: 5, outputFirst: 2, outputs: 2 })).toBe("")
    const last = (l: object) => faultOf(network([{}, { outputs: 1, ...l }], { linking: "strict" }))
    expect(last({ inputs: 4, outputFirst: 3 })).toContain("output neuron")
    expect(last({ inputs: 4, outputFirst: 2 })).toBe("")
  })
})
