export type PinLevel = "low" | "high" | "input" | "pullup"
/** When a pin changed, ms of the emulated clock, and to what. */
export type Edge = [ms: number, level: PinLevel]

/** See uno-chip.mjs. Arduino's pin numbers: A0 is 14. */
export class UnoChip {
  constructor(program: string)
  onByte: (byte: number) => void
  readonly incoming: number[]
  powerUp(): void
  run(cycles: number): void
  button(pin: number, at: [ms: number, pressed: boolean][]): void
  pullUp(pin: number): void
  volts(channel: number, volts: number): void
  now(): number
  edges(pin: number): Edge[]
  levels(): PinLevel[]
  i2c(): [ms: number, address: number, byte: number][]
}
export const CYCLES_PER_MS: number
