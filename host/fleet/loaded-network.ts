/**
 * The network as boards hold it: their shards, how far it has learnt since they were loaded, and the
 * host's repetition of all they do.
 */
import "../base/memory"
import { Header } from "../../src/core/layout"
import { Setting } from "../../src/wire/protocol"
import type { WuxingError } from "../base/errors"
import { exchangeCoefficients, exchangeElements } from "../network/exchange"
import { coefficientsOf, elementsOf } from "../network/host-network"
import { SLOTS, shardsFor } from "../partition/room"
import { type Shifts, slowedBy } from "../session/rate"
import type { Checkpoint, Lesson } from "../session/reports"
import type { Board } from "./board"
import type { Crew } from "./crew"
import { pingDeadline, sampleDeadline } from "./deadline"
import { learntAreas } from "./keeping"
import type { FleetOptions } from "./options"
import { Reference } from "./reference"
import { Relay } from "./relay"
import { differs, stopped } from "./stops"

/** Numbers of inferred samples start here, apart from those of learnt ones. */
const INFERENCE_SAMPLES = 0x40000000

/** How one inference is asked of the boards. */
export interface InferOptions {
  /** Images under way at most; absent: as many as boards have slots. */
  most?: () => number
  /** Called for each image in order with its outputs (signal format). */
  onOutput(image: Uint8Array, outputs: Int16Array): void
}

export class LoadedNetwork {
  /** One for each board, as it was loaded; empty until they are cut. */
  shards: Buffer[] = []
  /** Learnt samples: the number of the next one decides its rounding. */
  samples = 0
  /** How far the work in hand is, for messages: "after sample 118 of 600". */
  position = "before the first sample"
  /** Bits by which a person has slowed learning down. */
  bits = 0
  /** Absent until boards are loaded. */
  private relay?: Relay
  private slots = SLOTS[0]
  /** Learnt samples that changed something since the boards were loaded. */
  private updates = 0
  private inferred = INFERENCE_SAMPLES
  /** Learning shifts as the run's own plan has them. */
  private shifts: Shifts
  /** Boards may hold anything: they are being loaded, or learn, or learnt otherwise than the host. */
  private doubtful = false
  /** Absent where the caller compares by itself. */
  private readonly reference?: Reference
  /** By which boards are known to be the ones that were loaded. */
  private boots: number[] = []
  private unlisten: (() => void)[] = []

  constructor(
    private readonly crew: Crew,
    private readonly options: FleetOptions,
  ) {
    const { network, verify } = options
    if (verify !== false) this.reference = new Reference(network)
    this.shifts = { links: network.learnShift, elements: network.elements?.shift }
  }

  get isLoaded(): boolean {
    return this.relay !== undefined
  }

  /** Builds the shards with as many slots as every board has memory for. */
  async cutShards(): Promise<void> {
    const room = await Promise.all(
      this.crew.members.map(async ({ board }) => (await board.status()).arenaBytes),
    )
    // If one of them is too large even so, its board will say so.
    const { slots, shards } = shardsFor(this.options.network, this.crew.shares, room)
    this.slots = slots
    this.shards = shards
  }

  /**
   * Loads every board with its share at a checkpoint.
   *
   * @param bits by which learning was slowed down there
   */
  async load(checkpoint: Checkpoint, bits: number): Promise<void> {
    const { network, signal, watch } = this.options
    const { members, boardSet } = this.crew
    this.crew.show("loading")
    this.doubtful = true
    this.bits = bits
    this.setShifts()
    await Promise.all(
      members.map(async ({ board }, index) => {
        exchangeCoefficients(this.shards[index], network, checkpoint.coefficients, true)
        exchangeElements(this.shards[index], network, checkpoint.elements, true)
        await board.load(this.shards[index])
      }),
    )
    this.samples = checkpoint.samples
    this.updates = 0
    const statuses = await Promise.all(members.map(({ board }) => board.status()))
    this.boots = statuses.map(({ boot }) => boot)
    this.doubtful = false
    this.reference?.load(checkpoint)
    watch?.saved?.(checkpoint)
    const profiles = this.shards.map((_, i) => boardSet.profile(i))
    const of = [network, this.shards, this.slots, profiles, boardSet.slower] as const
    const deadlineMs = this.options.sampleDeadlineMs ?? sampleDeadline(...of)
    this.crew.pingDeadlineMs = pingDeadline(...of)
    const relay = new Relay(network, members, { signal, slots: this.slots, deadlineMs })
    this.relay = relay
    for (const stop of this.unlisten) stop()
    this.unlisten = members.map(({ board }) => {
      const fail = (what: string) => relay.fail(this.stopped(board, what))
      return board.link.listen({
        onPanic: code => fail(`its program stopped with panic ${code}`),
        onRestart: what => fail(`the ${what} restarted`),
        onClose: reason => fail(reason.message),
        onGap: () => relay.suspect(`${board.title} dropped frames`),
      })
    })
    this.crew.show("running")
  }

  private stopped(board: Board, what: string): WuxingError {
    return stopped(`${board.title} stopped ${this.position}: ${what}`)
  }

  /** Hears no more of the boards: what is still on its way belongs to the run that ended. */
  detach(): void {
    this.relay?.detach()
  }

  /** Begins again with boards that hold all they should. */
  resume(): void {
    this.relay?.resume()
  }

  /** As Relay.partTimes. */
  get partTimes() {
    return this.relay?.partTimes ?? []
  }

  /** Samples a board has reported on since it was loaded. */
  heardOf(member: number): number {
    return this.relay?.heardOf(member) ?? 0
  }

  /** Do all boards hold what they were loaded with and have learnt since, and nothing else? */
  async stillHeld(): Promise<boolean> {
    if (!this.relay || this.doubtful) return false
    const { crew } = this
    const statuses = await Promise.all(crew.members.map(({ board }) => crew.ping(board)))
    return statuses.every(
      (status, i) =>
        status?.ready === true &&
        status.boot === this.boots[i] &&
        status.layoutHash === this.shards[i].getAt(Header.LayoutHash, "i32") &&
        status.updates === this.updates,
    )
  }

  /** Classifies images on the boards, of which several are under way at once. */
  async infer(
    images: (i: number) => Uint8Array,
    count: number,
    { most, onOutput }: InferOptions,
  ): Promise<void> {
    const first = this.inferred
    this.inferred += count
    await this.relay!.infer(images, count, {
      first,
      most,
      onOutput: (i, outputs) => {
        const image = images(i)
        this.compare(image, outputs)
        onOutput(image, outputs)
      },
    })
  }

  private compare(image: Uint8Array, outputs: Int16Array): void {
    if (this.reference?.gives(image, outputs) !== false) return
    this.doubtful = true
    throw differs(`the boards gave other outputs ${this.position}`)
  }

  /**
   * One learning step on the boards.
   *
   * @param sample its number, which decides the rounding
   */
  async learn(lesson: Lesson, sample: number): Promise<{ predicted: number; learned: boolean }> {
    this.doubtful = true
    const { image, label } = lesson
    const onBoards = this.relay!.learn(image, label, sample, this.updates)
    // While the boards compute.
    const predicted = this.reference?.learn(lesson, sample)
    const result = await onBoards
    if (predicted !== undefined && predicted !== result.predicted)
      throw differs(`the boards gave class ${result.predicted} for sample ${sample}`, predicted)
    this.doubtful = false
    if (result.learned) this.updates++
    return result
  }

  /** Learning shifts in force: the plan's, and the bits somebody added. */
  get learnShifts(): Shifts {
    return slowedBy(this.shifts, this.bits, this.options.network)
  }

  /** For boards that are loaded from now on; `sendShifts` is for those that are. */
  planShifts(links: number, elements = this.shifts.elements): void {
    this.shifts = { links, elements }
    this.setShifts()
  }

  async slow(bits: number): Promise<void> {
    this.bits = bits
    this.setShifts()
    await this.sendShifts()
  }

  private setShifts(): void {
    const { links, elements } = this.learnShifts
    if (this.reference) this.reference.shifts = this.learnShifts
    for (const shard of this.shards) {
      shard.setAt(Header.LearnShift, "u16", links)
      if (elements !== undefined) shard.setAt(Header.ElementShift, "u16", elements)
    }
  }

  async sendShifts(): Promise<void> {
    const { links, elements } = this.learnShifts
    await Promise.all(
      this.crew.members.map(async ({ board }) => {
        await board.set(Setting.LearnShift, links)
        if (elements !== undefined) await board.set(Setting.ElementShift, elements)
      }),
    )
  }

  /** What boards have learnt. @throws WuxingError "boards-differ" where the host has other bits */
  async readLearnt(): Promise<Checkpoint> {
    const checkpoint = await this.readBoards()
    if (this.reference?.holds(checkpoint) === false) {
      this.doubtful = true
      throw differs(`the boards hold other coefficients ${this.position}`)
    }
    return checkpoint
  }

  /** Takes over what boards learnt when nobody looked on: what they say twice. */
  async adopt(): Promise<Checkpoint> {
    const checkpoint = await this.readBoards()
    const again = await this.readBoards()
    if (!checkpoint.coefficients.equals(again.coefficients))
      throw differs("the boards' coefficients, read twice, differ")
    this.reference?.load(checkpoint)
    return checkpoint
  }

  private async readBoards(): Promise<Checkpoint> {
    const memories = await Promise.all(
      this.crew.members.map(async ({ board }, index) => {
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
}
