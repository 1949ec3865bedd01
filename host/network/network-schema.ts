/** A network's description from outside (a model file, a links file), checked before it is used. */
import "../base/memory"
import { z } from "zod"
import { listOf } from "../base/schema"
import { linksOf, type Network } from "./network"
import { faultOf } from "./validate"

const count = z.int().min(1).max(65535)
const q12 = z.int().min(-32768).max(32767)

const windowSchema = z.strictObject({
  across: count,
  down: count,
  width: count,
  height: count,
  pitch: count.optional(),
  stride: count.optional(),
  shared: z.boolean().optional(),
})

export const layerSchema = z.strictObject({
  neurons: count,
  inputs: count,
  inputStep: z.int().optional(),
  outputFirst: z.int().min(0).max(4),
  outputs: count,
  outputStep: z.int().optional(),
  finer: z.int().optional(),
  quantised: z.strictObject({ bits: z.literal(4), exponent: z.int() }).optional(),
  fanIn: count,
  window: windowSchema.optional(),
})

/** The fields of a network that are neither its layers nor its links. */
export const settingsSchema = z.strictObject({
  steps: z.int(),
  signalBits: z.int(),
  elementBits: z.int().optional(),
  ring: z.strictObject({ k1: z.int(), k2: z.int(), k3: z.int() }).optional(),
  inputScale: q12,
  inputFloor: z.int().optional(),
  inputCentre: z.int().optional(),
  inputBlank: z.int().optional(),
  netMin: q12,
  netMax: q12,
  elementMin: q12,
  elementMax: q12,
  lambdaMax: q12,
  learnShift: z.int(),
  margin: q12,
  softmaxGain: z.int().min(0).max(65535).optional(),
  targets: z.strictObject({ high: q12, low: q12, always: z.literal(true).optional() }).optional(),
  errorShift: z.int().optional(),
  rule: z.enum(["links", "elements", "mixed"]).optional(),
  elements: z
    .strictObject({
      shift: z.int(),
      bound: z.int(),
      min: z.int(),
      max: z.int(),
      signal: z.enum(["product", "gradient"]),
    })
    .optional(),
  linkBound: z.int().optional(),
  pid: z
    .strictObject({
      proportional: z.int(),
      integral: z.int(),
      differential: z.int(),
      memory: z.int(),
    })
    .optional(),
  backward: z.enum(["operating-point", "bsp"]).optional(),
  feedback: z.enum(["fixed", "none"]).optional(),
})

export const seedSchema = z
  .int()
  .min(-(2 ** 31))
  .max(2 ** 31 - 1)

export const nameSchema = z.string().min(1).max(100)

/** Layers behind the input; a board's descriptors count them, and nothing has needed more. */
export const layersOf = <Item extends z.ZodType>(item: Item) => listOf(item, 1, 16)

/** Checked by hand: there may be millions, and a schema would copy them, and complain of each. */
function isGiven(value: unknown): value is number[][][] {
  const isSource = (source: unknown) =>
    Number.isInteger(source) && (source as number) >= 0 && (source as number) <= 65534
  const isListOf = (is: (item: unknown) => boolean) => (list: unknown) =>
    Array.isArray(list) && list.every(is)
  return isListOf(isListOf(isListOf(isSource)))(value)
}

/** Every field of a network, its ranges and that they agree with one another. */
export const networkSchema = settingsSchema
  .extend({
    name: nameSchema,
    width: count,
    inputSignals: z.int().min(1).max(4).optional(),
    layers: layersOf(layerSchema),
    linking: z.enum(["adder", "strict", "explicit"]).optional(),
    given: z.custom<number[][][]>(isGiven, "expected the sources of each synapse").optional(),
    seed: seedSchema,
  })
  .superRefine((network, context) => {
    const fault = faultOf(network)
    if (fault) context.addIssue({ code: "custom", message: fault })
  })

type Fields = z.infer<typeof networkSchema>
// A field of Network that is not in the schema would be lost in a file: then this does not compile.
const complete: [Exclude<keyof Network, keyof Fields>] extends [never] ? true : false = true
void complete

/** All links of a network: its coefficients are so many int16. */
export function totalLinks(network: Network): number {
  let links = 0
  for (let layer = 1; layer <= network.layers.length; layer++) links += linksOf(network, layer)
  return links
}

/** Characters of one issue that are quoted: a file may have a million unknown members. */
const MOST_ISSUE = 300

/** What is wrong, on one line: "links[3][0]: expected int, received string". */
export function issuesOf(error: z.ZodError): string {
  const all = error.issues.map(({ path, message }) => {
    const where = path.map(key => (typeof key === "number" ? `[${key}]` : `.${String(key)}`))
    const what = message.length > MOST_ISSUE ? `${message.slice(0, MOST_ISSUE)}…` : message
    return where.length === 0 ? what : `${where.join("").replace(/^\./, "")}: ${what}`
  })
  const more = all.length > 3 ? ` (and ${all.length - 3} more)` : ""
  return all.slice(0, 3).join("; ") + more
}
