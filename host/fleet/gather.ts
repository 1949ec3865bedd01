/** What boards report of the samples under way, put together for those who wait for it. */

/** Signals of one layer for one reader, of which some are still to come. */
interface Assembly {
  values: Int16Array
  /** Which have come: a report that comes twice must not stand in for one that is lost. */
  there: Uint8Array
  missing: number
}

export class Gathering {
  /** By sample, then by what is put together. */
  private readonly samples = new Map<number, Map<string, Assembly>>()

  /** Reports of this sample count from now on. */
  begin(sample: number): void {
    this.samples.set(sample, new Map())
  }

  /** Whatever still comes of the sample is a repetition, or too late. */
  end(sample: number): void {
    this.samples.delete(sample)
  }

  clear(): void {
    this.samples.clear()
  }

  isUnderWay(sample: number): boolean {
    return this.samples.has(sample)
  }

  /**
   * @param key what is put together
   * @param count values in all
   * @param values with their indices, 0…count−1
   * @returns all values, once: when the last of them has come
   */
  put(
    sample: number,
    key: string,
    count: number,
    values: Iterable<readonly [index: number, value: number]>,
  ): Int16Array | undefined {
    const assemblies = this.samples.get(sample)
    if (!assemblies) return undefined
    let assembly = assemblies.get(key)
    if (!assembly) {
      assembly = { values: new Int16Array(count), there: new Uint8Array(count), missing: count }
      assemblies.set(key, assembly)
    }
    if (assembly.missing === 0) return undefined
    for (const [index, value] of values) {
      if (assembly.there[index] !== 0) continue
      assembly.values[index] = value
      assembly.there[index] = 1
      assembly.missing--
    }
    return assembly.missing === 0 ? assembly.values : undefined
  }
}
