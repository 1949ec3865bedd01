/**
 * Networks of a user's own size, named by it: "64-16-3" takes 64 pixels and tells 3 classes apart, "64-3"
 * does so by a readout alone (below);
 * "64-16-3@24" has 24 links a hidden synapse; in "784-300w14-10" each of the 300 hidden neurons reads a
 * window of 14x14 of the 28x28 pixels, in "784-432w6s2-10" from a grid of windows two
 * pixels apart, and with "w5x9p2" of 5x9 pixels, every second one of a row. In "784-20c6s2-10" 20 neurons
 * read each window of 6x6, and all windows share their coefficients.
 */

import { WuxingError } from "../base/errors"
import { type Layer, type Network, q12, signalsOf, type Window } from "./description"
import { windowGrid } from "./linking"
import { mnistKernels, pico16 } from "./presets"
import { faultOf } from "./validate"

const WINDOW = String.raw`w[1-9]\d{0,2}(?:x[1-9]\d{0,2})?(?:p[1-9])?(?:s[1-9]\d?)?`
const KERNEL = String.raw`c[1-9]\d{0,2}(?:x[1-9]\d{0,2})?(?:s[1-9]\d?)?`
const LAYER = String.raw`[1-9]\d{0,4}(?:${WINDOW}|${KERNEL})?`
const SIZE = new RegExp(String.raw`^[1-9]\d{0,4}(?:-${LAYER}){0,5}-[1-9]\d{0,4}(@[1-9]\d{0,4})?$`)
/** As in pico-16, whose form these networks have: two synapses a neuron, two steps. */
const FAN_IN = 96

export function isSize(name: string): boolean {
  return SIZE.test(name)
}

/**
 * A readout: no hidden neurons, one synapse a class, which reads all inputs. These are about a middle, as what
 * the rings of a reservoir make of a sequence (src/signals/reservoir.ts), and drive their neurons strongly.
 */
const READOUT: Partial<Network> = {
  inputCentre: 128,
  inputScale: q12(4),
  netMin: q12(-0.5),
  // A wide one: few outputs read few signals, and those that lead closely have more to learn.
  margin: q12(0.4),
  netMax: q12(2),
}

/**
 * An adder network of that size with rings as in the preset pico-16; every figure of the name between
 * the first and the last is a layer of hidden neurons.
 *
 * @throws WuxingError "network-size" (kind "usage") if the core has no room for it, or a window no place
 */
export function sizedNetwork(name: string, seed: number): Network {
  const [sizes, fanIn = FAN_IN] = name.split("@")
  const [width, ...words] = sizes.split("-")
  // Those with shared kernels have the rings of the preset that has them.
  const base = name.includes("c") ? mnistKernels(seed) : pico16(seed)
  const hidden = base.layers[0]
  const output = base.layers[base.layers.length - 1]
  const readout = words.length === 1
  const network: Network = {
    ...{ ...base, name, width: Number(width), layers: [] },
    ...(readout && READOUT),
  }
  let fault = ""
  for (const [i, word] of words.entries()) {
    const neurons = Number.parseInt(word, 10)
    if (i === words.length - 1)
      network.layers.push({ ...output, neurons, ...(readout && { inputs: 1 }) })
    else if (word.includes("w")) {
      const before = placesBefore(network)
      if (before) network.layers.push({ ...hidden, neurons, ...windowsOf(word, before) })
      else fault ||= `what layer ${i + 1} reads is not laid out as a picture`
    } else if (word.includes("c")) {
      const before = placesBefore(network)
      if (before) network.layers.push({ ...hidden, ...kernelsOn(word, before) })
      else fault ||= `what layer ${i + 1} reads is not laid out as a picture`
    } else {
      const { window: _, ...hidden } = base.layers[0]
      const most = i === 0 ? network.width : 65535
      network.layers.push({ ...hidden, neurons, fanIn: Math.min(Number(fanIn), most) })
    }
  }
  fault ||= faultOf(network)
  if (fault)
    throw new WuxingError({
      code: "network-size",
      kind: "usage",
      message: `there can be no network ${name}: ${fault}`,
      cause: "a layer is too large, there are too many, or a window does not fit",
      help: "name a smaller one, for example 784-32-10, 784-32w10-10, or 784-8c6s2-10 with shared kernels",
    })
  return network
}

interface Places extends Pick<Window, "across" | "down"> {
  /** Signals in each. */
  signals: number
}

/** How the last layer's signals (the input's, where there is none) are laid out, if they are. */
function placesBefore(network: Network): Places | undefined {
  const last = network.layers.at(-1)
  if (!last) {
    const across = Math.round(Math.sqrt(network.width))
    return across ** 2 === network.width ? { across, down: across, signals: 1 } : undefined
  }
  const { window } = last
  if (window?.stride === undefined) return undefined
  const { columns: across, rows: down } = windowGrid(window, window.stride)
  const signals = signalsOf(network, network.layers.length) / (across * down)
  return { across, down, signals }
}

/** "20c6s2" on those places: 20 channels at each window, one place apart unless it says more. */
function kernelsOn(
  word: string,
  { across, down, signals }: Places,
): Pick<Layer, "neurons" | "fanIn" | "window"> {
  const [, width, height = width, stride = 1] = /c(\d+)(?:x(\d+))?(?:s(\d+))?/.exec(word) ?? []
  const window = {
    ...{ across, down, width: Number(width), height: Number(height) },
    ...{ stride: Number(stride), shared: true },
  }
  const { columns, rows } = windowGrid(window, window.stride)
  // None fits where a window is larger than the picture: validate.ts says so.
  const neurons = Number.parseInt(word, 10) * Math.max(1, columns * rows)
  return { neurons, fanIn: window.width * window.height * signals, window }
}

/** "300w14x10s2" on those places. */
function windowsOf(
  word: string,
  { across, down, signals }: Places,
): Pick<Layer, "fanIn" | "window"> {
  const [, width, height = width, pitch, stride] =
    /w(\d+)(?:x(\d+))?(?:p(\d))?(?:s(\d+))?/.exec(word) ?? []
  const window: Window = { across, down, width: Number(width), height: Number(height) }
  if (pitch !== undefined) window.pitch = Number(pitch)
  if (stride !== undefined) window.stride = Number(stride)
  return { fanIn: window.width * window.height * signals, window }
}
