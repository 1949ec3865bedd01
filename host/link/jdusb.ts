/**
 * The JD-USB stream: Jacdac frames and log text on one serial line, told apart by 0xFE sequences.
 * Names as in the specification of the USB bridge service (enum QByte).
 *
 * Both directions use the same quoting, so one encoder and one decoder serve the host and the
 * board side.
 */
import { allocate, copyOf } from "./bytes"
import { frameIsSound, JD_FRAME_HEADER_SIZE } from "./jacdac"

export const MAGIC = 0xfe
export const LITERAL_MAGIC = 0xf8
const RESERVED = 0xf9
const SERIAL_GAP = 0xfa
const FRAME_GAP = 0xfb
export const FRAME_START = 0xfc
export const FRAME_END = 0xfd

/** Longest fragment kept: a frame has at most 252 bytes, and boards use buffers of this order. */
const FRAME_BUFFER_SIZE = 256
/** A longer log line is handed on in pieces, so that a line without an end cannot grow for ever. */
const LOG_LINE_MAX_SIZE = 2048

/** Where frames are put together before their size is known: every byte may need a quote. */
const scratch = new Uint8Array(2 * FRAME_BUFFER_SIZE + 4)

/**
 * Quotes `bytes` into `out` from `at` on.
 * @param magic place of the first byte that needs a quote
 * @returns where it ended
 */
function quoteInto(out: Uint8Array, at: number, bytes: Uint8Array, magic: number): number {
  out.set(bytes.subarray(0, magic), at)
  at += magic
  for (let i = magic; i < bytes.length; i++) {
    const byte = bytes[i]
    out[at++] = byte
    if (byte === MAGIC) out[at++] = LITERAL_MAGIC
  }
  return at
}

/** A frame (with its CRC) as it goes over the line. */
export function encodeFrame(frame: Uint8Array): Uint8Array {
  const magic = frame.indexOf(MAGIC)
  if (magic < 0) {
    const line = allocate(frame.length + 4)
    line.set(frame, 2)
    markEnds(line, frame.length + 2)
    return line
  }
  // Room for the two ends and, at worst, a quote for every byte.
  const room = frame.length * 2 + 4
  const line = room <= scratch.length ? scratch : new Uint8Array(room)
  const end = quoteInto(line, 2, frame, magic)
  markEnds(line, end)
  return copyOf(line, 0, end + 2)
}

function markEnds(line: Uint8Array, end: number): void {
  line[0] = MAGIC
  line[1] = FRAME_START
  line[end] = MAGIC
  line[end + 1] = FRAME_END
}

const utf8 = new TextEncoder()

/** Board side: log text as it goes over the line. A line ends with "\n", which is not added. */
export function encodeLog(text: string | Uint8Array): Uint8Array {
  const bytes = typeof text === "string" ? utf8.encode(text) : text
  const magic = bytes.indexOf(MAGIC)
  if (magic < 0) return copyOf(bytes, 0, bytes.length)
  const out = allocate(bytes.length * 2)
  return out.subarray(0, quoteInto(out, 0, bytes, magic))
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
        const byte = chunk[i++]
        this.quote(byte)
        if (byte === FRAME_START && this.inFrame) i = this.wholeFrame(chunk, i)
      } else if (this.inFrame) {
        const magic = chunk.indexOf(MAGIC, i)
        const end = magic < 0 ? length : magic
        this.dataBytes(chunk, i, end)
        i = end
        if (magic >= 0) {
          this.afterMagic = true
          i++
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

  /**
   * The usual frame is whole in one chunk: then it is taken in one go, quotes and all. Anything else
   * is left to the steps that remember where they are.
   * @param start first byte of the frame
   * @returns where to go on: after the frame, or `start` again when it is not such a frame
   */
  private wholeFrame(chunk: Uint8Array, start: number): number {
    const fragment = this.fragment
    let size = 0
    for (let i = start; ; ) {
      const magic = chunk.indexOf(MAGIC, i)
      if (magic < 0 || size + magic - i >= FRAME_BUFFER_SIZE) return start
      const byte = chunk[magic + 1]
      if (byte === FRAME_END) {
        this.inFrame = false
        if (size === 0) {
          this.judge(copyOf(chunk, i, magic))
        } else {
          fragment.set(chunk.subarray(i, magic), size)
          this.judge(copyOf(fragment, 0, size + magic - i))
        }
        return magic + 2
      }
      if (byte !== LITERAL_MAGIC) return start
      if (magic - i > 16) {
        fragment.set(chunk.subarray(i, magic), size)
        size += magic - i
      } else {
        // A short piece is quicker by hand.
        while (i < magic) fragment[size++] = chunk[i++]
      }
      fragment[size++] = MAGIC
      i = magic + 2
    }
  }

  /** Plain bytes of a frame; those that are too many for one break it and go to the log. */
  private dataBytes(chunk: Uint8Array, start: number, end: number): void {
    const taken = Math.min(end, start + FRAME_BUFFER_SIZE - this.fragmentSize)
    this.fragment.set(chunk.subarray(start, taken), this.fragmentSize)
    this.fragmentSize += taken - start
    if (taken === end) return
    this.breakFrame()
    for (let i = taken; i < end; i++) this.logByte(chunk[i])
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
    const frame = copyOf(this.fragment, 0, this.fragmentSize)
    this.inFrame = false
    this.fragmentSize = 0
    this.judge(frame)
  }

  private judge(frame: Uint8Array): void {
    if (!frameIsSound(frame)) {
      this.crcErrors++
      return
    }
    this.frames++
    const size = frame[2] + JD_FRAME_HEADER_SIZE
    this.handlers.onFrame(frame.length === size ? frame : frame.subarray(0, size))
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
