/**
 * What a network costs a native board: cycles by part of the work, counted in an emulated Pico that
 * runs the very program a real one would be flashed with. Waits of the flash's cache are not in it; the
 * loops over links and steps run from RAM, which has none.
 */

import { takeTurns } from "../base/clock"
import { CycleCounter } from "../hardware/emulator/cycle-counter"
import { Stream } from "../hardware/emulator/stream"
import { PARTS, type Part, partOf } from "../hardware/work-parts"
import type { Model } from "../models/model-file"
import { inputImage } from "../network/description"
import { exchangeCoefficients, exchangeElements } from "../network/exchange"
import { wholeNetwork } from "../network/host-network"
import { refuseFeedback } from "../network/refuse-feedback"
import { buildShard } from "../network/shard"
import type { Images } from "../training/training-data"

/** What the build says of the program it wrote (host/codegen/build.ts). */
export interface Listing {
  /** Bytes of flash, and of RAM beside the arena and the stack. */
  flashBytes: number
  ramBytes: number
  /** Address of each function. */
  functions: Record<string, number>
}

/** Figures of one image, on average. */
export interface NativeCost {
  cycles: Record<Part, number>
  /** Without the service. */
  computeCycles: number
  /** Images a second: computed alone; streamed over USB, each sent while the one before is computed. */
  computedPerSecond: number
  streamedPerSecond: number
}

export interface NativeProfile {
  inferred: number
  /** Images that taught something, and those that were named with so good a lead that they did not. */
  learned: number
  passed: number
  inference: NativeCost
  /** Of images that taught something; the inference it begins with is counted with it. */
  learn: NativeCost | undefined
  arenaBytes: number
  shardBytes: number
}

export interface NativeProfileOptions {
  onProgress?: (done: number) => void
  signal?: AbortSignal
}

const CLOCK_HZ = 125e6
/** A board with the whole network answers an image before it takes the next from its line: one is enough. */
const SLOTS = 1

/** The shard of a whole network with what a model has learnt. */
export function shardOf(model: Model): Buffer {
  const { network } = model
  refuseFeedback(network)
  const shard = buildShard(network, wholeNetwork(network), SLOTS)
  exchangeCoefficients(shard, network, Buffer.from(model.coefficients), true)
  const elements = model.arrays?.elements
  if (elements) exchangeElements(shard, network, Buffer.from(elements), true)
  return shard
}

/**
 * @param count images answered; as many learning steps are taken afterwards, which change the network
 * @throws WuxingError "shard-too-large" (kind "capacity") if it does not fit one board
 */
export async function profileNative(
  model: Model,
  uf2: Uint8Array,
  listing: Listing,
  { images, labels, count: all, width, height }: Images,
  count: number,
  { onProgress, signal }: NativeProfileOptions = {},
): Promise<NativeProfile> {
  const shard = shardOf(model)
  const stream = new Stream(uf2, shard)
  const counter = new CycleCounter(stream.pico, listing.functions)
  const pixels = width * height
  // Spread over all images, as profileModel has it.
  const stride = Math.max(1, Math.floor(all / (2 * count)))
  const places = Array.from({ length: 2 * count }, (_, i) => (i * stride) % all)
  const imageOf = (i: number) =>
    inputImage(model.network, images.subarray(places[i] * pixels, (places[i] + 1) * pixels))
  let done = 0
  const breathe = async () => {
    onProgress?.(++done)
    // The emulator leaves no time for anything else, such as Ctrl-C.
    await takeTurns()
    signal?.throwIfAborted()
  }

  const named = Array.from({ length: count }, (_, i) => imageOf(i))
  const seconds = await stream.infer(named, breathe)
  const inference = costOf(counter.take(), count, seconds)

  const sums = new Map<string, number>()
  let learned = 0
  let learnedSeconds = 0
  for (let i = count; i < 2 * count; i++) {
    const outcome = stream.learn(imageOf(i), labels[places[i]])
    const cycles = counter.take()
    if (outcome.learned) {
      learned++
      learnedSeconds += outcome.seconds
      for (const [name, n] of cycles) sums.set(name, (sums.get(name) ?? 0) + n)
    }
    await breathe()
  }
  return {
    ...{ inferred: count, learned, passed: count - learned, inference },
    learn: learned > 0 ? costOf(sums, learned, learnedSeconds / learned) : undefined,
    ...{ arenaBytes: stream.arenaBytes, shardBytes: shard.length },
  }
}

function costOf(byFunction: Map<string, number>, images: number, seconds: number): NativeCost {
  const cycles = Object.fromEntries(PARTS.map(part => [part, 0])) as Record<Part, number>
  for (const [name, n] of byFunction) cycles[partOf(ownName(name))] += n / images
  const computeCycles = PARTS.filter(part => part !== "service").reduce((s, p) => s + cycles[p], 0)
  return {
    ...{ cycles, computeCycles },
    ...{ computedPerSecond: CLOCK_HZ / computeCycles, streamedPerSecond: 1 / seconds },
  }
}

/** The name in src/ of a function in C: what a module keeps to itself bears the module's there. */
function ownName(name: string): string {
  return name.replace(/\..*$/, "").replace(/^[a-z]+(?:_[a-z]+)*_(?=[a-z])/, "")
}
