import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { VirtualClock } from "../../../host/base/clock"
import type { WuxingError } from "../../../host/base/errors"
import { sparkline } from "../../../host/cli/terminal/sparkline"
import type { LinkListener } from "../../../host/link/board-link"
import {
  buildPacket,
  deviceIdFromHex,
  JD_CONTROL_CMD_SERVICES,
  packetsOf,
  write16,
  write32,
} from "../../../host/link/jacdac"
import type { Port } from "../../../host/link/port"
import { LineReader, parseLine } from "../../../host/sensing/lines"
import { Recorder } from "../../../host/sensing/recorder"
import { JacdacSource, LineSource } from "../../../host/sensing/source"
import { timingOf } from "../../../host/sensing/timing"
import { readCsvRecording } from "../../../host/signals/recording-csv"
import {
  decodeReading,
  encodeReading,
  SENSORS,
  sampleOfReading,
  sensorNamed,
  shiftFor,
} from "../../../host/signals/sensors"
import { temporaryFolder } from "../../temporary"

const folder = temporaryFolder("sensing")

describe("lines of numbers", () => {
  for (const [line, values, names] of [
    ["1,2.5,-3", [1, 2.5, -3]],
    ["0.1\t0.2\t9.81", [0.1, 0.2, 9.81]],
    ["12 13", [12, 13]],
    ["x:1.5, y:-2", [1.5, -2], ["x", "y"]],
    ["min: 0 value:7 max:1023", [0, 7, 1023], ["min", "value", "max"]],
    ["-1e-3;4", [-0.001, 4]],
  ] as [string, number[], string[]?][])
    it(`"${line}"`, () => {
      expect(parseLine(line)).toEqual(names ? { names, values } : { values })
    })

  for (const line of ["", "ready", "1,,x", "time 12:30:01", "1,2,3,4,5,6,7,8,9"])
    it(`"${line}" is none`, () => expect(parseLine(line)).toBeUndefined())

  it("come in any pieces; the first, begun before, and those of other length are left out", () => {
    const found: number[][] = []
    const reader = new LineReader(({ values }) => found.push(values))
    const text = "77\r\n1,2\r\n3,4\nhello\n5\n6,7\n8"
    for (const byte of Buffer.from(text)) reader.push(Uint8Array.of(byte))
    expect(found).toEqual([
      [1, 2],
      [3, 4],
      [6, 7],
    ])
    expect(reader.skipped).toBe(2)
  })

  it("endless bytes without a line's end take no memory", () => {
    const reader = new LineReader(() => {})
    for (let i = 0; i < 200; i++) reader.push(Buffer.alloc(10_000, 0x31))
    expect((reader as unknown as { rest: string }).rest.length).toBeLessThanOrEqual(1000)
  })

  it("a port that goes away ends the source with a reason", async () => {
    const port: Port = { name: "tty", write: async () => {}, close: async () => {} }
    const source = new LineSource(port)
    let ended: WuxingError | undefined
    source.onEnd = reason => {
      ended = reason
    }
    port.onClose?.(new Error("unplugged"))
    expect(ended).toMatchObject({ code: "sensor-gone", kind: "board" })
    await source.close()
    expect(port.onData).toBeUndefined()
  })
})

describe("a serial port of lines", () => {
  const setup = () => {
    const clock = new VirtualClock()
    const port: Port = { name: "tty", write: async () => {}, close: async () => {} }
    const source = new LineSource(port, clock)
    let ended: WuxingError | undefined
    source.onEnd = reason => {
      ended = reason
    }
    return { clock, port, source, ended: () => ended }
  }

  it("that prints no numbers is given up after ten seconds, with what it prints", async () => {
    const none = setup()
    await none.clock.run(none.clock.sleep(9_000))
    expect(none.ended()).toBeUndefined()
    await none.clock.run(none.clock.sleep(2_000))
    expect(none.ended()).toMatchObject({ code: "sensor-missing" })
    expect(none.ended()?.message).toContain("no lines came")
    const text = setup()
    text.port.onData?.(Buffer.from("ets Jul\r\nrst:0x1 (POWERON)\r\n\x1b\x07\r\n"))
    await text.clock.run(text.clock.sleep(11_000))
    expect(text.ended()?.message).toContain('2 lines came, such as "??"')
    await text.source.close()
  })

  it("that falls silent is gone", async () => {
    const { clock, port, ended } = setup()
    port.onData?.(Buffer.from("x\n1,2\n"))
    await clock.run(clock.sleep(9_000))
    port.onData?.(Buffer.from("1,2\n"))
    await clock.run(clock.sleep(9_000))
    expect(ended()).toBeUndefined()
    await clock.run(clock.sleep(2_000))
    expect(ended()).toMatchObject({ code: "sensor-gone" })
  })
})

describe("a Jacdac sensor on a board's bus", () => {
  const service = sensorNamed("accelerometer")
  const device = deviceIdFromHex("0123456789abcdef")
  const announce = () => {
    const payload = new Uint8Array(12)
    write16(payload, 0, 0x101)
    write32(payload, 4, 0x1473a263)
    write32(payload, 8, service.serviceClass)
    return buildPacket(device, 0, 0, JD_CONTROL_CMD_SERVICES, payload)
  }
  const setup = () => {
    const clock = new VirtualClock()
    const sent: { index: number; command: number; payload: number[] }[] = []
    let heardBy: LinkListener = {}
    const bus = {
      boardId: "b",
      clock,
      listen: (listener: LinkListener) => {
        heardBy = listener
        return () => {}
      },
      sendFrame: async (frame: Uint8Array) => {
        for (const p of packetsOf(frame))
          sent.push({ index: p.serviceIndex, command: p.command, payload: [...p.payload] })
      },
    }
    const source = new JacdacSource(bus as never, service, 20)
    const heard: number[][] = []
    let ended: WuxingError | undefined
    source.onSample = values => heard.push(values)
    source.onEnd = reason => {
      ended = reason
    }
    const hear = (frame: Uint8Array) => heardBy.onOther?.(frame)
    return { clock, sent, hear, source, heard, ended: () => ended }
  }

  it("is found by its announcement, asked to stream, and heard", async () => {
    const { sent, hear, heard, source } = setup()
    const reading = buildPacket(device, 0, 2, 0x1101, encodeReading(service, [0.5, -1, 2]))
    hear(reading)
    expect(heard).toEqual([])
    hear(announce())
    expect(sent).toEqual([
      { index: 2, command: 0x2004, payload: [20, 0, 0, 0] },
      { index: 2, command: 0x2003, payload: [255] },
    ])
    hear(reading)
    hear(
      buildPacket(
        deviceIdFromHex("ff23456789abcdef"),
        0,
        2,
        0x1101,
        encodeReading(service, [9, 9, 9]),
      ),
    )
    expect(heard).toEqual([[0.5, -1, 2]])
    await source.close()
  })

  it("that sends sixteenths of a g, as DeviceScript's own drivers do, is told by its size", async () => {
    const said = (...raw: number[]) => {
      const payload = Buffer.alloc(4 * raw.length)
      for (const [c, number] of raw.entries()) payload.writeInt32LE(number, 4 * c)
      return buildPacket(device, 0, 2, 0x1101, payload)
    }
    for (const [first, values, notes] of [
      [[2, -4, 16], [0.125, -0.25, 1], 1],
      [[512, 0, 0], [32, 0, 0], 1],
      [[513, 0, 0], [513 / 2 ** 20, 0, 0], 0],
      [[-(2 ** 20), 40, 3], [-1, 40 / 2 ** 20, 3 / 2 ** 20], 0],
    ] as const) {
      const { hear, heard, source } = setup()
      const noted: string[] = []
      source.onNote = note => noted.push(note)
      hear(announce())
      // Nothing yet, as of a sensor that wakes up.
      hear(said(0, 0, 0))
      hear(said(...first))
      expect(heard).toEqual([[0, 0, 0], values])
      // It stays so, however small or large what comes is.
      hear(said(16, 0, 0))
      expect(heard[2]).toEqual([notes ? 1 : 16 / 2 ** 20, 0, 0])
      expect(noted).toEqual(Array(notes).fill(expect.stringContaining("sixteenths of a g")))
      await source.close()
    }
  })

  it("that never comes is missing; one that falls silent is gone", async () => {
    const never = setup()
    await never.clock.run(never.clock.sleep(6_000))
    expect(never.ended()).toMatchObject({ code: "sensor-missing" })
    const silent = setup()
    silent.hear(announce())
    silent.hear(buildPacket(device, 0, 2, 0x1101, encodeReading(service, [0, 0, -1])))
    await silent.clock.run(silent.clock.sleep(6_000))
    expect(silent.ended()).toMatchObject({ code: "sensor-gone" })
  })
})

describe("readings", () => {
  it("go over and come back, within their last digit", () => {
    for (const service of SENSORS) {
      const values = service.channels.map((_, c) => 0.1 + 0.2 * c)
      for (const [c, value] of decodeReading(service, encodeReading(service, values))!.entries())
        expect(Math.abs(value - values[c])).toBeLessThan(2 ** -service.fraction)
    }
    expect(decodeReading(sensorNamed("accelerometer"), new Uint8Array(11))).toBeUndefined()
    expect(() => sensorNamed("nose")).toThrow("not read")
  })

  it("become the core's numbers by a shift, on the host as on a board", () => {
    const service = sensorNamed("accelerometer")
    for (const value of [-8.5, -1, -0.00013, 0, 0.00013, 0.7, 7.999, 30]) {
      const payload = Buffer.from(encodeReading(service, [value, 0, 0]))
      const raw = payload.readInt32LE(0) >> shiftFor(service, 4096)
      expect(sampleOfReading(service, payload, 4096)?.[0]).toBe(
        Math.max(-32_768, Math.min(32_767, raw)),
      )
    }
  })
})

describe("when samples were taken, from when they came", () => {
  const even = (count: number, ms = 20) => Array.from({ length: count }, (_, i) => 500 + ms * i)

  it("evenly, however late some come", () => {
    // The host does nothing for a second, then gets fifty at once.
    const stalled = even(200).map(at => (at > 1500 && at < 2500 ? 2500 : at))
    expect(timingOf(stalled)).toMatchObject({ interval: 20, missing: 0, longest: 0, drift: 0 })
    // In pieces of seven, as a USB port gives them.
    const pieces = even(200).map((_, i) => 500 + 20 * Math.min(199, 7 * Math.floor(i / 7) + 6))
    const found = timingOf(pieces)
    expect(found.missing).toBe(0)
    expect(found.drift).toBeLessThan(0.15)
    expect(Math.abs(found.interval - 20)).toBeLessThan(1)
  })

  it("missing ones leave a gap where they were, of the length it had", () => {
    const arrivals = even(200).filter((_, i) => i < 60 || i >= 90)
    const { times, interval, missing, longest } = timingOf(arrivals)
    expect(interval).toBeCloseTo(20, 0)
    // 30 samples of 20 ms.
    expect(longest).toBeGreaterThan(560)
    expect(longest).toBeLessThan(640)
    expect(missing).toBeCloseTo(0.15, 1)
    for (const [i, time] of times.entries())
      expect(Math.abs(time - (arrivals[i] - 500))).toBeLessThan(25)
  })

  it("a rate that changes halfway is a drift; a short recording says nothing of it", () => {
    const slower = [...even(100), ...even(100, 30).map(at => at + 2000)]
    expect(timingOf(slower).drift).toBeCloseTo(1 / 3, 1)
    expect(timingOf(even(15)).rated).toBe(false)
    expect(timingOf([3, 3])).toMatchObject({ interval: 0, missing: 0, drift: 0 })
  })
})

describe("the recorder", () => {
  const recorded = (recorder: Recorder, arrivals: number[], valueAt = (i: number) => [i, -i]) =>
    arrivals.flatMap((at, i) => recorder.push(valueAt(i), at, ["a", "b"]) ?? [])
  const even = (count: number, ms: number, from = 0) =>
    Array.from({ length: count }, (_, i) => from + ms * i)

  it("cuts recordings of a length, with even times and the channels' names", () => {
    const found = recorded(new Recorder(0.1), even(30, 10, 1000))
    expect(found.length).toBe(2)
    expect(found[0].csv?.split("\n").slice(0, 3)).toEqual([
      "time (ms),a,b",
      "0.000,0,0",
      "10.000,1,-1",
    ])
    expect(found[0]).toMatchObject({ notes: [], samples: 11 })
  })

  it("says a gap, which its times keep, and gives what there is of one that is cut short", async () => {
    const recorder = new Recorder(10)
    const arrivals = even(200, 20).filter((_, i) => i < 100 || i >= 120)
    expect(recorded(recorder, arrivals)).toEqual([])
    const rest = recorder.end()
    expect(rest?.notes.join()).toMatch(/no sample came for 4\d\d ms: 1[01] % of it is missing/)
    // The reader of recordings fills it.
    const path = join(folder, "gap.csv")
    writeFileSync(path, rest!.csv!)
    const [{ rate, values }] = await readCsvRecording(path)
    expect(Math.abs(rate! - 50)).toBeLessThan(1)
    expect(values[0].length).toBeGreaterThan(195)
    expect(recorder.end()).toBeUndefined()
  })

  it("refuses one of which more than a quarter is missing, and one whose rate drifts by more than 30 %", () => {
    const recorder = new Recorder(3)
    const lost = recorded(
      recorder,
      even(151, 20).filter((_, i) => i < 50 || i >= 100),
    )
    expect(lost.map(({ csv }) => csv)).toEqual([undefined])
    expect(lost[0].notes[0]).toContain("33 % of it is missing")
    const drifting = recorded(recorder, [...even(75, 20), ...even(80, 40, 1500)])
    expect(drifting[0].csv).toBeUndefined()
    expect(drifting[0].notes[0]).toMatch(/rate changed by \d\d % from its first half/)
    // A good one gives the rate of all; one at half of it is refused, one a fifth slower said.
    const another = new Recorder(3)
    const [first] = recorded(another, even(151, 20))
    expect(first).toMatchObject({ notes: [], rate: 50 })
    const [half] = recorded(another, even(76, 40))
    expect(half.csv).toBeUndefined()
    expect(half.notes).toEqual(["it has 25.0 samples a second, the first one had 50.0"])
    const [slower] = recorded(another, even(121, 25))
    expect(slower.csv).toBeDefined()
    expect(slower.notes).toEqual(["it has 40.0 samples a second, the first one had 50.0"])
  })

  it("says what never moves, and what is clipped", () => {
    const still = recorded(new Recorder(1), even(51, 20), () => [3, 4])
    expect(still[0].notes).toEqual(["nothing moves in it: training leaves it out"])
    const clipped = recorded(new Recorder(1), even(51, 20), i => [
      Math.max(-3, Math.min(3, (i % 12) - 6)),
      i,
    ])
    expect(clipped[0].notes).toEqual(["it stays at the sensor's limit again and again"])
  })

  it("draws a line of bars", () => {
    expect(sparkline([0, 1, 2, 3, 4, 5, 6, 7])).toBe("▁▂▃▄▅▆▇█ 0.00…7.00")
    expect(sparkline([3, 3])).toBe("▁▁ 3.00…3.00")
  })
})
