/** Cycles an emulated Pico spends in functions of its program, interrupts left out. */
import type { EmulatedPico } from "../../host/native/emulator/pico"

export interface Spent {
  calls: number
  /** With what the function calls. */
  cycles: number
}

/** @param symbols addresses of the program's functions; only those in `names` are looked at */
export function profile(
  pico: EmulatedPico,
  symbols: Map<string, number>,
  names: string[],
): Map<string, Spent> {
  const spent = new Map(names.map(name => [name, { calls: 0, cycles: 0 }]))
  const entries = new Map(names.map(name => [(symbols.get(name) ?? 0) & ~1, spent.get(name)!]))
  const open: { of: Spent; back: number; stack: number }[] = []
  const { core } = pico.mcu
  const plain = core.executeInstruction.bind(core)
  core.executeInstruction = () => {
    const at = core.PC
    const inThread = core.IPSR === 0
    if (inThread) {
      // A function that ends by jumping to another returns with it.
      for (
        let top = open.at(-1);
        top && at === top.back && core.SP === top.stack;
        top = open.at(-1)
      )
        open.pop()
      const entered = entries.get(at)
      if (entered) {
        entered.calls++
        open.push({ of: entered, back: core.LR & ~1, stack: core.SP })
      }
    }
    const cycles = plain()
    // The first of an interrupt's instructions ends in it.
    if (inThread && core.IPSR === 0) for (const { of } of open) of.cycles += cycles
    return cycles
  }
  return spent
}
