/**
 * Boards in this process, each the real virtual machine with a clock of its own: it advances by the
 * operations the machine carries out, at the speed of a board profile. So are the times at which
 * messages arrive, at the profile's link rate; the machine itself holds its messages back by its
 * clock. What comes of it is how fast a fleet of such boards would be, which processes that share two
 * cores cannot show.
 */
import { buildBridgeReport, frameIsBridge, JD_FRAME_FLAG_COMMAND, packetsOf } from "../link/jacdac"
import { encodeFrame, JdUsbDecoder } from "../link/jdusb"
import type { BoardProfile } from "./board-profile"
import { type BoardCount, type CountedPort, CountedSet, countOf, type Sent } from "./counted-set"
import { Machine } from "./machine"

/** The least a turn of a machine's loop takes, ms. */
const TURN_MS = 0.02
/** A machine counts whole milliseconds; and it does not know of all it may have to do. */
const LEAST_IDLE_MS = 1
const MOST_IDLE_MS = 5

export class CountedBoards extends CountedSet<CountedBoard> {
  /** @throws WuxingError as Machine.start */
  static async start(
    count: number,
    bytecode: Uint8Array,
    profile: BoardProfile,
  ): Promise<CountedBoards> {
    const boards: CountedBoard[] = []
    for (let i = 0; i < count; i++) {
      const id = `c0${i.toString(16).padStart(14, "0")}`
      boards.push(new CountedBoard(`counted-${i}`, await Machine.start(bytecode, id), profile))
    }
    return new CountedBoards(boards, profile)
  }

  private constructor(
    boards: CountedBoard[],
    private readonly of: BoardProfile,
  ) {
    super(boards)
  }

  counts(): BoardCount[] {
    return this.boards.map(({ operations }) => countOf(operations, this.of))
  }

  /** How often each board's machine carried out the operation at each address of its program. */
  countsByAddress(): Uint32Array[] {
    return this.boards.map(board => board.countsByAddress())
  }

  profile(): string {
    return this.of.id
  }

  /** What each board's program and machine have logged. */
  get logs(): string[][] {
    return this.boards.map(({ log }) => log)
  }
}

class CountedBoard implements CountedPort {
  onData?: (bytes: Uint8Array) => void
  onClose?: (reason?: Error) => void
  /** Its own time, ms, and the operations carried out until then. */
  now = 0
  operations = 0
  /** When it next has something to do, ms. */
  wakes = 0
  /** Time of the host. */
  clock: () => number = () => 0
  private sent: Uint8Array[] = []
  private inbox: { at: number; frame: Uint8Array }[] = []
  private linkFree = 0
  private readonly decoder = new JdUsbDecoder({ onFrame: frame => this.fromHost(frame) })

  constructor(
    readonly name: string,
    private readonly machine: Machine,
    private readonly profile: BoardProfile,
  ) {
    machine.onFrame = frame => this.sent.push(frame)
  }

  get log(): string[] {
    return this.machine.log
  }

  countsByAddress(): Uint32Array {
    return this.machine.counts()
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.decoder.push(bytes)
  }

  async close(): Promise<void> {
    this.onData = undefined
  }

  turn(): Sent[] {
    this.now = Math.max(this.now, this.wakes)
    // One at a time: a machine that gets more than it has room for drops the rest, a port waits.
    if (this.inbox.length > 0 && this.inbox[0].at <= this.now)
      this.machine.send(this.inbox.shift()!.frame)
    const { operations, idleMs } = this.machine.turn(this.now)
    this.operations += operations
    this.now +=
      TURN_MS + (1000 * operations * this.profile.cyclesPerOperation) / this.profile.clockHz
    const idle = operations > 0 ? 0 : Math.min(MOST_IDLE_MS, Math.max(LEAST_IDLE_MS, idleMs))
    this.wakes = Math.max(
      this.now,
      Math.min(this.now + idle, this.inbox[0]?.at ?? Number.POSITIVE_INFINITY),
    )
    const frames = this.sent
    this.sent = []
    return frames.map(frame => ({
      bytes: encodeFrame(frame),
      at: this.now + this.milliseconds(frame),
    }))
  }

  private milliseconds(frame: Uint8Array): number {
    return (1000 * frame.length) / this.profile.linkBytesPerSecond
  }

  private fromHost(frame: Uint8Array): void {
    if (frameIsBridge(frame)) {
      if ((frame[3] & JD_FRAME_FLAG_COMMAND) === 0) return
      for (const { command } of packetsOf(frame))
        this.onData?.(encodeFrame(buildBridgeReport(command)))
      return
    }
    const at = Math.max(this.linkFree, this.clock()) + this.milliseconds(frame)
    this.linkFree = at
    this.inbox.push({ at, frame })
    this.wakes = Math.min(this.wakes, Math.max(this.now, at))
  }
}
