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
import { messageOf, WuxingError } from "../base/errors"
import { parseJson } from "../base/json-text"
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

/**
 * Bounds of a file, checked before anything is allocated for what it says: links are up to eight values
 * each in memory, and a network of more would take minutes for an image.
 */
const MOST_LINKS = 2 ** 20
const JSON_BOUNDS = { values: 8 * MOST_LINKS, depth: 8 }
/** Of all layers together: neurons times inputs. */
const MOST_SYNAPSES = 2 ** 20

type Link = [number, number, number, number, number, number?]

const fileSchema = z.strictObject({
  format: z.literal("wuxing-links"),
  version: z.literal(1),
  name: nameSchema,
  width: z.int().min(1).max(65535),
  inputSignals: z.int().min(1).max(4).default(1),
  strict: z.boolean().default(false),
  seed: seedSchema.default(1),
  settings: settingsSchema.partial().default({}),
  layers: layersOf(
    layerSchema.pick({ neurons: true, inputs: true, outputFirst: true, outputs: true }),
  ),
  // Checked one by one, and no further than the first that is wrong: a schema would list them all.
  links: z.custom<unknown[]>(Array.isArray, "expected a list of links"),
})

type LinksFile = z.infer<typeof fileSchema>

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
 * @param text UTF-8, as a string or as its bytes
 * @param name what to call the text in an error, for example the path
 * @throws WuxingError "links-invalid" (kind "data")
 */
export function parseLinks(text: string | Uint8Array, name: string): Model {
  const parsed = fileSchema.safeParse(jsonOf(text, name))
  if (!parsed.success) throw invalid(name, issuesOf(parsed.error))
  const file = parsed.data
  const { length } = file.links
  if (length < 1 || length > MOST_LINKS)
    throw invalid(name, `links: it has ${length}, expected 1 to ${MOST_LINKS}`)
  const synapses = file.layers.reduce((sum, l) => sum + l.neurons * l.inputs, 0)
  if (synapses > MOST_SYNAPSES)
    throw invalid(name, `layers: they have ${synapses} inputs, at most ${MOST_SYNAPSES} are read`)
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
  const placed = placeLinks(network, file, name)
  layers.forEach((l, i) => {
    l.fanIn = fanInOf(network, i + 1)
  })
  const checked = networkSchema.safeParse(network)
  if (!checked.success) throw invalid(name, issuesOf(checked.error))
  return { network, coefficients: coefficientsOf(network, file, placed, name), training: null }
}

/** Where a link of the file goes in the network. */
interface Place {
  layer: number
  synapse: number
  source: number
}

/** Fills `network.given`; returns the link of the file at each place, by its key. */
function placeLinks(network: Network, file: LinksFile, name: string): Map<number, number> {
  const seen = new Map<number, number>()
  const uses = new Map<number, { link: number; as: "input" | "output" }>()
  for (let i = 0; i < file.links.length; i++) {
    const link = file.links[i]
    // Words only where they are needed: there may be a million of links.
    const wrong = (what: string) =>
      invalid(name, `links[${i}] ${excerpt(JSON.stringify(link))}: ${what}`)
    if (!isLink(link))
      throw wrong(
        "expected [layer, source neuron, source element 0…4, target neuron, target element 0…4] and perhaps a coefficient −4…4",
      )
    const place = placeOf(network, link, wrong)
    const key = keyOf(place.layer, place.synapse, place.source)
    const twice = seen.get(key)
    if (twice !== undefined) throw wrong(`it is there already as links[${twice}]`)
    seen.set(key, i)
    network.given![place.layer - 1][place.synapse].push(place.source)
    if (!file.strict) continue
    const [layer, from, out, to, into] = link
    for (const [of, neuron, element, as] of [
      [layer - 1, from, out, "output"],
      [layer, to, into, "input"],
    ] as const) {
      const at = keyOf(of, neuron, element)
      const other = uses.get(at)
      if (other)
        throw wrong(
          `the interface of layer ${of}, neuron ${neuron}, element ${element} is an ${other.as} already, of links[${other.link}], and the file is strict`,
        )
      uses.set(at, { link: i, as })
    }
  }
  for (const layer of network.given!) for (const sources of layer) sources.sort((a, b) => a - b)
  return seen
}

function isLink(value: unknown): value is Link {
  if (!Array.isArray(value) || value.length < 5 || value.length > 6) return false
  const [layer, from, out, to, into, coefficient = 0] = value
  return (
    isIndex(layer) &&
    isIndex(from) &&
    isIndex(out) &&
    isIndex(to) &&
    isIndex(into) &&
    out <= 4 &&
    into <= 4 &&
    typeof coefficient === "number" &&
    Math.abs(coefficient) <= 4
  )
}

function isIndex(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 65534
}

function excerpt(text: string): string {
  return text.length > 80 ? `${text.slice(0, 80)}…` : text
}

/** One number for a place: layers are at most 16, the others below 2^19. */
function keyOf(layer: number, synapse: number, source: number): number {
  return (layer * 2 ** 19 + synapse) * 2 ** 19 + source
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
function coefficientsOf(
  network: Network,
  { links }: LinksFile,
  placed: Map<number, number>,
  name: string,
): Buffer {
  const max = coefficientMax(network)
  const values: number[] = []
  network.given!.forEach((synapses, i) => {
    synapses.forEach((sources, synapse) => {
      sources.forEach((source, rank) => {
        const link = placed.get(keyOf(i + 1, synapse, source))!
        const coefficient = (links[link] as Link)[5]
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

function jsonOf(text: string | Uint8Array, name: string): unknown {
  try {
    return parseJson(typeof text === "string" ? Buffer.from(text) : text, JSON_BOUNDS)
  } catch (error) {
    throw invalid(name, messageOf(error))
  }
}

function invalid(name: string, what: string): WuxingError {
  return new WuxingError({
    code: "links-invalid",
    kind: "data",
    message: `links file ${name} is not valid: ${what}`,
    cause: "a link or field is missing, misspelt or out of range",
    help: "mend that entry; the form is described in docs/links-files.md",
  })
}
