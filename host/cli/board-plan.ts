/** `wuxing partition --boards pico:4`: which board computes which neurons. */

import { WuxingError } from "../base/errors"
import { grouped } from "../base/numbers"
import type { Network } from "../network/network"
import type { PlannedOn } from "../partition/board-spec"
import { energyTogether } from "../partition/energy"
import type { Goal, Plan, Shortfall } from "../partition/plan"
import { usualRoom } from "../partition/room"
import type { Sharing } from "../partition/sharing"
import type { Context, Outcome } from "./command"
import type { Output } from "./terminal/output"

/** The plan as a table, document and picture; one that does not fit ends with status 6. */
export async function planOnBoards(
  network: Network,
  boards: PlannedOn[],
  goal: Goal,
  { output }: Context,
): Promise<{ outcome: Outcome; picture: string }> {
  const { planNetwork } = await import("../partition/plan")
  const { weighSharing } = await import("../partition/sharing")
  const { renderPlan } = await import("../partition/plan-picture")
  const plan = planNetwork(network, boards, goal)
  const sharing = plan.feasible ? weighSharing(network, boards) : null
  const profiles = boards.map(({ profile }) => profile)
  const energy = plan.feasible
    ? {
        perSample: energyTogether(profiles, 1000 / plan.predictedSamplesPerSecond) ?? null,
        perLearnt: energyTogether(profiles, plan.learning.msPerSample) ?? null,
      }
    : null
  printPlan(network, boards, plan, output)
  if (sharing && boards.length > 1) printSharing(sharing, output)
  if (energy?.perSample)
    output.field(
      "energy an image",
      `≈ ${energy.perSample.toPrecision(2)} mJ (estimate, all boards on)`,
    )
  const document = {
    network: network.name,
    ...plan,
    estimatedMillijoules: energy,
    sharing,
    boards: plan.boards.map(({ slices, ...board }) => board),
  }
  const picture = renderPlan(network, plan)
  if (plan.feasible) return { outcome: { document }, picture }
  return { outcome: { document, error: tooLarge(network, boards, plan) }, picture }
}

function printPlan(network: Network, boards: PlannedOn[], plan: Plan, output: Output): void {
  output.table(
    ["board", "neurons", "links", "heap (B)", "of it", "ms an image", "signals in", "out"],
    plan.boards.map(b => [
      ...[b.id, grouped(b.neurons), grouped(b.links), grouped(b.heapBytes)],
      ...[`${b.heapPercent.toFixed(0)} %`, b.msPerSample.toFixed(1)],
      ...[grouped(b.inSignals), grouped(b.outSignals)],
    ]),
    // Of what a narrow terminal has room for: neurons, time, heap.
    [0, 1, 5, 3, 4],
  )
  output.field("network", network.name)
  output.field("signals cut", grouped(plan.cutSignals))
  if (plan.shortfall) {
    printShortfall(plan.shortfall, output)
    return
  }
  const tight = plan.boards.filter((b, i) => b.shardBytes > usualRoom(boards[i].profile))
  if (tight.length > 0)
    output.field(
      "memory",
      `${tight.length} board${tight.length === 1 ? " needs" : "s need"} a program that sets aside more than the usual, as train and eval --on build it`,
    )
  const { learning } = plan
  output.field("messages an image", plan.messagesPerSample.toFixed(2))
  output.field("images a second", `${rate(plan.predictedSamplesPerSecond)} (predicted)`)
  output.field("messages a sample", `${learning.messagesPerSample.toFixed(2)} (learning)`)
  output.field(
    "samples a second",
    `${rate(learning.predictedSamplesPerSecond)} (learning, of samples that teach)`,
  )
}

function printSharing({ network, samples, average, faster }: Sharing, output: Output): void {
  const learnt = (perSecond: number | null) =>
    perSecond === null ? "cannot" : `${rate(perSecond)} a second`
  output.field(
    "learns faster",
    `by sharing the ${faster}: the network ${learnt(network)}, the samples, averaged every ${average}, ${learnt(samples)} (predicted)`,
  )
}

function rate(perSecond: number): string {
  return perSecond < 100 ? perSecond.toPrecision(3) : grouped(Math.round(perSecond))
}

function printShortfall(shortfall: Shortfall, output: Output): void {
  const { placed, unplaced, left, resource, remedies } = shortfall
  output.field("ran out of", resource)
  output.field("placed", `${grouped(placed.neurons)} neurons, ${grouped(placed.links)} links`)
  for (const { layer, neurons, links, bytes } of unplaced)
    output.field(
      "not placed",
      `layer ${layer}: ${grouped(neurons)} neurons, ${grouped(links)} links, ${grouped(bytes)} B`,
    )
  output.field("left (B)", left.map(({ id, bytes }) => `${id} ${grouped(bytes)}`).join(", "))
  for (const remedy of remedies) output.field("would fit with", remedy)
}

function tooLarge(network: Network, boards: PlannedOn[], plan: Plan): WuxingError {
  const remedies = plan.shortfall?.remedies ?? []
  return new WuxingError({
    code: "plan-too-large",
    kind: "capacity",
    message: `${network.name} does not fit ${boards.length} board${boards.length === 1 ? "" : "s"}: ${plan.reason}`,
    cause: "the network needs more than these boards have",
    help:
      remedies.length > 0
        ? `it would fit with ${remedies.join(", or with ")}`
        : "use a smaller network: no change that was tried makes it fit",
  })
}
