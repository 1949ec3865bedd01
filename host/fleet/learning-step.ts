/** One sample on its way back through the boards: which sums have come, and who is due theirs. */
import "../base/memory"
import type { BackReport } from "./reports"
import type { Layer, Owner, Reader } from "./routes"
import type { Sum } from "./service-messages"

/** Sums that are complete, for the owner of their signals. */
export interface Due {
  layer: number
  owner: Owner
  sums: Sum[]
}

export class LearningStep {
  /** What the network said before it learnt, and whether there was anything to learn. */
  predicted?: number
  learned?: boolean
  /** When the last message of each part came, ms. */
  readonly marks = new Map<string, number>()
  onFinished?: () => void

  /** "layer/member" of every reader that has reported all its sums for that layer. */
  private readonly done = new Set<string>()
  /** By "layer/member" of a reader: which of the places on its bus have come. */
  private readonly there = new Map<string, Uint8Array>()
  /** By "layer/member" of the owner. */
  private readonly sums = new Map<string, Sum[]>()
  /** Owners that got theirs. */
  private readonly handed = new Set<string>()
  /** The layers that sums come back for: 1…; outputs have none. */
  private readonly layers: Layer[]

  /** @param layers who reads and who owns, of all layers from 0 to the outputs' */
  constructor(
    readonly sample: number,
    layers: Layer[],
  ) {
    this.layers = layers.slice(0, -1)
  }

  /**
   * @param from member whose report it is
   * @returns sums that are complete with it; or what does not agree with other reports
   */
  take(from: number, report: BackReport): Due[] | string {
    const { layer, learned, last, predicted } = report
    if (predicted !== undefined) {
      const known = this.learned !== undefined
      if (known && (predicted !== this.predicted || learned !== this.learned))
        return `it gives class ${predicted}${learned ? "" : " and no error"}, and another report did not`
      this.predicted = predicted
      this.learned = learned
    }
    const key = `${layer}/${from}`
    const reader = this.layers[layer].readers.find(r => r.member === from)
    if (reader && learned) this.takeSums(key, reader, report)
    else if (last) this.done.add(key)
    return this.learned ? this.due() : []
  }

  private takeSums(
    key: string,
    { origins, count }: Reader,
    { layer, first, values }: BackReport,
  ): void {
    const there = this.there.get(key) ?? new Uint8Array(origins.length)
    this.there.set(key, there)
    for (let i = 0; i < values.length >> 2; i++) {
      if (there[first + i] !== 0) continue
      there[first + i] = 1
      const { owner, place } = origins[first + i]
      const home = `${layer}/${owner}`
      const known = this.sums.get(home) ?? []
      known.push({ place, value: values.getAt(i << 2, "i32") })
      this.sums.set(home, known)
    }
    // The last report alone says nothing of those before it: they may be lost, or come behind.
    if (there.reduce((sum, had) => sum + had, 0) === count) this.done.add(key)
  }

  /** Once every reader of an owner's signals has reported, the owner gets the sums for them. */
  private due(): Due[] {
    const due: Due[] = []
    for (const [layer, { owners }] of this.layers.entries())
      for (const owner of owners) {
        const key = `${layer}/${owner.member}`
        if (this.handed.has(key)) continue
        if (!owner.readers.every(i => this.done.has(`${layer}/${i}`))) continue
        this.handed.add(key)
        due.push({ layer, owner, sums: this.sums.get(key) ?? [] })
      }
    return due
  }

  /** A sample is learnt when every board that reports on it has; the rest follows in order. */
  get finished(): boolean {
    if (this.learned === undefined) return false
    if (!this.learned) return true
    // Those that read the outputs report on the layer below.
    return this.layers.every(({ readers }, layer) =>
      readers.every(({ member }) => this.done.has(`${layer}/${member}`)),
    )
  }
}
