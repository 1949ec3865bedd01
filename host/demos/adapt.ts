/**
 * The demo "adapt": boards hold a network that was trained on the host; the world changes; they learn
 * from a few samples of the new one, and what they knew of the old one is measured too.
 */

import type { Chart } from "../base/chart"
import { takeTurns } from "../base/clock"
import { sha256 } from "../base/sha256"
import { type Dataset, imageAt } from "../data/mnist"
import { checkpointOf } from "../fleet/checkpoint-of"
import type { Fleet } from "../fleet/fleet"
import type { Verified } from "../library/host-mismatch"
import { verifyOnHost } from "../library/verify-on-host"
import type { Model } from "../models/model-file"
import { exchangeCoefficients } from "../network/exchange"
import { HostNetwork } from "../network/host-network"
import type { Network } from "../network/network"

/**
 * How the boards learn here, chosen on training images alone: softmax error of gain 10, and a rate that
 * is halved after each third of the samples. No old samples are needed between the new ones.
 */
const ADAPT_GAIN = 231
const ADAPT_SHIFTS = [11, 12, 13]

/** Samples over which the running share is taken for the picture. */
const WINDOW = 50

/** Shares of images classified correctly, 0…1. */
export interface OldAndNew {
  old: number
  new: number
}

export interface AdaptResult extends Verified {
  samples: number
  /** Images of either world the boards were tested with. */
  tested: number
  /** On the boards: before they learnt, and after. */
  before: OldAndNew
  after: OldAndNew
  /** All test images, with the boards' coefficients, by the host's core. */
  all: { tested: number; before: OldAndNew; after: OldAndNew }
  /** Of what was lost in the new world, and of the share of the old one given for it (of all images). */
  recovered: number
  forgotten: number
  /** The same samples with learning switched off: classified correctly, and did anything change? */
  off: { right: number; coefficientsUnchanged: boolean }
  /** Of the samples as they were streamed, how many were classified correctly before each was learnt. */
  on: { right: number }
  recoveries: number
  /** By sample: was it classified correctly, with learning off and on? */
  stream: { off: boolean[]; on: boolean[] }
}

export interface AdaptOptions {
  fleet: Fleet
  /** As the boards run it: with `ADAPT_GAIN`. */
  model: Model
  /** The new world's samples, in the order they are streamed. */
  samples: Dataset
  /** Test images for the boards, and for the host. */
  old: Dataset
  changed: Dataset
  allOld: Dataset
  allChanged: Dataset
  signal: AbortSignal
  status: (text: string) => void
  /** What is under way, and how far it is. */
  onProgress?: (what: string, total: number, done: number, right: number) => void
}

/** The network as it learns here. */
export function adaptNetwork(network: Network): Network {
  return { ...network, softmaxGain: ADAPT_GAIN }
}

/** @throws WuxingError as Fleet does */
export async function runAdapt(options: AdaptOptions): Promise<AdaptResult> {
  const { fleet, model, samples, old, changed, status, onProgress } = options
  const evaluate = async (what: string, data: Dataset) => {
    const indices = Array.from({ length: data.count }, (_, i) => i)
    const { correct } = await fleet.evaluate(data, indices, (done, right) =>
      onProgress?.(what, data.count, done, right),
    )
    return correct / data.count
  }
  const before = {
    old: await evaluate("old world", old),
    new: await evaluate("new world", changed),
  }
  const hash = sha256(await fleet.coefficients())

  const off: boolean[] = []
  await fleet.classify(
    i => imageAt(samples, i),
    samples.count,
    (done, named) => {
      off.push(named === samples.labels[done - 1])
      onProgress?.("learning off", samples.count, done, off.filter(Boolean).length)
    },
  )
  const coefficientsUnchanged = sha256(await fleet.coefficients()) === hash

  const on: boolean[] = []
  for (const [from, to, shift] of thirds(samples.count)) {
    await fleet.setLearnShift(shift)
    let right = 0
    await fleet.learn(
      i => ({ image: imageAt(samples, from + i), label: samples.labels[from + i] }),
      to - from,
      {
        onSample: (done, correct) => {
          on[from + done - 1] = correct > right
          right = correct
          onProgress?.("learning", samples.count, from + done, on.filter(Boolean).length)
        },
      },
    )
  }
  const after = {
    old: await evaluate("old world again", old),
    new: await evaluate("new world again", changed),
  }
  const coefficients = await fleet.coefficients()

  status("the same samples on the host")
  const shiftOf = thirds(samples.count).flatMap(([from, to, shift]) =>
    Array<number>(to - from).fill(shift),
  )
  const verified = await verifyOnHost(coefficients, {
    network: model.network,
    start: checkpointOf(model),
    lessons: i => ({ image: imageAt(samples, i), label: samples.labels[i] }),
    count: samples.count,
    shiftAt: i => shiftOf[i],
    signal: options.signal,
  })
  status("all test images, by the host's core")
  const fresh = hostNetwork(model)
  const asBoards = hostNetwork({ ...model, coefficients: Buffer.from(coefficients) })
  const all = {
    tested: options.allOld.count,
    before: await accuracies(fresh, options),
    after: await accuracies(asBoards, options),
  }
  const lost = all.before.old - all.before.new
  return {
    ...{ samples: samples.count, tested: old.count, before, after, all },
    recovered: lost > 0 ? (all.after.new - all.before.new) / lost : 0,
    forgotten: all.before.old - all.after.old,
    off: { right: off.filter(Boolean).length, coefficientsUnchanged },
    on: { right: on.filter(Boolean).length },
    recoveries: fleet.recoveries,
    ...verified,
    stream: { off, on },
  }
}

/** Where each part of the samples begins and ends, and its learning shift. */
function thirds(count: number): [from: number, to: number, shift: number][] {
  const cut = (k: number) => Math.round((count * k) / ADAPT_SHIFTS.length)
  return ADAPT_SHIFTS.map((shift, k): [number, number, number] => [
    cut(k),
    cut(k + 1),
    shift,
  ]).filter(([from, to]) => to > from)
}

function hostNetwork({ network, coefficients }: Model): HostNetwork {
  const host = new HostNetwork(network)
  exchangeCoefficients(host.memory, network, coefficients, true)
  return host
}

async function accuracies(
  host: HostNetwork,
  { allOld, allChanged, signal }: AdaptOptions,
): Promise<OldAndNew> {
  const share = async (data: Dataset) => {
    let right = 0
    for (let i = 0; i < data.count; i++) {
      if (i % 100 === 0) await takeTurns()
      signal.throwIfAborted()
      if (host.predict(imageAt(data, i)) === data.labels[i]) right++
    }
    return right / data.count
  }
  return { old: await share(allOld), new: await share(allChanged) }
}

export function adaptChart({ stream, before, after, samples }: AdaptResult, world: string): Chart {
  const running = (right: boolean[]) =>
    right
      .map((_, i) => {
        const last = right.slice(Math.max(0, i - WINDOW + 1), i + 1)
        return [i + 1, last.filter(Boolean).length / last.length] as const
      })
      .slice(Math.min(WINDOW, samples) - 1)
  return {
    title: `${world}: samples classified correctly as they came (of the last ${WINDOW})`,
    x: { label: "samples", min: 0 },
    y: { label: "classified correctly", percent: true },
    series: [
      { name: "learning", draw: "line", points: running(stream.on) },
      { name: "learning off", draw: "line", points: running(stream.off) },
      {
        name: "test images of the new world",
        draw: "marks",
        points: [
          [0, before.new],
          [samples, after.new],
        ],
      },
      {
        name: "of the old one",
        draw: "marks",
        points: [
          [0, before.old],
          [samples, after.old],
        ],
      },
    ],
  }
}
