/** Several boards that run and teach one network together. */
import { isDeepStrictEqual } from "node:util"
import "../base/memory"
import { Header } from "../../src/core/layout"
import { SERVICE_CLASS, Setting } from "../../src/wire/protocol"
import { type Clock, realClock } from "../base/clock"
import { WuxingError } from "../base/errors"
import { type Dataset, imageAt } from "../data/mnist"
import { faultyPorts } from "../faults/faulty-port"
import type { FaultInjector } from "../faults/injector"
import { type BoardProfile, boardIds, readBoardProfile } from "../hardware/board-profile"
import type { BoardSet, OpenOptions } from "../hardware/board-set"
import { MachineBoards } from "../hardware/machine-boards"
import type { BoardLink } from "../link/board-link"
import { seconds, wait } from "../link/wait"
import { exchangeCoefficients, exchangeElements } from "../network/exchange"
import { coefficientsOf, elementsOf, HostNetwork } from "../network/host-network"
import type { Network } from "../network/network"
import { linksIn } from "../network/shard-parts"
import type { Slice } from "../network/slices"
import { splitEvenly } from "../partition/partition"
import { SLOTS, shardsFor } from "../partition/room"
import { type Shifts, slowedBy } from "../session/rate"
import type {
  BoardHealth,
  BoardReport,
  Checkpoint,
  Lesson,
  LiveBoard,
  Messages,
} from "../session/reports"
import {
  type BoardState,
  type FleetWatch,
  LESSON_SAMPLES,
  type Slowed,
  type Taught,
  type Wish,
} from "../session/watch"
import { Board } from "./board"
import { sampleDeadline } from "./deadline"
import { holdsTwoSlots, learntAreas } from "./keeping"
import { Reference } from "./reference"
import { type Member, type PartTime, Relay } from "./relay"
import type { BoardStatus, Saved } from "./reports"
import {
  differs,
  ending,
  gaveUp,
  isRecoverable,
  isStartable,
  lost,
  MOST_LOSSES,
  MOST_RECOVERIES,
  Patience,
  stopped,
} from "./stops"

/** A program announces itself within half a second of its start. */
const SERVICE_DEADLINE_MS = 8_000
/** A board that is alive answers this fast even while it computes. */
const PING_DEADLINE_MS = 500
/** The answer, or the question, may be lost. */
const PING_AGAIN_MS = 150
/** Learnt samples between two copies of all coefficients on the host; reading takes half a second. */
const CHECKPOINT_SAMPLES = 500
/** Where boards stop again and again, checkpoints come closer, down to this. */
const LEAST_CHECKPOINT_SAMPLES = 1
/** Times a board is started or opened again before its program must run. */
const PREPARE_TRIES = 3
/** A wait for a board that is longer than this, ms, is told to the user before it begins. */
const ANNOUNCED_WAIT_MS = 10_000
/** Numbers of inferred samples start here, apart from those of learnt ones. */
const INFERENCE_SAMPLES = 0x40000000
/** Images named between two looks for wishes; all under way must have ended first. */
const IMAGES_BETWEEN_WISHES = 32

export interface FleetOptions {
  network: Network
  /** Number of boards. */
  boards: number
  /** Opens as many boards; virtual ones unless given. */
  open?: (options: OpenOptions) => Promise<BoardSet>
  bytecode: Uint8Array
  signal?: AbortSignal
  log?: (line: string) => void
  /** What the user should know: what is being done, and every recovery. */
  status?: (text: string) => void
  /** Learnt samples between two checkpoints. */
  checkpointSamples?: number
  watch?: FleetWatch
  /** Which board gets what; absent: every hidden layer split evenly. */
  shares?: Slice[][]
  /** How long a sample may take, ms; absent: by what it costs the boards. */
  sampleDeadlineMs?: number
  /** Where learning begins; absent: the network as its seed draws it. */
  start?: Checkpoint
  /** What goes wrong on the way to the boards. */
  faults?: FaultInjector
  /** Repeat everything on the host and compare; default: true. */
  verify?: boolean
}

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
    wrap: options.faults && faultyPorts(options.faults),
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
  private readonly clock: Clock
  private members: Member[] = []
  private relay!: Relay
  private loaded = false
  private closed = false
  private shards: Buffer[] = []
  private slots = SLOTS[0]
  private checkpoint: Checkpoint
  /** Learnt samples, and those among them that changed something since the boards were loaded. */
  private samples = 0
  private updates = 0
  private inferred = INFERENCE_SAMPLES
  /** What was done beside the run, in order; so much of it by the boards, and at the checkpoint. */
  private readonly words: (Taught | Slowed)[] = []
  private given = 0
  private kept = 0
  /** A wish in hand, to be tried again if a board stops meanwhile. */
  private wish?: Wish
  /** Learning shifts as the run's own plan has them, and bits beside it: now and at the checkpoint. */
  private shifts: Shifts
  private bits = 0
  private keptBits = 0
  /** Spent waiting for leave to go on, ms. */
  heldMs = 0
  /** Spent reading back what was learnt, and having boards keep it, ms. */
  keepingMs = 0
  /** How far the work in hand is, for messages: "after sample 118 of 600". */
  private position = "before the first sample"
  /** Times boards had to be started or loaded again, in all and since the last checkpoint. */
  recoveries = 0
  /** Times a lost message was sent again, to boards that held all they should. */
  resent = 0
  private readonly patience = new Patience()
  /** A sample is being learnt, or was learnt otherwise than on the host: boards may hold anything. */
  private doubtful = false
  /** Absent where the caller compares by itself. */
  private readonly reference?: Reference
  /** By which boards are known to be the ones that were loaded. */
  private boots: number[] = []
  /** Samples between two checkpoints, as things go. */
  private stride: number
  /** Which training boards keep checkpoints of; undefined: they keep none. */
  private run?: number

  constructor(
    private readonly options: FleetOptions,
    private readonly boardSet: BoardSet,
    readonly shares: Slice[][],
  ) {
    this.clock = boardSet.clock ?? realClock
    if (options.verify !== false) this.reference = new Reference(options.network)
    this.stride = options.checkpointSamples ?? CHECKPOINT_SAMPLES
    const { learnShift, elements } = options.network
    this.shifts = { links: learnShift, elements: elements?.shift }
    if (options.start) this.checkpoint = options.start
    else {
      const host = new HostNetwork(options.network)
      this.checkpoint = {
        ...{ samples: 0, coefficients: host.coefficients(), elements: host.elements() },
      }
    }
  }

  /** Deploys the program to all boards at once and loads their shares. */
  async begin(): Promise<void> {
    this.options.status?.("deploying the program and the network")
    this.showAll("loading")
    this.members = await Promise.all(
      this.shares.map(async (slices, index) => ({ board: await this.connect(index), slices })),
    )
    await this.persist(async () => {
      if (this.shards.length === 0) await this.cutShards()
      // A recovery has loaded them already.
      if (!this.loaded) await this.loadAll()
    })
  }

  /** Builds the shards with as many slots as every board has memory for. */
  private async cutShards(): Promise<void> {
    const room = await Promise.all(
      this.members.map(async ({ board }) => (await board.status()).arenaBytes),
    )
    // If one of them is too large even so, its board will say so.
    const { slots, shards } = shardsFor(this.options.network, this.shares, room)
    this.slots = slots
    this.shards = shards
  }

  private async connect(index: number): Promise<Board> {
    const link = await this.boardSet.connect(index, this.linkOptions(index))
    return await this.prepareOrReopen(link, index)
  }

  /** As `prepare`; a board that stops meanwhile is opened or started again. */
  private async prepareOrReopen(first: BoardLink, index: number): Promise<Board> {
    let link: BoardLink | undefined = first
    let last = first
    for (let tries = 1; ; tries++) {
      try {
        link ??= await this.boardSet.reconnect(index, last, this.linkOptions(index))
        return await this.prepare(link, index)
      } catch (error) {
        const again = error instanceof WuxingError && isStartable(error) && !this.closed
        if (!again || tries === PREPARE_TRIES) throw error
        this.recoveries++
        this.options.status?.(`${error.message}; it is tried again`)
        // It may also have stopped while it was being opened.
        last = link ?? last
        link = undefined
      }
    }
  }

  /** Deploys the program to a board and waits until it serves. */
  private async prepare(link: BoardLink, index: number): Promise<Board> {
    const { signal, bytecode } = this.options
    await link.deploy(bytecode)
    await link.waitForService(SERVICE_CLASS, SERVICE_DEADLINE_MS)
    return new Board(link, this.boardSet.profile(index), signal)
  }

  private linkOptions(index: number) {
    return { name: `board ${index}`, signal: this.options.signal, clock: this.boardSet.clock }
  }

  /** Loads every board with its share at the last checkpoint. */
  private async loadAll(): Promise<void> {
    const { network, signal } = this.options
    this.showAll("loading")
    this.bits = this.keptBits
    this.setShifts()
    await Promise.all(
      this.members.map(async ({ board }, index) => {
        exchangeCoefficients(this.shards[index], network, this.checkpoint.coefficients, true)
        exchangeElements(this.shards[index], network, this.checkpoint.elements, true)
        await board.load(this.shards[index])
      }),
    )
    this.samples = this.checkpoint.samples
    this.given = this.kept
    this.updates = 0
    const statuses = await Promise.all(this.members.map(({ board }) => board.status()))
    this.boots = statuses.map(({ boot }) => boot)
    this.doubtful = false
    this.loaded = true
    this.reference?.load(this.checkpoint)
    this.options.watch?.kept?.(this.checkpoint)
    const deadlineMs =
      this.options.sampleDeadlineMs ??
      sampleDeadline(
        ...([network, this.shards, this.slots] as const),
        this.shards.map((_, i) => this.boardSet.profile(i)),
      )
    this.relay = new Relay(network, this.members, { signal, slots: this.slots, deadlineMs })
    for (const { board } of this.members) {
      board.link.onPanic = code =>
        this.relay.fail(this.stopped(board, `its program stopped with panic ${code}`))
      board.link.onRestart = what => this.relay.fail(this.stopped(board, `the ${what} restarted`))
      board.link.onClose = reason => this.relay.fail(this.stopped(board, reason.message))
      board.link.onGap = () => this.relay.suspect(`${board.title} dropped frames`)
    }
    this.showAll("running")
  }

  private showAll(state: BoardState): void {
    for (const index of this.shares.keys()) this.options.watch?.state?.(index, state)
  }

  private stopped(board: Board, what: string): WuxingError {
    return stopped(`${board.title} stopped ${this.position}: ${what}`)
  }

  async boards(): Promise<BoardReport[]> {
    return await Promise.all(
      this.members.map(async ({ board, slices }, index) => {
        const { heapBytes } = await board.status()
        const shard = this.shards[index]
        return {
          id: board.link.boardId,
          profile: board.profile,
          neurons: neuronsIn(slices),
          links: linksIn(shard),
          heapBytes,
        }
      }),
    )
  }

  private async health(): Promise<BoardHealth[]> {
    return await Promise.all(
      this.members.map(async ({ board }) => {
        const { heapBytes, handled, refused, dropped, boot, times } = await board.status()
        return { heapBytes, handled, refused, dropped, boot, times }
      }),
    )
  }

  /** Classifies images on the boards. `onSample` hears of each: how many so far, how many right. */
  async evaluate(
    data: Dataset,
    indices: number[],
    onSample?: (done: number, correct: number) => void,
  ): Promise<{ correct: number; tested: number }> {
    let correct = 0
    const named = await this.name(
      i => imageAt(data, indices[i]),
      indices.length,
      (done, named) => {
        if (named === data.labels[indices[done - 1]]) correct++
        onSample?.(done, correct)
      },
      i => data.labels[indices[i]],
    )
    return { correct, tested: named.length }
  }

  /**
   * Classes the boards name for images, several of which are under way at once.
   *
   * @param onSample how many so far, the class of the last and its outputs, in the signal format
   * @param labels what the images show, for who looks on
   */
  async name(
    images: (i: number) => Uint8Array,
    count: number,
    onSample?: (done: number, named: number, outputs: Int16Array) => void,
    labels?: (i: number) => number,
  ): Promise<Int32Array> {
    const classes = new Int32Array(count)
    let done = 0
    this.position = "before the first test image"
    const { watch } = this.options
    const most = watch?.wish ? IMAGES_BETWEEN_WISHES : count
    await this.persist(async () => {
      while (done < count) {
        const from = done
        const chunk = await this.between(Math.min(most, count - from))
        const first = this.inferred
        this.inferred += chunk
        await this.relay.infer(i => images(from + i), chunk, {
          first,
          most: () => this.patience.atOnce,
          onOutput: (_, outputs) => {
            this.compare(images(done), outputs)
            classes[done] = outputs.indexOf(Math.max(...outputs))
            watch?.named?.(images(done), outputs, labels?.(done))
            done++
            this.patience.gotOn()
            this.position = `after test image ${done} of ${count}`
            onSample?.(done, classes[done - 1], outputs)
          },
        })
      }
      await this.grantWishes()
      if (this.given > this.kept) await this.takeCheckpoint()
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
    const most = this.options.checkpointSamples ?? CHECKPOINT_SAMPLES
    // The last checkpoint is at the start: a training ends with one.
    const start = this.samples
    const right: boolean[] = []
    this.position = "before the first sample"
    let done = 0
    let correct = 0
    await this.persist(async () => {
      done = this.samples - start
      correct = right.slice(0, done).filter(Boolean).length
      this.showAll("learning")
      while (done < count && !stopped?.()) {
        await this.between(1, stopped)
        if (stopped?.()) break
        const { image, label } = lessons(done)
        const { predicted, learned } = await this.step({ image, label }, this.samples)
        this.samples++
        this.options.watch?.learnt?.(image, predicted, label, learned)
        right[done] = predicted === label
        if (right[done]) correct++
        done++
        this.position = `after sample ${done} of ${count}`
        onSample?.(done, correct)
        if (this.samples - this.checkpoint.samples >= this.stride) {
          await this.takeCheckpoint(rightBefore + correct)
          this.stride = Math.min(most, this.stride * 2)
          if (done < count) onCheckpoint?.(done, correct)
        }
      }
      await this.grantWishes()
      if (this.samples > this.checkpoint.samples || this.given > this.kept)
        await this.takeCheckpoint(rightBefore + correct)
    })
    this.showAll("running")
    return { done, right: correct }
  }

  /** Classifies one image; outputs in the signal format. */
  async ask(image: Uint8Array): Promise<{ named: number; outputs: Int16Array }> {
    let outputs: Int16Array = new Int16Array()
    const [named] = await this.name(
      () => image,
      1,
      (_, __, given) => {
        outputs = given
      },
    )
    return { named, outputs }
  }

  /** Teaches the boards one lesson beside the run. */
  async teach(lesson: Lesson): Promise<void> {
    this.note(lesson)
    await this.persist(async () => {
      this.showAll("learning")
      await this.grantWishes()
      await this.takeCheckpoint()
    })
    this.showAll("running")
  }

  /** Lessons learnt beside the run, in order. */
  get taught(): Taught[] {
    return this.words.filter(word => "lesson" in word)
  }

  /** Lessons and changes of the rate beside the run, in order. */
  get beside(): readonly (Taught | Slowed)[] {
    return this.words
  }

  private note(lesson: Lesson): void {
    const sample = LESSON_SAMPLES + this.taught.length
    this.words.push({ lesson, after: this.samples, sample })
  }

  /**
   * Between two samples: does what is wished for, and waits for leave to go on.
   *
   * @returns samples that may follow before this is asked again, 1…most
   */
  private async between(most: number, stopped?: () => boolean): Promise<number> {
    const { watch, signal } = this.options
    for (;;) {
      await this.grantWishes()
      const leave = watch?.leave?.(most) ?? most
      if (leave > 0 || stopped?.() || !watch?.changed) return Math.max(1, leave)
      const start = this.clock.now()
      await watch.changed()
      this.heldMs += this.clock.now() - start
      signal?.throwIfAborted()
    }
  }

  /** What a recovery undid, each in its place, then what is wished for now. */
  private async grantWishes(): Promise<void> {
    for (;;) {
      for (; this.given < this.words.length; this.given++) {
        const word = this.words[this.given]
        if (word.after > this.samples) return
        if ("lesson" in word) {
          await this.step(word.lesson, word.sample)
        } else await this.slow(word.bits)
      }
      this.wish ??= this.options.watch?.wish?.()
      if (!this.wish) return
      await this.grant(this.wish)
      this.wish = undefined
    }
  }

  private async grant(wish: Wish): Promise<void> {
    if (wish.do === "teach") this.note(wish.lesson)
    else if (wish.do === "slow") this.words.push({ bits: wish.bits, after: this.samples })
    else if (wish.do === "report") wish.answered(await this.health())
    else if (wish.do === "read") {
      await this.takeCheckpoint()
      wish.answered?.()
    } else
      await this.relay.infer(() => wish.image, 1, {
        first: this.inferred++,
        onOutput: (_, outputs) => {
          this.compare(wish.image, outputs)
          wish.answered(outputs)
        },
      })
  }

  /** One learning step on the boards. */
  private async step(lesson: Lesson, sample: number) {
    this.doubtful = true
    const { image, label } = lesson
    const onBoards = this.relay.learn(image, label, sample, this.updates)
    // While the boards compute.
    const predicted = this.reference?.learn(lesson, sample)
    const result = await onBoards
    if (predicted !== undefined && predicted !== result.predicted)
      throw differs(`the boards gave class ${result.predicted} for sample ${sample}`, predicted)
    this.doubtful = false
    if (result.learned) this.updates++
    return result
  }

  private compare(image: Uint8Array, outputs: Int16Array): void {
    if (this.reference?.gives(image, outputs) !== false) return
    this.doubtful = true
    throw differs(`the boards gave other outputs ${this.position}`)
  }

  private async slow(bits: number): Promise<void> {
    this.bits = bits
    this.setShifts()
    await this.sendShifts()
  }

  /** Messages of the service so far, in all. */
  get messages(): Messages {
    const boards = this.members.map(({ board }) => board)
    return {
      fromBoards: boards.reduce((sum, b) => sum + b.reports, 0),
      toBoards: boards.reduce((sum, b) => sum + b.link.counters.framesOut, 0),
      busiestBoard: Math.max(...boards.map(b => b.reports)),
    }
  }

  /** As Relay.partTimes. */
  get partTimes(): PartTime[] {
    return this.relay?.partTimes ?? []
  }

  /** Messages each board's program has sent. */
  get sent(): number[] {
    return this.members.map(({ board }) => board.reports)
  }

  get count(): number {
    return this.shares.length
  }

  /** The number of the next sample that is learnt, which decides its rounding. */
  goOnAt(samples: number): void {
    this.samples = samples
    this.checkpoint = { ...this.checkpoint, samples }
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
    const all = this.members.reduce((sum, { slices }) => sum + neuronsIn(slices), 0)
    const now = this.clock.now()
    return this.members.map(({ board, slices }, i) => {
      const { framesIn, framesOut, crcErrors, gaps } = board.link.counters
      return {
        title: board.title,
        share: neuronsIn(slices) / all,
        samples: this.relay?.heardOf(i) ?? 0,
        messages: framesIn + framesOut,
        ...{ fromBoard: board.reports, toBoard: framesOut },
        errors: crcErrors + gaps,
        silentSeconds: Math.max(0, now - board.link.lastHeardProgram) / 1000,
      }
    })
  }

  /** What the boards had learnt when `learn` or `train` last ended. */
  get learnt(): Checkpoint {
    return this.checkpoint
  }

  /**
   * Bits by which learning shifts, for all boards.
   *
   * @param elements the same for elements that learn
   */
  async setLearnShift(links: number, elements?: number): Promise<void> {
    this.shifts = { links, elements: elements ?? this.shifts.elements }
    this.setShifts()
    await this.persist(() => this.sendShifts())
  }

  /** Learning shifts in force: the plan's, and the bits somebody added. */
  get learnShifts(): Shifts {
    return slowedBy(this.shifts, this.bits, this.options.network)
  }

  /** Puts them into the shards, for boards that are loaded from now on. */
  private setShifts(): void {
    const { links, elements } = this.learnShifts
    if (this.reference) this.reference.shifts = this.learnShifts
    for (const shard of this.shards) {
      shard.setAt(Header.LearnShift, "u16", links)
      if (elements !== undefined) shard.setAt(Header.ElementShift, "u16", elements)
    }
  }

  private async sendShifts(): Promise<void> {
    const { links, elements } = this.learnShifts
    await Promise.all(
      this.members.map(async ({ board }) => {
        await board.set(Setting.LearnShift, links)
        if (elements !== undefined) await board.set(Setting.ElementShift, elements)
      }),
    )
  }

  /** Coefficients of all boards, read back, in the network's order (int16, Q13). */
  async coefficients(): Promise<Uint8Array> {
    await this.persist(() => this.takeCheckpoint())
    return this.checkpoint.coefficients
  }

  /** Changes a number of one board alone (for tests of what must not go unnoticed). */
  async set(index: number, setting: Setting, value: number): Promise<void> {
    await this.members[index].board.set(setting, value)
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
    for (const [index, { board }] of this.members.entries()) {
      const profile = knownProfile(board.profile)
      if (!profile) continue
      const bytes = board.link.native
        ? this.shards[index].getAt(Header.Image, "i32")
        : learntAreas(this.shards[index]).reduce((sum, area) => sum + area.bytes, 0)
      const fits = board.link.native
        ? bytes <= profile.flashValueBytes
        : holdsTwoSlots(profile.flashStoreBytes, bytes)
      if (!fits)
        return `${board.title} has learnt ${bytes} B, and its store of ${profile.flashStoreBytes} B does not hold that twice`
    }
    this.run = run
    return undefined
  }

  /**
   * Where boards hold a later state of the same training, all of them that of one sample, has them go
   * on from there: `learnt` is it then.
   *
   * @param than samples the host has
   * @param to samples at most
   */
  async goOnFromBoards(
    than: number,
    to: number,
  ): Promise<{ samples: number; right: number } | undefined> {
    const { run } = this
    if (run === undefined) return undefined
    let found: { samples: number; right: number } | undefined
    await this.persist(async () => {
      const kept = await Promise.all(
        this.members.map(async ({ board }, index) => {
          const newest = await board.saved(false)
          // What is said once and nowhere compared could be anything.
          const again = await board.saved(false)
          if (!isDeepStrictEqual(newest, again))
            throw differs(`${board.title}'s checkpoint, asked for twice, differs`)
          const before = newest && (await board.saved(true))
          const layoutHash = this.shards[index].getAt(Header.LayoutHash, "i32")
          const isOurs = (saved: Saved | undefined): saved is Saved =>
            saved?.run === run && saved.layoutHash === layoutHash
          if (!isOurs(newest)) return []
          // What is older and further on is of an earlier training that began the same way.
          return isOurs(before) && before.samples < newest.samples ? [newest, before] : [newest]
        }),
      )
      const common = kept[0].filter(
        ({ samples }) =>
          samples > than &&
          samples <= to &&
          kept.every(each => each.some(saved => saved.samples === samples)),
      )
      found = common.length > 0 ? { samples: common[0].samples, right: common[0].right } : undefined
      if (!found) return
      const { samples } = found
      await Promise.all(
        this.members.map(async ({ board }, index) =>
          board.restore(kept[index].find(saved => saved.samples === samples)!.generation),
        ),
      )
      this.samples = samples
      await this.adopt()
    })
    return found
  }

  /** Has the boards keep what they hold now: what they kept of other trainings no longer counts. */
  async markStart(): Promise<void> {
    await this.persist(() => this.saveOnBoards(0))
  }

  private async saveOnBoards(right: number): Promise<void> {
    const { run, samples } = this
    // With lessons beside it, it is no longer the training that its number says.
    if (run === undefined || this.beside.length > 0) return
    const took = await Promise.all(
      this.members.map(({ board }) => board.save({ samples, run, right })),
    )
    const refused = took.indexOf(false)
    if (refused < 0) return
    this.run = undefined
    this.options.status?.(
      `the store of ${this.members[refused].board.title} does not take a checkpoint: boards keep none from here on`,
    )
  }

  /** @param right of the epoch's samples so far */
  private async takeCheckpoint(right = 0): Promise<void> {
    const start = this.clock.now()
    try {
      await this.readBack()
      await this.saveOnBoards(right)
    } finally {
      this.keepingMs += this.clock.now() - start
    }
  }

  private async readBack(): Promise<void> {
    const checkpoint = await this.readLearnt()
    if (this.reference?.holds(checkpoint) === false) {
      this.doubtful = true
      throw differs(`the boards hold other coefficients ${this.position}`)
    }
    this.keep(checkpoint)
  }

  /** Takes over what boards learnt when nobody looked on: what they say twice. */
  private async adopt(): Promise<void> {
    const checkpoint = await this.readLearnt()
    const again = await this.readLearnt()
    if (!checkpoint.coefficients.equals(again.coefficients))
      throw differs("the boards' coefficients, read twice, differ")
    this.reference?.load(checkpoint)
    this.keep(checkpoint)
  }

  private keep(checkpoint: Checkpoint): void {
    this.checkpoint = checkpoint
    this.kept = this.given
    this.keptBits = this.bits
    this.patience.gotOn()
    this.options.watch?.kept?.(checkpoint)
  }

  private async readLearnt(): Promise<Checkpoint> {
    const memories = await Promise.all(
      this.members.map(async ({ board }, index) => {
        const shard = this.shards[index]
        const { updates } = await board.status()
        if (updates !== this.updates)
          throw this.stopped(board, `it has applied ${updates} of ${this.updates} learning steps`)
        const memory = Buffer.from(shard)
        for (const { at, bytes } of learntAreas(shard))
          (await board.read(at, bytes)).copy(memory, at)
        return memory
      }),
    )
    const { network } = this.options
    return {
      samples: this.samples,
      coefficients: coefficientsOf(network, memories),
      elements: elementsOf(network, memories),
    }
  }

  /**
   * Does work that can go on from the last checkpoint: if a board stops, it is started and loaded
   * again and the work is called again.
   */
  private async persist(work: () => Promise<void>): Promise<void> {
    let failure: WuxingError | undefined
    for (;;) {
      try {
        if (failure) await this.recover(failure)
        return await work()
      } catch (error) {
        if (!(error instanceof WuxingError) || !isRecoverable(error)) throw error
        failure = error
      }
    }
  }

  private async recover(reason: WuxingError): Promise<void> {
    if (await this.stillHold()) {
      if (this.patience.lost() > MOST_LOSSES) throw gaveUp(reason, this.position, MOST_LOSSES)
      this.resent++
      this.options.log?.(`sent again: ${reason.message}`)
      this.relay.resume()
      return
    }
    if (this.patience.stopped() > MOST_RECOVERIES)
      throw gaveUp(reason, `the checkpoint at sample ${this.checkpoint.samples}`, MOST_RECOVERIES)
    const most = this.options.checkpointSamples ?? CHECKPOINT_SAMPLES
    this.stride = Math.min(most, Math.max(LEAST_CHECKPOINT_SAMPLES, this.stride >> 1))
    // Running means of PID control are in no checkpoint: what came of it would be other bits.
    if (this.options.network.pid) throw ending(reason)
    this.recoveries++
    this.options.log?.(`recovering: ${reason.message}`)
    // What is still on its way belongs to the run that ended.
    if (this.loaded) this.relay.detach()
    const start = this.clock.now()
    const restarted: string[] = []
    await Promise.all(
      this.members.map(async (member, index) => {
        if (await this.ping(member.board)) return
        restarted.push(member.board.title)
        await this.restart(member, index, reason)
      }),
    )
    const stop = this.describeStop(restarted, reason)
    if (this.shards.length > 0) await this.loadAll()
    const took = seconds(this.clock.now() - start)
    const again =
      restarted.length > 0 ? `${restarted.join(" and ")} started again` : "the boards loaded again"
    this.options.status?.(
      `${stop}; ${again} in ${took}, coefficients restored from sample ${this.checkpoint.samples}`,
    )
  }

  /** What stopped, when, why; `titles` are the boards that do not answer. */
  private describeStop(titles: string[], reason: WuxingError): string {
    if (titles.length > 0 && !titles.some(title => reason.message.startsWith(title)))
      return `${titles.join(" and ")} stopped answering ${this.position} (${reason.message})`
    if (reason.message.includes(this.position)) return reason.message
    return `${reason.message} ${this.position}`
  }

  /** Do all boards hold what they were loaded with and have learnt since, and nothing else? */
  private async stillHold(): Promise<boolean> {
    if (!this.loaded || this.doubtful) return false
    const statuses = await Promise.all(this.members.map(({ board }) => this.ping(board)))
    return statuses.every(
      (status, i) =>
        status?.ready === true &&
        status.boot === this.boots[i] &&
        status.layoutHash === this.shards[i].getAt(Header.LayoutHash, "i32") &&
        status.updates === this.updates,
    )
  }

  /** @returns undefined where the board does not answer, or not rightly */
  private async ping(board: Board): Promise<BoardStatus | undefined> {
    try {
      return await board.status(PING_DEADLINE_MS, PING_AGAIN_MS)
    } catch (error) {
      if (error instanceof WuxingError && error.kind === "interrupted") throw error
      return undefined
    }
  }

  /** @throws WuxingError "board-lost", which ends the run */
  private async restart(member: Member, index: number, reason: WuxingError): Promise<void> {
    const { title, link } = member.board
    const { reconnectMs } = this.boardSet
    const stop = this.describeStop([title], reason)
    if (reconnectMs >= ANNOUNCED_WAIT_MS)
      this.options.status?.(`${stop}; waiting ${seconds(reconnectMs)} for it: check its cable`)
    this.options.watch?.state?.(index, "fault")
    await this.options.watch?.hung?.(index)
    await wait<void>({
      clock: this.clock,
      deadlineMs: reconnectMs,
      signal: this.options.signal,
      what: `${title} to start again`,
      late: () => lost(stop, `it was silent for another ${seconds(reconnectMs)}`),
      start: (resolve, reject) => {
        const again = async () => {
          const fresh = await this.boardSet.reconnect(index, link, this.linkOptions(index))
          member.board = await this.prepareOrReopen(fresh, index)
        }
        again().then(resolve, error =>
          reject(
            error instanceof WuxingError && error.kind !== "interrupted"
              ? lost(stop, error.message, error)
              : error,
          ),
        )
        return () => {}
      },
    })
  }

  async close(): Promise<void> {
    this.closed = true
    await Promise.all(this.members.map(({ board }) => board.link.close().catch(() => {})))
    await this.boardSet.stop()
    await this.options.watch?.close?.()
  }
}

function knownProfile(id: string): BoardProfile | undefined {
  return boardIds().includes(id) ? readBoardProfile(id) : undefined
}

function neuronsIn(slices: Slice[]): number {
  return slices.reduce((sum, s) => sum + s.count, 0)
}
