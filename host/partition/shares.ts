/** Which board gets what of a network, where nobody says. */

import { DENSE_LINK_OPERATIONS, LINK_OPERATIONS, STEP_OPERATIONS } from "../../src/core/operations"
import { readBoardProfile } from "../hardware/board-profile"
import { fanInOf, hasKernels, type Network, signalsOf } from "../network/network"
import type { Slice } from "../network/slices"
import { addSlices } from "../network/slices"
import { splitEvenly } from "./partition"
import { type Goal, planNetwork, setAsideFor } from "./plan"

/** Of the pixels of a handwritten digit. */
const LIT = 0.2

/**
 * For naming, where boards work on several images at once and the one with most to do decides: every
 * hidden layer in ranges, one a board; the outputs on the last board, which gets less of the
 * hidden layers for it, so that all have about as much to do. (In learning one layer waits for the
 * other, and layers split evenly are learnt fastest.)
 *
 * @throws WuxingError "too-many-boards" if a hidden layer has fewer neurons than there are boards;
 *   "fixed-feedback"
 */
export function planFor(network: Network, boards: number): Slice[][] {
  const { layers } = network
  const even = splitEvenly(network, boards)
  if (boards === 1 || layers.length === 1 || hasKernels(network)) return even
  const work = layers.map((_, k) => workOf(network, k + 1))
  const outputs = work[layers.length - 1]
  const hidden = work.reduce((sum, w) => sum + w, 0) - outputs
  const last = Math.max(0, (hidden + outputs) / boards - outputs) / hidden
  const plan: Slice[][] = even.map(() => [])
  for (const [k, { neurons }] of layers.entries()) {
    if (k === layers.length - 1) {
      addSlices(network, plan[boards - 1], k + 1, 0, neurons)
      continue
    }
    const cut = (b: number) =>
      b >= boards ? neurons : Math.round((neurons * (1 - last) * b) / (boards - 1))
    for (let b = 0; b < boards; b++) addSlices(network, plan[b], k + 1, cut(b), cut(b + 1) - cut(b))
  }
  return plan
}

/**
 * A plan by speed, memory and signals that cross (host/partition/plan.ts), for as many boards of one
 * kind, and what their program must set aside for it beyond the usual; undefined where that gives a board nothing to do or does not fit, so that a plainer one, or
 * the boards themselves, have the word.
 */
export function plannedShares(
  network: Network,
  boards: number,
  goal: Goal,
  profileId: string,
): { shares: Slice[][]; shardBytes?: number } | undefined {
  if (boards === 1) return undefined
  const profile = readBoardProfile(profileId)
  const on = Array.from({ length: boards }, (_, i) => ({ id: `board ${i}`, profile }))
  const plan = planNetwork(network, on, goal)
  const shares = plan.boards.map(b => b.slices)
  if (!plan.feasible || shares.some(slices => slices.length === 0)) return undefined
  return { shares, shardBytes: setAsideFor(plan, profile) }
}

/** Operations a layer takes for a sample, about, in the proportions of learning. */
function workOf(network: Network, layer: number): number {
  const { neurons, inputs } = network.layers[layer - 1]
  const dense = layer > 1 && fanInOf(network, layer) === signalsOf(network, layer - 1)
  const link = dense ? DENSE_LINK_OPERATIONS : LINK_OPERATIONS * (layer === 1 ? LIT : 1)
  return neurons * (inputs * fanInOf(network, layer) * link + network.steps * STEP_OPERATIONS)
}
