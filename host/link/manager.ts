/**
 * The DeviceScript manager service of a board: which program it holds, whether that runs, and putting
 * another one there.
 */
import type { Clock } from "../base/clock"
import { WuxingError } from "../base/errors"
import { sha256 } from "../base/sha256"
import {
  CMD_GET_REG,
  CMD_SET_REG,
  JD_DEVICE_SCRIPT_MANAGER_CMD_DEPLOY_BYTECODE,
  JD_DEVICE_SCRIPT_MANAGER_REG_AUTOSTART,
  JD_DEVICE_SCRIPT_MANAGER_REG_PROGRAM_SHA256,
  JD_DEVICE_SCRIPT_MANAGER_REG_RUNNING,
  JD_SERVICE_INDEX_PIPE,
  NO_PAYLOAD,
  PIPE_CLOSE_MASK,
  PIPE_COUNTER_MASK,
  PIPE_PORT_SHIFT,
  read16,
  write32,
} from "./jacdac"
import type { Requests } from "./requests"
import { retryUntil, seconds } from "./wait"

/** The manager takes bytecode in slices of a multiple of 32 bytes; 224 is the most a packet holds. */
const SLICE_ALIGN = 32
const SLICE_SIZE = 224
/** A deploy command that a board need not erase for is answered at once, even by a busy machine's. */
const DEPLOY_ANSWER_MS = 4_000
/** Datasheets allow an erase up to nine times what it takes as a rule: a Pico's 400 ms for 45. */
const ERASE_PATIENCE = 10
/** What a board puts before a program, and sectors it may erase to put its store in order. */
const PROGRAM_HEADER_BYTES = 128
const STORE_SECTORS = 4
const DEPLOY_TRIES = 3
/** A program starts within 1.1 s of the board's start, and 5 s after a panic. */
const RUNNING_DEADLINE_MS = 8_000
const RUNNING_POLL_MS = 50
/** Answers to a register read come in under a millisecond. */
const READ_DEADLINE_MS = 3_000
/** First bytes of compiled DeviceScript, "DevS" and four more. */
const BYTECODE_MAGIC = [0x44, 0x65, 0x76, 0x53, 0x0a, 0x6e, 0x29, 0xf1]

/** What a board's flash takes. */
export interface FlashTimes {
  sectorBytes: number
  /** To erase a sector, as a rule. */
  eraseMs: number
}

/** A Pico's (boards/pico.json): of the boards that are known, none is slower. */
const USUAL_FLASH: FlashTimes = { sectorBytes: 4096, eraseMs: 45 }

/** Until a deploy command counts as lost: before it is answered, the program's sectors are erased. */
export function deployDeadline(bytes: number, flash: FlashTimes = USUAL_FLASH): number {
  const sectors = Math.ceil((bytes + PROGRAM_HEADER_BYTES) / flash.sectorBytes) + STORE_SECTORS
  return DEPLOY_ANSWER_MS + ERASE_PATIENCE * sectors * flash.eraseMs
}

/** What the manager needs of the link to its board. */
export interface ManagerLine {
  readonly clock: Clock
  readonly signal?: AbortSignal
  readonly requests: Requests
  /** What to call the board in messages. */
  title(): string
  /** A frame to one of the board's own services, `ack`: that asks for an acknowledgement. */
  command(service: number, command: number, payload?: Uint8Array, ack?: boolean): Uint8Array
}

/**
 * Bytecode as a board takes it: padded to whole slices.
 *
 * @throws WuxingError "bytecode-damaged" (kind firmware)
 */
export function imageOf(bytecode: Uint8Array, title: string): Uint8Array {
  if (BYTECODE_MAGIC.some((byte, i) => bytecode[i] !== byte)) {
    throw new WuxingError({
      code: "bytecode-damaged",
      kind: "firmware",
      message: `${bytecode.length} bytes meant for ${title} are not DeviceScript bytecode`,
      cause: "the file was cut short or is something else",
      help: "compile the firmware again",
    })
  }
  const image = new Uint8Array(Math.ceil(bytecode.length / SLICE_ALIGN) * SLICE_ALIGN)
  image.set(bytecode)
  return image
}

export class Manager {
  /** Number of the service among the board's. */
  index = 0
  /** The board's own, where it is known. */
  flash?: FlashTimes

  constructor(private readonly line: ManagerLine) {}

  /** SHA-256 of the program on the board, 64 hex digits; all zero when it has none. */
  async programHash(): Promise<string> {
    const hash = await this.read(JD_DEVICE_SCRIPT_MANAGER_REG_PROGRAM_SHA256, 32, "program hash")
    return Buffer.from(hash).toString("hex")
  }

  async holds(image: Uint8Array): Promise<boolean> {
    return (await this.programHash()) === sha256(image)
  }

  async isRunning(): Promise<boolean> {
    return (await this.read(JD_DEVICE_SCRIPT_MANAGER_REG_RUNNING, 1, "running"))[0] !== 0
  }

  async isAutostarting(): Promise<boolean> {
    return (await this.read(JD_DEVICE_SCRIPT_MANAGER_REG_AUTOSTART, 1, "autostart"))[0] !== 0
  }

  /**
   * @param onProgress called with the share sent, 0…1
   * @throws WuxingError "deploy-failed" (kind firmware)
   */
  async write(image: Uint8Array, onProgress?: (share: number) => void): Promise<void> {
    // Once more if it fails: a frame lost for good leaves the board without a program.
    for (let attempt = 1; ; attempt++) {
      try {
        await this.stream(image, onProgress)
        const found = await this.programHash()
        const wanted = sha256(image)
        if (found === wanted) return
        throw new WuxingError({
          code: "deploy-failed",
          kind: "firmware",
          message: `deploying to ${this.line.title()} failed: it holds a program with SHA-256 ${found}, not ${wanted}`,
          cause: "frames were lost on the way, or the program is larger than the board's flash",
          help: "check the cable, and the size of the bytecode against the board's profile",
        })
      } catch (error) {
        const again = error instanceof WuxingError && error.code === "deploy-failed"
        if (!again || attempt === 2) throw error
      }
    }
  }

  /** Switches autostart on and waits until the program runs, starting it where it does not. */
  async makeRun(): Promise<void> {
    const on = new Uint8Array([1])
    const set = (register: number) =>
      this.line.requests.sendAcked(this.line.command(this.index, CMD_SET_REG | register, on, true))
    await set(JD_DEVICE_SCRIPT_MANAGER_REG_AUTOSTART)
    const { clock, signal } = this.line
    const attempt = async () => {
      if (await this.isRunning()) return true
      // Harmless where it runs already: the board only acts on a change.
      await set(JD_DEVICE_SCRIPT_MANAGER_REG_RUNNING)
      return undefined
    }
    await retryUntil(
      {
        clock,
        signal,
        deadlineMs: RUNNING_DEADLINE_MS,
        pauseMs: RUNNING_POLL_MS,
        what: `the program of ${this.line.title()} to start`,
        late: () =>
          new WuxingError({
            code: "program-not-running",
            kind: "firmware",
            message: `${this.line.title()} did not start its program within ${seconds(RUNNING_DEADLINE_MS)}`,
            cause: "the program panics as it starts, or its bytecode is of another version",
            help: "read the board's log, and compile the firmware with the compiler of its version",
          }),
      },
      attempt,
    )
  }

  private async stream(image: Uint8Array, onProgress?: (share: number) => void): Promise<void> {
    const size = new Uint8Array(4)
    write32(size, 0, image.length)
    const command = JD_DEVICE_SCRIPT_MANAGER_CMD_DEPLOY_BYTECODE
    onProgress?.(0)
    const deadlineMs = deployDeadline(image.length, this.flash)
    const frame = this.line.command(this.index, command, size)
    const pipe = read16(await this.openPipe(frame, deadlineMs), 0)
    let count = 0
    for (let at = 0; at < image.length; at += SLICE_SIZE) {
      await this.sendToPipe(pipe, count++, 0, image.subarray(at, at + SLICE_SIZE))
      onProgress?.(Math.min(1, (at + SLICE_SIZE) / image.length))
    }
    await this.sendToPipe(pipe, count, PIPE_CLOSE_MASK, NO_PAYLOAD)
  }

  /**
   * Sent once, without asking for an acknowledgement: a Pico hears nothing for some 500 ms while it
   * erases, and a repeat would be obeyed too, erase again and move to another pipe.
   */
  private async openPipe(frame: Uint8Array, deadlineMs: number): Promise<Uint8Array> {
    for (let attempt = 1; ; attempt++) {
      const answer = this.line.requests.report({
        service: this.index,
        command: JD_DEVICE_SCRIPT_MANAGER_CMD_DEPLOY_BYTECODE,
        size: 2,
        what: "deploy command",
        deadlineMs,
      })
      const [payload] = await Promise.allSettled([answer, this.line.requests.write(frame)])
      if (payload.status === "fulfilled") return payload.value
      const { reason } = payload
      const lost = reason instanceof WuxingError && reason.code === "board-no-answer"
      if (!lost || attempt === DEPLOY_TRIES) throw reason
    }
  }

  private sendToPipe(
    pipe: number,
    count: number,
    flags: number,
    payload: Uint8Array,
  ): Promise<void> {
    const command = (pipe << PIPE_PORT_SHIFT) | flags | (count & PIPE_COUNTER_MASK)
    return this.line.requests.sendAcked(
      this.line.command(JD_SERVICE_INDEX_PIPE, command, payload, true),
    )
  }

  private async read(register: number, size: number, what: string): Promise<Uint8Array> {
    const command = CMD_GET_REG | register
    const frame = this.line.command(this.index, command)
    const deadlineMs = READ_DEADLINE_MS
    const service = this.index
    const awaited = { service, command, size, what, deadlineMs, frame }
    const payload = await this.line.requests.report(awaited)
    return payload.slice(0, size)
  }
}
