/** What `wuxing train` is asked for, and the training that comes of it. */
import type { Distortion } from "../../data/distort"
import type { RangeChoice } from "../../data/range"
import type { Location } from "../../hardware/location"
import { type Variation, variationText } from "../../signals/vary"
import type { LearningRule } from "../../training/rule"
import type { Rounding } from "../../training/schedule"
import type { Training } from "../../training/training"
import type { DashboardOptions } from "../options/dashboard-option"
import type { PanelOptions } from "../options/panel-option"

export interface TrainOptions extends PanelOptions, DashboardOptions {
  engine: string
  on?: Location
  model?: string
  trained?: boolean
  resume?: string
  seed?: number
  epochs?: number
  rule?: LearningRule
  elementShift?: number
  learnShift?: number
  epochsPerBit?: number
  cosine?: boolean
  eighths?: number
  warmUp?: number
  shiftImages?: boolean
  distort?: Distortion | "none"
  softmaxGain?: number
  error?: "squares"
  batch?: number
  rounding?: Rounding
  workers?: number
  limit?: number
  validation?: number
  data?: string
  dataEach?: string
  window?: number
  rate?: number
  features?: string
  testNames?: string
  testEvery?: number
  trainNames?: string
  vary?: Variation
  label?: string
  range?: RangeChoice
  out?: string
  force?: boolean
  checkpoint?: number
  anew?: boolean
  share?: string
  average?: number
  replicas?: number
}

/** A training that may start to learn. */
export interface Begun {
  training: Training
  /** Makes the same bits again. */
  command: string
}

/** Options that say how recordings are read. */
export function signalFlags(options: TrainOptions): Record<string, unknown> {
  return {
    "--window": options.window,
    "--rate": options.rate,
    "--features": options.features,
    "--test-names": options.testNames,
    "--test-every": options.testEvery,
    "--train-names": options.trainNames,
    "--vary": options.vary && variationText(options.vary),
  }
}
