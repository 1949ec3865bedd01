/** A real serial port, as a `Port`. */
import { SerialPort } from "serialport"
import { WuxingError } from "../base/errors"
import { heard } from "../base/heard"
import type { Port } from "./port"
import { lockFileOwner, lockOwner, openOwner, type PortOwner } from "./port-owner"
import { seconds, wait } from "./wait"

export interface SerialPortOptions {
  /** Ignored by boards with USB of their own; a plain ESP32's USB chip needs 1,500,000. */
  baudRate?: number
}

/** Where the bindings ask the system to wait for a device that does not answer. */
const OPEN_DEADLINE_MS = 5_000

/**
 * Opens a port for ourselves alone, with DTR on (boards with USB of their own send only then).
 *
 * Alone means: a second instance of this tool, or any other program that locks ports, is refused by
 * the lock; programs that do not lock are looked for before.
 *
 * @param path such as "/dev/ttyACM0" or "COM3"
 * @throws WuxingError "port-missing", "port-in-use", "port-permission", "port-failed" (kind board)
 */
export async function openSerialPort(
  path: string,
  { baudRate = 115_200 }: SerialPortOptions = {},
): Promise<Port> {
  const other = lockFileOwner(path) ?? openOwner(path)
  if (other) throw inUse(path, other)
  const serial = heard(new SerialPort({ path, baudRate, lock: true, autoOpen: false }))
  await wait<void>({
    deadlineMs: OPEN_DEADLINE_MS,
    what: `serial port ${path} to open`,
    late: () => openError(path, new Error(`no answer within ${seconds(OPEN_DEADLINE_MS)}`)),
    start: (resolve, reject) => {
      serial.open(error => (error ? reject(openError(path, error)) : resolve()))
      return () => {}
    },
  }).catch(error => {
    // It may still open, after all: nobody would know of it then.
    serial.once("open", () => serial.close())
    throw error
  })
  // A pseudo-terminal has no such line, and needs none.
  await new Promise<void>(resolve => serial.set({ dtr: true }, () => resolve()))
  return new RealPort(path, serial)
}

class RealPort implements Port {
  readonly name: string
  onData?: (bytes: Uint8Array) => void
  onClose?: (reason?: Error) => void
  private readonly serial: SerialPort
  private closing?: Promise<void>
  /** Writes under way: the bindings never answer those that a closing port cuts off. */
  private readonly pending = new Set<(error: Error) => void>()

  constructor(name: string, serial: SerialPort) {
    this.name = name
    this.serial = serial
    serial.on("data", (bytes: Uint8Array) => this.onData?.(bytes))
    serial.on("close", (reason?: Error) => {
      for (const fail of this.pending) fail(reason ?? new Error("the port closed"))
      if (!this.closing) this.onClose?.(reason ?? undefined)
    })
  }

  write(bytes: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      const fail = (error: Error) => {
        this.pending.delete(fail)
        reject(writeError(this.name, error))
      }
      if (!this.serial.isOpen) {
        fail(new Error("the port is closed"))
        return
      }
      this.pending.add(fail)
      this.serial.write(bytes, error => {
        this.pending.delete(fail)
        if (error) fail(error)
        else resolve()
      })
    })
  }

  close(): Promise<void> {
    this.closing ??= new Promise(resolve => {
      if (this.serial.isOpen) this.serial.close(() => resolve())
      else resolve()
    })
    return this.closing
  }
}

function inUse(path: string, owner: PortOwner | undefined, error?: Error): WuxingError {
  const self = owner?.pid === process.pid
  const who = owner
    ? ` by ${self ? "this run itself" : `process ${owner.pid} (${owner.command})`}`
    : ""
  return new WuxingError(
    {
      code: "port-in-use",
      kind: "board",
      message: `serial port ${path} is in use${who}`,
      cause: self
        ? "two of the names given mean the same port"
        : "another program, such as a serial monitor or another run, has it open",
      help: self ? "name each board once" : "close that program, then start again",
    },
    { cause: error },
  )
}

/** The bindings give no error codes, only the operating system's text. */
function openError(path: string, error: Error): WuxingError {
  const text = error.message.replace(/^Error:? /, "")
  if (/cannot lock|temporarily unavailable|busy|access denied/i.test(text)) {
    return inUse(path, lockOwner(path), error)
  }
  if (/permission denied|EACCES/i.test(text)) {
    return new WuxingError(
      {
        code: "port-permission",
        kind: "board",
        message: `serial port ${path} may not be opened (${text})`,
        cause: "your account has no right to serial ports",
        help: "add it to the port's group (on Debian: sudo usermod -aG dialout $USER) and log in again",
      },
      { cause: error },
    )
  }
  if (/no such file|file not found|cannot find|ENOENT/i.test(text)) {
    return new WuxingError(
      {
        code: "port-missing",
        kind: "board",
        message: `there is no serial port ${path}`,
        cause: "the board is not plugged in, or has another name",
        help: "check the cable and the name",
      },
      { cause: error },
    )
  }
  return new WuxingError(
    {
      code: "port-failed",
      kind: "board",
      message: `serial port ${path} could not be opened (${text})`,
      cause: "it is no serial port, or its driver failed",
      help: "check the name, and plug the board in again",
    },
    { cause: error },
  )
}

function writeError(path: string, error: Error): WuxingError {
  return new WuxingError(
    {
      code: "board-gone",
      kind: "board",
      message: `serial port ${path} took no more bytes (${error.message})`,
      cause: "the board was unplugged or reset",
      help: "check the cable, then start again",
    },
    { cause: error },
  )
}
