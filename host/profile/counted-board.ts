/**
 * A board that runs the product's own firmware on a counting machine in this process: what it is
 * sent and what it answers are the messages of a real one, without a line between.
 */
import "../base/memory"
import {
  BackField,
  BackFlag,
  Command,
  ImageFlag,
  MAX_PAYLOAD,
  Status,
  StatusField,
} from "../../src/wire/protocol"
import { WuxingError } from "../base/errors"
import { encodeSlices } from "../data/runs"
import { Machine } from "../hardware/machine"
import {
  buildPacket,
  deviceIdFromHex,
  frameDevice,
  JD_FRAME_FLAG_COMMAND,
  packetsOf,
  servedDeviceId,
} from "../link/jacdac"
import { IMAGE_BYTES, imageMessages, loadMessages } from "../link/messages"

const ID = "0123456789abcdef"
/** The program's one service comes first on the device it serves. */
const SERVICE_INDEX = 1
/** Number of a request: one at a time needs none of its own. */
const REQUEST = Buffer.alloc(2)
/** Of the machine's own time. */
const DEADLINE_MS = 60_000
/** What follows a report (the end of its handler) is done by then. */
const REST_MS = 60

export interface Answer {
  command: number
  payload: Buffer
}

export class CountedBoard {
  private readonly answers: Answer[] = []
  private readonly served = servedDeviceId(deviceIdFromHex(ID))
  private updates = 0

  private constructor(readonly machine: Machine) {
    machine.onFrame = frame => {
      const from = frameDevice(frame)
      if (from.low !== this.served.low || from.high !== this.served.high) return
      for (const { serviceIndex, command, payload } of packetsOf(frame))
        if (serviceIndex === SERVICE_INDEX && command < 0x1000)
          this.answers.push({ command, payload: Buffer.from(payload) })
    }
  }

  /** @throws WuxingError as Machine.start, which says what `msPerOperation` is */
  static async start(firmware: Uint8Array, msPerOperation?: number): Promise<CountedBoard> {
    const machine = await Machine.start(firmware, ID, msPerOperation)
    const board = new CountedBoard(machine)
    await machine.run(() => machine.log.some(line => line.includes("wuxing: ready")), DEADLINE_MS)
    // A board hears nothing before it has announced itself.
    await machine.run(() => false, 1000)
    return board
  }

  /** @throws WuxingError "shard-too-large" (kind "capacity") or "board-refused" */
  async load(shard: Buffer): Promise<void> {
    const { begin, slices } = loadMessages(shard)
    await this.control(Command.Begin, Buffer.concat([REQUEST, begin]))
    for (const slice of slices) {
      this.send(Command.Slice, slice)
      await this.machine.run(() => false, 1)
    }
    await this.control(Command.Commit, REQUEST)
    this.updates = 0
  }

  /** Runs the network on an image. @returns its outputs, signal format */
  async infer(image: Uint8Array, sample: number): Promise<Int16Array> {
    await this.sendImage(image, sample, ImageFlag.Flush, 0)
    const { payload } = await this.answer(Command.Signals)
    await this.machine.run(() => false, REST_MS)
    const bytes = payload.subarray(8)
    return Int16Array.from({ length: bytes.length / 2 }, (_, i) => bytes.readInt16LE(2 * i))
  }

  /** One learning step. @returns whether there was something to learn, and the class named before */
  async learn(
    image: Uint8Array,
    label: number,
    sample: number,
  ): Promise<{ learned: boolean; predicted: number }> {
    await this.sendImage(image, sample, ImageFlag.Learn, label)
    const { payload } = await this.answer(Command.Back)
    await this.machine.run(() => false, REST_MS)
    const learned = (payload[BackField.Flags] & BackFlag.Learned) !== 0
    if (learned) this.updates++
    return { learned, predicted: payload[BackField.Predicted] }
  }

  /** Bytes of heap the program holds, by its own account; of these the program sets aside `arenaBytes`. */
  async heapBytes(): Promise<number> {
    const reply = await this.status()
    return reply.getAt(StatusField.HeapBytes, "i32")
  }

  /** The program's account of itself: StatusField, TimesField. */
  async status(): Promise<Buffer> {
    return await this.control(Command.Status, REQUEST)
  }

  get arenaBytes(): number {
    const said = this.machine.log.map(line => line.match(/wuxing: ready, (\d+) B set aside/)?.[1])
    return Number(said.find(bytes => bytes !== undefined) ?? 0)
  }

  /** Bytes of the loaded shard's memory. */
  async read(offset: number, length: number): Promise<Buffer> {
    const pieces: Buffer[] = []
    for (let at = 0; at < length; at += MAX_PAYLOAD - 7) {
      const ask = Buffer.alloc(8)
      ask.setAt(2, "i32", offset + at)
      ask.setAt(6, "u16", Math.min(MAX_PAYLOAD - 7, length - at))
      pieces.push((await this.control(Command.Read, ask)).subarray(7))
    }
    return Buffer.concat(pieces)
  }

  private async sendImage(image: Uint8Array, sample: number, flags: number, label: number) {
    const order = { sample, updates: this.updates, flags, label }
    for (const payload of imageMessages(encodeSlices(image, IMAGE_BYTES), order))
      this.send(Command.Image, payload)
  }

  private send(command: number, payload: Buffer): void {
    this.machine.send(
      buildPacket(this.served, JD_FRAME_FLAG_COMMAND, SERVICE_INDEX, command, payload),
    )
  }

  private async control(command: Command, payload: Buffer): Promise<Buffer> {
    this.send(command, payload)
    const answer = await this.answer(command)
    const status = answer.payload.getAt(2, "u8")
    if (status !== Status.Ok) throw refusal(status)
    return answer.payload
  }

  private async answer(command: number): Promise<Answer> {
    const found = () =>
      this.answers.findIndex(a => a.command === command || a.command === Command.Fault)
    await this.machine.run(() => found() >= 0, DEADLINE_MS)
    const [answer] = this.answers.splice(0, this.answers.length).slice(-1)
    if (!answer || answer.command === Command.Fault)
      throw refusal(answer?.payload[0] ?? Status.Internal)
    return answer
  }
}

function refusal(status: number): WuxingError {
  if (status === Status.TooLarge)
    return new WuxingError({
      code: "shard-too-large",
      kind: "capacity",
      message: "the network does not fit the memory one board's program sets aside",
      cause: "it has too many links for one board",
      help: "profile a smaller network",
    })
  return new WuxingError({
    code: "board-refused",
    kind: "internal",
    message: `the counted board refused: ${Status[status] ?? status}`,
    cause: "the program and this tool do not fit together",
    help: "compile the firmware again: wuxing build",
  })
}
