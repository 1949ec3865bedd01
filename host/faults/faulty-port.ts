/** A port between a host and a board on which frames meet with faults. */
import { type Clock, realClock, type Timer } from "../base/clock"
import type { Hands, WrapPort } from "../hardware/board-set"
import {
  buildPacket,
  type DeviceId,
  frameDevice,
  frameFlags,
  JD_CONTROL_CMD_RESET,
  JD_FRAME_FLAG_COMMAND,
  JD_SERVICE_INDEX_CONTROL,
  JD_USB_BRIDGE_CMD_ENABLE_LOG,
  packetsOf,
} from "../link/jacdac"
import { encodeFrame, encodeGap, encodeLog, JdUsbDecoder } from "../link/jdusb"
import type { Port } from "../link/port"
import { type Direction, FrameNames } from "./frame-streams"
import type { FaultInjector } from "./injector"
import { type BrokerKind, type FaultRule, isBrokerKind } from "./spec"

/** A frame to be overtaken goes out by itself after this, ms: there may be no next one. */
const REORDER_MS = 100

/** One direction of a port: bytes go on in order, unless they are held back. */
class Lane {
  private readonly waiting: { bytes: Uint8Array; done: () => void }[] = []
  private timer?: Timer
  private overtaken?: Uint8Array
  private overtakenTimer?: Timer

  constructor(
    private readonly clock: Clock,
    private readonly pass: (bytes: Uint8Array) => Promise<void> | void,
  ) {}

  /** Resolves when the bytes were passed on, or are held back without the sender knowing. */
  async push(bytes: Uint8Array): Promise<void> {
    if (this.timer !== undefined) {
      await new Promise<void>(done => this.waiting.push({ bytes, done }))
      return
    }
    const before = this.takeOvertaken()
    await this.pass(bytes)
    if (before) await this.pass(before)
  }

  hold(ms: number): void {
    this.timer?.stop()
    this.timer = this.clock.after(ms, () => void this.release())
  }

  /** Lets the next bytes overtake these. */
  keepBehind(bytes: Uint8Array): void {
    const before = this.takeOvertaken()
    if (before) void this.pass(before)
    this.overtaken = bytes
    this.overtakenTimer = this.clock.after(REORDER_MS, () => {
      const late = this.takeOvertaken()
      if (late) void Promise.resolve(this.pass(late)).catch(() => {})
    })
  }

  end(): void {
    this.timer?.stop()
    this.overtakenTimer?.stop()
    this.timer = undefined
    this.overtaken = undefined
    for (const { done } of this.waiting.splice(0)) done()
  }

  private takeOvertaken(): Uint8Array | undefined {
    this.overtakenTimer?.stop()
    const bytes = this.overtaken
    this.overtaken = undefined
    return bytes
  }

  private async release(): Promise<void> {
    // What comes meanwhile joins the end of the queue, so that nothing overtakes.
    while (this.waiting.length > 0) {
      const { bytes, done } = this.waiting.shift()!
      try {
        await this.pass(bytes)
      } catch {
        // The port has closed; whoever waits for the board finds out by its deadline.
      }
      done()
    }
    this.timer = undefined
  }
}

/** Asks the bridge for what it does already, or is its answer (BoardLink.stir). */
function isStir(frame: Uint8Array): boolean {
  return packetsOf(frame).every(({ command }) => command === JD_USB_BRIDGE_CMD_ENABLE_LOG)
}

/**
 * Puts faults between boards and their links; counts go on when a board is opened again.
 *
 * @param clock the time the boards live in
 * @param between does what may happen between a run and an agent
 */
export function faultyPorts(
  injector: FaultInjector,
  clock: Clock = realClock,
  between: (kind: BrokerKind) => void = () => {},
): WrapPort {
  return (board, port, hands) => new FaultyPort(port, board, injector, { ...hands, between }, clock)
}

class FaultyPort implements Port {
  onData?: (bytes: Uint8Array) => void
  onClose?: (reason?: Error) => void
  private readonly lanes: Record<Direction, Lane>
  private readonly names = new FrameNames()
  private board?: DeviceId
  private closed = false
  private readonly fromHost: JdUsbDecoder
  private writes: Promise<void>[] = []

  constructor(
    private readonly inner: Port,
    private readonly index: number,
    private readonly injector: FaultInjector,
    private readonly hands: Hands & { between: (kind: BrokerKind) => void },
    clock: Clock,
  ) {
    this.lanes = {
      in: new Lane(clock, bytes => this.onData?.(bytes)),
      out: new Lane(clock, bytes => (this.closed ? undefined : inner.write(bytes))),
    }
    const push = (bytes: Uint8Array) => {
      void this.lanes.in.push(bytes)
    }
    const fromBoard = new JdUsbDecoder({
      // A port that has closed meanwhile takes no reset; its link knows by itself.
      onFrame: frame => void this.frame("in", frame).catch(() => {}),
      onLog: line => push(encodeLog(`${line}\n`)),
      onGap: what => push(encodeGap(what)),
    })
    this.fromHost = new JdUsbDecoder({
      onFrame: frame => {
        this.writes.push(this.frame("out", frame))
      },
    })
    inner.onData = bytes => fromBoard.push(bytes)
    inner.onClose = reason => {
      this.end()
      this.onClose?.(reason)
    }
  }

  get name(): string {
    return this.inner.name
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.fromHost.push(bytes)
    await Promise.all(this.writes.splice(0))
  }

  async close(): Promise<void> {
    this.end()
    await this.inner.close()
  }

  private end(): void {
    this.closed = true
    this.lanes.in.end()
    this.lanes.out.end()
  }

  private async frame(direction: Direction, frame: Uint8Array): Promise<void> {
    if (this.closed) return
    const name = this.names.nameOf(frame)
    if (name === "announce" && (frameFlags(frame) & JD_FRAME_FLAG_COMMAND) === 0)
      this.board ??= frameDevice(frame)
    if (this.board && name === "bridge" && isStir(frame)) return await this.passBy(direction, frame)
    const stream = `${this.index}.${direction}.${name}`
    const rule = this.injector.decide(stream)
    const lane = this.lanes[direction]
    const bytes = encodeFrame(frame)
    if (rule === undefined) await lane.push(bytes)
    else await this.harm(rule, stream, direction, lane, bytes)
  }

  /** What keeps a board awake that is waited for goes by the clock: it meets with no fault and counts nowhere. */
  private async passBy(direction: Direction, frame: Uint8Array): Promise<void> {
    if (direction === "out") await this.inner.write(encodeFrame(frame))
    else this.onData?.(encodeFrame(frame))
  }

  private async harm(
    rule: FaultRule,
    stream: string,
    direction: Direction,
    lane: Lane,
    bytes: Uint8Array,
  ): Promise<void> {
    switch (rule.kind) {
      case "drop":
        return
      case "repeat":
        await lane.push(bytes)
        await lane.push(bytes)
        return
      case "corrupt": {
        const bit = this.injector.pick(stream, bytes.length * 8)
        const other = bytes.slice()
        other[bit >> 3] ^= 1 << (bit & 7)
        await lane.push(other)
        return
      }
      case "truncate":
        await lane.push(bytes.slice(0, bytes.length >> 1))
        return
      case "reorder":
        lane.keepBehind(bytes)
        return
      case "delay":
        lane.hold(rule.ms)
        // The sender thinks it is on its way.
        void lane.push(bytes)
        return
      case "stall":
        this.lanes.in.hold(rule.ms)
        this.lanes.out.hold(rule.ms)
        await lane.push(bytes)
        return
    }
    // A board that stops has said what came before, and has not taken what would come after.
    if (direction === "in") await lane.push(bytes)
    if (isBrokerKind(rule.kind)) {
      this.hands.between(rule.kind)
      if (direction === "out") await lane.push(bytes).catch(() => {})
    } else if (rule.kind === "reset") await this.reset()
    else if (rule.kind === "kill") (this.hands.kill ?? this.hands.unplug)()
    else this.hands.unplug()
  }

  private async reset(): Promise<void> {
    if (!this.board) return
    const flags = JD_FRAME_FLAG_COMMAND
    const frame = buildPacket(this.board, flags, JD_SERVICE_INDEX_CONTROL, JD_CONTROL_CMD_RESET)
    await this.inner.write(encodeFrame(frame))
  }
}
