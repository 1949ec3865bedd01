/**
 * The demo "fleet": a network shared by four boards goes on learning though the cable of one is pulled
 * half-way, and ends with the host's bits.
 */

import type { Chart } from "../base/chart"
import { realClock } from "../base/clock"
import { imageAt, type Mnist } from "../data/mnist"
import type { Fleet } from "../fleet/fleet"
import type { Hands, WrapPort } from "../hardware/board-set"
import type { Verified } from "../library/host-mismatch"
import { verifyOnHost } from "../library/verify-on-host"
import type { Network } from "../network/network"

/** Learnt samples between two copies on the host: what a pulled cable costs at most. */
export const CHECKPOINT_SAMPLES = 25
/** Not the one with the outputs, which all others wait for, nor the first. */
const VICTIM = 2
/** Somebody has to get up and pull a cable, ms. */
const PULL_MS = 120_000
const LOOK_MS = 200
/** A board says something every half a second. */
const SILENT_SECONDS = 1.5

export interface Progress {
  seconds: number
  samples: number
}

export interface FleetDemoResult extends Verified {
  accuracyBefore: number
  accuracyAfter: number
  trained: number
  tested: number
  /** After which sample the cable was pulled, and by whom. */
  unplugged: { board: number; sample: number; by: "software" | "hand" | "nobody" }
  recoveries: number
  samplesPerSecond: number
  /** Samples learnt over time; after a recovery it begins again lower. */
  progress: Progress[]
}

/** Pulls cables: a board's port goes away, while the board runs on. */
export class Unplugger {
  private readonly hands: Hands[] = []

  /** For the ports as they are opened: they stay as they are. */
  readonly wrap: WrapPort = (board, port, hands) => {
    this.hands[board] = hands
    return port
  }

  pull(board: number): void {
    this.hands[board].unplug()
  }
}

export interface FleetDemoOptions {
  fleet: Fleet
  network: Network
  mnist: Mnist
  training: number[]
  testing: number[]
  /** Absent: somebody is asked to pull the cable. */
  unplugger?: Unplugger
  signal: AbortSignal
  status: (text: string) => void
  onSample?: (what: "testing" | "training", done: number, right: number) => void
}

/** @throws WuxingError as Fleet does */
export async function runFleetDemo(options: FleetDemoOptions): Promise<FleetDemoResult> {
  const { fleet, mnist, training, testing, unplugger, status, onSample } = options
  const victim = Math.min(VICTIM, fleet.count - 1)
  const evaluate = async () => {
    const { correct, tested } = await fleet.evaluate(mnist.test, testing, (done, right) =>
      onSample?.("testing", done, right),
    )
    return correct / tested
  }
  status("testing before")
  const accuracyBefore = await evaluate()
  // Between two checkpoints, so that something is lost and learnt again.
  const pullAt = (training.length >> 1) + (CHECKPOINT_SAMPLES >> 1)
  const progress: Progress[] = [{ seconds: 0, samples: 0 }]
  let pulled = false
  const start = realClock.now()
  const keptBefore = fleet.keepingMs
  const learn = (from: number, to: number) =>
    fleet.train(mnist.train, training.slice(from, to), (done, right) => {
      progress.push({ seconds: (realClock.now() - start) / 1000, samples: from + done })
      onSample?.("training", from + done, right)
      if (!unplugger || pulled || done !== pullAt) return
      pulled = true
      status(`the cable of board ${victim} is pulled`)
      unplugger.pull(victim)
    })
  status("training")
  if (unplugger) await learn(0, training.length)
  else {
    await learn(0, pullAt)
    pulled = await handPulled(options, victim)
    await learn(pullAt, training.length)
  }
  const ms = realClock.now() - start - (fleet.keepingMs - keptBefore)
  const samplesPerSecond = training.length / (ms / 1000)
  status("testing after")
  const accuracyAfter = await evaluate()
  const coefficients = await fleet.coefficients()
  status("repeating the run on the host")
  const { train } = mnist
  const verified = await verifyOnHost(coefficients, {
    network: options.network,
    lessons: i => ({ image: imageAt(train, training[i]), label: train.labels[training[i]] }),
    count: training.length,
    signal: options.signal,
  })
  return {
    ...{ accuracyBefore, accuracyAfter, trained: training.length, tested: testing.length },
    unplugged: {
      board: victim,
      sample: pullAt,
      by: pulled ? (unplugger ? "software" : "hand") : "nobody",
    },
    recoveries: fleet.recoveries,
    samplesPerSecond,
    ...verified,
    progress,
  }
}

/** Asks for the cable and waits until the board has gone. */
async function handPulled(
  { fleet, signal, status }: FleetDemoOptions,
  victim: number,
): Promise<boolean> {
  status(`now pull the cable of ${fleet.live()[victim].title}, and plug it in again`)
  const end = realClock.now() + PULL_MS
  while (realClock.now() < end) {
    await realClock.sleep(LOOK_MS, signal)
    // Any board will do: it is hard to see which is which.
    if (fleet.live().some(({ silentSeconds }) => silentSeconds > SILENT_SECONDS)) return true
  }
  return false
}

export function fleetChart({ progress, unplugged, trained }: FleetDemoResult): Chart {
  const lost = progress.find(({ samples }, i) => samples < (progress[i - 1]?.samples ?? 0))
  const before = lost && progress[progress.indexOf(lost) - 1]
  return {
    title: "Learning goes on after a cable was pulled",
    x: { label: "s", min: 0 },
    y: { label: "samples learnt", min: 0 },
    series: [
      {
        name: "samples learnt by all boards",
        draw: "line",
        points: progress.map(({ seconds, samples }) => [seconds, samples]),
      },
      ...(before && lost
        ? [
            {
              name: `cable of board ${unplugged.board} pulled`,
              draw: "line" as const,
              dashed: true,
              points: [0, trained].map(y => [before.seconds, y] as const),
            },
            {
              name: "it is back",
              draw: "line" as const,
              dashed: true,
              points: [0, trained].map(y => [lost.seconds, y] as const),
            },
          ]
        : []),
    ],
  }
}
