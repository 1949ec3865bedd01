/** Several boards that run and teach one network together. */
import "../device-script-buffer"
import { Header, Part } from "../../src/layout"
import type { Network } from "../../src/network"
import { SERVICE_CLASS, type Setting } from "../../src/protocol"
import { partAt } from "../../src/run"
import { buildShard, exchangeCoefficients, type Slice } from "../../src/shard"
import { type Dataset, imageAt } from "../data/mnist"
import { coefficientsOf } from "../engine"
import { WuxingError } from "../errors"
import type { BoardLink } from "../link/board-link"
import type { BoardSet } from "../link/board-set"
import { VirtualBoards } from "../link/virtual-boards"
import { seconds, wait } from "../link/wait"
import { splitEvenly } from "../partition/partition"
import { Board } from "./board"
import { type Member, Relay, SLOTS } from "./relay"

/** A program announces itself within half a second of its start. */
const SERVICE_DEADLINE_MS = 8_000
/** A board that is alive answers this fast even while it computes. */
const PING_DEADLINE_MS = 500
/** Learnt samples between two copies of all coefficients on the host; reading takes half a second. */
const CHECKPOINT_SAMPLES = 500
/** Times a run starts again from the same checkpoint before it gives up. */
const MOST_RECOVERIES = 5
/** Numbers of inferred samples start here, apart from those of learnt ones. */
const INFERENCE_SAMPLES = 0x40000000

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
}

export interface OpenOptions {
  signal?: AbortSignal
  /** Log text of the boards, a line at a time. */
  onLog?: (board: number, line: string) => void
}

export interface BoardReport {
  id: string
  profile: string
  neurons: number
  links: number
  /** By the program's own account, bytes. */
  heapBytes: number
}

/** State to go on from: all coefficients after `samples` learnt samples. */
interface Checkpoint {
  samples: number
  coefficients: Buffer
}

/**
 * Opens the boards, deploys the program and loads every board's share of the network.
 *
 * @throws WuxingError of kind board, firmware or capacity; nothing is left running then
 */
export async function startFleet(options: FleetOptions): Promise<Fleet> {
  const shares = splitEvenly(options.network, options.boards)
  const open = options.open ?? ((how: OpenOptions) => VirtualBoards.start(options.boards, how))
  const boards = await open({
    signal: options.signal,
    onLog: (board, line) => options.log?.(`board ${board}: ${line}`),
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
  private members: Member[] = []
  private relay!: Relay
  private readonly shards: Buffer[]
  private checkpoint: Checkpoint
  /** Learnt samples, and those among them that changed something since the boards were loaded. */
  private samples = 0
  private updates = 0
  private inferred = INFERENCE_SAMPLES
  /** How far the work in hand is, for messages: "after sample 118 of 600". */
  private position = "before the first sample"
  /** Times boards had to be started or loaded again, in all and since the last checkpoint. */
  recoveries = 0
  private fruitless = 0

  constructor(
    private readonly options: FleetOptions,
    private readonly boardSet: BoardSet,
    private readonly shares: Slice[][],
  ) {
    this.shards = shares.map(slices => buildShard(options.network, slices, SLOTS))
    this.checkpoint = { samples: 0, coefficients: coefficientsOf(options.network, this.shards) }
  }

  /** Deploys the program to all boards at once and loads their shares. */
  async begin(): Promise<void> {
    this.options.status?.("deploying the program and the network")
    this.members = await Promise.all(
      this.shares.map(async (slices, index) => ({ board: await this.connect(index), slices })),
    )
    await this.loadAll()
  }

  private async connect(index: number): Promise<Board> {
    const link = await this.boardSet.connect(index, this.linkOptions(index))
    return await this.prepare(link, index)
  }

  /** Deploys the program to a board and waits until it serves. */
  private async prepare(link: BoardLink, index: number): Promise<Board> {
    const { signal, bytecode } = this.options
    await link.deploy(bytecode)
    await link.waitForService(SERVICE_CLASS, SERVICE_DEADLINE_MS)
    return new Board(link, this.boardSet.profile(index), signal)
  }

  private linkOptions(index: number) {
    return { name: `board ${index}`, signal: this.options.signal }
  }

  /** Loads every board with its share at the last checkpoint. */
  private async loadAll(): Promise<void> {
    const { network, signal } = this.options
    await Promise.all(
      this.members.map(async ({ board }, index) => {
        exchangeCoefficients(this.shards[index], network, this.checkpoint.coefficients, true)
        await board.load(this.shards[index])
      }),
    )
    this.samples = this.checkpoint.samples
    this.updates = 0
    this.relay = new Relay(network, this.members, signal)
    for (const { board } of this.members) {
      board.link.onPanic = code =>
        this.relay.fail(this.stopped(board, `its program stopped with panic ${code}`))
      board.link.onRestart = what => this.relay.fail(this.stopped(board, `the ${what} restarted`))
      board.link.onClose = reason => this.relay.fail(this.stopped(board, reason.message))
      board.link.onGap = () => this.relay.fail(this.stopped(board, "it dropped frames"))
    }
  }

  private stopped(board: Board, what: string): WuxingError {
    return new WuxingError({
      code: "board-stopped",
      kind: "board",
      message: `${board.title} stopped ${this.position}: ${what}`,
      cause: "a reset, a fault of its supply, or a defect of its program",
      help: "check its supply and cable; run with --verbose to see its log",
    })
  }

  async boards(): Promise<BoardReport[]> {
    return await Promise.all(
      this.members.map(async ({ board, slices }, index) => {
        const { heapBytes } = await board.status()
        const shard = this.shards[index]
        return {
          id: board.link.boardId,
          profile: board.profile,
          neurons: slices.reduce((sum, s) => sum + s.count, 0),
          links: linksIn(shard),
          heapBytes,
        }
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
    let done = 0
    this.position = "before the first test image"
    await this.persist(async () => {
      const from = done
      const first = this.inferred
      this.inferred += indices.length - from
      await this.relay.infer(
        i => imageAt(data, indices[from + i]),
        indices.length - from,
        first,
        (_, outputs) => {
          if (outputs.indexOf(Math.max(...outputs)) === data.labels[indices[done]]) correct++
          done++
          this.position = `after test image ${done} of ${indices.length}`
          onSample?.(done, correct)
        },
      )
    })
    return { correct, tested: done }
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
    const every = this.options.checkpointSamples ?? CHECKPOINT_SAMPLES
    // The last checkpoint is at the start: a training ends with one.
    const start = this.samples
    const right: boolean[] = []
    this.position = "before the first sample"
    await this.persist(async () => {
      let done = this.samples - start
      let correct = right.slice(0, done).filter(Boolean).length
      while (done < indices.length) {
        const index = indices[done]
        const { predicted, learned } = await this.relay.learn(
          imageAt(data, index),
          data.labels[index],
          this.samples,
          this.updates,
        )
        this.samples++
        if (learned) this.updates++
        right[done] = predicted === data.labels[index]
        if (right[done]) correct++
        done++
        this.position = `after sample ${done} of ${indices.length}`
        onSample?.(done, correct)
        if (done % every === 0 || done === indices.length) await this.takeCheckpoint()
      }
    })
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

  private async takeCheckpoint(): Promise<void> {
    const memories = await Promise.all(
      this.members.map(async ({ board }, index) => {
        const shard = this.shards[index]
        const { updates } = await board.status()
        if (updates !== this.updates)
          throw this.stopped(board, `it has applied ${updates} of ${this.updates} learning steps`)
        const memory = Buffer.from(shard)
        for (const { at, bytes } of coefficientAreas(shard))
          (await board.read(at, bytes)).copy(memory, at)
        return memory
      }),
    )
    this.checkpoint = {
      samples: this.samples,
      coefficients: coefficientsOf(this.options.network, memories),
    }
    this.fruitless = 0
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
        if (++this.fruitless > MOST_RECOVERIES) throw gaveUp(error, this.checkpoint.samples)
        failure = error
      }
    }
  }

  private async recover(reason: WuxingError): Promise<void> {
    this.recoveries++
    this.options.log?.(`recovering: ${reason.message}`)
    // What is still on its way belongs to the run that ended.
    this.relay.detach()
    const start = performance.now()
    const restarted: string[] = []
    await Promise.all(
      this.members.map(async (member, index) => {
        if (await this.answers(member.board)) return
        restarted.push(member.board.title)
        await this.restart(member, index, reason)
      }),
    )
    const stop = this.describeStop(restarted, reason)
    await this.loadAll()
    const took = seconds(performance.now() - start)
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

  private async answers(board: Board): Promise<boolean> {
    try {
      await board.status(PING_DEADLINE_MS)
      return true
    } catch (error) {
      if (error instanceof WuxingError && error.kind === "interrupted") throw error
      return false
    }
  }

  /** @throws WuxingError "board-lost", which ends the run */
  private async restart(member: Member, index: number, reason: WuxingError): Promise<void> {
    const { title, link } = member.board
    const lost = (why: string) =>
      new WuxingError({
        code: "board-lost",
        kind: "board",
        message: `${this.describeStop([title], reason)}; it could not be started again: ${why}`,
        cause: "its process hangs or was stopped, or the machine is very busy",
        help: "end what else runs on this machine, then run the command again",
      })
    await wait<void>({
      deadlineMs: this.boardSet.reconnectMs,
      signal: this.options.signal,
      what: `${title} to start again`,
      late: () => lost(`it was silent for another ${seconds(this.boardSet.reconnectMs)}`),
      start: (resolve, reject) => {
        const again = async () => {
          const fresh = await this.boardSet.reconnect(index, link, this.linkOptions(index))
          member.board = await this.prepare(fresh, index)
        }
        again().then(resolve, error =>
          reject(
            error instanceof WuxingError && error.kind !== "interrupted"
              ? lost(error.message)
              : error,
          ),
        )
        return () => {}
      },
    })
  }

  async close(): Promise<void> {
    await Promise.all(this.members.map(({ board }) => board.link.close().catch(() => {})))
    await this.boardSet.stop()
  }
}

/** A board's fault, or a message to a program that is starting anew; not a board given up. */
function isRecoverable({ kind, code }: WuxingError): boolean {
  return (kind === "board" && code !== "board-lost") || code === "service-missing"
}

function gaveUp(error: WuxingError, samples: number): WuxingError {
  return new WuxingError(
    {
      code: error.code,
      kind: "board",
      message: `${error.message}; it is the ${MOST_RECOVERIES + 1}th stop since the checkpoint at sample ${samples}, so the run ends`,
      cause: error.likely,
      help: error.help,
    },
    { cause: error },
  )
}

function linksIn(shard: Buffer): number {
  return partsOf(shard).reduce((sum, part) => sum + shard.getAt(part + Part.Links, "i32"), 0)
}

function coefficientAreas(shard: Buffer): { at: number; bytes: number }[] {
  return partsOf(shard).map(part => ({
    at: shard.getAt(part + Part.Coefficient, "i32"),
    bytes: shard.getAt(part + Part.Links, "i32") * 2,
  }))
}

function partsOf(shard: Buffer): number[] {
  return Array.from({ length: shard.getAt(Header.Parts, "u16") }, (_, i) => partAt(i))
}
