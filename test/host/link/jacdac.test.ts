import fc from "fast-check"
import { crc as crcPeer, Packet as PeerPacket } from "jacdac-ts"
import { describe, expect, it } from "vitest"
import { crc16 } from "../../../host/link/crc16"
import {
  buildAck,
  buildFrame,
  buildPacket,
  deviceIdFromHex,
  frameDevice,
  frameIsSound,
  JD_FRAME_FLAG_ACK_REQUESTED,
  JD_FRAME_FLAG_COMMAND,
  packetsOf,
  parseAnnounce,
  parseEvent,
  servedDeviceId,
} from "../../../host/link/jacdac"

const bytes = (max: number) => fc.uint8Array({ maxLength: max })
const hexId = fc
  .uint8Array({ minLength: 8, maxLength: 8 })
  .map(id => Buffer.from(id).toString("hex"))
const packet = (max: number) =>
  fc.record({
    serviceIndex: fc.integer({ min: 0, max: 0x3f }),
    command: fc.integer({ min: 0, max: 0xffff }),
    payload: bytes(max),
  })

describe("crc16", () => {
  it("gives the published check value of CRC-16/CCITT with start 0xffff", () => {
    expect(crc16(new TextEncoder().encode("123456789"))).toBe(0x29b1)
  })

  it("agrees with jacdac-ts on any bytes and any range of them", () => {
    fc.assert(
      fc.property(bytes(260), fc.nat(), fc.nat(), (data, a, b) => {
        const start = a % (data.length + 1)
        const end = start + (b % (data.length - start + 1))
        expect(crc16(data, start, end)).toBe(crcPeer(data.slice(start, end)))
      }),
    )
  })
})

describe("frames", () => {
  it("with one packet are the bytes jacdac-ts builds", () => {
    fc.assert(
      fc.property(
        hexId,
        packet(236),
        fc.boolean(),
        (id, { serviceIndex, command, payload }, ack) => {
          const peer = PeerPacket.from(command, payload)
          peer.deviceIdentifier = id
          peer.serviceIndex = serviceIndex
          peer.isCommand = true
          peer.requiresAck = ack
          const flags = JD_FRAME_FLAG_COMMAND | (ack ? JD_FRAME_FLAG_ACK_REQUESTED : 0)
          const ours = buildPacket(deviceIdFromHex(id), flags, serviceIndex, command, payload)
          // Padding aside, which jacdac-ts leaves out of a single packet.
          expect(packetsOf(ours)).toEqual([{ serviceIndex, command, payload }])
          const theirs = new Uint8Array(peer.toBuffer())
          expect(frameIsSound(theirs)).toBe(true)
          expect(packetsOf(theirs)).toEqual([{ serviceIndex, command, payload }])
          expect(frameDevice(theirs).hex).toBe(id)
          if (payload.length % 4 === 0) expect(ours).toEqual(theirs)
        },
      ),
    )
  })

  it("with several packets are read by jacdac-ts as they were meant, and by us", () => {
    fc.assert(
      fc.property(hexId, fc.array(packet(40), { minLength: 1, maxLength: 5 }), (id, packets) => {
        const frame = buildFrame(deviceIdFromHex(id), 0, packets)
        expect(packetsOf(frame)).toEqual(packets)
        const peers = PeerPacket.fromFrame(frame, 0)
        expect(peers.map(p => p.deviceIdentifier)).toEqual(packets.map(() => id))
        expect(
          peers.map(p => ({
            serviceIndex: p.serviceIndex,
            command: p.serviceCommand,
            payload: new Uint8Array(p.data),
          })),
        ).toEqual(packets)
      }),
    )
  })

  it("with any bit flipped are not sound", () => {
    fc.assert(
      fc.property(packet(60), fc.nat(), (p, where) => {
        const frame = buildFrame(deviceIdFromHex("0123456789abcdef"), 0, [p])
        expect(frameIsSound(frame)).toBe(true)
        const bit = where % (frame.length * 8)
        frame[bit >> 3] ^= 1 << (bit & 7)
        expect(frameIsSound(frame)).toBe(false)
      }),
    )
  })

  it("refuse more than a frame holds", () => {
    const id = deviceIdFromHex("0123456789abcdef")
    expect(() => buildPacket(id, 0, 1, 0x80, new Uint8Array(237))).toThrow(/240/)
    expect(buildPacket(id, 0, 1, 0x80, new Uint8Array(236)).length).toBe(252)
  })

  it("whose last packet claims more than is there are read up to it", () => {
    const id = deviceIdFromHex("0123456789abcdef")
    const frame = buildFrame(id, 0, [
      { serviceIndex: 1, command: 2, payload: new Uint8Array(4) },
      { serviceIndex: 3, command: 4, payload: new Uint8Array(4) },
    ])
    frame[20] = 200
    expect(packetsOf(frame).map(p => p.serviceIndex)).toEqual([1])
  })
})

describe("what packets mean", () => {
  it("an acknowledgement is what jacdac-ts takes for one", () => {
    const command = buildPacket(deviceIdFromHex("0123456789abcdef"), 3, 1, 0x80, new Uint8Array(9))
    const [ack] = PeerPacket.fromFrame(buildAck(command), 0)
    expect(ack.isCRCAck).toBe(true)
    expect(ack.isReport).toBe(true)
    expect(ack.deviceIdentifier).toBe("0123456789abcdef")
    expect(ack.serviceCommand).toBe(PeerPacket.fromBinary(command).crc)
  })

  it("an announce seen on a VM's wire names its services", () => {
    // Recorded from `devs vm --tcp --device-id 0011223344556677`.
    const frame = Buffer.from(
      "e6a3200000112233445566771c000000010f0100667e4b1e2bea3411405b5b154adc0711fcee62149c6e6014",
      "hex",
    )
    expect(frameIsSound(frame)).toBe(true)
    expect(frameDevice(frame).hex).toBe("0011223344556677")
    const announce = parseAnnounce(packetsOf(frame)[0].payload)
    expect(announce?.restartCounter).toBe(1)
    expect(announce?.serviceClasses.slice(0, 3)).toEqual([0, 0x1e4b7e66, 0x1134ea2b])
    expect(announce?.serviceClasses.length).toBe(7)
  })

  it("an event's counter and code are jacdac-ts's", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0xffff }), command => {
        const peer = PeerPacket.from(command, new Uint8Array(0))
        peer.serviceIndex = 1
        const ours = parseEvent(command)
        expect(ours !== undefined).toBe(peer.isEvent)
        if (ours) expect(ours).toEqual({ counter: peer.eventCounter, code: peer.eventCode })
      }),
    )
  })

  it("the id of a board's program is the board's, exclusive-or DeviceScript's constant", () => {
    const mask = 0xdb2249a7751b53f8n
    fc.assert(
      fc.property(hexId, hex => {
        const board = Buffer.from(hex, "hex").readBigUInt64LE()
        const served = Buffer.alloc(8)
        served.writeBigUInt64LE(board ^ mask)
        expect(servedDeviceId(deviceIdFromHex(hex)).hex).toBe(served.toString("hex"))
      }),
    )
  })

  it("a device id that is not 16 hex digits is refused", () => {
    for (const bad of ["", "0123", "0123456789abcdeg", "0123456789abcdef0"]) {
      expect(() => deviceIdFromHex(bad)).toThrow(TypeError)
    }
  })
})
