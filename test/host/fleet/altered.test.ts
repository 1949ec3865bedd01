/** A board whose reports are not what its program sent: each byte of each of them altered in turn. */
import { expect, it } from "vitest"
import { VirtualClock } from "../../../host/base/clock"
import { WuxingError } from "../../../host/base/errors"
import { sha256 } from "../../../host/base/sha256"
import { Fleet } from "../../../host/fleet/fleet"
import { readBoardProfile } from "../../../host/hardware/board-profile"
import { TimedBoards } from "../../../host/hardware/timed-boards"
import {
  buildPacket,
  frameDevice,
  frameFlags,
  frameIsBridge,
  JD_FRAME_FLAG_COMMAND,
  packetsOf,
} from "../../../host/link/jacdac"
import { encodeFrame, JdUsbDecoder } from "../../../host/link/jdusb"
import type { Port } from "../../../host/link/port"
import { HostNetwork } from "../../../host/network/host-network"
import { splitEvenly } from "../../../host/partition/partition"
import { Command } from "../../../src/wire/protocol"
import { firmware } from "../../firmware/compiled"
import { network } from "../../src/core/helpers"
import { forOneRun } from "../hardware/for-one-run"

const WIDTH = 16
const net = network(
  [
    { neurons: 2, fanIn: 4 },
    { neurons: 2, outputs: 1 },
  ],
  {
    width: WIDTH,
    margin: 4096,
    learnShift: 9,
  },
)
const lesson = (i: number) => ({
  image: Uint8Array.from({ length: WIDTH }, (_, p) => ((i + p) % 3 === 0 ? 40 + 11 * p : 0)),
  label: i % 2,
})
const IMAGES = 2
const LESSONS = 3

interface Report {
  command: number
  bytes: number
}

/** Passes frames on, and alters one byte of one report of the program, its CRC made right again. */
class Alterer {
  readonly reports: Report[] = []
  /** Number of the report, and the byte in it. */
  target?: { report: number; byte: number; flip: number }

  wrap(port: Port): Port {
    const outer: Port = {
      name: port.name,
      write: bytes => port.write(bytes),
      close: () => port.close(),
    }
    const decoder = new JdUsbDecoder({
      onFrame: frame => outer.onData?.(encodeFrame(this.pass(frame))),
    })
    port.onData = bytes => decoder.push(bytes)
    port.onClose = reason => outer.onClose?.(reason)
    return outer
  }

  private pass(frame: Uint8Array): Uint8Array {
    if (frameIsBridge(frame) || (frameFlags(frame) & JD_FRAME_FLAG_COMMAND) !== 0) return frame
    const [packet, ...others] = packetsOf(frame)
    if (!packet || others.length > 0 || !(packet.command in Command)) return frame
    const number = this.reports.length
    this.reports.push({ command: packet.command, bytes: packet.payload.length })
    if (this.target?.report !== number || this.target.byte >= packet.payload.length) return frame
    const payload = packet.payload.slice()
    payload[this.target.byte] ^= this.target.flip
    const { serviceIndex, command } = packet
    return buildPacket(frameDevice(frame), frameFlags(frame), serviceIndex, command, payload)
  }
}

it("ends with the host's bits or by name, whichever byte of whichever report is altered", async () => {
  const host = new HostNetwork(net)
  const classes = Array.from({ length: IMAGES }, (_, i) => host.predict(lesson(i).image))
  for (let i = 0; i < LESSONS; i++) host.train(lesson(i).image, lesson(i).label)
  const right = { classes, hash: sha256(host.coefficients()) }

  const clock = new VirtualClock({ promisesAlone: true })
  const bytecode = await firmware()
  let alterer = new Alterer()
  const boards = new TimedBoards(2, {
    clock,
    profile: readBoardProfile("virtual"),
    wrap: (_, port) => alterer.wrap(port),
  })
  const run = async (target?: Alterer["target"]) => {
    alterer = new Alterer()
    alterer.target = target
    const fleet = new Fleet(
      { ...{ network: net, boards: 2, bytecode }, sampleDeadlineMs: 1_000 },
      forOneRun(boards),
      splitEvenly(net, 2),
    )
    return await clock.run(async () => {
      try {
        await fleet.begin()
        const classes = [...(await fleet.classify(i => lesson(i).image, IMAGES))]
        await fleet.learn(lesson, LESSONS)
        return { classes, hash: sha256(await fleet.coefficients()) }
      } catch (error) {
        if (!(error instanceof WuxingError)) throw error
        expect(["board", "firmware", "capacity"]).toContain(error.kind)
        return undefined
      } finally {
        await fleet.close()
      }
    })
  }
  expect(await run()).toEqual(right)
  const reports = alterer.reports
  const kinds = new Set(reports.map(({ command }) => Command[command]))
  expect([...kinds].sort()).toEqual(["Back", "Begin", "Commit", "Read", "Signals", "Status"])
  let altered = 0
  let named = 0
  for (const [report, { command, bytes }] of reports.entries())
    for (let byte = 0; byte < bytes; byte++) {
      // All bits, and the lowest alone: far off, and next to what is right.
      const flip = (report + byte) % 2 === 0 ? 0xff : 0x01
      const ended = await run({ report, byte, flip })
      altered++
      if (ended === undefined) named++
      else expect(ended, `${Command[command]} #${report}, byte ${byte}`).toEqual(right)
    }
  expect(altered).toBeGreaterThan(300)
  // What can be done again is done again.
  expect(named).toBeLessThan(altered / 10)
}, 600_000)
