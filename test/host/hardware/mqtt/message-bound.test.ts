/** Messages of MQTT, told apart as they come; and the broker that takes none too large. */
import { connect, type Socket } from "node:net"
import { describe, expect, it } from "vitest"
import { takeTurns } from "../../../../host/base/clock"
import { startBroker } from "../../../../host/hardware/mqtt/broker"
import { MessageBound } from "../../../../host/hardware/mqtt/message-bound"

/** MQTT 3.1.1, 2.2.3: each byte of a length has seven bits of it, and one for whether more come. */
function message(kind: number, content: Uint8Array): Buffer {
  const head = [kind]
  let left = content.length
  do {
    head.push((left % 128) + (left > 127 ? 128 : 0))
    left = Math.floor(left / 128)
  } while (left > 0)
  return Buffer.concat([Buffer.from(head), content])
}

const PING = message(0xc0, new Uint8Array(0))
const publish = (bytes: number) => message(0x30, new Uint8Array(bytes).fill(0xff))

/** How many bytes of a stream in pieces are taken; all, unless one is refused. */
function taken(bytes: Buffer, most: number, piece: number): number {
  const bound = new MessageBound(most)
  for (let at = 0; at < bytes.length; at += piece)
    if (!bound.take(bytes.subarray(at, at + piece))) return at
  return bytes.length
}

describe("a bound of messages", () => {
  for (const piece of [1, 2, 7, 64, 65_536])
    it(`takes messages of up to its size and refuses the first above, in pieces of ${piece}`, () => {
      const most = 20_000
      const sizes = [0, 1, 127, 128, 300, 16_383, 16_384, most]
      const sound = Buffer.concat([PING, ...sizes.map(publish), PING])
      expect(taken(sound, most, piece)).toBe(sound.length)
      const above = publish(most + 1)
      // Before more than its head and length were taken: 4 bytes here.
      const refused = taken(Buffer.concat([sound, above]), most, piece)
      expect(refused).toBeGreaterThanOrEqual(sound.length - piece + 1)
      expect(refused).toBeLessThan(sound.length + 4)
    })

  it("refuses a length that never ends", () => {
    expect(new MessageBound().take(Buffer.from([0x30, 0x80, 0x80, 0x80, 0x80]))).toBe(false)
    expect(new MessageBound().take(Buffer.from([0x30, 0xff, 0xff, 0xff]))).toBe(false)
  })
})

describe("`wuxing broker`", () => {
  /** Of what has no end; sockets hold some of it on both sides. */
  const MOST_SENT = 64 << 20

  /** Bytes it took of a stream without an end, before it ended the connection. */
  async function swallowed(port: number, first: Buffer): Promise<number> {
    const socket: Socket = connect(port, "127.0.0.1")
    const ended = new Promise<void>(resolve => socket.on("close", () => resolve()))
    socket.on("error", () => {})
    let over = false
    void ended.then(() => {
      over = true
    })
    socket.write(first)
    const block = Buffer.alloc(65_536)
    while (!over && !socket.destroyed && socket.bytesWritten < MOST_SENT) {
      socket.write(block)
      await takeTurns()
    }
    socket.destroy()
    return socket.bytesWritten
  }

  it("takes no message of 256 MB, before a client has said who it is or after", async () => {
    const broker = await startBroker({ host: "127.0.0.1", port: 0 })
    try {
      const length = Buffer.from([0xff, 0xff, 0xff, 0x7f])
      // Protocol MQTT 4, a clean session, no keep-alive, name "c".
      const hello = message(0x10, Buffer.from("\0\x04MQTT\x04\x02\0\0\0\x01c", "latin1"))
      for (const first of [
        Buffer.from([0x10, ...length]),
        Buffer.concat([hello, Buffer.from([0x30, ...length, 0, 1, 0x74])]),
      ])
        expect(await swallowed(broker.port, first)).toBeLessThan(MOST_SENT / 2)
    } finally {
      await broker.stop()
    }
  })
})
