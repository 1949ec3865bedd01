/** Finds out what is behind a serial port: a DeviceScript board, a Firmata board, or what else. */
import { WuxingError } from "../base/errors"
import { type BoardFacts, BoardLink } from "../link/board-link"
import type { Port } from "../link/port"
import type { PortInfo } from "../link/port-list"
import { openSerialPort } from "../link/serial-port"
import { profileOfProduct } from "./devicescript-boards"
import { askFirmata, FIRMATA_BAUD_RATE } from "./firmata"

/** Of a plain ESP32, whose UART leads to a USB chip; boards with USB of their own ignore it. */
export const DEVICE_SCRIPT_BAUD_RATE = 1_500_000
/** A board answers in a millisecond; one that resets when its port is opened takes a second. */
const DEVICE_SCRIPT_DEADLINE_MS = 1_500
/** An Uno resets when its port is opened, and its boot loader waits for 1.6 s. */
const FIRMATA_DEADLINE_MS = 3_500

/** USB vendors of boards DeviceScript runs on, and of the chips plain ESP32 boards use. */
const DEVICE_SCRIPT_VENDORS = ["2e8a", "303a", "10c4", "1a86", "0403"]
/** Arduino's own numbers, and the chips of its copies. */
const FIRMATA_VENDORS = ["2341", "2a03", "1a86", "0403", "10c4", "239a"]

export type Identity =
  | { kind: "devicescript"; profile: string; board: BoardFacts }
  | { kind: "firmata"; name: string; version: string }
  /** It opened, but what is behind it is neither. */
  | { kind: "other"; why: string }
  /** It could not be opened. */
  | { kind: "closed"; code: string; why: string }

export function mayBeDeviceScript({ vendorId }: PortInfo): boolean {
  return vendorId !== undefined && DEVICE_SCRIPT_VENDORS.includes(vendorId)
}

export function mayBeFirmata({ vendorId }: PortInfo): boolean {
  return vendorId !== undefined && FIRMATA_VENDORS.includes(vendorId)
}

/**
 * Opens the port, asks, and closes it again. Takes up to 5 s where nobody answers.
 *
 * @param open opens the port at a rate, replaced in tests
 * @throws WuxingError only of kind "interrupted"
 */
export async function identify(
  path: string,
  signal?: AbortSignal,
  open: (baudRate: number) => Promise<Port> = baudRate => openSerialPort(path, { baudRate }),
): Promise<Identity> {
  let why: string
  try {
    const port = await open(DEVICE_SCRIPT_BAUD_RATE)
    const link = await BoardLink.connect(port, {
      name: "the board",
      deadlineMs: DEVICE_SCRIPT_DEADLINE_MS,
      signal,
    })
    try {
      const board = await link.facts()
      return { kind: "devicescript", profile: profileOfProduct(board.productId), board }
    } finally {
      await link.close()
    }
  } catch (error) {
    if (!(error instanceof WuxingError) || error.kind === "interrupted") throw error
    // A board that is there but hangs is told as it is; a port that cannot be opened, too.
    if (error.code !== "board-silent")
      return { kind: "closed", code: error.code, why: error.message }
    why = error.message
  }
  try {
    const port = await open(FIRMATA_BAUD_RATE)
    try {
      const firmata = await askFirmata(port, { deadlineMs: FIRMATA_DEADLINE_MS, signal })
      return firmata ? { kind: "firmata", ...firmata } : { kind: "other", why }
    } finally {
      await port.close()
    }
  } catch (error) {
    if (!(error instanceof WuxingError) || error.kind === "interrupted") throw error
    return { kind: "closed", code: error.code, why: error.message }
  }
}
