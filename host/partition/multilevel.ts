/**
 * Cuts a hypergraph into parts of given capacity at few crossings: multilevel (coarsen, cut the small
 * graph, uncoarsen and refine), with several starts, whose results are then combined, as in
 * evolutionary partitioners (Sanders and Schulz, Distributed evolutionary graph partitioning, 2012):
 * what two good cuts agree on is contracted, so that the rest is searched anew.
 *
 * Everything is drawn from a seed and effort is counted in work done, not in time, so that the result
 * is the same on every machine.
 */
import { hash32 } from "../../src/base/random"
import { cutOf, type Hypergraph, mergeNets } from "./hypergraph"
import { type Caps, loadsOf, overloadOf, Refinement } from "./refine"

export interface Cut {
  /** The part of each vertex. */
  parts: Int32Array
  /** Σ cost of a net · (parts it touches − 1). */
  cut: number
  /** How far parts are above their caps, summed as shares of the caps; 0: all fits. */
  overload: number
}

/** The best cut found. */
export interface BestCut extends Cut {
  /** Would more work have found the same? */
  settled: boolean
}

export interface CutOptions {
  seed?: number
  /** Vertices of nets that may be looked at before the best so far is taken. */
  work?: number
}

/** A second or so on a desktop machine. */
export const USUAL_WORK = 20e6
/** A graph is refined a little even when the work is spent. */
const LEAST_WORK = 20_000
const STARTS = 12
const POOL = 8
/** Times at most that results are combined. */
const ROUNDS = 400
/** Combinations without a better cut after which none is expected. */
const MOST_FRUITLESS = 120
const PASSES = 8
/** Nets of more vertices say nothing about which belong together. */
const WIDE_NET = 100

/** Of what is left when vertices are merged, this many for each part. */
const COARSE_VERTICES = 20

export function cutHypergraph(graph: Hypergraph, caps: Caps, options: CutOptions = {}): BestCut {
  const most = options.work ?? USUAL_WORK
  const search = new Search(caps, options.seed ?? 1, most)
  const pool: Cut[] = []
  // Nothing looks at what is left before half of it is spent.
  const best = () => ({ ...pool[0], settled: search.work < most / 2 })
  for (let i = 0; i < STARTS && (i === 0 || search.work < most / 2); i++)
    insert(pool, search.multilevel(graph))
  // What is not coarsened has nothing to combine: each is refined until that finds no more.
  if (search.isCoarse(graph)) {
    for (let i = 0; i < pool.length && search.work < most; i++) {
      const refined = search.multilevel(graph, pool[i])
      if (!better(refined, pool[i])) continue
      insert(pool, refined)
      i = -1
    }
    return best()
  }
  let fruitless = 0
  for (let i = 0; i < ROUNDS && fruitless < MOST_FRUITLESS && search.work < most; i++) {
    const a = pool[search.random(pool.length)]
    const b = pool[search.random(pool.length)]
    const before = pool[0]
    insert(pool, search.multilevel(graph, a, a === b ? undefined : b))
    fruitless = better(pool[0], before) ? 0 : fruitless + 1
  }
  return best()
}

function better(a: Cut, b: Cut): boolean {
  return a.overload < b.overload || (a.overload === b.overload && a.cut < b.cut)
}

/** The pool is sorted, best first. A cut equal to one in it tells nothing new. */
function insert(pool: Cut[], cut: Cut): void {
  if (pool.some(c => c.cut === cut.cut && c.parts.every((p, v) => p === cut.parts[v]))) return
  let at = 0
  while (at < pool.length && !better(cut, pool[at])) at++
  pool.splice(at, 0, cut)
  if (pool.length > POOL) pool.pop()
}

class Search {
  work = 0
  private readonly count: number
  private drawn = 0

  constructor(
    private readonly caps: Caps,
    private readonly seed: number,
    private readonly most: number,
  ) {
    this.count = caps[0].length
  }

  random(below: number): number {
    return (hash32(this.seed, this.drawn++) >>> 0) % below
  }

  isCoarse(graph: Hypergraph): boolean {
    return graph.size <= COARSE_VERTICES * this.count
  }

  private shuffled(size: number): Int32Array {
    const order = new Int32Array(size)
    for (let i = 0; i < size; i++) order[i] = i
    for (let i = size - 1; i > 0; i--) {
      const j = this.random(i + 1)
      const other = order[j]
      order[j] = order[i]
      order[i] = other
    }
    return order
  }

  /** A cut from nothing; or, given one or two, from the better of them, inside which none is merged. */
  multilevel(graph: Hypergraph, a?: Cut, b?: Cut): Cut {
    const first = a && b && better(b, a) ? b : a
    let labels: Int32Array | undefined
    if (a) labels = a.parts.map((p, v) => p * this.count + (b ? b.parts[v] : 0))
    let parts = first?.parts
    const levels: { graph: Hypergraph; map: Int32Array }[] = []
    let coarse = graph
    while (!this.isCoarse(coarse)) {
      const { map, size } = this.match(coarse, labels)
      if (size > coarse.size * 0.95) break
      levels.push({ graph: coarse, map })
      labels = labels && spread(labels, map, size)
      parts = parts && spread(parts, map, size)
      coarse = contract(coarse, map, size)
      this.work += coarse.pins.length
    }
    let found = parts ? this.refined(coarse, parts) : this.start(coarse)
    for (let level = levels.length - 1; level >= 0; level--) {
      const { graph: fine, map } = levels[level]
      const there = found
      found = this.refined(
        fine,
        map.map(v => there[v]),
      )
    }
    return this.judge(graph, found)
  }

  private judge(graph: Hypergraph, parts: Int32Array): Cut {
    return {
      parts,
      cut: cutOf(graph, parts),
      overload: overloadOf(loadsOf(graph, parts, this.count), this.caps),
    }
  }

  private refined(graph: Hypergraph, parts: Int32Array): Int32Array {
    const refinement = new Refinement(graph, parts.slice(), this.caps)
    refinement.refine(PASSES, Math.max(LEAST_WORK, this.most - this.work))
    this.work += refinement.work
    return refinement.parts
  }

  /** Merges pairs that share many narrow nets; vertices of different labels never. */
  private match(graph: Hypergraph, labels?: Int32Array): { map: Int32Array; size: number } {
    const map = new Int32Array(graph.size).fill(-1)
    const rating = new Float64Array(graph.size)
    // A vertex too heavy to fit beside others could not be placed any more.
    const most = graph.weights.map((w, r) => {
      const total = w.reduce((sum, x) => sum + x, 0)
      return Math.min(Math.min(...this.caps[r]) / 3, (1.5 * total) / (COARSE_VERTICES * this.count))
    })
    let size = 0
    for (const v of this.shuffled(graph.size)) {
      if (map[v] >= 0) continue
      const near: number[] = []
      for (let i = graph.netStart[v]; i < graph.netStart[v + 1]; i++) {
        const n = graph.nets[i]
        const wide = graph.start[n + 1] - graph.start[n]
        if (wide > WIDE_NET) continue
        this.work += wide
        for (let k = graph.start[n]; k < graph.start[n + 1]; k++) {
          const u = graph.pins[k]
          if (rating[u] === 0) near.push(u)
          rating[u] += graph.costs[n] / (wide - 1)
        }
      }
      let best = -1
      let most0 = 0
      for (const u of near) {
        const score = rating[u] / Math.max(1e-9, graph.weights[0][u])
        rating[u] = 0
        if (score <= most0 || u === v || map[u] >= 0) continue
        if (labels && labels[u] !== labels[v]) continue
        if (!graph.weights.every((w, r) => w[u] + w[v] <= most[r])) continue
        most0 = score
        best = u
      }
      map[v] = size
      if (best >= 0) map[best] = size
      size++
    }
    return { map, size }
  }

  /** Cuts a small graph: the best of a few that grow parts from random vertices. */
  private start(graph: Hypergraph): Int32Array {
    let best: Cut | undefined
    for (let i = 0; i < 8; i++) {
      const cut = this.judge(graph, this.refined(graph, this.grown(graph)))
      if (!best || better(cut, best)) best = cut
    }
    return best!.parts
  }

  /** Fills part after part along nets, each as full as all are on average. */
  private grown(graph: Hypergraph): Int32Array {
    const parts = new Int32Array(graph.size).fill(-1)
    const order = this.shuffled(graph.size)
    const total = graph.weights.map(w => w.reduce((sum, x) => sum + x, 0))
    const room = this.caps.map(caps => caps.reduce((sum, x) => sum + x, 0))
    const loads = graph.weights.map(() => new Float64Array(this.count))
    const sequence = this.shuffled(this.count)
    for (const [place, part] of sequence.entries()) {
      const full = () =>
        graph.weights.some(
          (_, r) => loads[r][part] >= (this.caps[r][part] * total[r]) / Math.max(1, room[r]),
        )
      const last = place === this.count - 1
      const queue: number[] = []
      let head = 0
      let next = 0
      while (last || !full()) {
        let v = -1
        if (head < queue.length) {
          // One of the first four, which the ones before it close up to.
          let i = head + this.random(Math.min(4, queue.length - head))
          v = queue[i]
          for (; i > head; i--) queue[i] = queue[i - 1]
          head++
        }
        if (v < 0) {
          while (next < order.length && parts[order[next]] >= 0) next++
          if (next === order.length) break
          v = order[next]
        }
        if (parts[v] >= 0) continue
        parts[v] = part
        graph.weights.forEach((w, r) => {
          loads[r][part] += w[v]
        })
        for (let i = graph.netStart[v]; i < graph.netStart[v + 1]; i++) {
          const n = graph.nets[i]
          if (graph.start[n + 1] - graph.start[n] > WIDE_NET) continue
          for (let k = graph.start[n]; k < graph.start[n + 1]; k++)
            if (parts[graph.pins[k]] < 0) queue.push(graph.pins[k])
        }
      }
    }
    return parts
  }
}

/** Of vertices that become one all have the same value. */
function spread(values: Int32Array, map: Int32Array, size: number): Int32Array {
  const out = new Int32Array(size)
  for (let v = 0; v < map.length; v++) out[map[v]] = values[v]
  return out
}

function contract(graph: Hypergraph, map: Int32Array, size: number): Hypergraph {
  const weights = graph.weights.map(w => {
    const sum = new Float64Array(size)
    for (let v = 0; v < map.length; v++) sum[map[v]] += w[v]
    return sum
  })
  const pins = graph.pins.map(v => map[v])
  return mergeNets(weights, pins, graph.start.slice(), graph.costs.slice())
}
