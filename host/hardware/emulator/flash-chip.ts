/**
 * A serial flash chip as on the Pico (Winbond W25Q16JV datasheet, 2 MiB), behind the RP2040's serial
 * interface (RP2040 datasheet 4.10): rp2040js has only a stub of either. Programming clears bits and
 * never sets any; only erasing does; both take their time, and power may fail in the middle.
 */
import type { EmulatedClock } from "./clock"

const CMD_PAGE_PROGRAM = 0x02
const CMD_READ_DATA = 0x03
const CMD_READ_STATUS = 0x05
const CMD_WRITE_ENABLE = 0x06
const CMD_SECTOR_ERASE = 0x20
const CMD_READ_UNIQUE_ID = 0x4b
const STATUS_BUSY = 1
const STATUS_WRITE_ENABLED = 2
export const PAGE = 256
export const SECTOR = 4096
export const FLASH_BYTES = 2 * 2 ** 20
/** Typical times of the datasheet, 9.6. */
const PROGRAM_NANOS = 400_000
const ERASE_NANOS = 45_000_000

export interface FlashOptions {
  /** 8 bytes. */
  uniqueId: Uint8Array
  /** What the chip holds; shared with the emulated address space. */
  bytes: Uint8Array
  clock: EmulatedClock
  /** Time to erase a sector; the datasheet's unless given. */
  eraseNanos?: number
  /**
   * Called before each erase and program; if it says so, power fails within it: only this share of it,
   * 0…1, has happened.
   */
  onChange?: (change: FlashChange) => number | undefined
  /** Power failed, as `onChange` said. */
  onPowerCut?: () => void
}

export interface FlashChange {
  /** Counts from 0 over the chip's life. */
  number: number
  what: "erase" | "program"
  address: number
}

/** The chip by itself: bytes in and out while it is selected. */
export class FlashChip {
  /** Erases and programs carried out. */
  changes = 0
  /** Commands the chip does not know: a program should send none. */
  unknown = 0
  private selected = false
  private received: number[] = []
  private writeEnabled = false
  private busyUntil = 0

  constructor(private readonly options: FlashOptions) {}

  select(on: boolean): void {
    if (on === this.selected) return
    this.selected = on
    if (on) this.received = []
    else this.execute()
  }

  /** One byte each way. */
  exchange(byte: number): number {
    if (!this.selected) return 0xff
    this.received.push(byte)
    const [command] = this.received
    const at = this.received.length
    if (command === CMD_READ_STATUS && at > 1) return this.status
    if (this.busy) return 0xff
    if (command === CMD_READ_UNIQUE_ID && at > 5)
      return this.options.uniqueId[(at - 6) % this.options.uniqueId.length]
    if (command === CMD_READ_DATA && at > 4) return this.options.bytes[this.address + at - 5]
    return 0xff
  }

  private get busy(): boolean {
    return this.options.clock.nanos < this.busyUntil
  }

  private get status(): number {
    return (this.busy ? STATUS_BUSY : 0) | (this.writeEnabled ? STATUS_WRITE_ENABLED : 0)
  }

  private get address(): number {
    const [, high, middle, low] = this.received
    return ((high << 16) | (middle << 8) | low) % this.options.bytes.length
  }

  /** Changes begin when the chip is let go. */
  private execute(): void {
    const [command] = this.received
    if (command === undefined || this.busy) return
    if (command === CMD_WRITE_ENABLE) this.writeEnabled = true
    else if (command === CMD_SECTOR_ERASE && this.received.length === 4) this.erase()
    else if (command === CMD_PAGE_PROGRAM && this.received.length > 4) this.program()
    else if (![CMD_READ_DATA, CMD_READ_STATUS, CMD_READ_UNIQUE_ID].includes(command)) this.unknown++
  }

  private erase(): void {
    if (!this.writeEnabled) return
    const start = this.address & ~(SECTOR - 1)
    const share = this.change("erase", start)
    // Cells lose their charge at their own pace: what is half erased is noise.
    const { bytes } = this.options
    if (share === undefined) bytes.fill(0xff, start, start + SECTOR)
    else
      for (let i = start; i < start + SECTOR; i++)
        if (noise(i, this.changes) < share) bytes[i] |= noise(i + SECTOR, this.changes) * 256
    this.end(this.options.eraseNanos ?? ERASE_NANOS, share)
  }

  private program(): void {
    if (!this.writeEnabled) return
    const page = this.address & ~(PAGE - 1)
    const share = this.change("program", page)
    const { bytes } = this.options
    let at = this.address
    for (const byte of this.received.slice(4)) {
      if (share === undefined) bytes[at] &= byte
      else if (noise(at, this.changes) < share)
        bytes[at] &= byte | (noise(at + PAGE, this.changes) * 256)
      // Past the end of a page it goes on at its beginning.
      at = page | ((at + 1) & (PAGE - 1))
    }
    this.end(PROGRAM_NANOS, share)
  }

  private change(what: FlashChange["what"], address: number): number | undefined {
    return this.options.onChange?.({ number: this.changes, what, address })
  }

  private end(nanos: number, cut: number | undefined): void {
    this.changes++
    this.writeEnabled = false
    this.busyUntil = this.options.clock.nanos + nanos
    if (cut !== undefined) this.options.onPowerCut?.()
  }
}

/** A number in 0…1 that follows from two others. */
function noise(a: number, b: number): number {
  const x = Math.sin(a * 12.9898 + b * 78.233) * 43758.5453
  return x - Math.floor(x)
}

const SSI_CTRLR0 = 0x00
const SSI_SSIENR = 0x08
const SSI_SER = 0x10
const SSI_SR = 0x28
const SSI_DR0 = 0x60
const SR_TFNF = 2
const SR_TFE = 4
const SR_RFNE = 8

/** The serial interface, as far as a program uses it that speaks to the chip byte by byte. */
export class SerialInterface {
  private readonly registers = new Map<number, number>()
  private readonly fifo: number[] = []

  constructor(private readonly chip: FlashChip) {}

  readUint32(offset: number): number {
    if (offset === SSI_SR) return SR_TFNF | SR_TFE | (this.fifo.length > 0 ? SR_RFNE : 0)
    if (offset === SSI_DR0) return this.fifo.shift() ?? 0
    return this.registers.get(offset) ?? 0
  }

  writeUint32(offset: number, value: number): void {
    this.registers.set(offset, value)
    if (offset === SSI_SSIENR) this.fifo.length = 0
    const on = this.registers.get(SSI_SSIENR) === 1 && this.registers.get(SSI_SER) === 1
    const byByte = ((this.registers.get(SSI_CTRLR0) ?? 0) >> 16) % 32 === 7
    if (offset === SSI_DR0 && on && byByte) this.fifo.push(this.chip.exchange(value & 0xff))
  }

  writeUint32Atomic(offset: number, value: number, atomicType: number): void {
    this.writeUint32(offset, atomicUpdate(this.readUint32(offset), value, atomicType))
  }
}

const GPIO_QSPI_SS_CTRL = 0x0c
const OUTOVER_LOW = 2

/** The flash's pins (IO_QSPI): the program selects the chip by overriding SS. */
export class FlashPins {
  private readonly registers = new Map<number, number>()

  constructor(private readonly chip: FlashChip) {}

  readUint32(offset: number): number {
    return this.registers.get(offset) ?? 0
  }

  writeUint32(offset: number, value: number): void {
    this.registers.set(offset, value)
    if (offset === GPIO_QSPI_SS_CTRL) this.chip.select(((value >> 8) & 3) === OUTOVER_LOW)
  }

  writeUint32Atomic(offset: number, value: number, atomicType: number): void {
    this.writeUint32(offset, atomicUpdate(this.readUint32(offset), value, atomicType))
  }
}

/** RP2040 datasheet 2.1.2: plain, XOR, set, clear. */
export function atomicUpdate(old: number, value: number, atomicType: number): number {
  if (atomicType === 1) return old ^ value
  if (atomicType === 2) return old | value
  if (atomicType === 3) return old & ~value
  return value
}
