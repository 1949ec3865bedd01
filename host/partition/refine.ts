/**
 * Moves single vertices between parts to lower the cut: the k-way form of Fiduccia and Mattheyses'
 * method (A linear-time heuristic for improving network partitions, 1982) for the cost
 * Σ cost · (parts a net touches − 1). Moves that raise the cut are tried too; what did not pay in the
 * end is taken back.
 */
import type { Hypergraph } from "./hypergraph"

/** What each part may hold of each resource: `caps[resource][part]`. */
export type Caps = Float64Array[]

/** Moves without a gain after which a pass ends. */
const MOST_FRUITLESS = 150

/** What each part holds of each resource: `[resource][part]`. */
export function loadsOf(graph: Hypergraph, parts: Int32Array, count: number): Float64Array[] {
  return graph.weights.map(w => {
    const loads = new Float64Array(count)
    for (let v = 0; v < graph.size; v++) loads[parts[v]] += w[v]
    return loads
  })
}

/** How far parts are above their caps, summed as shares of the caps; 0: all fits. */
export function overloadOf(loads: Float64Array[], caps: Caps): number {
  let over = 0
  caps.forEach((most, r) => {
    for (let p = 0; p < most.length; p++)
      over += Math.max(0, loads[r][p] - most[p]) / Math.max(1, most[p])
  })
  return over
}

export class Refinement {
  readonly loads: Float64Array[]
  /** Work done so far, in vertices of nets looked at: a clock that runs the same on every machine. */
  work = 0
  private readonly count: number
  /** Vertices of net n in part p: inPart[n · count + p]. */
  private readonly inPart: Int32Array
  private readonly gains: Float64Array

  constructor(
    private readonly graph: Hypergraph,
    /** The part of each vertex; changed in place. */
    readonly parts: Int32Array,
    private readonly caps: Caps,
  ) {
    this.count = caps[0].length
    this.inPart = new Int32Array(graph.costs.length * this.count)
    this.gains = new Float64Array(this.count)
    this.loads = loadsOf(graph, parts, this.count)
    for (let n = 0; n < graph.costs.length; n++)
      for (let i = graph.start[n]; i < graph.start[n + 1]; i++)
        this.inPart[n * this.count + parts[graph.pins[i]]]++
    this.work += graph.pins.length
  }

  /** Improves until a pass no longer helps, or so much work is done. */
  refine(passes: number, work: number): void {
    const end = this.work + work
    if (overloadOf(this.loads, this.caps) > 0) this.unload()
    for (let pass = 0; pass < passes; pass++) if (this.pass(end) <= 0) break
  }

  private fits(v: number, part: number): boolean {
    for (let r = 0; r < this.caps.length; r++)
      if (this.loads[r][part] + this.graph.weights[r][v] > this.caps[r][part]) return false
    return true
  }

  /** The best part for v to move to, −1 if none has room; `bestGain` is what the cut falls by. */
  private bestMove(v: number): number {
    const { count, inPart, gains, parts } = this
    const { costs, nets, netStart, pins, start } = this.graph
    const from = parts[v]
    gains.fill(0)
    let gain = 0
    let work = 0
    const end = netStart[v + 1]
    for (let i = netStart[v]; i < end; i++) {
      const n = nets[i]
      const cost = costs[n]
      const first = start[n]
      const place = n * count
      // Out of the last part but its own: nothing of the net stays behind.
      if (inPart[place + from] > 1) gain -= cost
      if (start[n + 1] - first === 2) {
        const other = pins[first] === v ? pins[first + 1] : pins[first]
        gains[parts[other]] += cost
        work++
      } else {
        for (let p = 0; p < count; p++) if (inPart[place + p] > 0) gains[p] += cost
        work += count
      }
    }
    this.work += work
    let best = -1
    for (let p = 0; p < count; p++) {
      if (p === from || (best >= 0 && gains[p] < gains[best]) || !this.fits(v, p)) continue
      if (best < 0 || gains[p] > gains[best]) best = p
      // Of equals the emptier, which leaves more room for others.
      else if (gains[p] === gains[best] && this.fullness(p) < this.fullness(best)) best = p
    }
    this.bestGain = best < 0 ? 0 : gain + gains[best]
    return best
  }
  private bestGain = 0

  private fullness(part: number): number {
    return this.loads[0][part] / this.caps[0][part]
  }

  private move(v: number, to: number): void {
    const { graph, count } = this
    const from = this.parts[v]
    for (let i = graph.netStart[v]; i < graph.netStart[v + 1]; i++) {
      const n = graph.nets[i]
      this.inPart[n * count + from]--
      this.inPart[n * count + to]++
    }
    for (let r = 0; r < this.loads.length; r++) {
      this.loads[r][from] -= graph.weights[r][v]
      this.loads[r][to] += graph.weights[r][v]
    }
    this.parts[v] = to
  }

  /** Takes vertices out of parts above a cap, those that cost the cut least, where others have room. */
  private unload(): void {
    for (let p = 0; p < this.count; p++) {
      const over = () => this.caps.some((caps, r) => this.loads[r][p] > caps[p])
      if (!over()) continue
      const heap = new Heap()
      for (let v = 0; v < this.graph.size; v++)
        if (this.parts[v] === p && this.bestMove(v) >= 0) heap.push(v, this.bestGain)
      while (over() && heap.size > 0) {
        const { item, key } = heap.pop()
        const to = this.bestMove(item)
        if (to < 0) continue
        if (this.bestGain < key) heap.push(item, this.bestGain)
        else this.move(item, to)
      }
    }
  }

  private pass(end: number): number {
    const { graph } = this
    const locked = new Uint8Array(graph.size)
    const queued = new Float64Array(graph.size).fill(Number.NaN)
    const heap = new Heap()
    const enqueue = (v: number) => {
      if (this.bestMove(v) < 0 || queued[v] === this.bestGain) return
      queued[v] = this.bestGain
      heap.push(v, this.bestGain)
    }
    for (let v = 0; v < graph.size; v++) enqueue(v)
    const moved: number[] = []
    const cameFrom: number[] = []
    let gain = 0
    let best = 0
    let bestAt = 0
    while (heap.size > 0 && moved.length - bestAt < MOST_FRUITLESS && this.work < end) {
      const { item: v, key } = heap.pop()
      if (locked[v] || key !== queued[v]) continue
      // Room may have gone since.
      queued[v] = Number.NaN
      const to = this.bestMove(v)
      if (to < 0) continue
      if (this.bestGain < key) {
        queued[v] = this.bestGain
        heap.push(v, this.bestGain)
        continue
      }
      gain += this.bestGain
      locked[v] = 1
      moved.push(v)
      cameFrom.push(this.parts[v])
      const from = this.parts[v]
      this.move(v, to)
      if (gain > best) {
        best = gain
        bestAt = moved.length
      }
      for (let i = graph.netStart[v]; i < graph.netStart[v + 1]; i++) {
        const n = graph.nets[i]
        const left = this.inPart[n * this.count + from]
        const there = this.inPart[n * this.count + to]
        // Only then does a gain of another vertex of the net change.
        if (left > 1 && there > 2) continue
        for (let k = graph.start[n]; k < graph.start[n + 1]; k++)
          if (!locked[graph.pins[k]]) enqueue(graph.pins[k])
        this.work += graph.start[n + 1] - graph.start[n]
      }
    }
    while (moved.length > bestAt) this.move(moved.pop()!, cameFrom.pop()!)
    return best
  }
}

/** Largest key first; of equal keys the one pushed last, which keeps moves near each other. */
class Heap {
  private readonly items: number[] = []
  private readonly keys: number[] = []
  private readonly ages: number[] = []
  private age = 0

  get size(): number {
    return this.items.length
  }

  push(item: number, key: number): void {
    this.place(this.items.length, item, key, this.age++)
  }

  private place(at: number, item: number, key: number, age: number): void {
    let i = at
    while (i > 0) {
      const up = (i - 1) >> 1
      if (this.keys[up] > key || (this.keys[up] === key && this.ages[up] > age)) break
      this.copy(up, i)
      i = up
    }
    this.items[i] = item
    this.keys[i] = key
    this.ages[i] = age
  }

  private copy(from: number, to: number): void {
    this.items[to] = this.items[from]
    this.keys[to] = this.keys[from]
    this.ages[to] = this.ages[from]
  }

  private before(a: number, b: number): boolean {
    return (
      this.keys[a] > this.keys[b] || (this.keys[a] === this.keys[b] && this.ages[a] > this.ages[b])
    )
  }

  pop(): { item: number; key: number } {
    const top = { item: this.items[0], key: this.keys[0] }
    const item = this.items.pop()!
    const key = this.keys.pop()!
    const age = this.ages.pop()!
    const size = this.items.length
    if (size === 0) return top
    // The hole goes down along the larger children, then the last one is placed upwards from it.
    let hole = 0
    for (let child = 1; child < size; child = 2 * hole + 1) {
      if (child + 1 < size && this.before(child + 1, child)) child++
      this.copy(child, hole)
      hole = child
    }
    this.place(hole, item, key, age)
    return top
  }
}
