/**
 * DeviceScript's own virtual machine, as it lies in the npm package, run inside this process: no
 * port, no second process, a clock of its own. One instruction is added to its loop, which counts
 * for every address of the program how often the operation there was carried out.
 *
 * Counts are exact and the same at every run: what a program costs a board is read off them.
 */
import { takeTurns } from "../base/clock"
import { WuxingError } from "../base/errors"
import { machineModule, PROGRAM_ADDRESSES, TOTAL_COUNTER, unknownMachine } from "./machine-binary"
import { type MachineCore, startMachine } from "./machine-core.mjs"

export class Machine {
  /** Lines the program and the machine log. */
  readonly log: string[] = []
  /** A frame the machine sends, without what a line would add. */
  onFrame?: (frame: Uint8Array) => void
  onLog?: (line: string) => void
  /** What its flash held whenever it was all to be kept. */
  readonly flashes: Uint8Array[] = []
  /** Milliseconds since the machine was started, as its program sees them. */
  private now = 1
  private core!: MachineCore
  private counters!: Uint32Array
  private total!: OperationCount
  private started = false
  /** Operations before the turn under way. */
  private carriedOut = 0
  private failure: string | undefined

  private constructor(private readonly msPerOperation: number) {}

  /**
   * A machine that begins with `bytecode`.
   *
   * @param id of the device, 16 hexadecimal digits
   * @param msPerOperation by how much its clock goes on while it works; 0: it stands, and others wind it
   * @param flash what its flash holds, as another machine left it; absent: nothing
   * @throws WuxingError "machine-unknown" (kind "internal") where the package has another machine
   */
  static async start(
    bytecode: Uint8Array,
    id = "0123456789abcdef",
    msPerOperation = 0,
    flash?: Uint8Array,
  ): Promise<Machine> {
    const machine = new Machine(msPerOperation)
    const { module, counters } = machineModule("counted")
    machine.core = startMachine(module, id, {
      now: () => machine.clock(),
      flash: () => flash,
      onSync: kept => {
        machine.flashes.push(kept())
      },
      onFrame: frame => machine.onFrame?.(frame),
      onLog: line => {
        machine.log.push(line)
        machine.onLog?.(line)
      },
      onPanic: code => {
        machine.failure ??= `panic ${code}`
      },
    })
    machine.counters = new Uint32Array(machine.core.memory.buffer, counters, PROGRAM_ADDRESSES)
    machine.total = new OperationCount(machine.core, counters)
    machine.started = true
    const status = machine.core.deploy(bytecode)
    if (status !== 0) throw unknownMachine(`it refuses the program (${status})`)
    return machine
  }

  /**
   * How often the operation at each address of the program was carried out so far.
   *
   * @param into takes them in place of a new array: what a call before returned
   */
  counts(into?: Uint32Array): Uint32Array {
    if (!into) return this.counters.slice()
    into.set(this.counters)
    return into
  }

  /** Operations so far. */
  get operations(): number {
    return this.total.operations
  }

  /**
   * Lets the machine run until `done`, at most `milliseconds` of its own time.
   *
   * @returns whether it came to be done
   * @throws WuxingError "machine-stopped" (kind "internal") if the program failed
   */
  async run(done: () => boolean, milliseconds: number): Promise<boolean> {
    const end = this.now + milliseconds
    for (let turn = 0; !done(); turn++) {
      if (this.now > end) return false
      const wait = this.core.process()
      if (this.failure) throw this.stopped(this.failure)
      this.now = this.clock()
      this.carriedOut = this.msPerOperation > 0 ? this.operations : 0
      this.now += Math.min(5, Math.max(0.05, wait / 1000))
      // What it sent may be waited for by other code of this process.
      if (turn % 16 === 0) await takeTurns()
    }
    return true
  }

  /**
   * One turn of the machine's loop at a time of the caller's choosing, which never goes back.
   *
   * @param now milliseconds since the machine was started
   * @returns operations the turn took, and milliseconds until the machine has something to do by itself
   * @throws WuxingError "machine-stopped" as `run`
   */
  turn(now: number): { operations: number; idleMs: number } {
    this.now = Math.max(this.now, now)
    const before = this.operations
    const wait = this.core.process()
    if (this.failure) throw this.stopped(this.failure)
    return { operations: this.operations - before, idleMs: wait / 1000 }
  }

  private clock(): number {
    // Asked for while it starts, it has carried nothing out.
    if (this.msPerOperation === 0 || !this.started) return this.now
    return this.now + (this.operations - this.carriedOut) * this.msPerOperation
  }

  private stopped(failure: string): WuxingError {
    return new WuxingError({
      code: "machine-stopped",
      kind: "internal",
      message: `the program stopped: ${failure}`,
      cause: "it failed; its log says where",
      help: `the log ends:\n  ${this.log.slice(-12).join("\n  ")}`,
    })
  }

  /** Hands the machine a frame. */
  send(frame: Uint8Array): void {
    this.core.receive(frame)
  }
}

/** Operations a machine has carried out: its own counter wraps. */
export class OperationCount {
  private readonly counter: Uint32Array
  private seen = 0
  private sum = 0

  /** @param counters where they begin in a "timed" or "counted" machine's memory */
  constructor(core: MachineCore, counters: number) {
    this.counter = new Uint32Array(core.memory.buffer, counters + 4 * TOTAL_COUNTER, 1)
  }

  get operations(): number {
    const now = this.counter[0]
    this.sum += (now - this.seen) >>> 0
    this.seen = now
    return this.sum
  }
}
