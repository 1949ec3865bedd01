/**
 * Links files: a network whose links are given one by one, as JSON that a person can write.
 *
 *     {
 *       "format": "wuxing-links",
 *       "version": 1,
 *       "name": "two rings",
 *       "width": 4,                     pixels: the input neurons
 *       "inputSignals": 4,              elements 1 … 4 of an input neuron may give signals
 *       "strict": true,                 optional: an interface carries one link, in or out
 *       "seed": 1,                      optional: draws coefficients that are not given
 *       "settings": { "steps": 8 },     optional: number formats and clamps of the network
 *       "layers": [{ "neurons": 2, "inputs": 3, "outputFirst": 3, "outputs": 2 }],
 *       "links": [
 *         [1, 0, 1, 0, 2],              layer, source neuron, its element, target neuron, its element
 *         [1, 3, 4, 1, 0, -0.5]         … and its coefficient
 *       ]
 *     }
 *
 * Layers are counted from 1, the first behind the input; neurons from 0; elements {J, S, M, H, T}
 * are 0 … 4. A link of layer n comes from layer n−1 (0: the input) and ends in layer n. Inputs of a
 * layer are its elements 0 … inputs−1, outputs its elements outputFirst … outputFirst+outputs−1.
 */
import { z } from "zod"
import { WuxingError } from "../base/errors"
import {
  coefficientMax,
  fanInOf,
  initialCoefficient,
  type Layer,
  type Network,
  q12,
} from "../network/network"
import {
  issuesOf,
  layerSchema,
  layersOf,
  nameSchema,
  networkSchema,
  seedSchema,
  settingsSchema,
} from "../network/network-schema"
import { faultOf } from "../network/validate"
import type { Model } from "./model-file"

const index = z.int().min(0).max(65534)
const element = z.int().min(0).max(4)
const coefficient = z.number().min(-4).max(4)

const linkSchema = z.union(
  [
    z.tuple([index, index, element, index, element]),
    z.tuple([index, index, element, index, element, coefficient]),
  ],
  {
    error:
      "expected [layer, source neuron, source element 0…4, target neuron, target element 0…4] and perhaps a coefficient −4…4",
  },
)

const fileSchema = z.strictObject({
  format: z.literal("wuxing-links"),
  version: z.literal(1),
  name: nameSchema,
  width: z.int().min(1).max(65535),
  inputSignals: z.int().min(1).max(4).default(1),
  strict: z.boolean().default(false),
  seed: seedSchema.default(1),
  settings: settingsSchema.partial().default({}),
  layers: layersOf(layerSchema.omit({ fanIn: true })),
  links: z.array(linkSchema).min(1),
})

type LinksFile = z.infer<typeof fileSchema>
type Link = LinksFile["links"][number]

const DEFAULTS = {
  steps: 8,
  signalBits: 12,
  inputScale: q12(0.3),
  netMin: q12(-1),
  netMax: q12(2),
  elementMin: q12(0.3),
  elementMax: q12(2.8),
  lambdaMax: q12(1),
  learnShift: 10,
  margin: q12(0.05),
}

/**
 * @param name what to call the text in an error, for example the path
 * @throws WuxingError "links-invalid" (kind "data")
 */
export function parseLinks(text: string, name: string): Model {
  const parsed = fileSchema.safeParse(parseJson(text, name))
  if (!parsed.success) throw invalid(name, issuesOf(parsed.error))
  const file = parsed.data
  const layers: Layer[] = file.layers.map(layer => ({ ...layer, fanIn: 1 }))
  const { width, inputSignals, seed, settings } = file
  const network: Network = {
    ...DEFAULTS,
    ...settings,
    name: file.name,
    width,
    inputSignals,
    layers,
    linking: "explicit",
    given: layers.map(l => Array.from({ length: l.neurons * l.inputs }, () => [])),
    seed,
  }
  const fault = faultOf(network)
  if (fault) throw invalid(name, fault)
  const values = placeLinks(network, file, name)
  layers.forEach((l, i) => {
    l.fanIn = fanInOf(network, i + 1)
  })
  const checked = networkSchema.safeParse(network)
  if (!checked.success) throw invalid(name, issuesOf(checked.error))
  return { network, coefficients: coefficientsOf(network, values, name), training: null }
}

/** Where a link of the file goes in the network. */
interface Place {
  layer: number
  synapse: number
  source: number
}

/** Fills `network.given`; returns the coefficients given, by layer, synapse and source. */
function placeLinks(network: Network, file: LinksFile, name: string): Map<string, Given> {
  const seen = new Map<string, Given>()
  const uses = new Map<string, { link: number; as: "input" | "output" }>()
  file.links.forEach((link, i) => {
    const where = `links[${i}] ${JSON.stringify(link)}`
    const place = placeOf(network, link, what => invalid(name, `${where}: ${what}`))
    const key = keyOf(place)
    const twice = seen.get(key)
    if (twice) throw invalid(name, `${where}: it is there already as links[${twice.link}]`)
    seen.set(key, { link: i, coefficient: link[5] })
    network.given![place.layer - 1][place.synapse].push(place.source)
    if (!file.strict) return
    const [layer, from, out, to, into] = link
    for (const [neuron, as] of [
      [`${layer - 1}, neuron ${from}, element ${out}`, "output"],
      [`${layer}, neuron ${to}, element ${into}`, "input"],
    ] as const) {
      const other = uses.get(neuron)
      if (other)
        throw invalid(
          name,
          `${where}: the interface of layer ${neuron} is an ${other.as} already, of links[${other.link}], and the file is strict`,
        )
      uses.set(neuron, { link: i, as })
    }
  })
  for (const layer of network.given!) for (const sources of layer) sources.sort((a, b) => a - b)
  return seen
}

interface Given {
  link: number
  coefficient: number | undefined
}

function keyOf({ layer, synapse, source }: Place): string {
  return `${layer} ${synapse} ${source}`
}

function placeOf(network: Network, link: Link, wrong: (what: string) => WuxingError): Place {
  const [layer, from, out, to, into] = link
  if (layer < 1 || layer > network.layers.length)
    throw wrong(`layer ${layer} does not exist, expected 1 to ${network.layers.length}`)
  const before =
    layer === 1
      ? { neurons: network.width, outputFirst: 1, outputs: network.inputSignals ?? 1 }
      : network.layers[layer - 2]
  const after = network.layers[layer - 1]
  if (from >= before.neurons)
    throw wrong(`source neuron ${from} does not exist, layer ${layer - 1} has ${before.neurons}`)
  if (to >= after.neurons)
    throw wrong(`target neuron ${to} does not exist, layer ${layer} has ${after.neurons}`)
  const last = before.outputFirst + before.outputs - 1
  if (out < before.outputFirst || out > last)
    throw wrong(
      `source element ${out} is no output of layer ${layer - 1}, expected ${before.outputFirst} to ${last}`,
    )
  if (into >= after.inputs)
    throw wrong(
      `target element ${into} is no input of layer ${layer}, expected 0 to ${after.inputs - 1}`,
    )
  return {
    layer,
    synapse: to * after.inputs + into,
    source: from * before.outputs + out - before.outputFirst,
  }
}

/** All coefficients in the network's order: those given, the others drawn by the seed. */
function coefficientsOf(network: Network, given: Map<string, Given>, name: string): Buffer {
  const max = coefficientMax(network)
  const values: number[] = []
  network.given!.forEach((synapses, i) => {
    synapses.forEach((sources, synapse) => {
      sources.forEach((source, rank) => {
        const { link, coefficient } = given.get(keyOf({ layer: i + 1, synapse, source }))!
        const drawn = initialCoefficient(network, i + 1, synapse, rank, sources.length)
        const value =
          coefficient === undefined
            ? Math.min(max, Math.max(-max, drawn))
            : Math.round(coefficient * 8192)
        if (Math.abs(value) > max)
          throw invalid(
            name,
            `links[${link}]: coefficient ${coefficient} is larger than ${(max / 8192).toFixed(4)}, the most that 32-bit sums allow in this network`,
          )
        values.push(value)
      })
    })
  })
  const bytes = Buffer.alloc(values.length * 2)
  for (const [i, value] of values.entries()) bytes.writeInt16LE(value, i * 2)
  return bytes
}

function parseJson(text: string, name: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw invalid(
      name,
      `it is not JSON: ${error instanceof Error ? located(error.message, text) : error}`,
    )
  }
}

/** "at position 812" is of little use in an editor: adds the line. */
function located(message: string, text: string): string {
  const position = /at position (\d+)/.exec(message)?.[1]
  if (position === undefined || message.includes("line ")) return message
  return `${message}, line ${text.slice(0, Number(position)).split("\n").length}`
}

function invalid(name: string, what: string): WuxingError {
  return new WuxingError({
    code: "links-invalid",
    kind: "data",
    message: `links file ${name} is not valid: ${what}`,
    cause: "a link or field is missing, misspelt or out of range",
    help: "mend that entry; the form is described at the top of host/models/links-file.ts",
  })
}
