/** Samples streamed to one emulated Pico over its USB cable, in the board's own time alone. */
import "../../base/memory"
import {
  BackField,
  BackFlag,
  Command,
  ImageFlag,
  Status,
  StatusField,
} from "../../../src/wire/protocol"
import { WuxingError } from "../../base/errors"
import { encodeSlices } from "../../data/runs"
import {
  buildBridgeCommand,
  buildPacket,
  deviceIdFromHex,
  packetsOf,
  servedDeviceId,
} from "../../link/jacdac"
import { encodeFrame, JdUsbDecoder } from "../../link/jdusb"
import { IMAGE_BYTES, imageMessages, loadMessages } from "../../link/messages"
import { EmulatedPico } from "./pico"

interface Report {
  command: number
  payload: Buffer
}

/** Number of a request: one at a time needs none of its own. */
const REQUEST = Buffer.alloc(2)

export class Stream {
  readonly pico: EmulatedPico
  /** What the board sets aside for a shard and the reports it gathers. */
  arenaBytes = 0
  private readonly reports: Report[] = []
  private readonly id
  private updates = 0
  private sample = 0

  /**
   * Loads a shard. The host's side takes no emulated time: what is measured is the board.
   *
   * @throws WuxingError "shard-too-large" (kind "capacity")
   */
  constructor(uf2: Uint8Array, shard: Buffer) {
    this.pico = new EmulatedPico({ uf2 })
    this.pico.run(60e6)
    this.id = servedDeviceId(deviceIdFromHex(this.pico.usb.description!.serial.toLowerCase()))
    const decoder = new JdUsbDecoder({
      onFrame: frame => {
        for (const { serviceIndex, command, payload } of packetsOf(frame))
          if (serviceIndex === 1) this.reports.push({ command, payload: Buffer.from(payload) })
      },
    })
    this.pico.onData = data => decoder.push(data.slice())
    this.pico.usb.write(encodeFrame(buildBridgeCommand(0x81)))
    this.load(shard)
  }

  private load(shard: Buffer): void {
    this.send(Command.Status, REQUEST)
    this.arenaBytes = this.await(Command.Status).payload.readUInt32LE(StatusField.ArenaBytes)
    const { begin, slices } = loadMessages(shard)
    this.send(Command.Begin, Buffer.concat([REQUEST, begin]))
    this.answered(Command.Begin, shard)
    for (const slice of slices) this.send(Command.Slice, slice)
    this.send(Command.Commit, REQUEST)
    this.answered(Command.Commit, shard)
  }

  private answered(command: number, shard: Buffer): void {
    const status = this.await(command).payload[2]
    if (status === Status.Ok) return
    if (status !== Status.TooLarge) throw new Error(`the shard was refused: ${Status[status]}`)
    throw new WuxingError({
      code: "shard-too-large",
      kind: "capacity",
      message: `the network takes ${shard.length} B, and the board sets aside ${this.arenaBytes} B`,
      cause: "it has too many links for one board",
      help: "profile a smaller network",
    })
  }

  private send(command: number, payload: Uint8Array): void {
    this.pico.usb.write(encodeFrame(buildPacket(this.id, 1, 1, command, payload)))
  }

  private await(command: number): Report {
    const found = () => this.reports.findIndex(report => report.command === command)
    this.pico.run(20e9, () => found() >= 0)
    const [report] = this.reports.splice(found(), 1)
    if (!report) throw new Error(`no report of command ${command} within 20 s`)
    return report
  }

  private sendImage(image: Uint8Array, flags: number, label: number): void {
    const order = { sample: this.sample++, updates: this.updates, flags, label }
    for (const payload of imageMessages(encodeSlices(image, IMAGE_BYTES), order))
      this.send(Command.Image, payload)
  }

  /**
   * Names images, each sent while the one before is computed.
   *
   * @param onImage called after each; may wait
   * @returns emulated seconds an image
   */
  async infer(images: Uint8Array[], onImage?: () => Promise<void>): Promise<number> {
    const start = this.pico.nanos
    this.sendImage(images[0], ImageFlag.Flush, 0)
    for (let i = 0; i < images.length; i++) {
      if (i + 1 < images.length) this.sendImage(images[i + 1], ImageFlag.Flush, 0)
      this.await(Command.Signals)
      await onImage?.()
    }
    return (this.pico.nanos - start) / 1e9 / images.length
  }

  /**
   * Teaches an image; the next waits for its outcome.
   *
   * @returns whether it taught something, and emulated seconds
   */
  learn(image: Uint8Array, label: number): { learned: boolean; seconds: number } {
    const start = this.pico.nanos
    this.sendImage(image, ImageFlag.Learn, label)
    const { payload } = this.await(Command.Back)
    const learned = (payload[BackField.Flags] & BackFlag.Learned) !== 0
    if (learned) this.updates++
    return { learned, seconds: (this.pico.nanos - start) / 1e9 }
  }
}
