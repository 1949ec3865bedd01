/**
 * Decides which frames meet with a fault. It depends on the seed, the frame's stream and its number
 * in it, and on nothing else: neither on time nor on what happens in other streams.
 */
import { hash32 } from "../../src/base/random"
import type { BrokerKind, FaultKind, FaultRule } from "./spec"

export interface Injected {
  rule: FaultRule
  /** "1.out.image#7" */
  frame: string
}

export class FaultInjector {
  /** By stream how many frames it has had. */
  readonly counts = new Map<string, number>()
  /** What has happened, in order. */
  readonly injected: Injected[] = []
  private readonly spent = new Set<FaultRule>()

  constructor(
    readonly rules: readonly FaultRule[],
    readonly seed: number,
    private readonly onFault?: (fault: Injected) => void,
  ) {}

  /** Counts a frame of a stream ("1.out.image"), and says what is to happen to it. */
  decide(stream: string): FaultRule | undefined {
    const number = this.counts.get(stream) ?? 0
    this.counts.set(stream, number + 1)
    const found = this.rules.find((rule, i) => {
      if (rule.index !== undefined)
        return stream === rule.stream && number === rule.index && !this.spent.has(rule)
      if (rule.stream !== undefined && !begins(stream, rule.stream)) return false
      // 0 … 2^32−1: even, by the hash, for every rule, stream and number.
      return this.draw(stream, i, number) < (rule.rate ?? 0) * 2 ** 32
    })
    if (found === undefined) return undefined
    if (found.index !== undefined) this.spent.add(found)
    const fault = { rule: found, frame: `${stream}#${number}` }
    this.injected.push(fault)
    this.onFault?.(fault)
    return found
  }

  /** A number below `most` that belongs to the last frame of a stream: which bit is flipped. */
  pick(stream: string, most: number): number {
    return this.draw(stream, -1, this.counts.get(stream) ?? 0) % most
  }

  /** How often each kind has happened. */
  get totals(): Partial<Record<FaultKind | BrokerKind, number>> {
    const totals: Partial<Record<FaultKind | BrokerKind, number>> = {}
    for (const { rule } of this.injected) totals[rule.kind] = (totals[rule.kind] ?? 0) + 1
    return totals
  }

  private draw(stream: string, rule: number, number: number): number {
    let h = hash32(this.seed, rule)
    for (let i = 0; i < stream.length; i++) h = hash32(h, stream.charCodeAt(i))
    return hash32(h, number) >>> 0
  }
}

/** Is `prefix` the stream, or a beginning of its name up to a point? */
function begins(stream: string, prefix: string): boolean {
  return stream === prefix || stream.startsWith(`${prefix}.`)
}
