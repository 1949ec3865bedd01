export const FLASH_BYTES: number

export class MachineEnded extends Error {
  /** 0: it reset itself; undefined: it gave up. */
  readonly status: number | undefined
}

export interface MachineHooks {
  /** Milliseconds, as the machine sees them. */
  now(): number
  /** What its flash holds at its start. */
  flash?(): Uint8Array | undefined
  /** Its memory, and where in it the flash begins; it has FLASH_BYTES. Before anything else. */
  onMemory?(memory: Uint8Array, flashAt: number): void
  /** Whether it may take the next frame, else its turn ends; not asked by a "bare" machine. */
  takesFrame?(): boolean
  /** Before an operation of its flash: see machine-binary.ts. */
  onFlash?(at: number, what: number): void
  /** All its flash holds so far is to be kept: the part of it that is in use, copied when asked for. */
  onSync?(flash: () => Uint8Array): void
  /** A frame it sends. */
  onFrame(frame: Uint8Array): void
  /** A line of its log. */
  onLog(line: string): void
  /** Its program stopped itself. */
  onPanic?(code: number): void
  /** Fills with random bytes; absent: with real ones. */
  random?(bytes: Uint8Array): void
}

export interface MachineCore {
  readonly memory: { readonly buffer: ArrayBuffer }
  /** @returns microseconds until there is something to do by itself */
  process(): number
  /** @returns 0, or less where there is no room for the frame, or it is damaged */
  receive(frame: Uint8Array): number
  /** @returns 0, or less where it refuses the program */
  deploy(bytecode: Uint8Array): number
  /** Collects garbage at every allocation. */
  gcStress(on: boolean): void
}

/** @param id of the device, 16 hexadecimal digits. @throws MachineEnded, now or when it is worked */
export function startMachine(
  module: WebAssembly.Module,
  id: string,
  hooks: MachineHooks,
): MachineCore
