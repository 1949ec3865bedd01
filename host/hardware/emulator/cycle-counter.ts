/** Cycles an emulated Pico spends in each function of its program. */
import type { EmulatedPico } from "./pico"

/** What copies and fills for others: their cycles are those of whoever called. */
const RUNTIME = /^(mem(cpy|set|cmp)|strlen|__.*)$/

export class CycleCounter {
  /** Names of the functions, in the order of their addresses. */
  private readonly names: string[]
  private readonly addresses: number[]
  private readonly runtime: boolean[]
  private readonly cycles: Float64Array
  /** By address. */
  private readonly known = new Map<number, number>()

  /** @param functions address of each function of the program that runs */
  constructor(pico: EmulatedPico, functions: Record<string, number>) {
    const sorted = Object.entries(functions).sort(([, a], [, b]) => a - b)
    this.names = sorted.map(([name]) => name)
    this.addresses = sorted.map(([, address]) => address)
    this.runtime = this.names.map(name => RUNTIME.test(name))
    this.cycles = new Float64Array(sorted.length)
    this.watch(pico)
  }

  private watch(pico: EmulatedPico): void {
    const { core } = pico.mcu
    const plain = core.executeInstruction.bind(core)
    // The last function that is no runtime, in the program and in interrupts.
    const last = [0, 0]
    core.executeInstruction = () => {
      const at = core.PC
      const mode = core.IPSR === 0 ? 0 : 1
      let index = this.known.get(at)
      if (index === undefined) {
        index = this.indexOf(at)
        this.known.set(at, index)
      }
      if (this.runtime[index]) index = last[mode]
      else last[mode] = index
      const cycles = plain()
      this.cycles[index] += cycles
      return cycles
    }
  }

  private indexOf(address: number): number {
    let low = 0
    let high = this.addresses.length
    while (high - low > 1) {
      const middle = (low + high) >> 1
      if (this.addresses[middle] <= address) low = middle
      else high = middle
    }
    return low
  }

  /** Cycles since the last call, of functions that had any. */
  take(): Map<string, number> {
    const taken = new Map<string, number>()
    for (const [i, name] of this.names.entries())
      if (this.cycles[i] > 0) taken.set(name, this.cycles[i])
    this.cycles.fill(0)
    return taken
  }
}
