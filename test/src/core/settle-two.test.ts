import fc from "fast-check"
import { describe, expect, test } from "vitest"
import type { Network } from "../../../host/network/network"
import { buildShard } from "../../../host/network/shard"
import { Header, Part } from "../../../src/core/layout"
import { partAt } from "../../../src/core/run"
import { settleBackward, settleForward } from "../../../src/core/settle"
import { hasTwo, settleBackwardTwo, settleForwardTwo } from "../../../src/core/settle-two"
import { address, network, Q12, readI16, writeI16, writeI32 } from "./helpers"

const part = partAt(0)
const NEURONS = 5

function shardOf(net: Network): Buffer {
  return buildShard(net, [{ layer: 1, first: 0, count: NEURONS }], 1)
}

const layer = fc.record({
  neurons: fc.constant(NEURONS),
  inputs: fc.constantFrom(1, 2),
  outputFirst: fc.constant(1),
  outputs: fc.constantFrom(1, 2),
})
const fields = fc
  .record({
    steps: fc.integer({ min: 2, max: 8 }),
    signalBits: fc.integer({ min: 6, max: 12 }),
    lambdaMax: fc.integer({ min: 1, max: 2 * Q12 }),
    clamps: fc.oneof(
      { weight: 2, arbitrary: fc.constant({}) },
      {
        weight: 1,
        arbitrary: fc.record({
          netMin: fc.integer({ min: -4 * Q12, max: 0 }),
          netMax: fc.integer({ min: 0, max: 4 * Q12 }),
          elementMin: fc.integer({ min: 1, max: Q12 - 1 }),
          elementMax: fc.integer({ min: Q12 + 1, max: 3 * Q12 }),
        }),
      },
    ),
  })
  .map(({ clamps, ...rest }) => ({ ...rest, ...clamps }))
const draws = fc.array(fc.double({ min: -1.5, max: 1.5, noNaN: true }), {
  minLength: 2 * NEURONS,
  maxLength: 2 * NEURONS,
})

describe("the short settle of neurons with two synapses and two signals", () => {
  test("forward gives the general settle's signals and end states, to the bit", () => {
    let clamped = 0
    fc.assert(
      fc.property(layer, fields, draws, fc.constantFrom(0.05, 0.5, 4), (l, f, d, scale) => {
        const net = network([l], f)
        const sums = d
          .slice(0, NEURONS * l.inputs)
          .map(x => Math.trunc(x * scale * 2 ** (13 + f.signalBits)))
        const run = (how: typeof settleForward, brief: number) => {
          const m = shardOf(net)
          expect(hasTwo(m, part)).toBe(true)
          m.writeUInt16LE(brief, Header.Brief)
          writeI32(m, address(m, part, Part.Sum), sums)
          how(m, part, 0, 0, 2)
          how(m, part, 0, 2, NEURONS)
          return {
            signals: readI16(m, address(m, part, Part.BusOut), NEURONS * l.outputs),
            states: readI16(m, address(m, part, Part.State), NEURONS * 5),
          }
        }
        const general = run(settleForward, 0)
        if (general.states.some(x => x === net.elementMin || x === net.elementMax)) clamped++
        expect(run(settleForwardTwo, 0)).toEqual(general)
        const { signals, states } = run(settleForwardTwo, 1)
        expect(signals).toEqual(general.signals)
        // Said to be left alone.
        expect(states).toEqual(new Array(NEURONS * 5).fill(0))
      }),
      { numRuns: 600 },
    )
    expect(clamped).toBeGreaterThan(20)
  })

  test("backward gives the general settle's λ from any end state, to the bit", () => {
    let moved = 0
    let held = 0
    fc.assert(
      fc.property(
        layer,
        fields,
        draws,
        draws,
        fc.array(fc.integer({ min: 0, max: 1000 }), { minLength: 25, maxLength: 25 }),
        fc.constantFrom(0, 0.01, 0.3, 4),
        (l, f, d, e, x, scale) => {
          const net = network([l], f)
          const { elementMin, elementMax } = net
          // Now and then exactly on a clamp.
          const states = x.map(share =>
            share < 10
              ? elementMin
              : share > 990
                ? elementMax
                : Math.round(elementMin + ((elementMax - elementMin) * share) / 1000),
          )
          const run = (how: typeof settleBackward) => {
            const m = shardOf(net)
            writeI32(
              m,
              address(m, part, Part.Sum),
              d.slice(0, NEURONS * l.inputs).map(v => Math.trunc(v * 2 ** (13 + f.signalBits))),
            )
            writeI16(m, address(m, part, Part.State), states)
            writeI16(m, address(m, part, Part.Lambda), new Array(NEURONS * l.inputs).fill(77))
            writeI32(
              m,
              address(m, part, Part.BackIn),
              e
                .slice(0, NEURONS * l.outputs)
                .map((v, i) => (i % 3 === 2 ? 0 : Math.trunc(v * scale * 2 ** 25))),
            )
            how(m, part, 0, 3)
            how(m, part, 3, NEURONS)
            return readI16(m, address(m, part, Part.Lambda), NEURONS * l.inputs)
          }
          const general = run(settleBackward)
          if (general.some(v => v !== 0)) moved++
          if (states.some(v => v === elementMin || v === elementMax)) held++
          expect(run(settleBackwardTwo)).toEqual(general)
        },
      ),
      { numRuns: 1000 },
    )
    expect(Math.min(moved, held)).toBeGreaterThan(100)
  })

  test("is not taken for neurons of another shape", () => {
    for (const l of [
      { inputs: 3, outputFirst: 1, outputs: 2 },
      { inputs: 2, outputFirst: 2, outputs: 2 },
      { inputs: 2, outputFirst: 1, outputs: 3 },
    ])
      expect(hasTwo(shardOf(network([{ neurons: NEURONS, ...l }])), part)).toBe(false)
  })
})
