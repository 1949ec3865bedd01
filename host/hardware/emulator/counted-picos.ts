/**
 * Native boards as counted ones: emulated Picos in this process that share one time, so that many of
 * them together come out as fast as they would be, however slowly they are emulated.
 */
import { readFileSync } from "node:fs"
import { type BoardCount, type CountedPort, CountedSet, type Sent } from "../counted-set"
import { UF2_PATH } from "./firmware-file"
import { EmulatedPico } from "./pico"

/** Emulated time of one turn, ms: by so much two boards' times may differ when a message crosses. */
const TURN_MS = 0.02
/** A board that sleeps is looked after this often, ms. */
const IDLE_MS = 0.1

export class CountedPicos extends CountedSet<CountedPico> {
  static start(count: number): CountedPicos {
    const uf2 = readFileSync(UF2_PATH)
    return new CountedPicos(Array.from({ length: count }, (_, i) => new CountedPico(i, uf2)))
  }

  private constructor(boards: CountedPico[]) {
    super(boards)
  }

  profile(): string {
    return "pico-native"
  }

  counts(): BoardCount[] {
    return this.boards.map(({ pico }) => ({
      operations: (pico.busyNanos / 1e9) * pico.mcu.clkSys,
      busySeconds: pico.busyNanos / 1e9,
    }))
  }
}

class CountedPico implements CountedPort {
  readonly name: string
  readonly pico: EmulatedPico
  onData?: (bytes: Uint8Array) => void
  onClose?: (reason?: Error) => void
  clock: () => number = () => 0
  private readonly sent: Uint8Array[] = []

  constructor(index: number, uf2: Uint8Array) {
    this.name = `counted-${index}`
    const uniqueId = Buffer.from(`c0${index.toString(16).padStart(14, "0")}`, "hex")
    this.pico = new EmulatedPico({ uf2, uniqueId })
    this.pico.onData = bytes => this.sent.push(bytes.slice())
    this.pico.onReset = () => this.onClose?.(new Error("the board reset itself"))
  }

  /** Its own time, ms. */
  get wakes(): number {
    return this.pico.nanos / 1e6
  }

  turn(): Sent[] {
    const { pico } = this
    pico.run((pico.idle ? IDLE_MS : TURN_MS) * 1e6)
    return this.sent.splice(0).map(bytes => ({ bytes, at: this.wakes }))
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.pico.usb.write(bytes.slice())
  }

  async close(): Promise<void> {
    this.onData = undefined
  }
}
