/** `wuxing bench --fleet`: what more boards bring, counted on the virtual machine. */

import { grouped, percent } from "../base/numbers"
import type { FleetPoint, FleetRate } from "../bench/fleet-bench"
import { PARTS } from "../hardware/work-parts"
import type { Context } from "./command"

/** Images each fleet names and learns. */
const NAMED = 48
const LEARNT = 16
const PROFILE = "pico"
const SEED = 1

export async function benchFleetsOf({ output, signal }: Context) {
  const { readMnist } = await import("../data/mnist")
  const { buildFirmware } = await import("../hardware/firmware")
  const { benchFleets, fleetCharts, lossOf } = await import("../bench/fleet-bench")
  const { renderCharts } = await import("../base/chart")
  output.status("compiling the firmware")
  const program = async (shardBytes?: number) =>
    (await buildFirmware({ quiet: output.quiet, signal, shardBytes })).bytecode
  await program()
  const fleets = await benchFleets(readMnist().train, {
    ...{ program, profile: PROFILE, named: NAMED, learnt: LEARNT, seed: SEED, signal },
    onStep: what => output.status(what),
  })
  for (const kind of ["naming", "learning"] as const) {
    output.print(`${kind}, on boards of profile ${PROFILE}:`)
    output.table(
      [
        ...["network", "boards", "samples/s", "predicted", "if none waited", "throttle allows"],
        ...["operations, busiest", "messages, busiest", "of ideal gain"],
      ],
      fleets.map(point => row(point, point[kind])),
      // What it is, what it comes to, what that is of the ideal.
      [0, 1, 2, 8, 3],
    )
    output.print(
      `operations a sample and board, by part of the work (mean, and most of any board):`,
    )
    output.table(
      ["network", "boards", ...PARTS],
      fleets.flatMap(({ network, boards, [kind]: rate }) =>
        rate ? [[network, boards, ...PARTS.map(part => meanAndMost(rate.parts[part]))]] : [],
      ),
      [0, 1, 3, 6, 4],
    )
    for (const { network, boards, [kind]: rate } of fleets) {
      const loss = rate && lossOf(rate)
      if (loss) output.print(`${network} on ${boards} boards: ${loss}`)
    }
  }
  for (const { network, boards, unfit } of fleets)
    if (unfit) output.print(`${network} on ${boards} boards does not fit: ${unfit}`)
  return {
    document: { fleets, profile: PROFILE, named: NAMED, learnt: LEARNT, seed: SEED },
    figure: renderCharts(fleetCharts(fleets, PROFILE)),
  }
}

function meanAndMost(each: number[]): string {
  const mean = each.reduce((sum, n) => sum + n, 0) / each.length
  return each.length === 1
    ? grouped(each[0])
    : `${grouped(Math.round(mean))} / ${grouped(Math.max(...each))}`
}

function row({ network, boards }: FleetPoint, rate: FleetRate | undefined): (string | number)[] {
  if (!rate) return [network, boards, "does not fit", "", "", "", "", "", ""]
  const { samplesPerSecond, predicted, withoutWaiting, throttleAllows } = rate
  return [
    ...[network, boards, samplesPerSecond.toFixed(2), predicted.toFixed(2)],
    ...[withoutWaiting.toFixed(2), throttleAllows.toFixed(0)],
    ...[Math.round(rate.busiestOperations), rate.messages.toFixed(2), percent(rate.efficiency)],
  ]
}
