/** What a page needs to know of a network and the boards that share it, once. */

import { frameOf } from "../data/folder"
import type { Fleet } from "../fleet/fleet"
import { routesOf } from "../fleet/routes"
import { boardIds, readBoardProfile } from "../hardware/board-profile"
import { wholeNetwork } from "../network/host-network"
import { linkRatios } from "../network/link-ratio"
import { linksOf, type Network, neuronsOf } from "../network/network"
import { neuronOf, type Slice } from "../network/slices"
import type { Hello } from "./messages"

/** What is looked at of a fleet. */
export type Seen = Pick<
  Fleet,
  "shares" | "live" | "boards" | "learnShifts" | "recoveries" | "partTimes"
>

/** The network, and what its inputs and outputs are. */
interface Described {
  network: Network
  classes: string[]
  frame?: { width: number; height: number }
  picture?: boolean
}

/** A network that learns on the host, where there are no boards to see. */
export function onHost(network: Network, engine: { readonly shiftNow: number }): Seen {
  return {
    ...{ shares: [wholeNetwork(network)], recoveries: 0, partTimes: [] },
    live: () => [],
    boards: async () => [],
    get learnShifts() {
      return { links: engine.shiftNow }
    },
  }
}

export async function describe(
  fleet: Seen,
  { network, classes, frame = frameOf(network.width), picture = frame.height > 1 }: Described,
): Promise<Omit<Hello, "tallies" | "log" | "addsClasses">> {
  const { shares } = fleet
  const live = fleet.live()
  const boards = await fleet.boards()
  // Outputs that boards share by links are each board's.
  const all = boards.reduce((sum, { neurons }) => sum + neurons, 0)
  const { pooled } = linkRatios(network)
  const { width: columns, height: rows } = frame
  return {
    type: "hello",
    network: {
      ...{ name: network.name, links: pooled.links, steps: network.steps },
      ...{ columns, rows, picture },
      layers: network.layers.map(({ neurons, inputs, outputFirst, outputs, outputStep }, i) => ({
        ...{ neurons, inputs, outputFirst, outputs, outputStep },
        links: linksOf(network, i + 1),
        owners: ownersOf(network, shares, i + 1),
      })),
    },
    classes,
    boards: boards.map(({ profile, neurons, links }, i) => ({
      ...{
        title: live[i].title,
        group: live[i].group,
        profile,
        neurons,
        links,
        share: neurons / all,
      },
      heapMost: heapOf(profile),
    })),
    cut: cutOf(network, shares),
  }
}

/** Neurons of a layer in a row that one board computes: first, how many, which board. */
function ownersOf(network: Network, shares: Slice[][], layer: number): [number, number, number][] {
  const owner: number[] = Array(neuronsOf(network, layer)).fill(0)
  for (const [board, slices] of shares.entries())
    for (const slice of slices)
      if (slice.layer === layer)
        for (let i = 0; i < slice.count; i++) owner[neuronOf(slice, i)] = board
  const runs: [number, number, number][] = []
  for (const [neuron, board] of owner.entries()) {
    const last = runs[runs.length - 1]
    if (last?.[2] === board) last[1]++
    else runs.push([neuron, 1, board])
  }
  return runs
}

/** Signals of a sample that one board (row) computes and another (column) needs. */
function cutOf(network: Network, shares: Slice[][]): number[][] {
  const cut = shares.map(() => shares.map(() => 0))
  for (const { readers } of routesOf(network, shares))
    for (const { member, wires } of readers)
      for (const [from, { length }] of wires.entries()) cut[from][member] += length
  return cut
}

function heapOf(profile: string): number {
  const known = boardIds().includes(profile)
  return known ? readBoardProfile(profile).heapBytes : readBoardProfile("virtual").heapBytes
}
