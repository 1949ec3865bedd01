/** `wuxing partition --boards loihi:2`: which core of neuromorphic chips holds which rings. */

import { WuxingError } from "../base/errors"
import { grouped, percent } from "../base/numbers"
import type { ChipProfile } from "../hardware/board-profile"
import type { Network } from "../network/network"
import type { Context, Outcome } from "./command"

/** "loihi:2" as two chips of that profile; undefined where that is no neuromorphic chip. */
export async function chipsNamed(
  spec: string,
): Promise<{ profile: ChipProfile; chips: number } | undefined> {
  const { chipIds, readChipProfile } = await import("../hardware/board-profile")
  const [, id, count] = /^([a-z][a-z0-9-]*)(?::([1-9]\d{0,3}))?$/.exec(spec) ?? []
  if (!chipIds().includes(id)) return undefined
  return { profile: readChipProfile(id), chips: Number(count ?? 1) }
}

/** The plan as a table and document; one that does not hold everything ends with status 6. */
export async function planOnChips(
  network: Network,
  { profile, chips }: { profile: ChipProfile; chips: number },
  { output }: Context,
): Promise<Outcome> {
  const { planCores } = await import("../partition/cores")
  const { places, cores, ...plan } = planCores(network, profile, chips)
  const { placed, unplaced } = plan
  const uses = cores.map(use => ({
    ...use,
    neuronsPercent: (100 * use.neurons) / profile.neuronsPerCore,
    synapsesPercent: (100 * use.synapses) / profile.synapsesPerCore,
  }))
  output.table(
    ["chip", "core", "rings", "neurons", "of it", "synapses", "of it", "fan-in", "sources"],
    uses.map(({ chip, core, rings, neurons, synapses, fanIn, sources, ...shares }) => [
      ...[chip, core, rings, neurons, percent(shares.neuronsPercent / 100)],
      ...[synapses, percent(shares.synapsesPercent / 100), fanIn, sources],
    ]),
    // Shares of a core's room say whether it fits.
    [0, 1, 4, 6, 3, 5],
  )
  output.field("network", network.name)
  output.field("chips", `${chips} × ${profile.name}`)
  output.field("cores in use", `${grouped(cores.length)} of ${grouped(chips * profile.cores)}`)
  const amount = ({ rings, neurons, synapses }: typeof placed) =>
    `${grouped(rings)} rings, ${grouped(neurons)} neurons, ${grouped(synapses)} synapses`
  output.field("placed", amount(placed))
  if (!plan.feasible) output.field("not placed", amount(unplaced))
  output.field("cut signals", grouped(plan.cutSignals))
  return {
    document: { network: network.name, ...plan, cores: uses, places: [...places] },
    ...(plan.feasible
      ? {}
      : {
          error: new WuxingError({
            code: "partition-infeasible",
            kind: "capacity",
            message: `${network.name} does not fit ${chips} ${profile.id}: ${plan.reason}`,
            cause: "a resource ran out",
            help: "name more chips or another one, or a network with a smaller fan-in",
          }),
        }),
  }
}
