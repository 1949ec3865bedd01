/** Whether boards learn a network faster that share it, or that each hold it whole and share the samples. */
import { MAX_PAYLOAD } from "../../src/wire/protocol"
import { beyondAverages } from "../network/average"
import { hasKernels, linksOf, type Network } from "../network/network"
import type { PlannedOn } from "./board-spec"
import { planNetwork } from "./plan"

/** Samples each board learns between two averages, unless somebody asks otherwise. */
export const AVERAGE = 50
/** A board takes in a byte of a shard, sums it up and checks it: measured with pico-16 and pico-32. */
const LOAD_OPERATIONS = 16
/** Bytes of a reply that are not those asked for. */
const REPLY_BYTES = 7
/** What is not faster by more is not worth giving up one network for copies of it. */
const WORTH_IT = 1.05

export interface Sharing {
  /** Samples learnt a second, predicted, where boards share the network; null: it does not fit. */
  network: number | null
  /** Where they share the samples, with an average every {@link Sharing.average}; null: it cannot be. */
  samples: number | null
  /** Samples a board learns between two averages. */
  average: number
  /** The faster; of two about as fast the network, which takes no averages. */
  faster: "network" | "samples"
}

/** @param average samples between two averages */
export function weighSharing(network: Network, boards: PlannedOn[], average = AVERAGE): Sharing {
  // With shared kernels boards have whole layers.
  const few = hasKernels(network) && boards.length > network.layers.length
  const plan = few ? undefined : planNetwork(network, boards, "learning")
  const together = plan?.feasible ? plan.learning.predictedSamplesPerSecond : null
  const samples = boards.length > 1 ? besideRate(network, boards, average) : null
  const gains = samples !== null && samples > WORTH_IT * (together ?? 0)
  return { network: together, samples, average, faster: gains ? "samples" : "network" }
}

/** The slowest board's share ends a round. */
function besideRate(network: Network, boards: PlannedOn[], average: number): number | null {
  if (beyondAverages(network) !== undefined) return null
  const links = network.layers.reduce((sum, _, i) => sum + linksOf(network, i + 1), 0)
  const known = new Map<string, number>()
  for (const on of boards) {
    const { id, clockHz, cyclesPerOperation, linkBytesPerSecond, messageThrottle } = on.profile
    if (known.has(id)) continue
    const { feasible, learning, boards: all } = planNetwork(network, [on], "learning")
    if (!feasible) return null
    const { shardBytes } = all[0]
    const ms = (bytes: number) => (1000 * bytes) / linkBytesPerSecond
    const taking = (1000 * LOAD_OPERATIONS * shardBytes * cyclesPerOperation) / clockHz
    const replies = Math.ceil((2 * links) / (MAX_PAYLOAD - REPLY_BYTES))
    const loading = Math.max(ms(shardBytes), taking)
    const reading = Math.max(ms(2 * links), replies * messageThrottle.intervalMs)
    known.set(id, average * learning.msPerSample + loading + reading)
  }
  return (1000 * boards.length * average) / Math.max(...known.values())
}
