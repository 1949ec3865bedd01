/**
 * A plain byte pipe to one board, as a serial port is: bytes may arrive split and joined at will.
 * Real ports (serial-port.ts) and virtual boards (virtual-board.ts) both offer it.
 */
export interface Port {
  /** What to call it in messages: "/dev/ttyACM0", "virtual-1". */
  readonly name: string
  /** Resolves when the bytes are taken; waiting for it keeps the sender from running ahead. */
  write(bytes: Uint8Array): Promise<void>
  /** Lets go of the port; the board behind it runs on. Closing twice is harmless. */
  close(): Promise<void>
  onData?: (bytes: Uint8Array) => void
  /** Called once when the port went away by itself, never for our own `close()`. */
  onClose?: (reason?: Error) => void
}
