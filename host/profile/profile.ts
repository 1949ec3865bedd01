/**
 * What a network costs a board: operations by part of the work, counted on DeviceScript's machine
 * under the product's own firmware, and from them milliseconds by what a board's profile says each
 * kind of operation takes.
 */

import {
  countsByFunction,
  type KindCounts,
  noCounts,
  OPERATION_KINDS,
  totalOf,
} from "../hardware/program-functions"
import { PARTS, type Part, partOf } from "../hardware/work-parts"
import type { Model } from "../models/model-file"
import { inputImage } from "../network/description"
import { exchangeCoefficients, exchangeElements } from "../network/exchange"
import { wholeNetwork } from "../network/host-network"
import { refuseFeedback } from "../network/refuse-feedback"
import { buildShard } from "../network/shard"
import type { Images } from "../training/training-data"
import { CountedBoard } from "./counted-board"
import { type Cycles, costOf } from "./cycles"

export interface PartCost {
  part: Part
  /** Mean operations of an image that is only answered, and of one that is learnt. */
  opsPerInference: number
  opsPerLearn: number
  /** The same by kind of operation. */
  inference: KindCounts
  learn: KindCounts
}

export interface Profile {
  /** Images that were answered, learnt from, and answered with so good a lead that nothing was learnt. */
  inferred: number
  learned: number
  passed: number
  /** Of these, how many were classified correctly. */
  right: number
  /** Means over all parts. A learnt image is answered first, which is counted with it. */
  opsPerInference: number
  opsPerLearn: number
  /** The same without service: what the network itself costs. */
  computeOpsPerInference: number
  computeOpsPerLearn: number
  /** Operations of an image of the training kind that taught nothing. */
  opsPerPassed: number
  parts: PartCost[]
}

/**
 * Runs a network on a counted board.
 *
 * @param count images answered; as many learning steps are taken afterwards, which change the network
 * @throws WuxingError "shard-too-large" (kind "capacity") if it does not fit one board
 */
export async function profileModel(
  model: Model,
  firmware: Uint8Array,
  images: Images,
  count: number,
  options: {
    onProgress?: (done: number, right: number) => void
    signal?: AbortSignal
    /**
     * Gain of the softmax error by which it learns, in place of the network's own error: an image then
     * always teaches, and teaches every output (`train`), not those two that are too close (`demo`).
     * Nothing is answered before.
     */
    softmaxGain?: number
  } = {},
): Promise<Profile> {
  refuseFeedback(model.network)
  const { softmaxGain } = options
  const network = softmaxGain === undefined ? model.network : { ...model.network, softmaxGain }
  const shard = buildShard(network, wholeNetwork(network), 1)
  exchangeCoefficients(shard, network, Buffer.from(model.coefficients), true)
  const elements = model.arrays?.elements
  if (elements) exchangeElements(shard, network, Buffer.from(elements), true)
  const board = await CountedBoard.start(firmware)
  await board.load(shard)

  const pixels = images.width * images.height
  // Spread over all images, so that all classes and writers are among them.
  const stride = Math.max(1, Math.floor(images.count / (2 * count)))
  const at = (i: number) => ((i * stride) % images.count) * pixels
  const imageOf = (i: number) => inputImage(network, images.images.subarray(at(i), at(i) + pixels))
  const labelOf = (i: number) => images.labels[(i * stride) % images.count]
  const profile: Profile = {
    inferred: 0,
    learned: 0,
    passed: 0,
    right: 0,
    opsPerInference: 0,
    opsPerLearn: 0,
    computeOpsPerInference: 0,
    computeOpsPerLearn: 0,
    opsPerPassed: 0,
    parts: PARTS.map(part => ({
      part,
      opsPerInference: 0,
      opsPerLearn: 0,
      inference: noCounts(),
      learn: noCounts(),
    })),
  }

  const counted = async (work: () => Promise<unknown>) => {
    options.signal?.throwIfAborted()
    const before = board.machine.counts()
    await work()
    return board.machine.counts().map((n, i) => n - before[i])
  }
  const sums = { inference: new Float64Array(65536), learn: new Float64Array(65536) }
  let passedOps = 0
  const add = (sum: Float64Array, counts: Uint32Array) => {
    for (let i = 0; i < counts.length; i++) sum[i] += counts[i]
  }
  for (let i = 0; i < count && softmaxGain === undefined; i++) {
    let outputs: Int16Array = new Int16Array()
    const counts = await counted(async () => {
      outputs = await board.infer(imageOf(i), i)
    })
    add(sums.inference, counts)
    profile.inferred++
    if (bestOf(outputs) === labelOf(i)) profile.right++
    options.onProgress?.(i + 1, profile.right)
  }
  for (let i = count; i < 2 * count; i++) {
    let learned = false
    const counts = await counted(async () => {
      const answer = await board.learn(imageOf(i), labelOf(i), i)
      learned = answer.learned
      if (answer.predicted === labelOf(i)) profile.right++
    })
    if (learned) {
      add(sums.learn, counts)
      profile.learned++
    } else {
      passedOps += counts.reduce((sum, n) => sum + n, 0)
      profile.passed++
    }
    options.onProgress?.(i + 1, profile.right)
  }

  for (const kind of ["inference", "learn"] as const) {
    const many = kind === "inference" ? profile.inferred : profile.learned
    if (many === 0) continue
    for (const [name, counts] of countsByFunction(firmware, sums[kind])) {
      const part = profile.parts.find(p => p.part === partOf(name))
      if (part) for (const k of OPERATION_KINDS) part[kind][k] += counts[k] / many
    }
  }
  for (const part of profile.parts) {
    part.opsPerInference = totalOf(part.inference)
    part.opsPerLearn = totalOf(part.learn)
    profile.opsPerInference += part.opsPerInference
    profile.opsPerLearn += part.opsPerLearn
    if (part.part === "service") continue
    profile.computeOpsPerInference += part.opsPerInference
    profile.computeOpsPerLearn += part.opsPerLearn
  }
  if (profile.passed > 0) profile.opsPerPassed = passedOps / profile.passed
  return profile
}

/** Milliseconds of a profile on a board; `without` leaves parts out. */
export function milliseconds(
  profile: Profile,
  cycles: Cycles,
  kind: "inference" | "learn",
  without: Part[] = [],
): number {
  return profile.parts
    .filter(({ part }) => !without.includes(part))
    .reduce((sum, part) => sum + costOf(part[kind], cycles), 0)
}

function bestOf(outputs: Int16Array): number {
  return outputs.reduce((best, v, i) => (v > outputs[best] ? i : best), 0)
}
