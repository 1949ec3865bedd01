/** Asks a port whether a Firmata board is behind it (sysex report firmware, Firmata protocol 2.3+). */
import { realClock } from "../base/clock"
import type { Port } from "../link/port"
import { wait } from "../link/wait"

/** StandardFirmata's rate; ignored by boards with USB of their own. */
export const FIRMATA_BAUD_RATE = 57_600

const START_SYSEX = 0xf0
const REPORT_FIRMWARE = 0x79
const END_SYSEX = 0xf7
/** A board that resets when its port is opened hears nothing until its boot loader is done. */
const ASK_AGAIN_MS = 400
const MOST_NAME_CHARACTERS = 60

export interface FirmataFirmware {
  /** Name of the sketch: "StandardFirmata.ino". */
  name: string
  /** Version of the sketch: "2.5". */
  version: string
}

/** What the board answers; undefined when it does not within the deadline. The port stays open. */
export function askFirmata(
  port: Port,
  { deadlineMs, signal }: { deadlineMs: number; signal?: AbortSignal },
): Promise<FirmataFirmware | undefined> {
  return wait<FirmataFirmware | undefined>({
    deadlineMs,
    signal,
    what: `an answer of ${port.name}`,
    late: () => new FirmataSilent(),
    start: (resolve, reject) => {
      const parser = new FirmwareReportParser()
      port.onData = bytes => {
        const found = parser.push(bytes)
        if (found) resolve(found)
      }
      port.onClose = () => resolve(undefined)
      const query = new Uint8Array([START_SYSEX, REPORT_FIRMWARE, END_SYSEX])
      const ask = () => port.write(query).catch(reject)
      const timer = realClock.every(ASK_AGAIN_MS, ask)
      ask()
      return () => {
        timer.stop()
        port.onData = undefined
        port.onClose = undefined
      }
    },
  }).catch(error => {
    if (error instanceof FirmataSilent) return undefined
    throw error
  })
}

class FirmataSilent extends Error {}

/** Finds `F0 79 major minor name… F7` in a stream; each character of the name takes two 7-bit bytes. */
export class FirmwareReportParser {
  private sysex: number[] | undefined

  push(bytes: Uint8Array): FirmataFirmware | undefined {
    for (const byte of bytes) {
      if (byte === START_SYSEX) {
        this.sysex = []
      } else if (byte === END_SYSEX && this.sysex) {
        const found = parse(this.sysex)
        this.sysex = undefined
        if (found) return found
      } else if (byte & 0x80) {
        // Sysex data has seven bits: anything else ends it.
        this.sysex = undefined
      } else if (this.sysex && this.sysex.length < 3 + 2 * MOST_NAME_CHARACTERS) {
        this.sysex.push(byte)
      }
    }
    return undefined
  }
}

function parse([kind, major, minor, ...rest]: number[]): FirmataFirmware | undefined {
  // Our own query, sent back by something that echoes, has no version.
  if (kind !== REPORT_FIRMWARE || minor === undefined) return undefined
  let name = ""
  for (let at = 0; at + 1 < rest.length; at += 2) {
    name += String.fromCharCode(rest[at] | (rest[at + 1] << 7))
  }
  return { name: name || "unnamed", version: `${major}.${minor}` }
}
