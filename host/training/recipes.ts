/** How each preset is trained unless the user says otherwise. */
import { hasKernels, type Network } from "../network/network"
import { isSize } from "../network/sized-network"
import type { Recipe } from "./train-model"

/** 16 · log2 e times the gain. */
const GAIN_10 = 231
const GAIN_20 = 462

const SMALL = {
  epochs: 60,
  learnShift: 12,
  epochsPerBit: 10,
  shiftImages: true,
  softmaxGain: GAIN_20,
}
const LARGE = {
  epochs: 30,
  learnShift: 12,
  epochsPerBit: 5,
  shiftImages: true,
  softmaxGain: GAIN_10,
}
/** Error by margin, which taught single links better than softmax of any gain tried. */
const STRICT = {
  epochs: 24,
  learnShift: 14,
  epochsPerBit: 8,
  shiftImages: false,
  softmaxGain: 0,
}

/** With rates and distortion as in a prototype's best of windows, for longer; a batch of 32 is rounded once. */
const WINDOWS: Recipe = {
  epochs: 100,
  learnShift: 13,
  epochsPerBit: 40,
  smooth: { eighths: 11, warm: 100 },
  shiftImages: false,
  distortion: { rotate: 200, scale: 120, shift: 150, elastic: 200, flip: false },
  softmaxGain: GAIN_10,
  batch: 32,
  rounding: "once",
}

/** As a prototype's best of small windows: clothes stand upright and are as often mirrored. */
const CLOTHES: Recipe = {
  ...WINDOWS,
  learnShift: 12,
  smooth: { eighths: 8, warm: 100 },
  distortion: { rotate: 0, scale: 60, shift: 70, elastic: 0, flip: true },
}

/** As a prototype's best of shared kernels, at one rate for all layers, half as much again as its own. */
const KERNELS: Recipe = {
  ...WINDOWS,
  epochs: 20,
  learnShift: 12,
  smooth: { eighths: 12, warm: 150 },
}

/** So small a network underfits: less distortion than those of 16 bits with more rings. */
const TINY: Recipe = {
  ...KERNELS,
  distortion: { rotate: 150, scale: 100, shift: 100, elastic: 150, flip: false },
}

/** Clothes by shared kernels, at the rate that did best of a few. */
const CLOTHES_KERNELS: Recipe = { ...CLOTHES, epochs: 50 }

const RECIPES: Record<string, Recipe> = {
  model1: STRICT,
  model2: { ...STRICT, epochs: 20, epochsPerBit: 4 },
  "mnist-kernels": KERNELS,
  "mnist-tiny": TINY,
  "mnist-windows": WINDOWS,
  "fashion-windows": CLOTHES,
  "fashion-kernels": CLOTHES_KERNELS,
  "fleet-deep": { ...LARGE, learnShift: 13, epochsPerBit: 6 },
  "fleet-300": { ...LARGE, learnShift: 13 },
  "fleet-64": LARGE,
  "pico-32": SMALL,
  "pico-16": SMALL,
  "pico-fast": SMALL,
  "pico-alone": SMALL,
}

/** For networks of a user's own size: data that need be no picture, so nothing is moved. */
const SIZED = { ...SMALL, epochs: 30, epochsPerBit: 5, shiftImages: false }

/** The same with shared kernels, which are of pictures. */
const SIZED_KERNELS: Recipe = { ...KERNELS, distortion: undefined }

/** The preset's own; for any other network, one that starts at the rate it names itself. */
export function recipeOf(network: Network): Recipe {
  return (
    RECIPES[network.name] ??
    (isSize(network.name) ? (hasKernels(network) ? SIZED_KERNELS : SIZED) : undefined) ?? {
      epochs: 10,
      learnShift: network.learnShift,
      epochsPerBit: 5,
      shiftImages: false,
      softmaxGain: 0,
    }
  )
}
