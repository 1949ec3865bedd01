/** The flash chip of a board in its own time: what it holds, and how long a change takes. */
import type { BoardProfile } from "./board-profile"
import { FLASH_ERASE, FLASH_SOURCE } from "./machine-binary"
import { FLASH_BYTES } from "./machine-core.mjs"

/** An operation of a board's flash, as it begins. */
export interface FlashChange {
  board: number
  /** Counts from 0 over the board's life. */
  number: number
  what: "erase" | "program"
  /** In bytes from the beginning of the flash. */
  address: number
}

/** Power failed in the middle of a change of flash. */
export class PowerCut extends Error {}

/** A board's flash chip, and what the firmware keeps of a page until it programs it. */
export class Flash {
  /** What stays when the power goes. */
  readonly bytes = new Uint8Array(FLASH_BYTES).fill(0xff)
  private changes = 0
  private memory?: Uint8Array
  private at = 0
  /** Where what is about to be programmed is. */
  private source = 0
  private page?: { address: number; bytes: Uint8Array }

  /**
   * @param onChange as `TimedBoardsOptions.onFlash`
   * @param spend takes time, ms
   */
  constructor(
    private readonly times: BoardProfile["flash"],
    private readonly onChange: (change: Omit<FlashChange, "board">) => number | undefined,
    private readonly spend: (ms: number) => void,
  ) {}

  place(memory: Uint8Array, at: number): void {
    this.memory = memory
    this.at = at
  }

  /** The machine starts anew: the page in hand was in its memory. */
  forget(): void {
    this.page = undefined
  }

  hear(at: number, what: number): void {
    if (what === FLASH_ERASE) this.erase(at - this.at)
    else if (what === FLASH_SOURCE) this.source = at
    else this.program(at - this.at, what & 0x7fffffff)
  }

  sync(): void {
    if (!this.page) return
    const { address, bytes } = this.page
    this.page = undefined
    this.change("program", address, bytes, this.times.programMs)
  }

  private erase(address: number): void {
    const blank = new Uint8Array(this.times.sectorBytes).fill(0xff)
    this.change("erase", address, blank, this.times.eraseMs)
  }

  private program(address: number, length: number): void {
    const { pageBytes } = this.times
    for (let done = 0; done < length; ) {
      const to = address + done
      const page = to - (to % pageBytes)
      const some = Math.min(length - done, page + pageBytes - to)
      if (this.page?.address !== page) {
        this.sync()
        this.page = { address: page, bytes: this.bytes.slice(page, page + pageBytes) }
      }
      const from = this.source + done
      this.page.bytes.set(this.memory!.subarray(from, from + some), to - page)
      done += some
    }
    if (!this.times.keepsPage) this.sync()
  }

  private change(what: "erase" | "program", address: number, bytes: Uint8Array, ms: number): void {
    const share = this.onChange({ number: this.changes++, what, address })
    if (share !== undefined) {
      this.bytes.set(bytes.subarray(0, Math.floor(share * bytes.length)), address)
      throw new PowerCut()
    }
    this.bytes.set(bytes, address)
    this.spend(ms)
  }
}
