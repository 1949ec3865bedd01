/** Emulated Picos in this process, each with the program that is shipped, under a test's full control. */
import { readFileSync } from "node:fs"
import { UF2_PATH } from "../../../host/hardware/emulator/firmware-file"
import { EmulatedPico, type PicoOptions } from "../../../host/hardware/emulator/pico"
import { PicoPort } from "../../../host/hardware/emulator/pico-port"
import { JD_CONTROL_CMD_RESET, JD_SERVICE_INDEX_CONTROL } from "../../../host/link/jacdac"
import type { Benches } from "../bench"

export const uf2 = readFileSync(UF2_PATH)

export interface NativeBenches extends Benches {
  picos: EmulatedPico[]
  /** What the emulator warned of. */
  warnings: string[]
}

/** @param Bench command of test/firmware/bench.ts; given, since a test replaces parts of that module */
export async function startNativeBenches(
  { Bench, command }: Pick<typeof import("../bench"), "Bench" | "command">,
  count: number,
  options: PicoOptions = {},
): Promise<NativeBenches> {
  const warnings: string[] = []
  const picos = Array.from(
    { length: count },
    () => new EmulatedPico({ uf2, onWarning: text => warnings.push(text), ...options }),
  )
  const ports = picos.map((pico, i) => new PicoPort(`pico-${i}`, pico))
  const benches = await Promise.all(ports.map((port, i) => Bench.open(port, i, Buffer.alloc(0))))
  return {
    boards: { stop: async () => {} },
    benches,
    picos,
    warnings,
    restart: async index => {
      const { link } = benches[index]
      const gone = new Promise<void>(resolve => {
        link.listen({ onClose: () => resolve() })
      })
      await command(link, JD_SERVICE_INDEX_CONTROL, JD_CONTROL_CMD_RESET)
      await gone
      const port = new PicoPort(`pico-${index}`, picos[index])
      benches[index] = await Bench.open(port, index, Buffer.alloc(0))
    },
    stop: async () => {
      await Promise.all(benches.map(({ link }) => link.close()))
    },
  }
}
