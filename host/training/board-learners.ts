/** Opens boards that each hold a whole network and learn side by side (averaged-engine.ts). */
import { WuxingError } from "../base/errors"
import { Fleet } from "../fleet/fleet"
import { readBoardProfile } from "../hardware/board-profile"
import type { BoardSet } from "../hardware/board-set"
import { type FoundBoards, findBoards, type Location } from "../hardware/location"
import { programFor } from "../hardware/program-for"
import type { Network } from "../network/network"
import { splitEvenly } from "../partition/partition"
import { planNetwork, setAsideFor } from "../partition/plan"
import type { Lesson } from "../session/reports"
import { allOf, type FleetWatch } from "../session/watch"
import type { Learner } from "./averaged-engine"

interface Learning {
  network: Network
  signal?: AbortSignal
  log?: (line: string) => void
  status?: (text: string) => void
  /** All boards are needed: none may be left out. */
  all?: boolean
  /** Who looks on, of each board. */
  watch?: (board: number) => FleetWatch
}

export interface LearnersOpening extends Learning {
  location: Location
  /** As `findBoards` found them, where that was worth knowing first. */
  boards?: FoundBoards
}

interface LearnerOptions extends Learning {
  bytecode: Uint8Array
  sampleDeadlineMs?: number
}

/**
 * Starts or opens the boards and puts the program on each. Those that cannot be had are named and left
 * out, as long as one is there.
 *
 * @throws WuxingError as findBoards, buildFirmware and startFleet; nothing is left running then
 */
export async function openLearners(opening: LearnersOpening): Promise<BoardLearner[]> {
  const { network, location, signal, log, status, watch, all } = opening
  const found = opening.boards ?? (await findBoards(location))
  const profile = readBoardProfile(found.profile)
  const plan = planNetwork(network, [{ id: "board", profile }], "learning")
  const bytecode = await programFor(found, location, {
    ...{ signal, status },
    // Native programs set aside what they do.
    shardBytes: found.native ? undefined : setAsideFor(plan, profile),
  })
  const boards = await found.open({ signal, onLog: (i, line) => log?.(`board ${i}: ${line}`) })
  return await learnersOn(boards, { network, bytecode, signal, log, status, watch, all })
}

/** @param boards stopped with the last learner */
export async function learnersOn(
  boards: BoardSet,
  options: LearnerOptions,
): Promise<BoardLearner[]> {
  let left = boards.count
  const closed = async () => {
    if (--left === 0) await boards.stop()
  }
  const all = Array.from(
    { length: boards.count },
    (_, i) => new BoardLearner(oneOf(boards, i, closed), options, options.watch?.(i)),
  )
  const begun = await Promise.allSettled(all.map(learner => learner.fleet.begin()))
  const faults = begun.map(each => (each.status === "rejected" ? each.reason : undefined))
  const there = all.filter((_, i) => faults[i] === undefined)
  const interrupted = options.signal?.aborted === true
  const enough = there.length > 0 && !(options.all && there.length < boards.count)
  for (const [i, fault] of faults.entries())
    if (fault !== undefined) {
      await all[i].close()
      if (enough && !interrupted)
        options.status?.(
          `board ${i} is left out: ${fault instanceof Error ? fault.message : fault}`,
        )
    }
  if (enough && !interrupted) return there
  for (const learner of there) await learner.close()
  throw faults.find(fault => fault instanceof WuxingError) ?? options.signal?.reason ?? faults[0]
}

/** Board `i` of several, as a set of its own. */
function oneOf(boards: BoardSet, i: number, stop: () => Promise<void>): BoardSet {
  return {
    clock: boards.clock,
    count: 1,
    reconnectMs: boards.reconnectMs,
    slower: boards.slower,
    profile: () => boards.profile(i),
    group: () => boards.group?.(i),
    connect: (_, options) => boards.connect(i, { ...options, name: `board ${i}` }),
    reconnect: (_, link, options) => boards.reconnect(i, link, { ...options, name: `board ${i}` }),
    stop,
  }
}

/** A board that holds the whole network: a fleet of one. */
export class BoardLearner implements Learner {
  readonly fleet: Fleet
  stalled = false
  /** Called when it stalls, or gets on again. */
  onChange: () => void = () => {}

  constructor(board: BoardSet, { watch, ...options }: LearnerOptions, own?: FleetWatch) {
    const stalls: FleetWatch = {
      state: (_, state) => {
        this.stalled = state === "fault"
        this.onChange()
      },
    }
    const { network } = options
    const looking = own ? allOf([stalls, own]) : stalls
    this.fleet = new Fleet(
      { ...options, boards: 1, watch: looking },
      board,
      splitEvenly(network, 1),
    )
  }

  async load(coefficients: Buffer, sample: number, learnShift: number): Promise<void> {
    await this.fleet.goOnFrom({ samples: sample, coefficients, elements: Buffer.alloc(0) })
    await this.fleet.setLearnShift(learnShift)
  }

  async learn(lessons: (i: number) => Lesson, count: number, stopped: () => boolean) {
    const { done, right } = await this.fleet.learn(lessons, count, { stopped })
    return done < count ? undefined : { right, coefficients: this.fleet.learnt.coefficients }
  }

  async close(): Promise<void> {
    await this.fleet.close()
  }
}
