/** Random networks, and random ways to cut them. */
import fc from "fast-check"
import type { Layer, Network } from "../../../host/network/network"
import type { Slice } from "../../../host/network/slices"
import { fitted, network, Q12 } from "../../src/core/helpers"

/** Cuts every layer at random places and deals the pieces to the shards; none stays empty. */
export function randomPlan(net: Network, shards: number, next: () => number): Slice[][] {
  const plan: Slice[][] = Array.from({ length: shards }, () => [])
  for (const [k, l] of net.layers.entries()) {
    for (let first = 0; first < l.neurons; ) {
      const count = 1 + Math.floor(next() * (l.neurons - first))
      plan[Math.floor(next() * shards)].push({ layer: k + 1, first, count })
      first += count
    }
  }
  return plan.filter(slices => slices.length > 0)
}

export const networks = fc.record({
  width: fc.integer({ min: 1, max: 40 }),
  depth: fc.integer({ min: 2, max: 3 }),
  layers: fc.array(
    fc.record({
      neurons: fc.integer({ min: 1, max: 9 }),
      inputs: fc.integer({ min: 1, max: 5 }),
      outputFirst: fc.integer({ min: 0, max: 4 }),
      outputs: fc.integer({ min: 1, max: 5 }),
      inputStep: fc.constantFrom(undefined, 2),
      outputStep: fc.constantFrom(undefined, 2),
      finer: fc.constantFrom(undefined, 1, 4),
      // In quarters of what is there: places of a row and rows, or none.
      window: fc.option(fc.tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 4 }))),
      // Few or all of the signals before: sparse or dense.
      fanIn: fc.oneof(fc.integer({ min: 2, max: 8 }), fc.constant(60)),
    }),
    { minLength: 3, maxLength: 3 },
  ),
  seed: fc.integer({ min: 0, max: 2 ** 31 - 1 }),
  steps: fc.integer({ min: 2, max: 8 }),
  signalBits: fc.integer({ min: 8, max: 12 }),
})
export type Shape = typeof networks extends fc.Arbitrary<infer T> ? T : never

/** Two or three signals a place where they divide so, places in as square a picture as they make. */
function windowOn(signals: number, across: number, down: number): Pick<Layer, "fanIn" | "window"> {
  const perPlace = [3, 2, 1].find(n => signals % n === 0) ?? 1
  const places = signals / perPlace
  let rows = Math.floor(Math.sqrt(places))
  while (places % rows !== 0) rows--
  const window = {
    ...{ across: places / rows, down: rows },
    width: Math.max(1, Math.floor((across * places) / rows / 4)),
    height: Math.max(1, Math.floor((down * rows) / 4)),
  }
  return { window, fanIn: window.width * window.height * perPlace }
}

export function networkOf(shape: Shape): Network {
  let signals = shape.width
  const layers: Layer[] = shape.layers.slice(0, shape.depth).map(({ window, ...l }) => {
    const layer = fitted(l)
    const made = window ? { ...layer, ...windowOn(signals, ...window) } : layer
    signals = layer.neurons * layer.outputs
    return made
  })
  // A classifier: two outputs at least, one each, always something to learn.
  const last = layers[layers.length - 1]
  layers[layers.length - 1] = { ...last, neurons: last.neurons + 1, outputs: 1 }
  return network(layers, {
    width: shape.width,
    seed: shape.seed,
    steps: shape.steps,
    signalBits: shape.signalBits,
    learnShift: shape.signalBits,
    margin: Q12,
  })
}
