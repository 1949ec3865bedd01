/** Samples streamed to one emulated Pico over its USB cable, in the board's own time alone. */
import "../../host/device-script-buffer"
import { encodeSlices } from "../../host/data/runs"
import { wholeNetwork } from "../../host/engine"
import {
  buildBridgeCommand,
  buildPacket,
  deviceIdFromHex,
  packetsOf,
  servedDeviceId,
} from "../../host/link/jacdac"
import { encodeFrame, JdUsbDecoder } from "../../host/link/jdusb"
import { EmulatedPico } from "../../host/native/emulator/pico"
import { Header } from "../../src/layout"
import type { Network } from "../../src/network"
import {
  Command,
  checksum,
  ImageField,
  ImageFlag,
  MAX_PAYLOAD,
  PROTOCOL_VERSION,
} from "../../src/protocol"
import { buildShard } from "../../src/shard"
import { bytes } from "../firmware/bench"

interface Report {
  command: number
  payload: Buffer
}

export class Stream {
  readonly pico: EmulatedPico
  readonly shard: Buffer
  private readonly reports: Report[] = []
  private readonly id
  private updates = 0
  private sample = 0

  /** Loads the whole network. The host's side takes no emulated time: what is measured is the board. */
  constructor(uf2: Uint8Array, network: Network, slots: number) {
    this.pico = new EmulatedPico({ uf2 })
    this.shard = buildShard(network, wholeNetwork(network), slots)
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
    this.load()
  }

  private load(): void {
    const image = this.shard.subarray(0, this.shard.readInt32LE(Header.Image))
    const sum = checksum(image, 0, image.length, 0)
    const hash = this.shard.readInt32LE(Header.LayoutHash)
    this.send(
      Command.Begin,
      bytes(
        { u16: 1 },
        { u16: PROTOCOL_VERSION },
        { u32: image.length },
        { u32: sum },
        { u32: hash },
      ),
    )
    for (let at = 0; at < image.length; at += 224)
      this.send(Command.Slice, bytes({ u32: at }, { raw: image.subarray(at, at + 224) }))
    this.send(Command.Commit, bytes({ u16: 2 }))
    const reply = this.await(Command.Commit)
    if (reply.payload[2] !== 0) throw new Error(`the shard was refused: status ${reply.payload[2]}`)
  }

  send(command: number, payload: Uint8Array): void {
    this.pico.usb.write(encodeFrame(buildPacket(this.id, 1, 1, command, payload)))
  }

  await(command: number): Report {
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
      this.send(
        Command.Image,
        bytes(
          ...[{ u32: this.sample }, { u32: this.updates }, { u8: own }, { u8: label }],
          ...[{ u16: pixel }, { raw: runs }],
        ),
      )
    }
    this.sample++
  }

  /** @returns emulated seconds a sample takes when each is sent while the one before is computed */
  infer(images: Uint8Array[]): number {
    const start = this.pico.nanos
    this.sendImage(images[0], ImageFlag.Flush, 0)
    for (let i = 0; i < images.length; i++) {
      if (i + 1 < images.length) this.sendImage(images[i + 1], ImageFlag.Flush, 0)
      this.await(Command.Signals)
    }
    return (this.pico.nanos - start) / 1e9 / images.length
  }

  /** @returns the same for learning, where each sample waits for the outcome of the one before */
  learn(images: Uint8Array[], labels: ArrayLike<number>): number {
    const start = this.pico.nanos
    for (let i = 0; i < images.length; i++) {
      this.sendImage(images[i], ImageFlag.Learn, labels[i])
      const { payload } = this.await(Command.Back)
      if (payload[5] & 2) this.updates++
    }
    return (this.pico.nanos - start) / 1e9 / images.length
  }
}
