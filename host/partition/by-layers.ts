/**
 * Networks with shared kernels over boards: a layer of kernels is whole on one board, since a coefficient
 * of theirs learns the sum over all places, rounded once. Boards get whole layers, one behind the other.
 */
import { WuxingError } from "../base/errors"
import { kernelsOf, type Layer, linksOf, type Network } from "../network/network"
import { addSlices, type Slice } from "../network/slices"
import { bytesFor } from "./room"

/** So many ways to cut are looked at closely. */
const MOST_CUTS = 20

/**
 * The ways to give each board one or more layers, that whose largest share is smallest first.
 *
 * @throws WuxingError "too-many-boards" (kind "capacity") if there are fewer layers than boards
 */
export function cutsByLayer(network: Network, boards: number): Slice[][][] {
  const layers = network.layers.length
  if (boards > layers)
    throw new WuxingError({
      code: "too-many-boards",
      kind: "capacity",
      message: `${network.name} has ${layers} layers, fewer than the ${boards} boards`,
      cause: "with shared kernels a layer is whole on one board",
      help: `use at most ${layers} boards, or give each the whole network: train --share samples`,
    })
  return endsOf(layers, boards)
    .map(ends => {
      const shares = ends.map((end, b) =>
        layersBetween(network, b === 0 ? 1 : ends[b - 1] + 1, end),
      )
      return { shares, bytes: Math.max(...shares.map(slices => bytesFor(network, slices)(1))) }
    })
    .sort((a, b) => a.bytes - b.bytes)
    .slice(0, MOST_CUTS)
    .map(({ shares }) => shares)
}

/** Each list of the last layers of so many boards, ascending. */
function endsOf(layers: number, boards: number): number[][] {
  if (boards === 1) return [[layers]]
  const all: number[][] = []
  for (let before = boards - 1; before < layers; before++)
    for (const ends of endsOf(before, boards - 1)) all.push([...ends, layers])
  return all
}

/** The slices of the layers first…last. */
function layersBetween(network: Network, first: number, last: number): Slice[] {
  const slices: Slice[] = []
  for (let layer = first; layer <= last; layer++)
    addSlices(network, slices, layer, 0, network.layers[layer - 1].neurons)
  return slices
}

export interface Layered {
  /** What has room: layers from the first on, each board as many as fit. */
  shares: Slice[][]
  /** The others, and the bytes each adds. */
  rest: { layer: number; neurons: number; links: number; bytes: number }[]
}

/** @param room of each board, bytes */
export function layersThatFit(network: Network, room: number[]): Layered {
  const shares: Slice[][] = room.map(() => [])
  const rest: Layered["rest"] = []
  let board = 0
  for (const [i, { neurons }] of network.layers.entries()) {
    const fits = (b: number) => {
      const more = [...shares[b], ...layersBetween(network, i + 1, i + 1)]
      return bytesFor(network, more)(1) <= room[b] ? more : undefined
    }
    let more = fits(board)
    if (!more && shares[board].length > 0 && board + 1 < room.length) more = fits(++board)
    if (more && rest.length === 0) {
      shares[board] = more
      continue
    }
    const bytes = bytesFor(network, layersBetween(network, i + 1, i + 1))(1)
    rest.push({ layer: i + 1, neurons, links: linksOf(network, i + 1), bytes })
  }
  return { shares, rest }
}

/**
 * How many rings at each window would have room, in words; undefined: not even a twentieth of them.
 *
 * @param network with shared kernels
 * @param fits does a network fit?
 */
export function fewerRings(network: Network, fits: (net: Network) => boolean): string | undefined {
  const own = network.layers.flatMap((_, i) => kernelsOf(network, i + 1)?.channels ?? [])
  for (let percent = 95; percent >= 5; percent -= 5) {
    const fewer = own.map(channels => Math.max(1, Math.floor((channels * percent) / 100)))
    if (fits(withChannels(network, fewer)))
      return `${fewer.join(" and ")} rings at each window instead of ${own.join(" and ")}`
  }
  return undefined
}

function withChannels(network: Network, channels: number[]): Network {
  const left = [...channels]
  const layers: Layer[] = []
  for (const [i, layer] of network.layers.entries()) {
    const kernels = kernelsOf(network, i + 1)
    const before = network.layers[i - 1]
    // What reads all signals of a place reads as many fewer as the layer before has.
    const ratio = before ? layers[i - 1].neurons / before.neurons : 1
    const fanIn = layer.window ? Math.round(layer.fanIn * ratio) : layer.fanIn
    const places = kernels ? kernels.columns * kernels.rows : 0
    layers.push({ ...layer, fanIn, neurons: kernels ? left.shift()! * places : layer.neurons })
  }
  return { ...network, layers }
}
