/**
 * Boards with the product's own firmware, each under a test's full control: Picos in their own time
 * (host/hardware/timed-boards.ts), which goes on whenever the test has nothing to do but wait.
 */
import "../../host/base/memory"
import { type Clock, VirtualClock } from "../../host/base/clock"
import { Board } from "../../host/fleet/board"
import { readBoardProfile } from "../../host/hardware/board-profile"
import { TimedBoards, type TimedBoardsOptions } from "../../host/hardware/timed-boards"
import { BoardLink } from "../../host/link/board-link"
import {
  buildPacket,
  CMD_SET_REG,
  deviceIdFromHex,
  JD_DEVICE_SCRIPT_MANAGER_REG_RUNNING,
  JD_FRAME_FLAG_COMMAND,
} from "../../host/link/jacdac"
import { encodeFrame } from "../../host/link/jdusb"
import type { Port } from "../../host/link/port"
import { Command, SERVICE_CLASS, StatusField } from "../../src/wire/protocol"
import { firmware } from "./compiled"

export { bytes } from "./bytes"

export interface Report {
  command: number
  payload: Buffer
}

/** The program's account of itself, raw. */
export interface State {
  state: number
  shardBytes: number
  layoutHash: number
  updates: number
  handled: number
  refused: number
  dropped: number
  boot: number
}

/** Of the boards' time. */
const FENCE_DEADLINE_MS = 30_000

/** One board. What it reports is kept until asked for. */
export class Bench {
  /** Log lines of the program and its machine. */
  readonly log: string[] = []
  private reports: Report[] = []
  private tag = 0x8000
  private onFence?: { tag: number; done: (payload: Buffer) => void }

  private constructor(
    readonly link: BoardLink,
    /** The host's own way to the same board; it and `exchange` must not be used at once. */
    readonly board: Board,
  ) {
    link.listen({
      onReport: (command, payload) => {
        const bytes = Buffer.from(payload)
        if (command === Command.Status && bytes.readUInt16LE(0) === this.onFence?.tag)
          this.onFence.done(bytes)
        else this.reports.push({ command, payload: bytes })
      },
    })
  }

  /** @param clock the time the board lives in; the real one unless given */
  static async open(
    port: Port,
    index: number,
    bytecode: Uint8Array,
    clock?: Clock,
  ): Promise<Bench> {
    const link = await BoardLink.connect(port, { name: `board ${index}`, clock })
    await link.deploy(bytecode)
    await link.waitForService(SERVICE_CLASS, 8_000)
    const bench = new Bench(link, new Board(link, clock ? "pico" : "virtual"))
    link.listen({ onLog: line => bench.log.push(line) })
    return bench
  }

  /** Sends without waiting for anything. */
  async send(command: number, payload: Uint8Array = Buffer.alloc(0)): Promise<void> {
    await this.link.send(command, payload)
  }

  /** All that the board reports until it has dealt with everything sent so far, and how it is. */
  async fence(): Promise<{ reports: Report[]; state: State }> {
    this.tag = ((this.tag + 1) & 0x7fff) | 0x8000
    const tag = this.tag
    const ask = Buffer.alloc(2)
    ask.writeUInt16LE(tag)
    const reply = await new Promise<Buffer>((resolve, reject) => {
      const timer = this.link.clock.after(FENCE_DEADLINE_MS, () =>
        reject(new Error(`no status; the log ends: ${this.log.slice(-12).join("\n")}`)),
      )
      this.onFence = {
        tag,
        done: payload => {
          timer.stop()
          resolve(payload)
        },
      }
      this.link.send(Command.Status, ask).catch(reject)
    })
    const reports = this.reports
    this.reports = []
    return {
      reports,
      state: {
        state: reply.readUInt8(StatusField.State),
        shardBytes: reply.readUInt32LE(StatusField.ShardBytes),
        layoutHash: reply.readInt32LE(StatusField.LayoutHash),
        updates: reply.readUInt32LE(StatusField.Updates),
        handled: reply.readUInt32LE(StatusField.Handled),
        refused: reply.readUInt32LE(StatusField.Refused),
        dropped: reply.readUInt32LE(StatusField.Dropped),
        boot: reply.readUInt32LE(StatusField.Boot),
      },
    }
  }

  /** One command and all that comes of it. */
  async exchange(
    command: number,
    payload: Uint8Array = Buffer.alloc(0),
  ): Promise<{ reports: Report[]; state: State }> {
    await this.send(command, payload)
    return await this.fence()
  }

  /** Lines by which the machine says that the program failed. */
  get failures(): string[] {
    return this.log.filter(line =>
      /exception|panic|PANIC|error|InfiniteLoop|OOM|at .*\(/i.test(line),
    )
  }
}

/** Native boards (test/native) run the same cases; what differs between the kinds asks this. */
export const native: boolean = false

export interface Benches {
  boards: { stop(): Promise<void> }
  benches: Bench[]
  /** Starts one board's program anew; resolves when it serves again. */
  restart(index: number): Promise<void>
  stop(): Promise<void>
}

/** Picos in a time that goes on whenever nothing else of this process has anything to do. */
export function startPicos(
  count: number,
  options: Partial<TimedBoardsOptions> = {},
): { boards: TimedBoards; clock: VirtualClock; stop(): Promise<void> } {
  const clock = new VirtualClock()
  const boards = new TimedBoards(count, { clock, profile: readBoardProfile("pico"), ...options })
  let end = () => {}
  const running = clock.run(
    new Promise<void>(resolve => {
      end = resolve
    }),
  )
  const stop = async () => {
    await boards.stop()
    end()
    await running
  }
  return { boards, clock, stop }
}

/** @param options what else than Picos they are to be; gcStress finds objects that are let go too early */
export async function startBenches(
  count: number,
  options: Partial<TimedBoardsOptions> = {},
): Promise<Benches> {
  const program = await firmware()
  const { boards, clock, stop } = startPicos(count, options)
  try {
    const benches = await Promise.all(
      Array.from({ length: count }, (_, i) => Bench.open(boards.ports[i], i, program, clock)),
    )
    return {
      boards,
      benches,
      restart: index => restartProgram(benches[index].link),
      stop: async () => {
        await Promise.all(benches.map(({ link }) => link.close()))
        await stop()
      },
    }
  } catch (error) {
    await stop()
    throw error
  }
}

/** Service index of a virtual board's DeviceScript manager, as it announces it. */
const MANAGER = 2

async function restartProgram(link: BoardLink): Promise<void> {
  const restarted = new Promise<void>(resolve => {
    link.listen({ onRestart: () => resolve() })
  })
  const register = CMD_SET_REG | JD_DEVICE_SCRIPT_MANAGER_REG_RUNNING
  for (const on of [0, 1]) await command(link, MANAGER, register, Uint8Array.of(on))
  await restarted
  await link.waitForService(SERVICE_CLASS, 5_000)
}

/** A command to any service of the board's own device. */
export async function command(
  link: BoardLink,
  service: number,
  what: number,
  payload?: Uint8Array,
): Promise<void> {
  const id = deviceIdFromHex(link.boardId)
  const frame = buildPacket(id, JD_FRAME_FLAG_COMMAND, service, what, payload)
  await link.port.write(encodeFrame(frame))
}
