/** One board that serves the wuxing service: load a shard, ask, read out; its reports as events. */
import "../base/memory"
import {
  BackField,
  Command,
  MAX_PAYLOAD,
  SavedField,
  type Setting,
  SignalsField,
  Status,
  StatusField,
} from "../../src/wire/protocol"
import { WuxingError } from "../base/errors"
import type { BoardLink } from "../link/board-link"
import { loadMessages } from "../link/messages"
import { seconds, wait } from "../link/wait"
import { type BoardTimes, timesOf } from "../session/board-times"

const REPLY_DEADLINE_MS = 2_500
/** What does no harm when it is done twice is asked for again after this. */
const ASK_AGAIN_MS = 1_000
/**
 * How it is, a board is asked again once, after this share of the deadline: it may be computing what
 * waits there, and questions take the place of messages.
 */
const ASK_AGAIN_SHARE = 0.6
const REPEATABLE = [
  ...[Command.Begin, Command.Status, Command.Read, Command.Set],
  ...[Command.Save, Command.Saved, Command.Restore],
]
/** A board that looks through its store, or writes it, asks for each 224 B in a message of its own. */
const STORE_DEADLINE_MS = 15_000
/** Twice as many, and the question whether they were dealt with, are what a program keeps waiting. */
const SLICES_UNDER_WAY = 7
const READ_BYTES = MAX_PAYLOAD - 7
/** Replies come 20 ms apart; a few requests under way keep the board busy without flooding it. */
const READS_UNDER_WAY = 4
const LOAD_TRIES = 3

export interface BoardStatus {
  ready: boolean
  layoutHash: number
  shardBytes: number
  heapBytes: number
  /** Bytes set aside for a shard and the reports it gathers. */
  arenaBytes: number
  updates: number
  handled: number
  refused: number
  dropped: number
  boot: number
  /** By its own clock; absent: its program is older, or it holds no shard. */
  times?: BoardTimes
}

/** A checkpoint on a board. */
export interface Saved {
  generation: number
  layoutHash: number
  /** As the host said: learnt samples, of which training, and how many of its epoch were right. */
  samples: number
  run: number
  right: number
}

/** Signals of one layer: `samples` consecutive samples of `count` i16, from `first` in the layer. */
export interface SignalsReport {
  sample: number
  samples: number
  layer: number
  first: number
  count: number
  values: Buffer
}

/** Backward sums (i32) of one layer's signals from `first`. */
export interface BackReport {
  sample: number
  layer: number
  first: number
  learned: boolean
  last: boolean
  /** What the network said before it learnt; from boards with outputs only. */
  predicted?: number
  values: Buffer
}

export interface Fault {
  status: Status
  command: number
  /** Sample or offset refused, or how many messages were lost. */
  number: number
  /** What the board would have taken; −1: nothing. */
  expected: number
}

export class Board {
  onSignals?: (report: SignalsReport) => void
  onBack?: (report: BackReport) => void
  onFault?: (fault: Fault) => void

  /** Messages its program has sent. */
  reports = 0

  /** From anywhere: a board may still answer the host that had it before. */
  private tag = Math.floor(Math.random() * 0x10000)
  private readonly pending = new Map<
    number,
    { command: Command; resolve: (reply: Buffer) => void }
  >()

  constructor(
    readonly link: BoardLink,
    readonly profile: string,
    private readonly signal?: AbortSignal,
  ) {
    link.onReport = (command, payload) => this.received(command, Buffer.from(payload))
  }

  /** How messages call it: "board 1 (virtual, 4f2a…)". */
  get title(): string {
    return `${this.link.name} (${this.profile}, ${this.link.boardId})`
  }

  /**
   * Puts a shard on the board; it answers only once every byte is there and sound.
   * @throws WuxingError "board-no-answer", "shard-too-large" (kind capacity), "firmware-version" (kind
   *   firmware), "board-refused"
   */
  async load(shard: Buffer): Promise<void> {
    const { begin, slices } = loadMessages(shard)
    for (let attempt = 1; ; attempt++) {
      this.expect(Command.Begin, await this.request(Command.Begin, begin))
      // A program that is kept waiting by its machine drops what it has no room for.
      let dealtWith: Promise<unknown> = Promise.resolve()
      for (const [i, slice] of slices.entries()) {
        if ((i + 1) % SLICES_UNDER_WAY === 0) {
          await dealtWith
          dealtWith = this.request(Command.Status)
          dealtWith.catch(() => {})
        }
        await this.link.send(Command.Slice, slice)
      }
      await dealtWith
      const reply = await this.request(Command.Commit)
      if (reply.getAt(2, "u8") !== Status.BadChecksum || attempt === LOAD_TRIES) {
        this.expect(Command.Commit, reply)
        return
      }
    }
  }

  async status(deadlineMs = REPLY_DEADLINE_MS): Promise<BoardStatus> {
    const reply = await this.request(Command.Status, undefined, deadlineMs)
    this.expect(Command.Status, reply)
    return {
      ready: reply.getAt(StatusField.State, "u8") === 2,
      layoutHash: reply.getAt(StatusField.LayoutHash, "i32"),
      shardBytes: reply.getAt(StatusField.ShardBytes, "i32"),
      heapBytes: reply.getAt(StatusField.HeapBytes, "i32"),
      arenaBytes: reply.getAt(StatusField.ArenaBytes, "i32"),
      updates: reply.getAt(StatusField.Updates, "i32"),
      handled: reply.getAt(StatusField.Handled, "i32"),
      refused: reply.getAt(StatusField.Refused, "i32"),
      dropped: reply.getAt(StatusField.Dropped, "i32"),
      boot: reply.getAt(StatusField.Boot, "i32"),
      times: timesOf(reply),
    }
  }

  /** Bytes offset…offset+length−1 of the board's shard memory. */
  async read(offset: number, length: number): Promise<Buffer> {
    const result = Buffer.alloc(length)
    let next = 0
    const worker = async () => {
      while (next < length) {
        const at = next
        next += READ_BYTES
        const bytes = Math.min(READ_BYTES, length - at)
        const ask = Buffer.alloc(6)
        ask.setAt(0, "i32", offset + at)
        ask.setAt(4, "u16", bytes)
        const reply = await this.request(Command.Read, ask)
        this.expect(Command.Read, reply)
        reply.copy(result, at, 7, 7 + bytes)
      }
    }
    await Promise.all(Array.from({ length: READS_UNDER_WAY }, worker))
    return result
  }

  async set(setting: Setting, value: number): Promise<void> {
    const ask = Buffer.alloc(5)
    ask.setAt(0, "u8", setting)
    ask.setAt(1, "i32", value)
    this.expect(Command.Set, await this.request(Command.Set, ask))
  }

  /**
   * Has the board keep what it has learnt.
   * @returns whether its store took it
   */
  async save({ samples, run, right }: Omit<Saved, "generation" | "layoutHash">): Promise<boolean> {
    const ask = Buffer.alloc(12)
    ask.setAt(0, "i32", samples)
    ask.setAt(4, "i32", run)
    ask.setAt(8, "i32", right)
    const reply = await this.request(Command.Save, ask, STORE_DEADLINE_MS)
    if ([Status.TooLarge, Status.Internal].includes(reply.getAt(2, "u8"))) return false
    this.expect(Command.Save, reply)
    return true
  }

  /** The board's newest checkpoint, or the one before it; undefined: it has none. */
  async saved(before: boolean): Promise<Saved | undefined> {
    const reply = await this.request(
      Command.Saved,
      Buffer.from([before ? 1 : 0]),
      STORE_DEADLINE_MS,
    )
    const none: Status[] = [Status.NoShard, Status.Internal]
    if (none.includes(reply.getAt(2, "u8"))) return undefined
    this.expect(Command.Saved, reply)
    return {
      generation: reply.getAt(SavedField.Generation, "i32"),
      layoutHash: reply.getAt(SavedField.LayoutHash, "i32"),
      samples: reply.getAt(SavedField.Samples, "i32"),
      run: reply.getAt(SavedField.Run, "i32"),
      right: reply.getAt(SavedField.Right, "i32"),
    }
  }

  /** Gives the loaded shard back what it had learnt at a checkpoint. */
  async restore(generation: number): Promise<void> {
    const ask = Buffer.alloc(4)
    ask.setAt(0, "i32", generation)
    this.expect(Command.Restore, await this.request(Command.Restore, ask, STORE_DEADLINE_MS))
  }

  /** Sends a control command and waits for the reply with its tag (from byte 0: tag, status, …). */
  async request(
    command: Command,
    rest: Buffer = Buffer.alloc(0),
    deadlineMs = REPLY_DEADLINE_MS,
  ): Promise<Buffer> {
    this.tag = (this.tag + 1) & 0xffff
    const tag = this.tag
    const payload = Buffer.alloc(2 + rest.length)
    payload.setAt(0, "u16", tag)
    rest.copy(payload, 2)
    const { clock } = this.link
    return await wait<Buffer>({
      clock,
      deadlineMs,
      signal: this.signal,
      what: `${this.title} to answer ${Command[command]}`,
      late: () =>
        new WuxingError({
          code: "board-no-answer",
          kind: "board",
          message: `${this.title} did not answer "${Command[command].toLowerCase()}" within ${seconds(deadlineMs)}`,
          cause: "it was reset, hangs, or lost its connection",
          help: "check its cable and supply, then run the command again",
        }),
      start: (resolve, reject) => {
        this.pending.set(tag, { command, resolve })
        const ask = () => {
          this.link.send(command, payload).catch(reject)
        }
        let againMs = ASK_AGAIN_MS
        if (command === Command.Status) againMs = Math.max(againMs, ASK_AGAIN_SHARE * deadlineMs)
        const timer = REPEATABLE.includes(command) ? clock.every(againMs, ask) : undefined
        ask()
        return () => {
          timer?.stop()
          this.pending.delete(tag)
        }
      },
    })
  }

  /** @throws WuxingError as `refusal` makes it if the reply's status is not Ok */
  private expect(command: Command, reply: Buffer): void {
    const status = reply.getAt(2, "u8")
    if (status !== Status.Ok) throw this.refusal(command, status)
  }

  /** What a status other than Ok means to a user. */
  refusal(command: number, status: number, detail = ""): WuxingError {
    const name = (Command[command] ?? `command 0x${command.toString(16)}`).toLowerCase()
    const message = `${this.title} refused "${name}": ${Status[status] ?? `status ${status}`}${detail}`
    if (status === Status.TooLarge)
      return new WuxingError({
        code: "shard-too-large",
        kind: "capacity",
        message,
        cause: "its share of the network is larger than the memory its program sets aside",
        help: "use more boards, or a smaller network",
      })
    if (status === Status.BadVersion)
      return new WuxingError({
        code: "firmware-version",
        kind: "firmware",
        message,
        cause: "its program is older or newer than this tool",
        help: "compile and deploy the firmware again",
      })
    return new WuxingError({
      code: "board-refused",
      kind: "board",
      message,
      cause: "a message was lost or repeated, or two hosts use the same board",
      help: "run it again; if it repeats, run it with --verbose and report it",
    })
  }

  private received(command: number, p: Buffer): void {
    this.reports++
    if (command === Command.Signals && p.length >= SignalsField.Length) {
      const count = p.getAt(SignalsField.Count, "u8")
      const values = p.subarray(SignalsField.Length)
      this.onSignals?.({
        sample: p.getAt(SignalsField.Sample, "i32"),
        samples: count > 0 ? Math.floor(values.length / (count * 2)) : 0,
        layer: p.getAt(SignalsField.Layer, "u8"),
        first: p.getAt(SignalsField.First, "u16"),
        count,
        values,
      })
    } else if (command === Command.Back && p.length >= BackField.Length) {
      const flags = p.getAt(BackField.Flags, "u8")
      const predicted = p.getAt(BackField.Predicted, "u8")
      this.onBack?.({
        sample: p.getAt(BackField.Sample, "i32"),
        layer: p.getAt(BackField.Layer, "u8"),
        first: p.getAt(BackField.First, "u16"),
        learned: (flags & 2) !== 0,
        last: (flags & 1) !== 0,
        predicted: predicted === 255 ? undefined : predicted,
        values: p.subarray(BackField.Length),
      })
    } else if (command === Command.Fault && p.length >= 10) {
      this.onFault?.({
        status: p.getAt(0, "u8"),
        command: p.getAt(1, "u8"),
        number: p.getAt(2, "i32"),
        expected: p.getAt(6, "i32"),
      })
    } else if (p.length >= 3) {
      const asked = this.pending.get(p.getAt(0, "u16"))
      if (asked?.command === command) asked.resolve(p)
    }
  }
}
