/** One board that serves the wuxing service: load a shard, ask, read out; its reports as events. */
import { storeDeadline } from "./deadline"
import "../base/memory"
import { Header } from "../../src/core/layout"
import {
  Command,
  MAX_PAYLOAD,
  PROTOCOL_VERSION,
  type Setting,
  Status,
} from "../../src/wire/protocol"
import { WuxingError } from "../base/errors"
import type { BoardLink } from "../link/board-link"
import { loadMessages } from "../link/messages"
import { seconds, wait } from "../link/wait"
import {
  type BackReport,
  BadReport,
  type BoardStatus,
  committedBytes,
  decodeBack,
  decodeFault,
  decodeReply,
  decodeSaved,
  decodeSignals,
  decodeStatus,
  decodeSums,
  type Fault,
  type Reply,
  type ReportShape,
  readBytes,
  type Saved,
  type SignalsReport,
  type SumsReport,
} from "./reports"

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
/** Twice as many, and the question whether they were dealt with, are what a program keeps waiting. */
const SLICES_UNDER_WAY = 7
const READ_BYTES = MAX_PAYLOAD - 7
/** Replies come 20 ms apart; a few requests under way keep the board busy without flooding it. */
const READS_UNDER_WAY = 4
/** Times a shard is sent again without more of it having come. */
const LOAD_TRIES = 3
/** A board looks at every link before it takes a shard. */
const COMMIT_DEADLINE_MS = REPLY_DEADLINE_MS

const BY_ITSELF: number[] = [Command.Signals, Command.Sums, Command.Back, Command.Fault]

/** What a board's program reports by itself. */
export interface BoardListener {
  onSignals(report: SignalsReport): void
  onSums(report: SumsReport): void
  onBack(report: BackReport): void
  onFault(fault: Fault): void
  /** A report that no sound program sends. */
  onBadReport(error: WuxingError): void
}

export class Board {
  /** Messages its program has sent. */
  reports = 0

  /** From anywhere: a board may still answer the host that had it before. */
  private tag = Math.floor(Math.random() * 0x10000)
  private readonly pending = new Map<
    number,
    { command: Command; ask: Buffer; resolve: (reply: Reply) => void; reject: (e: Error) => void }
  >()
  private listening?: { shape: ReportShape; listener: BoardListener }

  constructor(
    readonly link: BoardLink,
    readonly profile: string,
    private readonly signal?: AbortSignal,
  ) {
    link.listen({
      onReport: (command, payload) => this.received(command, Buffer.from(payload)),
    })
  }

  /** How messages call it: "board 1 (virtual, 4f2a…)". */
  get title(): string {
    return `${this.link.name} (${this.profile}, ${this.link.boardId})`
  }

  /**
   * Hears what the program reports from now on; who listened before hears no more.
   *
   * @param shape what its shard can report
   * @returns ends it
   */
  listen(shape: ReportShape, listener: BoardListener): () => void {
    const listening = { shape, listener }
    this.listening = listening
    return () => {
      if (this.listening === listening) this.listening = undefined
    }
  }

  /**
   * Puts a shard on the board; it answers only once every byte is there and sound. What is lost on the
   * way is sent again.
   * @throws WuxingError "board-no-answer", "shard-too-large" (kind capacity), "firmware-version" (kind
   *   firmware), "board-refused", "board-report"
   */
  async load(shard: Buffer): Promise<void> {
    const { begin, slices } = loadMessages(shard)
    const image = shard.getAt(Header.Image, "i32")
    let had = 0
    for (let fruitless = 0; ; ) {
      if (had === 0) this.expect(Command.Begin, await this.request(Command.Begin, begin))
      await this.sendSlices(slices.filter(slice => slice.getAt(0, "i32") >= had))
      const reply = await this.commit(shard)
      if (!reply) return
      const { status } = reply
      if (![Status.BadChecksum, Status.NoShard].includes(status) || fruitless === LOAD_TRIES)
        this.expect(Command.Commit, reply)
      const received = status === Status.NoShard ? 0 : (committedBytes(reply) ?? 0)
      // Where all bytes came and are wrong, all are sent again.
      const next = received < image ? received : 0
      if (next <= had) fruitless++
      had = next
    }
  }

  private async sendSlices(slices: Buffer[]): Promise<void> {
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
  }

  /** @returns undefined where the board holds the shard, else its refusal */
  private async commit(shard: Buffer): Promise<Reply | undefined> {
    try {
      const reply = await this.request(Command.Commit, undefined, COMMIT_DEADLINE_MS)
      return reply.status === Status.Ok ? undefined : reply
    } catch (error) {
      if (!(error instanceof WuxingError && error.code === "board-no-answer")) throw error
      // It may have been carried out, and only its answer was lost.
      const { ready, layoutHash } = await this.status()
      if (ready && layoutHash === shard.getAt(Header.LayoutHash, "i32")) return undefined
      const reply = await this.request(Command.Commit)
      return reply.status === Status.Ok ? undefined : reply
    }
  }

  /** @param againMs it is asked again after; absent: late, as it may be computing what waits there */
  async status(deadlineMs = REPLY_DEADLINE_MS, againMs?: number): Promise<BoardStatus> {
    const late = Math.max(ASK_AGAIN_MS, ASK_AGAIN_SHARE * deadlineMs)
    const reply = await this.request(Command.Status, undefined, deadlineMs, againMs ?? late)
    this.expect(Command.Status, reply)
    const status = this.decoded(Command.Status, () => decodeStatus(reply))
    if (status.protocol !== PROTOCOL_VERSION)
      throw this.refusal(Command.Status, Status.BadVersion, ` (protocol ${status.protocol})`)
    return status
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
        readBytes(reply).copy(result, at)
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
    const reply = await this.askStore(Command.Save, ask)
    if ([Status.TooLarge, Status.Internal].includes(reply.status)) return false
    this.expect(Command.Save, reply)
    return true
  }

  /** The board's newest checkpoint, or the one before it; undefined: it has none. */
  async saved(before: boolean): Promise<Saved | undefined> {
    const reply = await this.askStore(Command.Saved, Buffer.from([before ? 1 : 0]))
    if ([Status.NoShard, Status.Internal].includes(reply.status)) return undefined
    this.expect(Command.Saved, reply)
    return this.decoded(Command.Saved, () => decodeSaved(reply))
  }

  private askStore(command: Command, ask: Buffer): Promise<Reply> {
    const { deadlineMs, againMs } = storeDeadline(this.profile)
    return this.request(command, ask, deadlineMs, againMs)
  }

  /** Gives the loaded shard back what it had learnt at a checkpoint. */
  async restore(generation: number): Promise<void> {
    const ask = Buffer.alloc(4)
    ask.setAt(0, "i32", generation)
    this.expect(Command.Restore, await this.askStore(Command.Restore, ask))
  }

  /**
   * Sends a control command and waits for the reply with its tag.
   *
   * @throws WuxingError "board-no-answer", "board-report" if the reply is not one to this command
   */
  async request(
    command: Command,
    ask: Buffer = Buffer.alloc(0),
    deadlineMs = REPLY_DEADLINE_MS,
    againMs = ASK_AGAIN_MS,
  ): Promise<Reply> {
    this.tag = (this.tag + 1) & 0xffff
    const tag = this.tag
    const payload = Buffer.alloc(2 + ask.length)
    payload.setAt(0, "u16", tag)
    ask.copy(payload, 2)
    const { clock } = this.link
    return await wait<Reply>({
      clock,
      deadlineMs,
      signal: this.signal,
      what: `${this.title} to answer ${Command[command]}`,
      late: () =>
        new WuxingError({
          code: "board-no-answer",
          kind: "board",
          message: `${this.title} did not answer "${nameOf(command)}" within ${seconds(deadlineMs)}`,
          cause: "it was reset, hangs, or lost its connection",
          help: "check its cable and supply, then run the command again",
        }),
      start: (resolve, reject) => {
        this.pending.set(tag, { command, ask, resolve, reject })
        const send = () => {
          this.link.send(command, payload).catch(reject)
        }
        const timer = REPEATABLE.includes(command) ? clock.every(againMs, send) : undefined
        const rest = this.link.stir()
        send()
        return () => {
          timer?.stop()
          rest()
          this.pending.delete(tag)
        }
      },
    })
  }

  /** @throws WuxingError as `refusal` makes it if the reply's status is not Ok */
  private expect(command: Command, { status }: Reply): void {
    if (status !== Status.Ok) throw this.refusal(command, status)
  }

  private decoded<T>(command: Command, decode: () => T): T {
    try {
      return decode()
    } catch (error) {
      if (!(error instanceof BadReport)) throw error
      throw this.badReport(command, error.message)
    }
  }

  /** @param what is wrong with a report */
  badReport(command: number, what: string): WuxingError {
    return new WuxingError({
      code: "board-report",
      kind: "board",
      message: `${this.title} sent a "${nameOf(command)}" report that cannot be right: ${what}`,
      cause: "its program is another one or defective, or something alters what it sends",
      help: "deploy the firmware again; if it repeats, try another board",
    })
  }

  /** What a status other than Ok means to a user. */
  refusal(command: number, status: number, detail = ""): WuxingError {
    const message = `${this.title} refused "${nameOf(command)}": ${Status[status]}${detail}`
    if (status === Status.TooLarge)
      return new WuxingError({
        code: "shard-too-large",
        kind: "capacity",
        message,
        cause: "its share of the network is larger than the memory its program sets aside",
        help: "use a smaller network, or more boards (with --share samples each holds all of it, so that more do not help); `wuxing partition` says what fits",
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
    if (BY_ITSELF.includes(command)) {
      const { listening } = this
      if (listening) this.hear(command, p, listening)
      return
    }
    // A reply too short for a tag is no one's: it is asked for again.
    if (p.length < 2) return
    const asked = this.pending.get(p.getAt(0, "u16"))
    if (asked?.command !== command) return
    try {
      asked.resolve(this.decoded(command, () => decodeReply(command, asked.ask, p)))
    } catch (error) {
      asked.reject(error as Error)
    }
  }

  private hear(
    command: number,
    p: Buffer,
    { shape, listener }: { shape: ReportShape; listener: BoardListener },
  ): void {
    try {
      this.decoded(command, () => {
        if (command === Command.Signals) listener.onSignals(decodeSignals(p, shape))
        else if (command === Command.Sums) listener.onSums(decodeSums(p, shape))
        else if (command === Command.Back) listener.onBack(decodeBack(p, shape))
        else listener.onFault(decodeFault(p))
      })
    } catch (error) {
      listener.onBadReport(error as WuxingError)
    }
  }
}

function nameOf(command: number): string {
  return (Command[command] ?? `command 0x${command.toString(16)}`).toLowerCase()
}
