import fc from "fast-check"
import { afterEach, describe, expect, it, vi } from "vitest"
import {
  buildBridgeReport,
  buildFrame,
  deviceIdFromHex,
  frameIsBridge,
  JD_FRAME_MAX_SIZE,
} from "../../../host/link/jacdac"
import {
  encodeFrame,
  encodeGap,
  encodeLog,
  FRAME_END,
  FRAME_START,
  JdUsbDecoder,
  LITERAL_MAGIC,
  MAGIC,
} from "../../../host/link/jdusb"
import { JacdacTsPeer } from "./jacdac-ts-peer"

const ID = deviceIdFromHex("fefefcfdfe00f8fe")

function sample(payload: Uint8Array, command = 0x80): Uint8Array {
  return buildFrame(ID, 0, [{ serviceIndex: 1, command, payload }])
}

/** Payloads full of the bytes that the framing gives a meaning to. */
const payload = fc.uint8Array({ maxLength: 236 }).chain(random =>
  fc.constantFrom(
    random,
    random.map(byte => 0xf8 + (byte & 7)),
    random.map(byte => (byte & 1 ? MAGIC : byte)),
  ),
)

type Event = { frame: Uint8Array } | { log: string } | { gap: "frames" | "log" }

function record() {
  const events: Event[] = []
  const decoder = new JdUsbDecoder({
    onFrame: frame => events.push({ frame }),
    onLog: log => events.push({ log }),
    onGap: gap => events.push({ gap }),
  })
  return { events, decoder }
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts))
}

/** Feeds `bytes` in chunks whose sizes repeat the list. */
function feed(decoder: JdUsbDecoder, bytes: Uint8Array, sizes: readonly number[]): void {
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const size = sizes[i % sizes.length]
    decoder.push(bytes.subarray(at, at + size))
    at += size
  }
}

const sizes = fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 8 })

describe("the JD-USB stream", () => {
  it("quotes as the specification says", () => {
    expect([...encodeFrame(new Uint8Array([1, MAGIC, 0xff]))]).toEqual([
      MAGIC,
      FRAME_START,
      1,
      MAGIC,
      LITERAL_MAGIC,
      0xff,
      MAGIC,
      FRAME_END,
    ])
    expect([...encodeLog(new Uint8Array([65, MAGIC, 66]))]).toEqual([65, MAGIC, LITERAL_MAGIC, 66])
    expect([...encodeGap("frames")]).toEqual([MAGIC, 0xfb])
    expect([...encodeGap("log")]).toEqual([MAGIC, 0xfa])
  })

  it("brings back any frames, log lines and gap marks, in order, however it is cut", () => {
    const item: fc.Arbitrary<Event> = fc.oneof(
      payload.map(p => ({ frame: sample(p) })),
      fc
        .string({ unit: "grapheme", minLength: 1, maxLength: 60 })
        .map(text => text.replace(/[\r\n\0]/g, "·"))
        .map(log => ({ log })),
      fc.constantFrom("frames" as const, "log" as const).map(gap => ({ gap })),
    )
    fc.assert(
      fc.property(fc.array(item, { maxLength: 12 }), sizes, (items, cuts) => {
        const stream = join(
          items.map(one => {
            if ("frame" in one) return encodeFrame(one.frame)
            return "log" in one ? encodeLog(`${one.log}\n`) : encodeGap(one.gap)
          }),
        )
        const { events, decoder } = record()
        feed(decoder, stream, cuts)
        expect(events).toEqual(items)
        expect(decoder).toMatchObject({ crcErrors: 0, broken: 0 })
      }),
      { numRuns: 300 },
    )
  })

  it("keeps a log line together that frames interrupt", () => {
    const { events, decoder } = record()
    const frame = sample(new Uint8Array(3))
    decoder.push(join([encodeLog("one li"), encodeFrame(frame), encodeLog("ne\r\n")]))
    expect(events).toEqual([{ frame }, { log: "one line" }])
  })

  it("hands on a log line without an end when asked to, or when it grows too long", () => {
    const { events, decoder } = record()
    decoder.push(encodeLog("half"))
    expect(events).toEqual([])
    decoder.flushLog()
    expect(events).toEqual([{ log: "half" }])
    decoder.push(encodeLog("x".repeat(10_000)))
    expect(events.length).toBeGreaterThan(1)
  })

  it("takes the largest frame, all of it to be quoted", () => {
    const { events, decoder } = record()
    const frame = sample(new Uint8Array(236).fill(MAGIC))
    expect(frame.length).toBe(JD_FRAME_MAX_SIZE)
    decoder.push(encodeFrame(frame))
    expect(events).toEqual([{ frame }])
  })

  it("counts a frame with a wrong CRC, drops it and goes on", () => {
    fc.assert(
      fc.property(payload, fc.nat(), sizes, (data, where, cuts) => {
        const good = sample(data)
        const bad = good.slice()
        const bit = where % (bad.length * 8)
        bad[bit >> 3] ^= 1 << (bit & 7)
        const { events, decoder } = record()
        feed(decoder, join([encodeFrame(bad), encodeFrame(good)]), cuts)
        expect(events).toEqual([{ frame: good }])
        expect(decoder.crcErrors).toBe(1)
        expect(decoder.frames).toBe(1)
      }),
    )
  })

  it("gives away frames that later input does not change", () => {
    const { events, decoder } = record()
    const first = sample(new Uint8Array(20).fill(1))
    decoder.push(encodeFrame(first))
    decoder.push(encodeFrame(sample(new Uint8Array(20).fill(2))))
    expect(events[0]).toEqual({ frame: first })
  })

  it("counts gap marks, even in the middle of a frame, which survives", () => {
    const { events, decoder } = record()
    const frame = sample(new Uint8Array([1, 2, 3, 4]))
    const wire = encodeFrame(frame)
    decoder.push(join([wire.subarray(0, 4), encodeGap("frames"), wire.subarray(4)]))
    expect(events).toEqual([{ gap: "frames" }, { frame }])
    expect(decoder).toMatchObject({ frameGaps: 1, logGaps: 0 })
  })

  it("reads the next frame after rubbish of any kind", () => {
    const rubbish = fc.uint8Array({ maxLength: 700 }).chain(random =>
      fc.constantFrom(
        random,
        random.map(byte => 0xf8 + (byte & 7)),
      ),
    )
    fc.assert(
      fc.property(rubbish, payload, sizes, (noise, data, cuts) => {
        const frame = sample(data)
        const { events, decoder } = record()
        feed(decoder, join([noise, encodeFrame(frame)]), cuts)
        expect(events.at(-1)).toEqual({ frame })
        // Nothing but sound frames may ever come out; noise makes none.
        expect(events.filter(one => "frame" in one)).toEqual([{ frame }])
      }),
      { numRuns: 500 },
    )
  })

  it("shows the boot text of a board that restarted in the middle of a frame", () => {
    const wire = encodeFrame(sample(new Uint8Array(30).fill(7)))
    const frame = sample(new Uint8Array(5))
    for (let cut = 3; cut < wire.length; cut++) {
      const { events, decoder } = record()
      const boot = encodeLog("\nbooting\n")
      decoder.push(join([wire.subarray(0, cut), boot, encodeFrame(frame)]))
      expect(events.at(-1)).toEqual({ frame })
      expect(events).toContainEqual({ log: "booting" })
    }
  })

  it("does not keep a fragment without an end for ever", () => {
    const { events, decoder } = record()
    decoder.push(new Uint8Array([MAGIC, FRAME_START]))
    for (let i = 0; i < 100; i++) decoder.push(new Uint8Array(100).fill(0x41))
    expect(decoder.broken).toBe(1)
    const frame = sample(new Uint8Array(5))
    decoder.push(encodeFrame(frame))
    expect(events.at(-1)).toEqual({ frame })
  })
})

describe("against jacdac-ts", () => {
  let peer: JacdacTsPeer | undefined

  afterEach(async () => {
    vi.restoreAllMocks()
    await peer?.close()
    peer = undefined
  })

  /** A peer that is connected to a bridge of ours which only answers bridge commands. */
  async function connect(onFrame: (frame: Uint8Array) => void) {
    const decoder = new JdUsbDecoder({
      onFrame: frame => {
        if (frameIsBridge(frame)) made.push(encodeFrame(buildBridgeReport(frame[14])))
        else onFrame(frame)
      },
    })
    const made = new JacdacTsPeer({ onWritten: bytes => decoder.push(bytes) })
    peer = made
    await made.connect()
    return { peer: made, decoder }
  }

  it("its decoder reads what our board side writes, whatever the log says in between", async () => {
    const lines: string[] = []
    vi.spyOn(console, "debug").mockImplementation((...args: unknown[]) => {
      lines.push(args.join(" "))
    })
    const errors = vi.spyOn(console, "error").mockImplementation(() => {})
    const { peer } = await connect(() => {})
    const frames = fc.sample(payload, { numRuns: 200, seed: 5 }).map((p, i) => sample(p, 0x80 + i))
    const before = peer.frames.length
    frames.forEach((frame, i) => {
      peer.push(
        join([encodeLog(`lin${i}`), encodeFrame(frame), encodeGap("frames"), encodeLog(" end\n")]),
      )
    })
    expect(peer.frames.slice(before)).toEqual(frames)
    expect(lines.filter(line => /^DEV: lin\d+ end$/.test(line)).length).toBe(frames.length)
    expect(lines.filter(line => line.includes("packets skipped")).length).toBe(frames.length)
    expect(errors).not.toHaveBeenCalled()
  })

  it("we read what its encoder writes", async () => {
    vi.spyOn(console, "debug").mockImplementation(() => {})
    const received: Uint8Array[] = []
    const { peer, decoder } = await connect(frame => received.push(frame))
    const frames = fc.sample(payload, { numRuns: 100, seed: 6 }).map((p, i) => sample(p, 0x80 + i))
    // A copy, because it attaches fields of its own to what it sends.
    for (const frame of frames) await peer.bus.sendFrameAsync(frame.slice())
    await vi.waitFor(() => {
      const ours = received.filter(f => Buffer.from(f.subarray(4, 12)).toString("hex") === ID.hex)
      expect(ours).toEqual(frames)
    }, 120_000)
    expect(decoder).toMatchObject({ crcErrors: 0, broken: 0 })
  })
})
