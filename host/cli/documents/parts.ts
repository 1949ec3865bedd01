/** What several documents of `--json` have in common: values with their meaning, and parts with a name. */
import { z } from "zod"
import { type ErrorKind, EXIT_STATUS } from "../../base/errors"
import { networkSchema } from "../../network/network-schema"

export const text = (meaning: string) => z.string().describe(meaning)
export const flag = (meaning: string) => z.boolean().describe(meaning)
export const real = (meaning: string) => z.number().describe(meaning)
export const whole = (meaning: string) => z.int().describe(meaning)
/** How many, or how much. */
export const count = (meaning: string) => z.int().min(0).describe(meaning)
export const positive = (meaning: string) => z.number().min(0).describe(meaning)
export const share = (meaning: string) => z.number().min(0).max(1).describe(`${meaning}, 0…1`)
export const hash = (meaning: string) =>
  z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .describe(`${meaning}: SHA-256 in hexadecimal`)
export const texts = (meaning: string) => z.array(z.string()).describe(meaning)
export const event = <Name extends string>(name: Name) => z.literal(name).describe("which line")
/** By board profile. */
export const byBoard = (meaning: string) =>
  z.record(z.string(), z.number()).describe(`${meaning}, by board profile`)

/** A part that several documents have: the page describes it once. */
function part<Shape extends z.ZodRawShape>(id: string, meaning: string, shape: Shape) {
  return z.strictObject(shape).meta({ id, description: meaning })
}

const kinds = Object.keys(EXIT_STATUS) as ErrorKind[]

export const errorPart = part("error", "an error", {
  code: text("stable, [listed](faults.md#error-codes)"),
  kind: z.enum(kinds).describe("decides the exit status"),
  message: text("where and what"),
  cause: text("the likely cause").optional(),
  help: text("what to try").optional(),
  exitStatus: z.int().min(1).max(255).describe("of the tool when this ends it"),
})

export const boardPart = part("board", "a board's share of a network", {
  id: text("the board's id"),
  profile: text("its board profile"),
  neurons: count("neurons it computes"),
  links: count("links that end in them"),
  heapBytes: count("heap in use once the share is loaded"),
})

/** Of boards whose clock is not ours. */
export const emulatedPart = part("emulated", "by the boards' own clocks; of emulated boards only", {
  seconds: positive("awake, on the busiest board"),
  samplesPerSecond: positive("samples a second of that time"),
})

export const networkPart = networkSchema.meta({
  id: "network",
  description:
    "a network: layers, seed and [settings](links-files.md#settings), as model files hold them",
})

const json = z.record(z.string(), z.unknown())

const accuracies = z
  .strictObject({
    train: share("of the samples learnt from").optional(),
    validation: share("of those kept apart by `--validation`").optional(),
    test: share("of the test part").optional(),
    heldOut: share("of samples held out where the data has no test part").optional(),
  })
  .describe("shares classified correctly")

export const trainingPart = part("training", "how a network was taught, as its file records it", {
  command: text("the command that makes the same file again"),
  seed: whole("of the order of the samples and of the rounding"),
  epochs: positive("epochs learnt"),
  samples: count("samples learnt"),
  accuracy: accuracies,
  data: text("what was learnt from").optional(),
  classes: texts("names of the outputs, where they are not numbers").optional(),
  settings: json.describe("rates and schedules").optional(),
  state: json.describe("what going on needs").optional(),
})

export const classPart = part("class", "figures of one class", {
  class: text("its name"),
  count: count("samples of it"),
  precision: z.number().min(0).max(1).nullable().describe("null where nothing was named so"),
  recall: z.number().min(0).max(1).nullable().describe("null where there is no sample of it"),
  f1: z.number().min(0).max(1).nullable().describe("their harmonic mean"),
})

/** What the host ended with when it repeated the run. */
export const verified = {
  coefficientsHash: hash("of the coefficients the boards ended with"),
  hostHash: hash("of those the host's own run ended with"),
  hostMatches: flag("whether they are the same, bit for bit; if not, there is an `error`"),
}

export const model = text("the network, as it was named")
export const networkName = text("the network's name")
export const trained = flag("whether the network has learnt")
export const recoveries = count("times boards stopped and were started or loaded again")
export const taught = count("samples taught by hand, at the panel or the page").optional()
export const seed = whole("as given by `--seed`")
export const perClass = {
  classes: texts("names of the classes"),
  confusion: z.array(z.array(z.int().min(0))).describe("[what is][named as]: samples"),
  perClass: z.array(classPart).describe("in the order of `classes`"),
}
export const linkFigures = {
  links: count("links of the network"),
  linkRatio: positive("links over pairs of neurons of neighbouring layers"),
}
