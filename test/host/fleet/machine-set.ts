/** Boards for tests of fleets: DeviceScript's machine in this process, on a virtual clock. */
import type { Timer, VirtualClock } from "../../../host/base/clock"
import type { BoardSet, WrapPort } from "../../../host/hardware/board-set"
import { Machine } from "../../../host/hardware/machine"
import { BoardLink } from "../../../host/link/board-link"
import { frameIsBridge } from "../../../host/link/jacdac"
import { encodeFrame, JdUsbDecoder } from "../../../host/link/jdusb"
import type { Port } from "../../../host/link/port"

/**
 * Time between two turns of a machine, ms: at least (a timer set at "now" is lost, and the machine
 * counts whole milliseconds), and at most.
 */
const LEAST_IDLE_MS = 1
const MOST_IDLE_MS = 20

class MachinePort implements Port {
  onData?: (bytes: Uint8Array) => void
  onClose?: (reason?: Error) => void
  private readonly decoder = new JdUsbDecoder({
    onFrame: frame => {
      if (frameIsBridge(frame)) return
      this.machine.send(frame)
      this.turnIn(LEAST_IDLE_MS)
    },
  })
  private closed = false
  private timer?: Timer
  private turnedAt = -1

  constructor(
    readonly name: string,
    private readonly machine: Machine,
    private readonly clock: VirtualClock,
  ) {
    machine.onFrame = frame => {
      const bytes = encodeFrame(frame)
      // Not from within the machine: whoever hears it may send it something.
      clock.after(0, () => this.closed || this.onData?.(bytes))
    }
    this.turnIn(LEAST_IDLE_MS)
  }

  private turnIn(ms: number): void {
    this.timer?.stop()
    const now = this.clock.now()
    const wait = Math.max(ms, this.turnedAt + LEAST_IDLE_MS - now)
    this.timer = this.clock.after(wait, () => {
      if (this.closed) return
      this.turnedAt = this.clock.now()
      const { idleMs } = this.machine.turn(this.clock.now())
      this.turnIn(Math.min(MOST_IDLE_MS, Math.max(LEAST_IDLE_MS, idleMs)))
    })
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.decoder.push(bytes)
  }

  async close(): Promise<void> {
    this.closed = true
  }
}

/** @param wrap what lies between the boards and the host */
export async function machineSet(
  count: number,
  bytecode: Uint8Array,
  clock: VirtualClock,
  wrap?: WrapPort,
): Promise<BoardSet> {
  const machines = await Promise.all(
    Array.from({ length: count }, (_, i) =>
      Machine.start(bytecode, `00112233445566${(16 + i).toString(16)}`),
    ),
  )
  const connect: BoardSet["connect"] = (i, options) => {
    const port = new MachinePort(`machine ${i}`, machines[i], clock)
    const hands = { unplug: () => port.onClose?.(new Error("its cable was pulled")) }
    return BoardLink.connect(wrap ? wrap(i, port, hands) : port, options)
  }
  return {
    clock,
    count,
    reconnectMs: 5_000,
    profile: () => "virtual",
    connect,
    reconnect: async (i, link, options) => {
      await link.close()
      return connect(i, options)
    },
    stop: async () => {},
  }
}
