/** Samples streamed to one emulated Pico over its USB cable, in the board's own time alone. */
import "../../device-script-buffer"
import { Header } from "../../../src/layout"
import {
  BackField,
  BackFlag,
  Command,
  checksum,
  ImageField,
  ImageFlag,
  MAX_PAYLOAD,
  PROTOCOL_VERSION,
  Status,
  StatusField,
} from "../../../src/protocol"
import { encodeSlices } from "../../data/runs"
import { WuxingError } from "../../errors"
import {
  buildBridgeCommand,
  buildPacket,
  deviceIdFromHex,
  packetsOf,
  servedDeviceId,
} from "../../link/jacdac"
import { encodeFrame, JdUsbDecoder } from "../../link/jdusb"
import { EmulatedPico } from "./pico"

interface Report {
  command: number
  payload: Buffer
}

const SLICE_BYTES = 224

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
    this.send(Command.Status, Buffer.from([0, 0]))
    this.arenaBytes = this.await(Command.Status).payload.readUInt32LE(StatusField.ArenaBytes)
    const image = shard.subarray(0, shard.readInt32LE(Header.Image))
    const sum = checksum(image, 0, image.length, 0)
    const begin = Buffer.alloc(16)
    begin.writeUInt16LE(PROTOCOL_VERSION, 2)
    begin.writeInt32LE(image.length, 4)
    begin.writeInt32LE(sum, 8)
    begin.writeInt32LE(shard.readInt32LE(Header.LayoutHash), 12)
    this.send(Command.Begin, begin)
    this.answered(Command.Begin, shard)
    for (let at = 0; at < image.length; at += SLICE_BYTES) {
      const offset = Buffer.alloc(4)
      offset.writeInt32LE(at)
      this.send(Command.Slice, Buffer.concat([offset, image.subarray(at, at + SLICE_BYTES)]))
    }
    this.send(Command.Commit, Buffer.from([0, 0]))
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
    const slices = encodeSlices(image, MAX_PAYLOAD - ImageField.Length)
    for (const [i, { pixel, runs }] of slices.entries()) {
      const own =
        flags | (i === 0 ? ImageFlag.First : 0) | (i === slices.length - 1 ? ImageFlag.Last : 0)
      const head = Buffer.alloc(ImageField.Length)
      head.writeUInt32LE(this.sample, ImageField.Sample)
      head.writeUInt32LE(this.updates, ImageField.Updates)
      head.writeUInt8(own, ImageField.Flags)
      head.writeUInt8(label, ImageField.Label)
      head.writeUInt16LE(pixel, ImageField.Pixel)
      this.send(Command.Image, Buffer.concat([head, runs]))
    }
    this.sample++
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
