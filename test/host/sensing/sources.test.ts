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
import {
  decodeReading,
  encodeReading,
  SENSORS,
  sampleOfReading,
  sensorNamed,
  shiftFor,
} from "../../../host/signals/sensors"

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

describe("the recorder", () => {
  it("cuts recordings of a length, with even times and the channels' names", () => {
    const recorder = new Recorder(0.1)
    const found = Array.from({ length: 30 }, (_, i) =>
      recorder.push([i, -i], 1000 + 10 * i, ["a", "b"]),
    )
    const whole = found.filter(one => one !== undefined)
    expect(whole.length).toBe(2)
    expect(whole[0].csv.split("\n").slice(0, 3)).toEqual([
      "time (ms),a,b",
      "0.000,0,0",
      "10.000,1,-1",
    ])
    expect(whole[0].note).toBeUndefined()
  })

  it("says a gap, and gives what there is of one that is cut short", () => {
    const recorder = new Recorder(1)
    for (const at of [0, 10, 20, 400, 410]) recorder.push([1], at)
    expect(recorder.end()?.note).toContain("380 ms")
    expect(recorder.end()).toBeUndefined()
  })

  it("draws a line of bars", () => {
    expect(sparkline([0, 1, 2, 3, 4, 5, 6, 7])).toBe("▁▂▃▄▅▆▇█ 0.00…7.00")
    expect(sparkline([3, 3])).toBe("▁▁ 3.00…3.00")
  })
})
