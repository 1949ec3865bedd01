/** Random networks, and random ways to cut them. */
import fc from "fast-check"
import type { Network } from "../../../host/network/network"
import type { Slice } from "../../../host/network/slices"
import { network, Q12 } from "../../src/core/helpers"

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

export function networkOf(shape: Shape): Network {
  const layers = shape.layers.slice(0, shape.depth).map(l => ({
    ...l,
    outputs: Math.min(l.outputs, 5 - l.outputFirst),
  }))
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
