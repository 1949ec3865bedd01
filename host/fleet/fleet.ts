/** Several boards that run and teach one network together. */
import type { Setting } from "../../src/wire/protocol"
import { type Dataset, imageAt } from "../data/mnist"
import type { BoardSet, OpenOptions } from "../hardware/board-set"
import { MachineBoards } from "../hardware/machine-boards"
import type { Slice } from "../network/slices"
import { splitEvenly } from "../partition/partition"
import type { Shifts } from "../session/rate"
import type { BoardReport, Checkpoint, Lesson, LiveBoard, Messages } from "../session/reports"
import type { BoardState, Intervention, Taught } from "../session/watch"
import { Checkpoints, type FoundTraining } from "./checkpoints"
import { Crew } from "./crew"
import { Interventions } from "./interventions"
import { healthOf, liveBoards, messagesOf, reportBoards } from "./live"
import { LoadedNetwork } from "./loaded-network"
import type { FleetOptions } from "./options"
import { Recovery } from "./recovery"
import type { PartTime } from "./relay"
import { Patience } from "./stops"

/** Images classified between two looks for requests; all under way must have ended first. */
const IMAGES_BETWEEN_REQUESTS = 32

/**
 * Opens the boards, deploys the program and loads every board's share of the network.
 *
 * @throws WuxingError of kind board, firmware or capacity; nothing is left running then
 */
export async function startFleet(options: FleetOptions): Promise<Fleet> {
  const shares = options.shares ?? splitEvenly(options.network, options.boards)
  const open = options.open ?? ((how: OpenOptions) => MachineBoards.start(options.boards, how))
  const boards = await open({
    signal: options.signal,
    onLog: (board, line) => {
      options.log?.(`board ${board}: ${line}`)
      options.watch?.log?.(board, line)
    },
    wrap: options.wrap,
  })
  const fleet = new Fleet(options, boards, shares)
  try {
    await fleet.begin()
    return fleet
  } catch (error) {
    await fleet.close()
    throw error
  }
}

export class Fleet {
  private readonly crew: Crew
  private readonly loaded: LoadedNetwork
  private readonly requests: Interventions
  private readonly checkpoints: Checkpoints
  private readonly recovery: Recovery
  private readonly patience = new Patience()
  /** What boards do once they are loaded. */
  private doing: BoardState = "running"

  constructor(
    private readonly options: FleetOptions,
    private readonly boardSet: BoardSet,
    readonly shares: Slice[][],
  ) {
    const crew = new Crew(boardSet, shares, options)
    const loaded = new LoadedNetwork(crew, options)
    const { clock } = crew
    const { signal, watch } = options
    this.requests = new Interventions(loaded, {
      clock,
      signal,
      watch,
      takeCheckpoint: () => this.checkpoints.take(),
      health: () => healthOf(crew),
      load: async checkpoint => {
        loaded.detach()
        await loaded.load(checkpoint, loaded.bits)
        crew.show(this.doing)
      },
    })
    const { requests, patience } = this
    this.checkpoints = new Checkpoints(crew, loaded, requests, patience, options)
    this.recovery = new Recovery(crew, loaded, this.checkpoints, patience, options)
    this.crew = crew
    this.loaded = loaded
  }

  /** Deploys the program to all boards at once and loads their shares. */
  async begin(): Promise<void> {
    this.options.status?.("deploying the program and the network")
    this.crew.show("loading")
    await this.crew.open()
    await this.persist(async () => {
      if (this.loaded.shards.length === 0) await this.loaded.cutShards()
      // A recovery has loaded them already.
      if (!this.loaded.isLoaded) await this.checkpoints.restore()
    })
  }

  private show(state: BoardState): void {
    this.doing = state
    this.crew.show(state)
  }

  private persist<T>(work: () => Promise<T>): Promise<T> {
    return this.recovery.persist(work)
  }

  boards(): Promise<BoardReport[]> {
    return reportBoards(this.crew, this.loaded.shards)
  }

  /** Classifies images on the boards. `onSample` hears of each: how many so far, how many right. */
  async evaluate(
    data: Dataset,
    indices: number[],
    onSample?: (done: number, correct: number) => void,
  ): Promise<{ correct: number; tested: number }> {
    let correct = 0
    const classified = await this.classify(
      i => imageAt(data, indices[i]),
      indices.length,
      (done, classified) => {
        if (classified === data.labels[indices[done - 1]]) correct++
        onSample?.(done, correct)
      },
      i => data.labels[indices[i]],
    )
    return { correct, tested: classified.length }
  }

  /**
   * Classifies images, several of which are under way at once.
   *
   * @param onSample how many so far, the class of the last and its outputs, in the signal format
   * @param labels what the images show, for who looks on
   */
  async classify(
    images: (i: number) => Uint8Array,
    count: number,
    onSample?: (done: number, classified: number, outputs: Int16Array) => void,
    labels?: (i: number) => number,
  ): Promise<Int32Array> {
    const { loaded, requests, patience } = this
    const classes = new Int32Array(count)
    let done = 0
    loaded.position = "before the first test image"
    const { watch } = this.options
    const most = watch?.request ? IMAGES_BETWEEN_REQUESTS : count
    await this.persist(async () => {
      while (done < count) {
        const from = done
        const chunk = await requests.awaitTurn(Math.min(most, count - from))
        await loaded.infer(i => images(from + i), chunk, {
          most: () => patience.atOnce,
          onOutput: (image, outputs) => {
            classes[done] = outputs.indexOf(Math.max(...outputs))
            watch?.classified?.(image, outputs, labels?.(done))
            done++
            patience.gotOn()
            loaded.position = `after test image ${done} of ${count}`
            onSample?.(done, classes[done - 1], outputs)
          },
        })
      }
      await requests.apply()
      if (requests.areUnsaved) await this.checkpoints.take()
    })
    return classes
  }

  /**
   * Teaches the boards the images, one after the other. `onSample`: how many so far, and how many
   * the network had right before it learnt them; after a recovery it starts again lower.
   */
  async train(
    data: Dataset,
    indices: number[],
    onSample?: (done: number, correct: number) => void,
  ): Promise<void> {
    await this.learn(
      i => ({ image: imageAt(data, indices[i]), label: data.labels[indices[i]] }),
      indices.length,
      { onSample },
    )
  }

  /**
   * Teaches the boards `count` lessons in order. Afterwards `learnt` is what they hold.
   *
   * @param onSample as for `train`
   * @param onCheckpoint the same, when `learnt` is what the boards hold after so many
   * @param stopped is asked before each sample; true ends the training there
   * @returns how many were learnt, and how many of them were right before
   */
  async learn(
    lessons: (i: number) => Lesson,
    count: number,
    {
      onSample,
      onCheckpoint,
      stopped,
      rightBefore = 0,
    }: {
      onSample?: (done: number, correct: number) => void
      onCheckpoint?: (done: number, correct: number) => void
      stopped?: () => boolean
      /** Right among the samples of the same epoch learnt before: boards keep the sum. */
      rightBefore?: number
    } = {},
  ): Promise<{ done: number; right: number }> {
    const { loaded, requests, checkpoints } = this
    // The last checkpoint is at the start: a training ends with one.
    const start = loaded.samples
    const right: boolean[] = []
    loaded.position = "before the first sample"
    let done = 0
    let correct = 0
    await this.persist(async () => {
      done = loaded.samples - start
      correct = right.slice(0, done).filter(Boolean).length
      this.show("learning")
      while (done < count && !stopped?.()) {
        await requests.awaitTurn(1, stopped)
        if (stopped?.()) break
        const { image, label } = lessons(done)
        const { predicted, learned } = await loaded.learn({ image, label }, loaded.samples)
        loaded.samples++
        this.options.watch?.learnt?.(image, predicted, label, learned)
        right[done] = predicted === label
        if (right[done]) correct++
        done++
        loaded.position = `after sample ${done} of ${count}`
        onSample?.(done, correct)
        if (checkpoints.isDue) {
          await checkpoints.take(rightBefore + correct)
          checkpoints.lengthenInterval()
          if (done < count) onCheckpoint?.(done, correct)
        }
      }
      await requests.apply()
      if (checkpoints.isBehind) await checkpoints.take(rightBefore + correct)
    })
    this.show("running")
    return { done, right: correct }
  }

  /** Classifies one image; outputs in the signal format. */
  async ask(image: Uint8Array): Promise<{ classified: number; outputs: Int16Array }> {
    let outputs: Int16Array = new Int16Array()
    const [classified] = await this.classify(
      () => image,
      1,
      (_, __, given) => {
        outputs = given
      },
    )
    return { classified: classified, outputs }
  }

  /** Teaches the boards one lesson beside the run. */
  async teach(lesson: Lesson): Promise<void> {
    this.requests.teach(lesson)
    await this.persist(async () => {
      this.show("learning")
      await this.requests.apply()
      await this.checkpoints.take()
    })
    this.show("running")
  }

  /** Lessons learnt beside the run, in order. */
  get taught(): Taught[] {
    return this.requests.taught
  }

  /** Lessons, changes of the rate and states loaded beside the run, in order. */
  get interventions(): readonly Intervention[] {
    return this.requests.all
  }

  /** Spent waiting until the run may go on, ms. */
  get heldMs(): number {
    return this.requests.heldMs
  }

  /** Spent reading back what was learnt, and having boards keep it, ms. */
  get keepingMs(): number {
    return this.checkpoints.keepingMs
  }

  /** Times boards had to be started or loaded again. */
  get recoveries(): number {
    return this.crew.recoveries
  }

  /** Times a lost message was sent again, to boards that held all they should. */
  get resent(): number {
    return this.recovery.resent
  }

  /** Messages of the service so far, in all. */
  get messages(): Messages {
    return messagesOf(this.crew)
  }

  /** As Relay.partTimes. */
  get partTimes(): PartTime[] {
    return this.loaded.partTimes
  }

  /** Messages each board's program has sent. */
  get sent(): number[] {
    return this.crew.members.map(({ board }) => board.reports)
  }

  get count(): number {
    return this.shares.length
  }

  /** The number of the next sample that is learnt, which decides its rounding. */
  goOnAt(samples: number): void {
    this.checkpoints.goOnAt(samples)
  }

  /** Loads the boards with another state of the same network, and goes on from there. */
  async goOnFrom(checkpoint: Checkpoint): Promise<void> {
    this.checkpoints.goOnFrom(checkpoint)
    await this.persist(() => this.checkpoints.restore())
  }

  /**
   * Seconds the busiest board has spent awake, by its own clock; undefined where boards live in ours.
   * The difference of two is what the work between them takes real boards at least.
   */
  async busySeconds(): Promise<number | undefined> {
    const times = await this.boardSet.emulatedTimes?.()
    return times && Math.max(...times.map(({ busyNanos }) => busyNanos)) / 1e9
  }

  /** What can be said of the boards at any time, without asking them. */
  live(): LiveBoard[] {
    return liveBoards(this.crew, this.loaded)
  }

  /** What the boards had learnt when `learn` or `train` last ended. */
  get learnt(): Checkpoint {
    return this.checkpoints.latest
  }

  /**
   * Bits by which learning shifts, for all boards.
   *
   * @param elements the same for elements that learn
   */
  async setLearnShift(links: number, elements?: number): Promise<void> {
    this.loaded.planShifts(links, elements)
    await this.persist(() => this.loaded.sendShifts())
  }

  /** Learning shifts in force: the plan's, and the bits somebody added. */
  get learnShifts(): Shifts {
    return this.loaded.learnShifts
  }

  /** Coefficients of all boards, read back, in the network's order (int16, Q13). */
  async coefficients(): Promise<Uint8Array> {
    await this.persist(() => this.checkpoints.take())
    return this.learnt.coefficients
  }

  /** Changes a number of one board alone (for tests of what must not go unnoticed). */
  async set(index: number, setting: Setting, value: number): Promise<void> {
    await this.crew.members[index].board.set(setting, value)
  }

  /** As Checkpoints.keepOnBoards. */
  keepOnBoards(run: number): string | undefined {
    return this.checkpoints.keepOnBoards(run)
  }

  /** As Checkpoints.goOnFromBoards; `learnt` is what the boards hold then. */
  goOnFromBoards(than: number, to: number): Promise<FoundTraining | undefined> {
    return this.persist(() => this.checkpoints.goOnFromBoards(than, to))
  }

  /** Has the boards keep what they hold now: what they kept of other trainings no longer counts. */
  async markStart(): Promise<void> {
    await this.persist(() => this.checkpoints.saveOnBoards(0))
  }

  async close(): Promise<void> {
    await this.crew.close()
  }
}
