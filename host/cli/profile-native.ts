/** `wuxing profile --board pico-native`: cycles, images a second, flash and RAM of a native board. */
import { readFileSync } from "node:fs"
import { grouped } from "../base/numbers"
import { readBoardProfile } from "../hardware/board-profile"
import { FEATURES_PATH, LISTING_PATH, UF2_PATH } from "../hardware/emulator/firmware-file"
import { PARTS } from "../hardware/work-parts"
import type { Model } from "../models/model-file"
import { signalsOf } from "../network/network"
import { energyMillijoules } from "../partition/energy"
import { areasOf } from "../profile/memory"
import { type Listing, type NativeCost, profileNative, shardOf } from "../profile/native"
import { featureCycles, featureImages, madeWindows } from "../profile/native-features"
import { usualSamples } from "../signals/segment-cut"
import { checkImages } from "../training/training"
import { type Images, readTrainingData, usualData } from "../training/training-data"
import type { Context, Outcome } from "./command"

export const NATIVE_BOARD = "pico-native"
/** firmware/native/rp2040/rp2040.ld */
const STACK_BYTES = 4096
const CLOCK_HZ = 125e6

interface NativeOptions {
  model?: string
  images: number
  memory?: boolean
}

export async function profileNativeBoard(
  { model: what, images, memory }: NativeOptions,
  model: Model,
  { output, signal }: Context,
): Promise<Outcome> {
  const listing: Listing = JSON.parse(readFileSync(LISTING_PATH, "utf8"))
  const { test, features } = await samplesOf(model, 2 * images)
  output.status(`counting on an emulated Pico, ${grouped(2 * images)} images`)
  const profile = await profileNative(
    ...([model, readFileSync(UF2_PATH), listing, test, images] as const),
    { signal, onProgress: done => output.log(`${done} of ${2 * images}`) },
  )
  const { inference, learn, learned, shardBytes, arenaBytes } = profile
  const board = readBoardProfile(NATIVE_BOARD)
  const energyOf = (cost: NativeCost) => energyMillijoules(board, 1000 / cost.streamedPerSecond)

  output.field("images", `${grouped(profile.inferred)} answered, ${grouped(learned)} learnt`)
  const all = (cost: NativeCost) => PARTS.reduce((sum, part) => sum + cost.cycles[part], 0)
  const of = (cost: NativeCost | undefined, value: (cost: NativeCost) => number) =>
    cost ? Math.round(value(cost)) : "–"
  output.table(
    ["part", "cycles an inference", "a learnt image"],
    [
      ...PARTS.map(part => [
        part,
        of(inference, cost => cost.cycles[part]),
        of(learn, cost => cost.cycles[part]),
      ]),
      ["all", of(inference, all), of(learn, all)],
    ],
  )
  const rate = (value: number | undefined) =>
    value === undefined ? "–" : Number(value.toPrecision(3))
  output.table(
    ["at 125 MHz", "inferences a second", "learnt images a second"],
    [
      ["compute alone", rate(inference.computedPerSecond), rate(learn?.computedPerSecond)],
      ["streamed over USB", rate(inference.streamedPerSecond), rate(learn?.streamedPerSecond)],
    ],
  )
  const msToClass = features && features.ms + 1000 / inference.computedPerSecond
  if (features) {
    output.field("features", `${grouped(features.cycles)} cycles, ${features.samples} samples`)
    output.field(
      "from the last sample to the class",
      `${ms(msToClass!)} ms: features ${ms(features.ms)}, network ${ms(1000 / inference.computedPerSecond)}`,
    )
  }
  const areas = memory ? areasOf(shardOf(model)) : []
  output.table(
    ["bytes", "of", ""],
    [
      [listing.flashBytes, "flash", "the program"],
      [listing.ramBytes, "RAM", "the program: loops, variables, buffers"],
      ...(memory
        ? areas.map(({ bytes, owner, loaded }) => [
            ...[bytes, "RAM"],
            `${owner} (${loaded ? "loaded" : "working"})`,
          ])
        : [[shardBytes, "RAM", "the network"]]),
      [arenaBytes - shardBytes, "RAM", "reports being gathered, and free"],
      [STACK_BYTES, "RAM", "the stack"],
    ],
  )
  if (learned === 0) output.print("no image taught it anything: it named all by the margin")
  const document = (cost: NativeCost) => ({
    cycles: Math.round(all(cost)),
    computeCycles: Math.round(cost.computeCycles),
    computedPerSecond: cost.computedPerSecond,
    streamedPerSecond: cost.streamedPerSecond,
    estimatedMillijoules: energyOf(cost) ?? null,
    parts: Object.fromEntries(PARTS.map(part => [part, Math.round(cost.cycles[part])])),
  })
  return {
    document: {
      model: what,
      trained: model.training !== null,
      network: model.network.name,
      board: NATIVE_BOARD,
      ...{ images: profile.inferred, learned, passed: profile.passed },
      inference: document(inference),
      learn: learn ? document(learn) : null,
      ...(features && { features, msToClass }),
      ...{ flashBytes: listing.flashBytes, programBytes: listing.ramBytes },
      ...{ shardBytes, arenaBytes, stackBytes: STACK_BYTES },
      ...(memory && { areas }),
    },
  }
}

function ms(value: number): number {
  return Number(value.toPrecision(3))
}

/**
 * What is classified and learnt: the test images of what was learnt, or windows of a made signal where the network reads
 * one, and then the cycles of their features too.
 */
async function samplesOf(model: Model, count: number) {
  const { network, signal } = model
  if (!signal) {
    const { name, test } = await readTrainingData(usualData(model), network)
    checkImages(network, name, test)
    return { test }
  }
  const windows = madeWindows(signal.features, count)
  const classes = signalsOf(network, network.layers.length)
  const test: Images = featureImages(signal.features, windows, classes)
  const code = JSON.parse(readFileSync(FEATURES_PATH, "utf8"))
  const cycles = featureCycles(signal.features, code, windows[0])
  const samples = usualSamples(signal.features)
  return { test, features: { samples, cycles, ms: (1000 * cycles) / CLOCK_HZ } }
}
