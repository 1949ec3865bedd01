/** Checkpoints of what boards have learnt: on the host, and in the boards' own stores. */
import { isDeepStrictEqual } from "node:util"
import "../base/memory"
import { Header } from "../../src/core/layout"
import { type BoardProfile, boardIds, readBoardProfile } from "../hardware/board-profile"
import { HostNetwork } from "../network/host-network"
import type { Checkpoint } from "../session/reports"
import type { Crew } from "./crew"
import type { Interventions } from "./interventions"
import { holdsTwoSlots, learntAreas } from "./keeping"
import type { LoadedNetwork } from "./loaded-network"
import type { FleetOptions } from "./options"
import type { Saved } from "./reports"
import { differs, type Patience } from "./stops"

/** Learnt samples between two copies of all coefficients on the host; reading takes half a second. */
const CHECKPOINT_SAMPLES = 500
/** Where boards stop again and again, checkpoints come closer, down to this. */
const LEAST_CHECKPOINT_SAMPLES = 1

/** A training that boards hold a checkpoint of: learnt samples, and right among them. */
export interface FoundTraining {
  samples: number
  right: number
}

export class Checkpoints {
  /** What the boards had learnt at the last one. */
  latest: Checkpoint
  /** Spent reading back what was learnt, and having boards keep it, ms. */
  keepingMs = 0
  /** Bits by which learning was slowed down at the last one. */
  private bits = 0
  /** Samples between two checkpoints, as things go, and at most. */
  private interval: number
  private readonly longestInterval: number
  /** Which training boards keep checkpoints of; undefined: they keep none. */
  private run?: number

  constructor(
    private readonly crew: Crew,
    private readonly loaded: LoadedNetwork,
    private readonly interventions: Interventions,
    private readonly patience: Patience,
    private readonly options: FleetOptions,
  ) {
    this.longestInterval = options.checkpointSamples ?? CHECKPOINT_SAMPLES
    this.interval = this.longestInterval
    this.latest = options.start ?? asDrawn(options)
  }

  /** Have enough samples been learnt since the last one? */
  get isDue(): boolean {
    return this.loaded.samples - this.latest.samples >= this.interval
  }

  /** Is something learnt that the last one does not hold? */
  get isBehind(): boolean {
    return this.loaded.samples > this.latest.samples || this.interventions.areUnsaved
  }

  lengthenInterval(): void {
    this.interval = Math.min(this.longestInterval, this.interval * 2)
  }

  shortenInterval(): void {
    const shorter = Math.max(LEAST_CHECKPOINT_SAMPLES, this.interval >> 1)
    this.interval = Math.min(this.longestInterval, shorter)
  }

  /** The number of the next sample that is learnt, which decides its rounding. */
  goOnAt(samples: number): void {
    this.loaded.samples = samples
    this.latest = { ...this.latest, samples }
  }

  /** Another state to go on from, at the next `restore`. */
  goOnFrom(checkpoint: Checkpoint): void {
    this.latest = checkpoint
  }

  /** Loads all boards with the last one. */
  async restore(): Promise<void> {
    await this.loaded.load(this.latest, this.bits)
    this.interventions.rewind()
  }

  /** @param right of the epoch's samples so far */
  async take(right = 0): Promise<void> {
    const { clock } = this.crew
    const start = clock.now()
    try {
      this.keep(await this.loaded.readLearnt())
      await this.saveOnBoards(right)
    } finally {
      this.keepingMs += clock.now() - start
    }
  }

  private keep(checkpoint: Checkpoint): void {
    this.latest = checkpoint
    this.bits = this.loaded.bits
    this.interventions.saved()
    this.patience.gotOn()
    this.options.watch?.saved?.(checkpoint)
  }

  /**
   * Has the boards keep checkpoints of their own from now on, beside the host's, where their stores
   * can hold them.
   *
   * @param run what says which training it is: of equal ones, equal samples have equal bits
   * @returns why they keep none, else undefined
   */
  keepOnBoards(run: number): string | undefined {
    if (this.options.network.pid) return "running means of PID control are not kept"
    for (const [index, { board }] of this.crew.members.entries()) {
      const profile = knownProfile(board.profile)
      if (!profile) continue
      const shard = this.loaded.shards[index]
      const bytes = board.link.native
        ? shard.getAt(Header.Image, "i32")
        : learntAreas(shard).reduce((sum, area) => sum + area.bytes, 0)
      const fits = board.link.native
        ? bytes <= profile.flashValueBytes
        : holdsTwoSlots(profile.flashStoreBytes, bytes)
      if (!fits)
        return `${board.title} has learnt ${bytes} B, and its store of ${profile.flashStoreBytes} B does not hold that twice`
    }
    this.run = run
    return undefined
  }

  /** Has the boards keep what they hold now: what they kept of other trainings no longer counts. */
  async saveOnBoards(right: number): Promise<void> {
    const { run, crew } = this
    const { samples } = this.loaded
    // With lessons beside it, it is no longer the training that its number says.
    if (run === undefined || this.interventions.all.length > 0) return
    const took = await Promise.all(
      crew.members.map(({ board }) => board.save({ samples, run, right })),
    )
    const refused = took.indexOf(false)
    if (refused < 0) return
    this.run = undefined
    this.options.status?.(
      `the store of ${crew.members[refused].board.title} does not take a checkpoint: boards keep none from here on`,
    )
  }

  /**
   * Where boards hold a later state of the same training, all of them that of one sample, has them go
   * on from there: `latest` is it then.
   *
   * @param than samples the host has
   * @param to samples at most
   */
  async goOnFromBoards(than: number, to: number): Promise<FoundTraining | undefined> {
    const { run } = this
    if (run === undefined) return undefined
    const kept = await this.savedOnBoards(run)
    const found = kept[0].find(
      ({ samples }) =>
        samples > than &&
        samples <= to &&
        kept.every(each => each.some(saved => saved.samples === samples)),
    )
    if (!found) return undefined
    const { samples, right } = found
    await Promise.all(
      this.crew.members.map(({ board }, index) =>
        board.restore(kept[index].find(saved => saved.samples === samples)!.generation),
      ),
    )
    this.loaded.samples = samples
    this.keep(await this.loaded.adopt())
    return { samples, right }
  }

  /** Of each board what it keeps of a training, the newest first. */
  private async savedOnBoards(run: number): Promise<Saved[][]> {
    return await Promise.all(
      this.crew.members.map(async ({ board }, index) => {
        const newest = await board.saved(false)
        // What is said once and nowhere compared could be anything.
        const again = await board.saved(false)
        if (!isDeepStrictEqual(newest, again))
          throw differs(`${board.title}'s checkpoint, asked for twice, differs`)
        const before = newest && (await board.saved(true))
        const layoutHash = this.loaded.shards[index].getAt(Header.LayoutHash, "i32")
        const isOurs = (saved: Saved | undefined): saved is Saved =>
          saved?.run === run && saved.layoutHash === layoutHash
        if (!isOurs(newest)) return []
        // What is older and further on is of an earlier training that began the same way.
        return isOurs(before) && before.samples < newest.samples ? [newest, before] : [newest]
      }),
    )
  }
}

/** The network before it has learnt anything. */
function asDrawn({ network }: FleetOptions): Checkpoint {
  const host = new HostNetwork(network)
  return { samples: 0, coefficients: host.coefficients(), elements: host.elements() }
}

function knownProfile(id: string): BoardProfile | undefined {
  return boardIds().includes(id) ? readBoardProfile(id) : undefined
}
