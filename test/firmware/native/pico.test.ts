/** The program of native boards as a whole: on the cable, in a fleet, through resets and power cuts. */
import { createHash } from "node:crypto"
import { afterEach, describe, expect, it } from "vitest"
import { VirtualClock } from "../../../host/base/clock"
import "../../../host/base/memory"
import { imageAt, readMnist } from "../../../host/data/mnist"
import { Board } from "../../../host/fleet/board"
import { startFleet } from "../../../host/fleet/fleet"
import type { BoardSet } from "../../../host/hardware/board-set"
import { profileOfProduct } from "../../../host/hardware/devicescript-boards"
import { type FlashChange, SECTOR } from "../../../host/hardware/emulator/flash-chip"
import { EmulatedPico, type PicoOptions } from "../../../host/hardware/emulator/pico"
import { PicoPort } from "../../../host/hardware/emulator/pico-port"
import { BoardLink, type BoardLinkOptions } from "../../../host/link/board-link"
import { buildBridgeCommand, buildPacket, deviceIdFromHex } from "../../../host/link/jacdac"
import { encodeFrame } from "../../../host/link/jdusb"
import { HostNetwork } from "../../../host/network/host-network"
import type { Network } from "../../../host/network/network"
import { preset } from "../../../host/network/presets"
import { buildShard } from "../../../host/network/shard"
import { sizedNetwork } from "../../../host/network/sized-network"
import { Header } from "../../../src/core/layout"
import { Command, ImageFlag, SERVICE_CLASS, Status } from "../../../src/wire/protocol"
import { network, uniform } from "../../src/core/helpers"
import { bytes } from "../bench"
import { uf2 } from "./benches"

const MILLISECOND = 1_000_000
/** The boards' time and their host's. */
const clock = new VirtualClock()
const warnings: string[] = []
const ports: PicoPort[] = []
afterEach(async () => {
  await Promise.all(ports.splice(0).map(port => port.close()))
  expect(warnings.splice(0)).toEqual([])
})

/** A test in which time goes on only while nothing else is left to do. */
const inTime = (test: () => Promise<void>) => () => clock.run(test)

const newPico = (options: PicoOptions = {}) =>
  new EmulatedPico({ uf2, onWarning: text => warnings.push(text), ...options })

async function connect(pico: EmulatedPico, options?: BoardLinkOptions): Promise<Board> {
  const port = new PicoPort("pico", pico, clock)
  ports.push(port)
  const link = await BoardLink.connect(port, { name: "board", clock, ...options })
  await link.waitForService(SERVICE_CLASS, 5_000)
  return new Board(link, "pico-native")
}

describe("on its cable", () => {
  it("is a serial port with the flash chip's id for its number", () => {
    const uniqueId = Buffer.from("e66038b7135a2c29", "hex")
    const pico = newPico({ uniqueId })
    pico.run(60 * MILLISECOND)
    expect(pico.usb.description).toMatchObject({
      ...{ vendor: 0x2e8a, product: 0x000a, manufacturer: "Wuxing", productName: "Wuxing Pico" },
      serial: "E66038B7135A2C29",
    })
    expect(pico.usb.open).toBe(true)
    expect(pico.mcu.clkSys).toBe(125e6)
    // USB 2.0 table 9-10: the lengths of the descriptors add up to what the first one says.
    const { configuration } = pico.usb.description!
    let at = 0
    while (at < configuration.length) at += configuration[at]
    expect(at).toBe(configuration[2] | (configuration[3] << 8))
    expect(pico.chip.unknown).toBe(0)
  })

  it("refuses requests it does not know, and answers the next", () => {
    const pico = newPico()
    pico.run(60 * MILLISECOND)
    const answers: (number | undefined)[] = []
    // DEVICE_QUALIFIER (only of faster devices), a vendor's request, a string beyond the last.
    for (const [type, request, value] of [
      [0x80, 6, 0x0600],
      [0xc0, 0x51, 0],
      [0x80, 6, 0x0309],
      [0x80, 6, 0x0100],
      [0x80, 8, 0],
    ])
      pico.usb.control([type, request, value, 0], 18, data => answers.push(data?.length))
    pico.run(400 * MILLISECOND)
    expect(answers).toEqual([undefined, undefined, undefined, 18, 1])
    expect(pico.usb.stalls).toBe(3)
    expect(pico.resets).toBe(0)
  })

  it("says nothing before it is asked to, and serves over its UART as well", () => {
    const pico = newPico()
    let usb = 0
    const uart: number[] = []
    pico.onData = data => {
      usb += data.length
    }
    pico.onUartByte = byte => uart.push(byte)
    pico.run(700 * MILLISECOND)
    expect(usb).toBe(0)
    for (const byte of encodeFrame(buildBridgeCommand(0x81))) {
      pico.mcu.uart[0].feedByte(byte)
      pico.run(7000)
    }
    pico.run(100 * MILLISECOND)
    // The bridge's answer, and two devices that announce themselves.
    expect(Buffer.from(uart).toString("hex").split("fefc")).toHaveLength(4)
    expect(usb).toBe(0)
  })

  it(
    "knows what it is",
    inTime(async () => {
      const board = await connect(newPico({ uniqueId: Buffer.from("0011223344556677", "hex") }))
      const facts = await board.link.facts()
      expect(facts).toMatchObject({ id: "0011223344556677", running: true, programHash: undefined })
      expect(profileOfProduct(facts.productId)).toBe("pico-native")
    }),
  )

  it(
    "takes any bytes, and frames with any byte wrong, for what they are",
    inTime(async () => {
      const pico = newPico()
      const board = await connect(pico)
      const { boot } = await board.status()
      const next = uniform(7)
      const below = (n: number) => Math.floor(next() * n)
      const id = deviceIdFromHex(board.link.boardId)
      for (let i = 0; i < 400; i++) {
        const payload = Uint8Array.from({ length: below(237) }, () => below(256))
        const frame = buildPacket(id, below(8), below(64), below(0x4000) & ~0x82, payload)
        const stream = Buffer.from(encodeFrame(frame))
        for (let k = below(4); k > 0; k--) stream[below(stream.length)] = [below(256), 0xfe][k & 1]
        await board.link.port.write(stream.subarray(below(3), stream.length - below(3)))
        if (i % 40 === 39) expect((await board.status()).boot).toBe(boot)
      }
      expect(pico.resets).toBe(0)
    }),
  )

  it(
    "starts anew when its program hangs",
    inTime(async () => {
      const pico = newPico()
      await connect(pico)
      // A branch to itself, in the stack's last bytes.
      pico.mcu.sramView.setUint16(0x41010, 0xe7fe, true)
      await ports[0].close()
      pico.mcu.core.PM = true
      pico.mcu.core.waiting = false
      pico.mcu.core.PC = 0x20041010
      pico.run(900 * MILLISECOND)
      expect(pico.resets).toBe(0)
      pico.run(200 * MILLISECOND)
      expect(pico.resets).toBe(1)
      await connect(pico)
    }),
  )
})

/** Emulated Picos of this process. */
function inProcess(picos: EmulatedPico[]): BoardSet {
  return {
    clock,
    count: picos.length,
    reconnectMs: 5_000,
    profile: () => "pico-native",
    connect: (i, options) => {
      const port = new PicoPort(`pico-${i}`, picos[i], clock)
      ports.push(port)
      return BoardLink.connect(port, options)
    },
    reconnect(i, link, options) {
      return link.close().then(() => this.connect(i, options))
    },
    stop: async () => {},
  }
}

describe("in a fleet", () => {
  const mnist = readMnist()
  const sha256 = (data: Uint8Array) => createHash("sha256").update(data).digest("hex")

  const kernels = sizedNetwork("784-3c6s4-4c3-10", 4)
  for (const [net, boards, count] of [
    [preset("pico-16", 4)!, 1, 50],
    [preset("pico-16", 4)!, 2, 12],
    [kernels, 1, 12],
    [kernels, 2, 6],
    [kernels, 3, 6],
  ] as [Network, number, number][])
    it(
      `of ${boards}: ${net.name} learns ${count} samples with the host's bits, and names as it does`,
      inTime(async () => {
        const picos = Array.from({ length: boards }, () => newPico())
        const fleet = await startFleet({
          ...{ network: net, boards, bytecode: Buffer.alloc(0) },
          open: async () => inProcess(picos),
        })
        const indices = Array.from({ length: count }, (_, i) => 100 + i)
        await fleet.train(mnist.train, indices)
        const host = new HostNetwork(net)
        const drawn = sha256(host.coefficients())
        for (const i of indices) host.train(imageAt(mnist.train, i), mnist.train.labels[i])
        expect(sha256(await fleet.coefficients())).toBe(sha256(host.coefficients()))
        expect(sha256(host.coefficients())).not.toBe(drawn)
        const named = await fleet.classify(i => imageAt(mnist.test, i), 6)
        expect([...named]).toEqual(
          indices.slice(0, 6).map((_, i) => host.predict(imageAt(mnist.test, i))),
        )
        expect(fleet.recoveries).toBe(0)
        await fleet.close()
      }),
    )
})

describe("what it has learnt", () => {
  const net = network([{ neurons: 6 }, { neurons: 3, outputs: 1 }], { margin: 4096 })
  const shard = buildShard(
    net,
    [
      { layer: 1, first: 0, count: 6 },
      { layer: 2, first: 0, count: 3 },
    ],
    2,
  )
  const imageBytes = shard.readInt32LE(Header.Image)
  const learn = async (board: Board, sample: number, updates: number) => {
    const done = new Promise<void>((resolve, reject) => {
      const own = [
        { first: 0, end: 0 },
        { first: 0, end: 12 },
        { first: 0, end: 3 },
      ]
      board.listen(
        { layers: 2, classes: 3, own, widths: [0, 12, 3], summed: 0 },
        {
          onBack: () => resolve(),
          onSignals: () => {},
          onSums: () => {},
          onFault: fault => reject(new Error(JSON.stringify(fault))),
          onBadReport: reject,
        },
      )
    })
    const flags = ImageFlag.First | ImageFlag.Last | ImageFlag.Learn
    const head = bytes(
      { u32: sample },
      { u32: updates },
      { u8: flags },
      { u8: sample % 3 },
      { u16: 0 },
    )
    await board.link.send(
      Command.Image,
      Buffer.concat([head, Buffer.from([0, 4, 90, 200, 30, 255])]),
    )
    await done
  }
  const save = (board: Board, samples: number) =>
    board.request(Command.Save, bytes({ u32: samples }, { u32: 77 }, { u32: samples >> 1 }))
  const memoryOf = (board: Board) => board.read(0, imageBytes)

  it(
    "is there again after a reset, and what came after it is not",
    inTime(async () => {
      const pico = newPico()
      let board = await connect(pico)
      expect(await board.saved(false)).toBeUndefined()
      expect((await save(board, 0)).status).toBe(Status.NoShard)
      await board.load(shard)
      const drawn = await memoryOf(board)
      for (let i = 0; i < 3; i++) await learn(board, i, (await board.status()).updates)
      const kept = await memoryOf(board)
      expect(kept.equals(drawn)).toBe(false)
      const { updates, layoutHash } = await board.status()
      expect((await save(board, 3)).bytes.readUInt32LE(3)).toBe(1)
      await learn(board, 3, updates)
      expect((await memoryOf(board)).equals(kept)).toBe(false)

      await ports[0].close()
      pico.reset()
      board = await connect(pico)
      expect(await board.status()).toMatchObject({ ready: true, updates, layoutHash })
      expect((await memoryOf(board)).equals(kept)).toBe(true)
      const third = { generation: 1, samples: 3, run: 77, right: 1, layoutHash }
      expect(await board.saved(false)).toEqual(third)
      expect(await board.saved(true)).toBeUndefined()
      // It goes on from there.
      await learn(board, 3, updates)
      const further = await memoryOf(board)
      expect((await save(board, 4)).bytes.readUInt32LE(3)).toBe(2)
      expect(await board.saved(true)).toEqual(third)
      // And back again, and forth, as it is told.
      await board.restore(1)
      expect((await memoryOf(board)).equals(kept)).toBe(true)
      await board.restore(2)
      expect((await memoryOf(board)).equals(further)).toBe(true)
      await expect(board.restore(3)).rejects.toMatchObject({ code: "board-refused" })
    }),
  )

  it(
    "survives a power cut in every erase and every program of the next checkpoint",
    inTime(async () => {
      // A board with one checkpoint in either slot, the newer one of sample 2.
      const changes: FlashChange[] = []
      let cutAt = -1
      const share = { now: 0 }
      const onFlashChange = (change: FlashChange) => {
        changes.push(change)
        return change.number === cutAt ? share.now : undefined
      }
      // The program waits for an erase in a loop, which the emulator has to run through.
      const quick = { onFlashChange, eraseNanos: MILLISECOND }
      const first = newPico({ onFlashChange })
      const board = await connect(first)
      await board.load(shard)
      await save(board, 0)
      await learn(board, 0, 0)
      await save(board, 1)
      const before = await memoryOf(board)
      const flash = first.flash.slice()
      const done = changes.length
      await learn(board, 1, (await board.status()).updates)
      const after = await memoryOf(board)
      await save(board, 2)
      const count = changes.length - done
      expect(count).toBe(1 + Math.ceil(imageBytes / 256) + 1)
      expect(changes.slice(done).every(({ address }) => address >= 2 ** 20)).toBe(true)
      await Promise.all(ports.splice(0).map(port => port.close()))
      expect(after.equals(before)).toBe(false)

      const outcomes = { before: 0, after: 0 }
      for (let cut = 0; cut < count; cut++)
        for (const part of cut === count - 1 ? [0, 0.3, 0.7, 1] : [0.5]) {
          cutAt = cut
          share.now = part
          const pico = newPico({ flash: flash.slice(), ...quick })
          const dying = await connect(pico)
          await learn(dying, 1, (await dying.status()).updates)
          save(dying, 2).catch(() => {})
          while (!pico.dead) await clock.sleep(2)
          await Promise.all(ports.splice(0).map(port => port.close()))
          cutAt = -1
          const again = newPico({ uf2: undefined, flash: pico.flash, ...quick })
          const reborn = await connect(again)
          const memory = await memoryOf(reborn)
          const which = memory.equals(before)
            ? "before"
            : memory.equals(after)
              ? "after"
              : undefined
          expect(which, `cut in change ${cut} of ${count}, at ${part}`).toBeDefined()
          outcomes[which!]++
          // And the next checkpoint is written as ever.
          expect((await save(reborn, 2)).status).toBe(Status.Ok)
          await Promise.all(ports.splice(0).map(port => port.close()))
        }
      expect(outcomes.before).toBeGreaterThanOrEqual(count - 1)
      expect(SECTOR % 256).toBe(0)
    }),
  )
})
