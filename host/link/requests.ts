/** Frames to a board, and waiting for what it answers: repeated until it does, with a deadline. */
import type { Clock } from "../base/clock"
import { WuxingError } from "../base/errors"
import { CMD_GET_REG, frameCrc, JD_SERVICE_INDEX_CRC_ACK, type Packet } from "./jacdac"
import { encodeFrame } from "./jdusb"
import { noAnswer } from "./link-errors"
import type { Port } from "./port"
import { wait } from "./wait"

/** How long to wait for an ACK before sending the same frame again, and how often. */
const ACK_RESEND_MS = 150
const ACK_TRIES = 10
/** Answers to a register read come in under a millisecond; a lost one is asked for again. */
const READ_RESEND_MS = 200
/** How often a board that is waited for is stirred. */
const STIR_MS = 200
/** What a board need not know is not waited for longer than this: most answer at once, on a busy machine late. */
const OPTIONAL_READ_DEADLINE_MS = 2_000

/** What requests need of the link. */
export interface RequestsLine {
  readonly port: Port
  readonly clock: Clock
  readonly signal?: AbortSignal
  /** Which board, for messages. */
  title(): string
  /** Since the board was last heard; undefined: never. */
  silentMs(): number | undefined
  /** The port took the bytes of a frame. */
  onWritten(): void
}

/** A question that is repeated until its answer comes. */
export interface Question<T> {
  deadlineMs: number
  /** What is waited for, for the message of an abort. */
  what: string
  late: () => Error
  /** Sent at once and then every `everyMs`; absent: nothing is asked. */
  frames?: Uint8Array[]
  everyMs: number
  /** Looks at a packet of the board's own device, or of its program; the answer ends the wait. */
  answer(packet: Packet, fromBoard: boolean): T | undefined
}

/** What is awaited: a report of a service of the board, of at least `size` bytes. */
export interface AwaitedReport {
  service: number
  command: number
  size: number
  /** For messages: "register". */
  what: string
  deadlineMs: number
  /** Asks for it, again and again. */
  frame?: Uint8Array
}

export class Requests {
  framesOut = 0
  /** Why nothing can be asked any more. */
  gone?: Error
  private writing = 0
  private readonly packetListeners = new Set<(packet: Packet, fromBoard: boolean) => void>()
  private readonly goneListeners = new Set<(reason: Error) => void>()

  constructor(private readonly line: RequestsLine) {}

  /** Whether the port has not taken all bytes yet. */
  get isWriting(): boolean {
    return this.writing > 0
  }

  /** A packet of the board's own device, or of its program, has come. */
  hear(packet: Packet, fromBoard: boolean): void {
    for (const listener of this.packetListeners) listener(packet, fromBoard)
  }

  /**
   * Until what it returns is called, the port gets the frame every 200 ms, unless it still has bytes to
   * take. A runtime that sleeps may miss the alarm it set for itself, and wakes with any frame.
   *
   * @param frame one that no board acts on
   */
  stir(frame: Uint8Array): () => void {
    const { clock, port } = this.line
    const timer = clock.every(
      STIR_MS,
      () => {
        // Whether it arrives, nobody asks: it counts among no frames, and fails no wait.
        if (!this.gone && this.writing === 0) port.write(encodeFrame(frame)).catch(() => {})
      },
      { background: true },
    )
    return () => timer.stop()
  }

  /** Ends all waits, now and from now on. */
  end(reason: Error): void {
    this.gone ??= reason
    for (const listener of [...this.goneListeners]) listener(reason)
  }

  /** Resolves when the port has taken the bytes. */
  async write(frame: Uint8Array): Promise<void> {
    if (this.gone) throw this.gone
    this.framesOut++
    // A port that takes no bytes may never say so; the heartbeat watches, and ends this wait too.
    await new Promise<void>((resolve, reject) => {
      this.writing++
      this.goneListeners.add(reject)
      const settled = () => {
        this.writing--
        this.line.onWritten()
        this.goneListeners.delete(reject)
      }
      this.line.port.write(encodeFrame(frame)).then(
        () => {
          settled()
          resolve()
        },
        error => {
          settled()
          reject(error)
        },
      )
    })
  }

  /** Asks until the answer comes. @throws what `late` makes, "board-gone", "interrupted" */
  ask<T>({ deadlineMs, what, late, frames = [], everyMs, answer }: Question<T>): Promise<T> {
    const { clock, signal } = this.line
    return wait<T>({
      clock,
      signal,
      deadlineMs,
      what,
      late,
      start: (resolve, reject) => {
        if (this.gone) {
          reject(this.gone)
          return () => {}
        }
        const listener = (packet: Packet, fromBoard: boolean) => {
          const found = answer(packet, fromBoard)
          if (found !== undefined) resolve(found)
        }
        const send = () => {
          for (const frame of frames) this.write(frame).catch(reject)
        }
        this.goneListeners.add(reject)
        this.packetListeners.add(listener)
        const timer = frames.length > 0 ? clock.every(everyMs, send) : undefined
        send()
        return () => {
          timer?.stop()
          this.packetListeners.delete(listener)
          this.goneListeners.delete(reject)
        }
      },
    })
  }

  report({ service, command, size, what, deadlineMs, frame }: AwaitedReport): Promise<Uint8Array> {
    return this.ask<Uint8Array>({
      deadlineMs,
      what: `the ${what} of ${this.line.title()}`,
      late: () => this.noAnswer(`\`${what}\``, deadlineMs),
      frames: frame && [frame],
      everyMs: READ_RESEND_MS,
      answer: (packet, fromBoard) =>
        fromBoard &&
        packet.serviceIndex === service &&
        packet.command === command &&
        packet.payload.length >= size
          ? packet.payload.slice()
          : undefined,
    })
  }

  /**
   * A register of the board that it may lack: undefined then.
   *
   * @param frameOf the frame that asks for it, by the command
   */
  async readOptional(
    service: number,
    register: number,
    frameOf: (command: number) => Uint8Array,
  ): Promise<Uint8Array | undefined> {
    const command = CMD_GET_REG | register
    try {
      return await this.report({
        service,
        command,
        size: 0,
        what: "register",
        deadlineMs: OPTIONAL_READ_DEADLINE_MS,
        frame: frameOf(command),
      })
    } catch (error) {
      if (error instanceof WuxingError && error.code === "board-no-answer") return undefined
      throw error
    }
  }

  /** Sends a frame to the board until it acknowledges it. */
  async sendAcked(frame: Uint8Array): Promise<void> {
    const crc = frameCrc(frame)
    const deadlineMs = ACK_RESEND_MS * ACK_TRIES
    await this.ask<true>({
      deadlineMs,
      what: `an acknowledgement of ${this.line.title()}`,
      late: () => this.noAnswer("a frame that asks for an acknowledgement", deadlineMs),
      frames: [frame],
      everyMs: ACK_RESEND_MS,
      answer: (packet, fromBoard) =>
        (fromBoard && packet.serviceIndex === JD_SERVICE_INDEX_CRC_ACK && packet.command === crc) ||
        undefined,
    })
  }

  private noAnswer(what: string, deadlineMs: number): WuxingError {
    return noAnswer(this.line.title(), what, deadlineMs, this.line.silentMs())
  }
}
