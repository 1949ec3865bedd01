/** A plan as SVG text: a column for each layer, a band for each board, signals between them as lines. */

import { busesOf } from "../network/buses"
import type { Network } from "../network/network"
import type { Plan } from "./plan"

const WIDTH = 640
const LEFT = 150
const RIGHT = 24
const TOP = 72
const BAND = 44
const GAP = 12
const MOST_LINE = 12

/** Okabe and Ito's colours, which colour-blind readers tell apart. */
const COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#8c6d00", "#444444"]

/** The plan as a whole SVG document: boxes as long as shares of layers, lines as wide as signals. */
export function renderPlan(network: Network, plan: Plan): string {
  const layers = network.layers.length
  const column = (WIDTH - LEFT - RIGHT) / layers
  const box = column * 0.55
  const x = (layer: number) => LEFT + (layer - 1) * column
  const y = (board: number) => TOP + board * (BAND + GAP)
  const height = TOP + plan.boards.length * (BAND + GAP) + 12
  const parts: string[] = []
  const text = (at: number, down: number, words: string, more = "") =>
    parts.push(`<text x="${round(at)}" y="${round(down)}" ${more}>${escaped(words)}</text>`)

  const flows = flowsOf(network, plan)
  const most = Math.max(1, ...flows.map(f => f.signals))
  for (const { layer, from, to, signals } of flows) {
    const wide = Math.max(0.75, (signals / most) * MOST_LINE)
    const start = x(layer) + box
    const end = x(layer + 1)
    const middle = (start + end) / 2
    const [a, b] = [y(from) + BAND / 2, y(to) + BAND / 2]
    parts.push(
      `<path d="M${round(start)} ${round(a)} C${round(middle)} ${round(a)} ${round(middle)} ${round(b)} ${round(end)} ${round(b)}" fill="none" stroke="${colour(from)}" stroke-opacity="0.45" stroke-width="${round(wide)}"><title>${signals} signals from ${plan.boards[from].id} to ${plan.boards[to].id}</title></path>`,
    )
  }
  plan.boards.forEach((board, b) => {
    text(12, y(b) + 18, board.id, `font-weight="bold" fill="${colour(b)}"`)
    text(
      12,
      y(b) + 34,
      `${board.heapPercent.toFixed(0)} % heap, ${board.msPerSample.toFixed(0)} ms`,
    )
    for (let layer = 1; layer <= layers; layer++) {
      const neurons = board.slices
        .filter(s => s.layer === layer)
        .reduce((sum, s) => sum + s.count, 0)
      if (neurons === 0) continue
      const share = neurons / network.layers[layer - 1].neurons
      parts.push(
        `<rect x="${round(x(layer))}" y="${y(b)}" width="${round(box)}" height="${BAND}" rx="4" fill="#fff" stroke="${colour(b)}"/>`,
        `<rect x="${round(x(layer))}" y="${y(b)}" width="${round(box * share)}" height="${BAND}" rx="4" fill="${colour(b)}" fill-opacity="0.3"/>`,
      )
      text(x(layer) + box / 2, y(b) + BAND / 2 + 4, `${neurons}`, 'text-anchor="middle"')
    }
  })
  for (let layer = 1; layer <= layers; layer++)
    text(
      x(layer) + box / 2,
      TOP - 12,
      `layer ${layer}: ${network.layers[layer - 1].neurons}`,
      'text-anchor="middle"',
    )
  text(
    12,
    24,
    `${network.name} on ${plan.boards.length} boards`,
    'font-size="15" font-weight="bold"',
  )
  text(
    12,
    42,
    plan.feasible
      ? `${plan.cutSignals} signals from board to board, ${plan.predictedSamplesPerSecond.toPrecision(3)} images a second (predicted)`
      : `does not fit: ${plan.reason}`,
  )
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" font-family="sans-serif" font-size="11" fill="#222"><rect width="100%" height="100%" fill="#fff"/>${parts.join("\n")}</svg>\n`
}

interface Flow {
  layer: number
  from: number
  to: number
  signals: number
}

/** How many signals of each layer go from which board to which. */
function flowsOf(network: Network, plan: Plan): Flow[] {
  const flows: Flow[] = []
  const buses = plan.boards.map(b => busesOf(network, b.slices))
  for (let layer = 1; layer < network.layers.length; layer++) {
    const { outputs } = network.layers[layer - 1]
    const owner = new Map<number, number>()
    plan.boards.forEach(({ slices }, b) => {
      for (const s of slices.filter(slice => slice.layer === layer))
        for (let i = 0; i < s.count; i++) owner.set(s.neurons?.[i] ?? s.first + i, b)
    })
    plan.boards.forEach(({ slices }, to) => {
      if (!slices.some(s => s.layer === layer + 1)) return
      const signals = new Map<number, number>()
      for (const signal of buses[to][layer]) {
        const from = owner.get(Math.floor(signal / outputs))
        if (from !== undefined && from !== to) signals.set(from, (signals.get(from) ?? 0) + 1)
      }
      for (const [from, count] of signals) flows.push({ layer, from, to, signals: count })
    })
  }
  return flows
}

function colour(board: number): string {
  return COLOURS[board % COLOURS.length]
}

function round(x: number): number {
  return Math.round(x * 10) / 10
}

function escaped(words: string): string {
  return words.replace(/[&<>"]/g, c => `&#${c.charCodeAt(0)};`)
}
