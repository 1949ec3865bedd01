/**
 * The sums of outputs of which every board has a part (PartFlag.Partial): added up here, once all have
 * come. Whole numbers of 32 bits: in whatever order they come, the bits are the same.
 */
import "../base/memory"
import { SumsField } from "../../src/wire/protocol"

interface Adding {
  sums: Int32Array
  /** Members whose part is in it: a report that comes twice counts once. */
  had: Set<number>
}

export class AddedSums {
  /** By sample. */
  private readonly samples = new Map<number, Adding>()

  /** @param members that have a part */
  constructor(private readonly members: number) {}

  end(sample: number): void {
    this.samples.delete(sample)
  }

  clear(): void {
    this.samples.clear()
  }

  /**
   * @param values i32 each, of a sample under way
   * @returns the sums of all members, once: when the last part has come
   */
  add(from: number, sample: number, values: Buffer): Int32Array | undefined {
    let adding = this.samples.get(sample)
    if (!adding) {
      adding = { sums: new Int32Array(values.length >> 2), had: new Set() }
      this.samples.set(sample, adding)
    }
    const { sums, had } = adding
    if (had.has(from)) return undefined
    had.add(from)
    for (let i = 0; i < sums.length; i++) sums[i] += values.getAt(i << 2, "i32")
    return had.size === this.members ? sums : undefined
  }
}

/** Command sums: of all synapses of the outputs, all boards' together. */
export function sumsMessage(sample: number, layer: number, sums: Int32Array): Buffer {
  const payload = Buffer.alloc(SumsField.Length + sums.length * 4)
  payload.setAt(SumsField.Sample, "i32", sample)
  payload.setAt(SumsField.Layer, "u8", layer)
  payload.setAt(SumsField.Count, "u8", sums.length)
  for (const [i, sum] of sums.entries()) payload.setAt(SumsField.Length + i * 4, "i32", sum)
  return payload
}
