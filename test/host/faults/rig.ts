/**
 * Pairs of boards on which one small run can be made again and again, with faults: boards in their own
 * time (host/hardware/timed-boards.ts), with a Pico's speed, flash and USB, on a virtual clock.
 */
import { VirtualClock } from "../../../host/base/clock"
import { WuxingError } from "../../../host/base/errors"
import { sha256 } from "../../../host/base/sha256"
import { faultyPorts } from "../../../host/faults/faulty-port"
import { FaultInjector } from "../../../host/faults/injector"
import type { FaultRule } from "../../../host/faults/spec"
import { Fleet } from "../../../host/fleet/fleet"
import { readBoardProfile } from "../../../host/hardware/board-profile"
import type { BoardSet, Hands } from "../../../host/hardware/board-set"
import { TimedBoards } from "../../../host/hardware/timed-boards"
import type { Port } from "../../../host/link/port"
import { HostNetwork } from "../../../host/network/host-network"
import { splitEvenly } from "../../../host/partition/partition"
import { hash32 } from "../../../src/base/random"
import { network } from "../../src/core/helpers"
import { forOneRun } from "../hardware/for-one-run"

export const SAMPLES = 12
const CHECKPOINT_SAMPLES = 4
/** Past the first checkpoint: enough to tell whether boards were programmed and loaded soundly. */
export const FEW_SAMPLES = CHECKPOINT_SAMPLES + 1
const WIDTH = 64
/** A run that takes longer by the boards' time hangs. Its own deadlines add up to far less. */
const RUN_DEADLINE_MS = 90_000
/** Of the boards' time, in which a sample of this network takes some 100 ms. */
const SAMPLE_DEADLINE_MS = 1_000

/**
 * Each board computes some of every hidden layer, so signals and sums go both ways. Few links and steps:
 * what a machine computes between two frames meets no fault, and is most of what a run costs.
 */
export const net = network(
  [
    { neurons: 6, inputs: 2, fanIn: 4 },
    { neurons: 4, inputs: 2, fanIn: 4 },
    { neurons: 3, inputs: 2, fanIn: 4, outputs: 1 },
  ],
  { width: WIDTH, steps: 2, margin: 4096, learnShift: 9 },
)

export const lesson = (i: number) => ({
  image: Uint8Array.from({ length: WIDTH }, (_, p) => {
    const value = hash32(i + 1, p) >>> 0
    return value % 3 === 0 ? value >>> 24 : 0
  }),
  label: i % 3,
})

/** What the same lessons leave in one memory on the host: the boards must end with this. */
export function hashOnHost(samples = SAMPLES): string {
  const host = new HostNetwork(net)
  for (let i = 0; i < samples; i++) host.train(lesson(i).image, lesson(i).label)
  return sha256(host.coefficients())
}

export interface Ended {
  /** What the boards held at the end, or the error the run ended with. */
  hash?: string
  error?: unknown
  recoveries: number
  seconds: number
  injector: FaultInjector
}

export interface RunOptions {
  clock: VirtualClock
  injector: FaultInjector
  /** To learn. */
  samples?: number
}

/**
 * One run: programs (if they are not there already), loads, learns, reads back.
 *
 * @param leave what is left to do then, however it ended
 */
export async function runOf(
  boards: BoardSet,
  bytecode: Uint8Array,
  { clock, injector, samples = SAMPLES }: RunOptions,
  leave: (fleet: Fleet) => Promise<void>,
): Promise<Ended> {
  const start = clock.now()
  const options = {
    ...{ network: net, boards: 2, bytecode, checkpointSamples: CHECKPOINT_SAMPLES },
    sampleDeadlineMs: SAMPLE_DEADLINE_MS,
  }
  const fleet = new Fleet(options, boards, splitEvenly(net, 2))
  const ended = (rest: { hash?: string; error?: unknown }): Ended => ({
    ...{ recoveries: fleet.recoveries, seconds: (clock.now() - start) / 1000 },
    ...{ injector, ...rest },
  })
  const work = async () => {
    await fleet.begin()
    await fleet.learn(lesson, samples)
    return sha256(await fleet.coefficients())
  }
  const hangs = async () => {
    await clock.sleep(RUN_DEADLINE_MS)
    throw new Error(`it hangs: ${RUN_DEADLINE_MS / 1000} s are over`)
  }
  try {
    return ended({ hash: await Promise.race([work(), hangs()]) })
  } catch (error) {
    return ended({ error })
  } finally {
    await leave(fleet)
  }
}

export class Rig {
  private readonly injectors: (FaultInjector | undefined)[]
  /** Which of the two programs each pair got last. */
  private readonly programs: number[]
  private readonly clocks: VirtualClock[]
  private readonly boards: TimedBoards[]

  /** @param programs two that differ, so that each can be deployed over the other */
  private constructor(
    readonly pairs: number,
    private readonly bytecodes: Uint8Array[],
    private readonly samples?: number,
  ) {
    this.injectors = Array.from({ length: pairs }, () => undefined)
    this.programs = Array.from({ length: pairs }, () => 0)
    this.clocks = Array.from({ length: pairs }, () => new VirtualClock({ promisesAlone: true }))
    this.boards = this.clocks.map(
      (clock, pair) =>
        new TimedBoards(2, {
          ...{ clock, profile: readBoardProfile("pico"), seed: pair + 1 },
          wrap: (board, port, hands) => this.wrap(pair, board, port, hands),
        }),
    )
  }

  /** @param samples that each run learns; `SAMPLES` unless given */
  static start(pairs: number, bytecode: Uint8Array, samples?: number): Rig {
    return new Rig(pairs, [bytecode, otherText(bytecode)], samples)
  }

  private wrap(pair: number, board: number, port: Port, hands: Hands): Port {
    const injector = this.injectors[pair]
    return injector ? faultyPorts(injector, this.clocks[pair])(board, port, hands) : port
  }

  /**
   * Deploy (if asked for, else the program is there already), load, learn, read back.
   */
  async run(pair: number, rules: FaultRule[], deploys: boolean, seed = 1): Promise<Ended> {
    const injector = new FaultInjector(rules, seed)
    this.injectors[pair] = injector
    if (deploys) this.programs[pair] ^= 1
    const bytecode = this.bytecodes[this.programs[pair]]
    const clock = this.clocks[pair]
    const boards = forOneRun(this.boards[pair])
    const { samples } = this
    return await clock.run(() =>
      runOf(boards, bytecode, { clock, injector, samples }, fleet => fleet.close()),
    )
  }

  /** Both boards of a pair as new, after a run that ended with an error. */
  async renew(pair: number): Promise<void> {
    for (const i of [0, 1]) this.boards[pair].restart(i)
  }

  async stop(): Promise<void> {
    await Promise.all(this.boards.map(boards => boards.stop()))
  }
}

/** The same program with one letter of what it logs in another case: a board takes it for another. */
function otherText(bytecode: Uint8Array): Uint8Array {
  const other = bytecode.slice()
  const at = Buffer.from(bytecode).indexOf("wuxing: ready")
  if (at < 0) throw new Error("the program no longer logs what this looks for")
  other[at] ^= 0x20
  return other
}

/** Does a run that ended with this error end as it may? */
export function isNamed(error: unknown): boolean {
  return error instanceof WuxingError && ["board", "firmware"].includes(error.kind)
}
