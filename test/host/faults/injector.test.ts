/** Faults as they are named, decided and done to frames. */
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { VirtualClock } from "../../../host/base/clock"
import { faultyPorts } from "../../../host/faults/faulty-port"
import { FaultInjector } from "../../../host/faults/injector"
import { FAULT_KINDS, formatFault, parseFaults, usualMs } from "../../../host/faults/spec"
import {
  buildPacket,
  deviceIdFromHex,
  JD_FRAME_FLAG_COMMAND,
  JD_SERVICE_INDEX_PIPE,
} from "../../../host/link/jacdac"
import { encodeFrame, JdUsbDecoder } from "../../../host/link/jdusb"
import type { Port } from "../../../host/link/port"

const kinds = Object.keys(FAULT_KINDS) as (keyof typeof FAULT_KINDS)[]

describe("a fault's name", () => {
  it("is read back as it was written", () => {
    const stream = fc.constantFrom("0.in", "1.out.image", "3.in.served-announce")
    const rule = fc
      .record({ kind: fc.constantFrom(...kinds), stream, index: fc.nat(10 ** 9 - 1) })
      .map(r => ({ ...r, ms: usualMs(r.kind) }))
    const rate = fc
      .record({ kind: fc.constantFrom(...kinds), rate: fc.integer({ min: 0, max: 10_000 }) })
      .map(r => ({
        kind: r.kind,
        ms: usualMs(r.kind),
        rate: Number((r.rate / 100).toFixed(2)) / 100,
      }))
    fc.assert(
      fc.property(fc.array(fc.oneof(rule, rate), { minLength: 1, maxLength: 5 }), rules => {
        expect(parseFaults(rules.map(formatFault).join(","))).toEqual(rules)
      }),
    )
  })

  it("is refused with what is wrong where it is none, whatever the text", () => {
    for (const text of ["", "drop", "drop@", "drop@5", "fall@1%", "drop:5@1%", "drop@101%"])
      expect(() => parseFaults(text), text).toThrow(expect.objectContaining({ code: "usage" }))
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[a-z:@#%.,0-9]{0,30}$/)), text => {
        try {
          parseFaults(text)
        } catch (error) {
          expect(error).toMatchObject({ code: "usage", kind: "usage" })
        }
      }),
    )
  })
})

describe("an injector", () => {
  it("decides by seed, stream and number alone, at about the rate asked for", () => {
    const decide = (seed: number, others: number) => {
      const injector = new FaultInjector(parseFaults("drop@5%"), seed)
      return Array.from({ length: 4000 }, () => {
        for (let i = 0; i < others; i++) injector.decide("1.in.status")
        return injector.decide("0.out.image") !== undefined
      })
    }
    const once = decide(1, 0)
    expect(decide(1, 3)).toEqual(once)
    expect(decide(2, 0)).not.toEqual(once)
    // 200 expected, standard deviation 14.
    const hits = once.filter(Boolean).length
    expect(hits).toBeGreaterThan(130)
    expect(hits).toBeLessThan(270)
  })

  it("puts a fault at a frame's number once, and a rate on a stream and what belongs to it", () => {
    const injector = new FaultInjector(parseFaults("kill@0.out.image#2,drop@1.in:100%"), 1)
    const said = ["0.out.image", "0.out.image", "0.out.image", "0.out.image"].map(
      stream => injector.decide(stream)?.kind,
    )
    expect(said).toEqual([undefined, undefined, "kill", undefined])
    expect(injector.decide("1.in.back")?.kind).toBe("drop")
    expect(injector.decide("1.out.back")).toBeUndefined()
    expect(injector.injected.map(({ frame }) => frame)).toEqual(["0.out.image#2", "1.in.back#0"])
  })
})

/** A port that keeps what is written to it, and a faulty one before it. */
function faulty(spec: string) {
  const written: Uint8Array[] = []
  const inner: Port = {
    name: "inner",
    write: async bytes => void written.push(bytes),
    close: async () => {},
  }
  const hands: string[] = []
  const clock = new VirtualClock()
  const port = faultyPorts(new FaultInjector(parseFaults(spec), 1), clock)(0, inner, {
    unplug: () => hands.push("unplug"),
    kill: () => hands.push("kill"),
  })
  const got: number[] = []
  const decoder = new JdUsbDecoder({ onFrame: frame => got.push(frame[16]) })
  return {
    ...{ clock, port, hands, decoder, inner },
    /** First payload bytes of the sound frames that came through. */
    came: () => {
      for (const bytes of written.splice(0)) decoder.push(bytes)
      return got
    },
  }
}
const frame = (i: number) =>
  encodeFrame(
    buildPacket(
      deviceIdFromHex("0123456789abcdef"),
      JD_FRAME_FLAG_COMMAND,
      JD_SERVICE_INDEX_PIPE,
      0,
      new Uint8Array(8).fill(i),
    ),
  )

describe("a faulty port", () => {
  const through = async (spec: string) => {
    const each = faulty(spec)
    const { clock } = each
    await clock.run(async () => {
      for (let i = 0; i < 4; i++) await each.port.write(frame(i))
      await clock.sleep(150)
    })
    return each
  }
  for (const [spec, expected] of [
    ["drop@0.out.pipe#9", [0, 1, 2, 3]],
    ["drop@0.out.pipe#1", [0, 2, 3]],
    ["corrupt@0.out.pipe#1", [0, 2, 3]],
    ["truncate@0.out.pipe#1", [0, 2, 3]],
    ["repeat@0.out.pipe#1", [0, 1, 1, 2, 3]],
    ["reorder@0.out.pipe#1", [0, 2, 1, 3]],
    ["reorder@0.out.pipe#3", [0, 1, 2, 3]],
    ["kill@0.out.pipe#1", [0, 2, 3]],
  ] as const)
    it(`with ${spec} passes on ${expected}`, async () => {
      const each = await through(spec)
      expect(each.came()).toEqual(expected)
      expect(each.hands).toEqual(spec.startsWith("kill") ? ["kill"] : [])
    })

  it("holds back a frame and all behind it for a delay, in order", async () => {
    const { clock, port, came } = faulty("delay:80@0.out.pipe#1")
    await clock.run(async () => {
      const writes = [0, 1, 2, 3].map(i => port.write(frame(i)))
      await writes[1]
      await clock.sleep(79)
      expect(came()).toEqual([0])
      await Promise.all(writes)
      await clock.sleep(2)
      expect(came()).toEqual([0, 1, 2, 3])
    })
  })

  it("delivers what came in before the board loses its power", async () => {
    const { clock, port, inner, hands } = faulty("kill@0.in.pipe#0")
    const got: number[] = []
    const decoder = new JdUsbDecoder({ onFrame: each => got.push(each[16]) })
    port.onData = bytes => decoder.push(bytes)
    inner.onData?.(frame(7))
    await clock.run(clock.sleep(10))
    expect([got, hands]).toEqual([[7], ["kill"]])
  })
})
