import { createHash } from "node:crypto"
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest"
import { VirtualClock } from "../../../host/base/clock"
import { readBoardProfile } from "../../../host/hardware/board-profile"
import { TimedBoards } from "../../../host/hardware/timed-boards"
import { BoardLink, type BoardLinkOptions } from "../../../host/link/board-link"
import {
  buildPacket,
  type DeviceId,
  deviceIdFromHex,
  JD_CONTROL_CMD_RESET,
  JD_FRAME_FLAG_COMMAND,
  servedDeviceId,
} from "../../../host/link/jacdac"
import { encodeFrame, encodeGap } from "../../../host/link/jdusb"
import type { Port } from "../../../host/link/port"
import { buildProbe, PROBE_CLASS, PROBE_ECHO, PROBE_FAIL, PROBE_VERSION } from "./probe-firmware"

const GET = 0x1000

/** The next report, or a failure after `ms`. */
function nextReport(
  link: BoardLink,
  ms = 3_000,
): Promise<{ command: number; payload: Uint8Array }> {
  return new Promise((resolve, reject) => {
    const timer = link.clock.after(ms, () => reject(new Error(`no report within ${ms} ms`)))
    link.listen({
      onReport: (command, payload) => {
        timer.stop()
        resolve({ command, payload })
      },
    })
  })
}

/** A port that goes nowhere. */
function deadPort(): Port & { closed: boolean } {
  return {
    name: "nowhere",
    closed: false,
    write: async () => {},
    async close() {
      this.closed = true
    },
  }
}

describe("a link to a virtual board", () => {
  const clock = new VirtualClock()
  const boards = new TimedBoards(1, { clock, profile: readBoardProfile("virtual") })
  let link: BoardLink
  let probe7: Uint8Array
  let probe8: Uint8Array
  const log: string[] = []

  beforeAll(async () => {
    probe7 = await buildProbe(7)
    probe8 = await buildProbe(8)
    link = await clock.run(connect(boards.ports[0]))
  })

  afterAll(async () => {
    await link?.close()
    await boards.stop()
  })

  function connect(port: Port): Promise<BoardLink> {
    log.length = 0
    return BoardLink.connect(port, { name: "board 0", clock, onLog: line => log.push(line) })
  }

  async function version(): Promise<number> {
    const report = nextReport(link)
    await link.send(GET | PROBE_VERSION)
    const { command, payload } = await report
    expect(command).toBe(GET | PROBE_VERSION)
    return Buffer.from(payload).readUInt32LE(0)
  }

  it("knows the board by its id, and that it has no program yet", () =>
    clock.run(async () => {
      expect(link.boardId).toMatch(/^[0-9a-f]{16}$/)
      expect(await link.programHash()).toBe("0".repeat(64))
      expect(link.clock.now() - link.lastHeard).toBeLessThan(2_000)
      await expect(link.waitForService(PROBE_CLASS, 300)).rejects.toMatchObject({
        code: "service-missing",
        kind: "firmware",
        message: expect.stringMatching(/board 0.*0x1f3a5c7f.*0\.3 s/),
      })
      await expect(link.send(PROBE_ECHO)).rejects.toMatchObject({ code: "service-missing" })
    }))

  it("deploys a program, and an equal one only once", () =>
    clock.run(async () => {
      const shares: number[] = []
      let restarts = 0
      link.listen({ onRestart: () => restarts++ })
      expect(await link.deploy(probe7, share => shares.push(share))).toBe("deployed")
      expect(shares[0]).toBe(0)
      expect(shares.at(-1)).toBe(1)
      expect([...shares].sort((a, b) => a - b)).toEqual(shares)
      expect(await link.programHash()).toBe(createHash("sha256").update(probe7).digest("hex"))
      await link.waitForService(PROBE_CLASS, 3_000)
      expect(log).toContain("> probe 7 ready")

      expect(await link.deploy(probe7)).toBe("same")
      expect(log.filter(line => line === "> probe 7 ready").length).toBe(1)
      expect(await version()).toBe(7)
      expect(restarts).toBe(0)
    }))

  it("carries commands there and reports back, whatever their bytes", () =>
    clock.run(async () => {
      for (const size of [0, 1, 3, 64, 200, 232]) {
        const payload = Uint8Array.from({ length: 4 + size }, (_, i) => (i * 37 + 0xfe) & 0xff)
        const report = nextReport(link)
        await link.send(PROBE_ECHO, payload)
        expect(await report).toEqual({ command: PROBE_ECHO, payload })
      }
      expect(link.counters).toMatchObject({ crcErrors: 0, gaps: 0 })
    }))

  it("replaces the program by another, without a word of a restart", () =>
    clock.run(async () => {
      let restarts = 0
      link.listen({ onRestart: () => restarts++ })
      expect(await link.deploy(probe8)).toBe("deployed")
      await link.waitForService(PROBE_CLASS, 3_000)
      expect(await version()).toBe(8)
      expect(restarts).toBe(0)
    }))

  it("refuses bytes that are no bytecode and leaves the program alone", () =>
    clock.run(async () => {
      await expect(link.deploy(new Uint8Array(64))).rejects.toMatchObject({
        code: "bytecode-damaged",
        kind: "firmware",
      })
      expect(await version()).toBe(8)
    }))

  it("tells of a failure of the program, once, and of the restart 5 s later", () =>
    clock.run(async () => {
      const panics: number[] = []
      const restarts: string[] = []
      link.listen({ onPanic: code => panics.push(code) })
      const restarted = new Promise<void>(resolve => {
        link.listen({
          onRestart: what => {
            restarts.push(what)
            resolve()
          },
        })
      })
      const start = clock.now()
      await link.send(PROBE_FAIL)
      await restarted
      expect(clock.now() - start).toBeGreaterThan(4_000)
      expect(panics.length).toBe(1)
      expect(panics[0]).toBeGreaterThan(0)
      expect(restarts).toEqual(["program"])
      expect(log.some(line => line.includes("as asked"))).toBe(true)
      await link.waitForService(PROBE_CLASS, 3_000)
    }))

  it("starts a failed program at once when it is deployed again", () =>
    clock.run(async () => {
      const panicked = new Promise<number>(resolve => {
        link.listen({ onPanic: resolve })
      })
      await link.send(PROBE_FAIL)
      await panicked
      await expect(link.send(PROBE_ECHO)).rejects.toMatchObject({ code: "service-missing" })
      const start = clock.now()
      expect(await link.deploy(probe8)).toBe("same")
      await link.waitForService(PROBE_CLASS, 3_000)
      expect(clock.now() - start).toBeLessThan(3_000)
      expect(await version()).toBe(8)
    }))

  it("finds the program still in flash after the board was started anew", () =>
    clock.run(async () => {
      const closed = new Promise<Error>(resolve => {
        link.listen({ onClose: resolve })
      })
      const waiting = link.waitForService(0x12345678, 5_000)
      const port = boards.restart(0)
      await Promise.all([expect(waiting).rejects.toMatchObject({ kind: "board" })])
      expect(await closed).toMatchObject({ kind: "board" })
      await expect(link.programHash()).rejects.toMatchObject({ kind: "board" })
      await link.close()
      link = await connect(port)
      expect(await link.deploy(probe8)).toBe("same")
      await link.waitForService(PROBE_CLASS, 3_000)
      expect(await version()).toBe(8)
    }))

  it("hears nothing more of a board that was reset and hangs, until it is started anew", () =>
    clock.run(async () => {
      const board = deviceIdFromHex(link.boardId)
      await boards.ports[0].write(
        encodeFrame(buildPacket(board, JD_FRAME_FLAG_COMMAND, 0, JD_CONTROL_CMD_RESET)),
      )
      await clock.sleep(50)
      // It does not come back by itself.
      boards.hang(0)
      const heard = link.lastHeard
      await expect(link.programHash()).rejects.toMatchObject({
        code: "board-no-answer",
        message: expect.stringMatching(/board 0.*program hash.*3\.0 s, last heard/),
      })
      expect(link.lastHeard).toBe(heard)
      await link.close()
      link = await connect(boards.restart(0))
      expect(await link.deploy(probe8)).toBe("same")
      await link.waitForService(PROBE_CLASS, 3_000)
      expect(await version()).toBe(8)
    }))
})

describe("what a board says", () => {
  const board = deviceIdFromHex("0011223344556677")
  const served = servedDeviceId(board)
  const MANAGER = 1

  /** A link whose board's words are played to it, for what no VM can be made to say at will. */
  async function listen(options: Partial<BoardLinkOptions> = {}) {
    const port = deadPort()
    const connecting = BoardLink.connect(port, { name: "board 0", ...options })
    const say = (device: DeviceId, serviceIndex: number, command: number, payload: number[] = []) =>
      port.onData?.(
        encodeFrame(buildPacket(device, 0, serviceIndex, command, new Uint8Array(payload))),
      )
    const announce = (counter: number) =>
      say(board, 0, 0, [counter, 1, 0, 0, 0x2b, 0xea, 0x34, 0x11])
    const announceProgram = (counter: number) =>
      say(served, 0, 0, [counter, 1, 0, 0, 0x7f, 0x5c, 0x3a, 0x1f])
    const event = (counter: number, code: number, payload: number[]) =>
      say(board, MANAGER, 0x8000 | (counter << 8) | code, payload)
    announce(3)
    const link = await connecting
    const said: unknown[] = []
    link.listen({ onPanic: (code, pc) => said.push(["panic", code, pc]) })
    link.listen({ onRestart: what => said.push(["restart", what]) })
    link.listen({ onReport: (command, payload) => said.push(["report", command, ...payload]) })
    link.listen({ onGap: () => said.push(["gap"]) })
    return { port, link, said, say, announce, announceProgram, event }
  }

  it("counts once when it says it three times, and repeats of two events may mix", async () => {
    const { said, event } = await listen()
    const first = () => event(127, 0x80, [1, 0, 0, 0, 5, 0, 0, 0])
    const second = () => event(0, 0x80, [2, 0, 0, 0, 0, 1, 0, 0])
    for (const say of [first, second, first, second, first, second]) say()
    expect(said).toEqual([
      ["panic", 1, 5],
      ["panic", 2, 256],
    ])
  })

  it("is not taken for an event when it is an acknowledgement whose CRC looks like one", async () => {
    const { said, say, event } = await listen()
    event(10, 0x80, [1, 0, 0, 0, 5, 0, 0, 0])
    say(board, 0x3f, 0x8000 | (40 << 8) | 0x80, [])
    event(11, 0x80, [2, 0, 0, 0, 5, 0, 0, 0])
    expect(said.length).toBe(2)
  })

  it("shows a restart of the board by a falling counter, and of the program likewise", async () => {
    const { said, link, announce, announceProgram } = await listen()
    for (const counter of [4, 5, 15, 15]) announce(counter)
    for (const counter of [2, 3, 15, 15]) announceProgram(counter)
    await link.waitForService(PROBE_CLASS, 100)
    expect(said).toEqual([])
    announceProgram(2)
    expect(said).toEqual([["restart", "program"]])
    announce(1)
    expect(said.at(-1)).toEqual(["restart", "board"])
    await expect(link.send(PROBE_ECHO)).rejects.toMatchObject({ code: "service-missing" })
    // The program's first word after that is no second restart.
    announceProgram(2)
    expect(said.length).toBe(2)
    await link.send(PROBE_ECHO)
  })

  it("shows a restart of the program after a panic though its counter rose", async () => {
    const { said, announceProgram, event } = await listen()
    announceProgram(2)
    event(1, 0x80, [9, 0, 0, 0, 5, 0, 0, 0])
    announceProgram(3)
    announceProgram(4)
    expect(said).toEqual([
      ["panic", 9, 5],
      ["restart", "program"],
    ])
  })

  it("reaches onReport only from the awaited service of its own program", async () => {
    const { said, link, say, announceProgram } = await listen()
    announceProgram(2)
    await link.waitForService(PROBE_CLASS, 100)
    say(served, 2, PROBE_ECHO, [1])
    say(board, 1, PROBE_ECHO, [2])
    say(deviceIdFromHex("8899aabbccddeeff"), 1, PROBE_ECHO, [3])
    say(served, 1, 0x8080, [4])
    expect(said).toEqual([])
    say(served, 1, PROBE_ECHO, [5])
    expect(said).toEqual([["report", PROBE_ECHO, 5]])
  })

  it("is asked for when it is silent; a busy host's own pauses are not held against it", async () => {
    vi.useFakeTimers()
    try {
      const { link, port, announce } = await listen()
      const written = vi.spyOn(port, "write")
      let gone: Error | undefined
      link.listen({
        onClose: reason => {
          gone = reason
        },
      })
      // However long the host computed: one beat is one beat.
      vi.setSystemTime(Date.now() + 60_000)
      vi.advanceTimersByTime(1_000)
      expect(written).not.toHaveBeenCalled()
      vi.advanceTimersByTime(1_000)
      expect(written).toHaveBeenCalled()
      vi.advanceTimersByTime(1_500)
      announce(4)
      vi.advanceTimersByTime(3_500)
      expect(gone).toBeUndefined()
      vi.advanceTimersByTime(500)
      expect(gone).toMatchObject({ code: "board-gone", message: expect.stringContaining("4.0 s") })
      await expect(link.programHash()).rejects.toBe(gone)
    } finally {
      vi.useRealTimers()
    }
  })

  it("may be silent for longer where its board is known to be slower", async () => {
    vi.useFakeTimers()
    try {
      const { link, announce } = await listen({ slower: 20 })
      let gone: Error | undefined
      link.listen({
        onClose: reason => {
          gone = reason
        },
      })
      announce(4)
      await vi.advanceTimersByTimeAsync(79_500)
      expect(gone).toBeUndefined()
      await vi.advanceTimersByTimeAsync(500)
      expect(gone).toMatchObject({ code: "board-gone", message: expect.stringContaining("80.0 s") })
    } finally {
      vi.useRealTimers()
    }
  })

  it("does not keep alive a link whose port takes no more bytes", async () => {
    vi.useFakeTimers()
    try {
      const { link, port, announce, announceProgram } = await listen()
      announceProgram(2)
      await link.waitForService(PROBE_CLASS, 100)
      port.write = () => new Promise(() => {})
      const sent = link.send(PROBE_ECHO)
      sent.catch(() => {})
      for (let beat = 0; beat < 15; beat++) {
        vi.advanceTimersByTime(500)
        announce(15)
      }
      let gone: Error | undefined
      link.listen({
        onClose: reason => {
          gone = reason
        },
      })
      vi.advanceTimersByTime(500)
      expect(gone).toMatchObject({
        code: "board-gone",
        message: expect.stringMatching(/no more bytes/),
      })
      await expect(sent).rejects.toBe(gone)
    } finally {
      vi.useRealTimers()
    }
  })

  it("includes that it dropped frames", async () => {
    const { said, link, port } = await listen()
    port.onData?.(encodeGap("frames"))
    port.onData?.(encodeGap("log"))
    expect(said).toEqual([["gap"]])
    expect(link.counters).toMatchObject({ gaps: 1, crcErrors: 0, framesIn: 1 })
  })
})

describe("a link to nothing", () => {
  it("gives up after its deadline, says where, and closes the port", async () => {
    const port = deadPort()
    await expect(
      BoardLink.connect(port, { name: "board 3", deadlineMs: 200 }),
    ).rejects.toMatchObject({
      code: "board-silent",
      kind: "board",
      message: expect.stringMatching(/board 3 \(nowhere\).*0\.2 s/),
    })
    expect(port.closed).toBe(true)
  })

  it("says what it heard when that was no board", async () => {
    const port = deadPort()
    const connecting = BoardLink.connect(port, { name: "board 3", deadlineMs: 200 })
    port.onData?.(encodeFrame(new Uint8Array(20)))
    await expect(connecting).rejects.toThrow(/1 damaged frame/)
  })

  it("ends at once when interrupted", async () => {
    const port = deadPort()
    const abort = new AbortController()
    const connecting = BoardLink.connect(port, { name: "board 3", signal: abort.signal })
    abort.abort()
    await expect(connecting).rejects.toMatchObject({ kind: "interrupted" })
    expect(port.closed).toBe(true)
  })

  it("ends at once when the port goes away", async () => {
    const port = deadPort()
    const connecting = BoardLink.connect(port, { name: "board 3" })
    port.onClose?.(new Error("unplugged"))
    await expect(connecting).rejects.toMatchObject({
      code: "board-gone",
      message: expect.stringContaining("unplugged"),
    })
  })
})
