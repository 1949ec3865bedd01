/**
 * The JD-USB stream: Jacdac frames and log text on one serial line, told apart by 0xFE sequences.
 * Names as in the specification of the USB bridge service (enum QByte).
 *
 * Both directions use the same quoting, so one encoder and one decoder serve the host and the
 * board side.
 */
import { frameIsSound, JD_FRAME_HEADER_SIZE } from "./jacdac"

export const MAGIC = 0xfe
export const LITERAL_MAGIC = 0xf8
export const RESERVED = 0xf9
export const SERIAL_GAP = 0xfa
export const FRAME_GAP = 0xfb
export const FRAME_START = 0xfc
export const FRAME_END = 0xfd

/** Longest fragment kept: a frame has at most 252 bytes, and boards use buffers of this order. */
const FRAME_BUFFER_SIZE = 256
/** A longer log line is handed on in pieces, so that a line without an end cannot grow for ever. */
const LOG_LINE_MAX_SIZE = 2048

function quoteInto(out: Uint8Array, at: number, bytes: Uint8Array, quoted: number): number {
  if (quoted === 0) {
    out.set(bytes, at)
    return at + bytes.length
  }
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i]
    out[at++] = byte
    if (byte === MAGIC) out[at++] = LITERAL_MAGIC
  }
  return at
}

function countMagic(bytes: Uint8Array): number {
  let count = 0
  for (let i = 0; i < bytes.length; i++) if (bytes[i] === MAGIC) count++
  return count
}

/** A frame (with its CRC) as it goes over the line. */
export function encodeFrame(frame: Uint8Array): Uint8Array {
  const quoted = countMagic(frame)
  const out = new Uint8Array(frame.length + quoted + 4)
  out[0] = MAGIC
  out[1] = FRAME_START
  const end = quoteInto(out, 2, frame, quoted)
  out[end] = MAGIC
  out[end + 1] = FRAME_END
  return out
}

const utf8 = new TextEncoder()

/** Board side: log text as it goes over the line. A line ends with "\n", which is not added. */
export function encodeLog(text: string | Uint8Array): Uint8Array {
  const bytes = typeof text === "string" ? utf8.encode(text) : text
  const quoted = countMagic(bytes)
  const out = new Uint8Array(bytes.length + quoted)
  quoteInto(out, 0, bytes, quoted)
  return out
}

/** Board side: says that frames or log text were dropped at this point. */
export function encodeGap(what: "frames" | "log"): Uint8Array {
  return new Uint8Array([MAGIC, what === "frames" ? FRAME_GAP : SERIAL_GAP])
}

export interface JdUsbHandlers {
  /** A sound frame (CRC checked, cut to its declared size). The bytes are the receiver's to keep. */
  onFrame(frame: Uint8Array): void
  /** One line of log text, without its end. Empty lines are left out. */
  onLog?(line: string): void
  /** The board says that it dropped frames, or log text, at this point of the stream. */
  onGap?(what: "frames" | "log"): void
}

/**
 * Takes the stream apart, fed in chunks of any size. It never throws on what it reads: a broken
 * fragment is counted, its bytes go to the log as the specification asks (they often hold the
 * boot text of a board that restarted in the middle of a frame), and the next frame start
 * synchronises again.
 */
export class JdUsbDecoder {
  /** Sound frames. */
  frames = 0
  /** Complete fragments with a wrong CRC or length. */
  crcErrors = 0
  /** Fragments cut off: a second start, a bad quote, too many bytes, an end without a start. */
  broken = 0
  /** Marks saying that the board dropped frames. */
  frameGaps = 0
  /** Marks saying that the board dropped log text. */
  logGaps = 0

  private readonly handlers: JdUsbHandlers
  private readonly fragment = new Uint8Array(FRAME_BUFFER_SIZE)
  private fragmentSize = 0
  private readonly line = new Uint8Array(LOG_LINE_MAX_SIZE)
  private lineSize = 0
  private inFrame = false
  private afterMagic = false
  private readonly text = new TextDecoder()

  constructor(handlers: JdUsbHandlers) {
    this.handlers = handlers
  }

  push(chunk: Uint8Array): void {
    const length = chunk.length
    let i = 0
    while (i < length) {
      if (this.afterMagic) {
        this.quote(chunk[i++])
      } else if (this.inFrame) {
        // The one loop that runs for nearly every byte: state in locals, one comparison.
        const fragment = this.fragment
        let size = this.fragmentSize
        const end = Math.min(length, i + FRAME_BUFFER_SIZE - size)
        let byte = 0
        while (i < end) {
          byte = chunk[i]
          if (byte === MAGIC) break
          fragment[size++] = byte
          i++
        }
        this.fragmentSize = size
        if (i < end) {
          this.afterMagic = true
          i++
        } else if (i < length) {
          if (chunk[i] === MAGIC) {
            this.afterMagic = true
            i++
          } else {
            this.breakFrame()
          }
        }
      } else {
        const byte = chunk[i++]
        if (byte === MAGIC) this.afterMagic = true
        else this.logByte(byte)
      }
    }
  }

  /** Hands on a log line that has no end yet, for instance when the port closes. */
  flushLog(): void {
    if (this.lineSize === 0) return
    const line = this.text.decode(this.line.subarray(0, this.lineSize))
    this.lineSize = 0
    this.handlers.onLog?.(line)
  }

  /** The byte after a magic one. */
  private quote(byte: number): void {
    if (byte === MAGIC) {
      // The first magic byte stands for nothing, the second may begin a sequence: so a board that
      // restarts between the two bytes of a sequence does not cost us its next frame.
      if (this.inFrame) this.breakFrame()
      else this.logByte(MAGIC)
      return
    }
    this.afterMagic = false
    switch (byte) {
      case LITERAL_MAGIC:
        this.dataByte(MAGIC)
        break
      case RESERVED:
        break
      case SERIAL_GAP:
        this.logGaps++
        this.flushLog()
        this.handlers.onGap?.("log")
        break
      case FRAME_GAP:
        this.frameGaps++
        this.handlers.onGap?.("frames")
        break
      case FRAME_START:
        if (this.inFrame && this.fragmentSize > 0) this.breakFrame()
        this.inFrame = true
        this.fragmentSize = 0
        break
      case FRAME_END:
        if (this.inFrame) this.endFrame()
        else this.broken++
        break
      default:
        if (this.inFrame) this.breakFrame()
        this.logByte(MAGIC)
        this.logByte(byte)
    }
  }

  private dataByte(byte: number): void {
    if (!this.inFrame) {
      this.logByte(byte)
    } else if (this.fragmentSize < FRAME_BUFFER_SIZE) {
      this.fragment[this.fragmentSize++] = byte
    } else {
      this.breakFrame()
      this.logByte(byte)
    }
  }

  private endFrame(): void {
    const size = this.fragmentSize
    this.inFrame = false
    this.fragmentSize = 0
    if (frameIsSound(this.fragment, size)) {
      this.frames++
      this.handlers.onFrame(this.fragment.slice(0, this.fragment[2] + JD_FRAME_HEADER_SIZE))
    } else {
      this.crcErrors++
    }
  }

  private breakFrame(): void {
    const size = this.fragmentSize
    this.broken++
    this.inFrame = false
    this.fragmentSize = 0
    for (let i = 0; i < size; i++) this.logByte(this.fragment[i])
  }

  private logByte(byte: number): void {
    if (byte === 10 || byte === 13) {
      this.flushLog()
    } else if (byte !== 0) {
      // Zero bytes are padding: some senders fill USB packets up with them.
      if (this.lineSize === LOG_LINE_MAX_SIZE) this.flushLog()
      this.line[this.lineSize++] = byte
    }
  }
}
