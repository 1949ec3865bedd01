/** The one way to compare boards with the host: what they learnt, learnt again by the host's core. */
import { takeTurns } from "../base/clock"
import { sha256 } from "../base/sha256"
import { HostNetwork } from "../network/host-network"
import type { Network } from "../network/network"
import { slowedBy } from "../session/rate"
import type { Checkpoint, Lesson } from "../session/reports"
import type { Intervention } from "../session/watch"
import type { Verified } from "./host-mismatch"

/** Samples between two looks at the signal. */
const STRIDE = 10

/** What boards learnt, in order. */
export interface LearntRun {
  network: Network
  /** Where they began; absent: the network as its seed draws it. */
  start?: Checkpoint
  lessons: (i: number) => Lesson
  count: number
  /** Learning shift of the i-th lesson, where it is not the network's. */
  shiftAt?: (i: number) => number
  /** Lessons taught meanwhile, changes of the rate, states loaded. */
  interventions?: readonly Intervention[]
  signal?: AbortSignal
}

/**
 * @param coefficients of the boards, in the network's order (int16, Q13)
 * @throws the signal's reason
 */
export async function verifyOnHost(coefficients: Uint8Array, run: LearntRun): Promise<Verified> {
  const { network, start, lessons, count, shiftAt, interventions = [], signal } = run
  const host = new HostNetwork(network)
  if (start) {
    host.load(start.coefficients, start.elements)
    host.samples = start.samples
  }
  let planned = network.learnShift
  let bits = 0
  let next = 0
  const intervene = (done: number) => {
    for (; next < interventions.length && interventions[next].after <= done; next++) {
      const each = interventions[next]
      if ("lesson" in each) host.train(each.lesson.image, each.lesson.label, each.sample)
      else if ("bits" in each) bits = each.bits
      else host.load(each.state.coefficients, each.state.elements)
      host.learnShift = slowedBy({ links: planned }, bits, network).links
    }
  }
  for (let i = 0; i < count; i++) {
    planned = shiftAt?.(i) ?? planned
    host.learnShift = slowedBy({ links: planned }, bits, network).links
    intervene(i)
    if (i % STRIDE === 0) await takeTurns()
    signal?.throwIfAborted()
    const { image, label } = lessons(i)
    host.train(image, label)
  }
  intervene(count)
  return compareWithHost(coefficients, host)
}

/** @param host has learnt what the boards have */
export function compareWithHost(coefficients: Uint8Array, host: HostNetwork): Verified {
  const [coefficientsHash, hostHash] = [sha256(coefficients), sha256(host.coefficients())]
  return { coefficientsHash, hostHash, hostMatches: coefficientsHash === hostHash }
}
