/**
 * A Raspberry Pi Pico without a Pico: rp2040js with the flash chip and the USB host it lacks, started at
 * the second-stage boot as the boot ROM would leave it. Cycles are rp2040js's count, at the clock the
 * program sets; waits of the flash's cache are not in it.
 */
import { type Logger, RP2040 } from "rp2040js"
import { WuxingError } from "../../base/errors"
import { bootChecksum } from "./boot-checksum"
import { EmulatedClock } from "./clock"
import {
  atomicUpdate,
  FLASH_BYTES,
  type FlashChange,
  FlashChip,
  FlashPins,
  SerialInterface,
} from "./flash-chip"
import { fromUf2 } from "./uf2"
import { UsbHost } from "./usb-host"

const FLASH_BASE = 0x10000000
/** Where the boot ROM copies the second stage to (RP2040 datasheet 2.8.1). */
const BOOT2_AT = 0x20041f00
const BOOT2_BYTES = 256
const SSI = 0x18000
const IO_QSPI = 0x40018
const ROSC = 0x40060
const XIP_CTRL = 0x14000
const WATCHDOG = 0x40058
const PSM = 0x40010
/** Emulated time between two looks at what `run` was told to wait for. */
const LOOK_NANOS = 20_000

export interface PicoOptions {
  /** A UF2 file's bytes; undefined: what `flash` holds already. */
  uf2?: Uint8Array
  /** The flash's content, 2 MiB, which outlives the board; new (all ones) unless given. */
  flash?: Uint8Array
  /** 8 bytes; random unless given. */
  uniqueId?: Uint8Array
  /** Time the flash takes to erase a sector; the datasheet's unless given. */
  eraseNanos?: number
  onFlashChange?: (change: FlashChange) => number | undefined
  /** What the emulator warns of (registers it does not know, and the like). */
  onWarning?: (text: string) => void
}

export class EmulatedPico {
  readonly flash: Uint8Array
  readonly uniqueId: Uint8Array
  /** Of the present start; a reset makes new ones. */
  mcu!: RP2040
  clock!: EmulatedClock
  usb!: UsbHost
  chip!: FlashChip
  /** Bytes from the board's serial port. */
  onData?: (bytes: Uint8Array) => void
  onUartByte?: (byte: number) => void
  /** The board has reset itself. */
  onReset?: () => void
  /** Times it did. */
  resets = 0
  /** Emulated nanoseconds since the first start, and those of them it did not sleep. */
  nanos = 0
  busyNanos = 0
  /** Power failed in a change of the flash: nothing runs any more. */
  dead = false
  private resetAsked = false
  private readonly options: PicoOptions

  constructor(options: PicoOptions) {
    this.options = options
    this.flash = options.flash ?? new Uint8Array(FLASH_BYTES).fill(0xff)
    this.uniqueId = options.uniqueId ?? crypto.getRandomValues(new Uint8Array(8))
    if (options.uf2) {
      const { address, image } = fromUf2(options.uf2, "the program")
      this.flash.set(image, address - FLASH_BASE)
    }
    this.powerUp()
  }

  /** Power on, or a reset: everything but the flash begins anew. */
  private powerUp(): void {
    this.clock = new EmulatedClock()
    const mcu = new RP2040(this.clock)
    this.mcu = mcu
    mcu.logger = this.logger()
    // The address space of the flash shows the chip's own bytes.
    const shown = mcu as { flash: Uint8Array; flash16: Uint16Array; flashView: DataView }
    shown.flash = this.flash
    shown.flash16 = new Uint16Array(this.flash.buffer, this.flash.byteOffset, FLASH_BYTES / 2)
    shown.flashView = new DataView(this.flash.buffer, this.flash.byteOffset, FLASH_BYTES)
    this.chip = new FlashChip({
      uniqueId: this.uniqueId,
      bytes: this.flash,
      clock: this.clock,
      eraseNanos: this.options.eraseNanos,
      onChange: this.options.onFlashChange,
      onPowerCut: () => {
        this.dead = true
      },
    })
    mcu.peripherals[SSI] = new SerialInterface(this.chip)
    mcu.peripherals[IO_QSPI] = new FlashPins(this.chip)
    mcu.peripherals[ROSC] = registers(() => Math.floor(Math.random() * 2))
    mcu.peripherals[XIP_CTRL] = registers(() => 0)
    mcu.peripherals[PSM] = registers(() => 0)
    const watchdog = mcu.peripherals[WATCHDOG] as unknown as { onWatchdogTrigger: () => void }
    watchdog.onWatchdogTrigger = () => {
      this.resetAsked = true
      this.clock.stop()
    }
    this.usb = new UsbHost(mcu.usbCtrl, this.clock)
    this.usb.onData = bytes => this.onData?.(bytes)
    mcu.uart[0].onByte = byte => this.onUartByte?.(byte)
    this.boot()
  }

  /** What the boot ROM does: checks the second stage, copies it to RAM, jumps there. */
  private boot(): void {
    const stage = this.flash.subarray(0, BOOT2_BYTES)
    const wanted = new DataView(stage.buffer, stage.byteOffset).getUint32(BOOT2_BYTES - 4, true)
    if (bootChecksum(stage.subarray(0, BOOT2_BYTES - 4)) !== wanted)
      throw new WuxingError({
        code: "flash-not-bootable",
        kind: "firmware",
        message: "the emulated Pico's flash holds no program that can be started",
        cause: "the checksum of its second-stage boot is wrong",
        help: "load a UF2 file made for the RP2040",
      })
    this.mcu.sram.set(stage, BOOT2_AT - 0x20000000)
    this.mcu.core.PC = BOOT2_AT
    this.mcu.core.SP = BOOT2_AT
  }

  /**
   * Runs for some emulated time, or until `done` says so (asked every few thousand cycles and after
   * each sleep).
   *
   * @returns emulated nanoseconds that passed
   */
  run(nanos: number, done?: () => boolean): number {
    const from = this.nanos
    const to = from + nanos
    while (this.nanos < to && !this.dead) {
      // A step of a nanosecond at least, so that rounding cannot hold it up.
      this.nanos += this.slice(Math.max(1, Math.min(to - this.nanos, LOOK_NANOS)))
      if (this.resetAsked) this.reset()
      if (done?.()) break
    }
    return this.nanos - from
  }

  /** Runs some time without looking up. */
  private slice(nanos: number): number {
    const { mcu, clock } = this
    const { core } = mcu
    const start = clock.nanos
    const end = start + nanos
    while (clock.nanos < end && !this.resetAsked && !this.dead) {
      if (core.waiting) clock.advanceTo(Math.min(end, Math.max(clock.nextAlarm, clock.nanos)))
      else {
        const took = (core.executeInstruction() * 1e9) / mcu.clkSys
        // An interrupt that has been pending ends the wait (ARMv6-M B1.5.19); rp2040js would sleep on.
        if (core.waiting && core.checkForInterrupts()) core.waiting = false
        this.busyNanos += took
        const to = clock.nanos + took
        if (to < clock.nextAlarm) clock.nanos = to
        else clock.advanceTo(to)
      }
    }
    return clock.nanos - start
  }

  /** Is the board asleep, with nothing on its way to it? */
  get idle(): boolean {
    return this.mcu.core.waiting && this.usb.waiting === 0
  }

  /** Cycles since the last start. */
  get cycles(): number {
    return this.mcu.core.cycles
  }

  /** As its reset button, or its watchdog. */
  reset(): void {
    this.resetAsked = false
    this.resets++
    this.powerUp()
    this.onReset?.()
  }

  private logger(): Logger {
    const warn = (component: string, text: string) =>
      this.options.onWarning?.(`${component}: ${text}`)
    return { debug: () => {}, info: () => {}, warn, error: warn }
  }
}

/** Registers that take what is written to them; `read` says what they give. */
function registers(read: (offset: number) => number) {
  return {
    readUint32: read,
    writeUint32: () => {},
    writeUint32Atomic: (offset: number, value: number, atomicType: number) =>
      void atomicUpdate(read(offset), value, atomicType),
  }
}
