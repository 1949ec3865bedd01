import { spawn } from "node:child_process"
import { once } from "node:events"
import { existsSync } from "node:fs"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { connect } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest"
import { type VirtualBoardInfo, VirtualBoards } from "../../../host/hardware/virtual-boards"
import { programs } from "../cli/tool"
import { JacdacTsPeer } from "../link/jacdac-ts-peer"
import { childrenOf, goneWithin, isAlive, virtualMachines } from "./processes"

describe("virtual boards", () => {
  let boards: VirtualBoards | undefined

  afterEach(async () => {
    vi.restoreAllMocks()
    await boards?.stop()
    boards = undefined
  })

  it("start as processes of their own and leave nothing behind", async () => {
    boards = await VirtualBoards.start(2)
    const { info, tcpPort } = boards
    expect(new Set(info.map(board => board.deviceId)).size).toBe(2)
    expect(info.every(board => isAlive(board.pid!))).toBe(true)
    expect(info.every(board => existsSync(board.directory))).toBe(true)
    await boards.stop()
    await boards.stop()
    expect(info.filter(board => isAlive(board.pid!))).toEqual([])
    expect(info.filter(board => existsSync(board.directory))).toEqual([])
    const refused = connect(tcpPort, "127.0.0.1")
    await expect(once(refused, "connect")).rejects.toMatchObject({ code: "ECONNREFUSED" })
  })

  it("stop while they are starting, when asked to", async () => {
    const abort = new AbortController()
    let running: number[] = []
    const starting = VirtualBoards.start(2, {
      signal: abort.signal,
      onLog: () => {
        if (!abort.signal.aborted) running = virtualMachines()
        abort.abort()
      },
    })
    await expect(starting).rejects.toMatchObject({ code: "interrupted", kind: "interrupted" })
    expect(running.length).toBe(2)
    expect(running.filter(isAlive)).toEqual([])
    expect(virtualMachines()).toEqual([])
  })
})

/** One for all: to start one takes two seconds of a core. Each test but the last leaves it running. */
describe("a virtual board", () => {
  let boards: VirtualBoards
  beforeAll(async () => {
    boards = await VirtualBoards.start(1)
  })
  afterEach(() => void vi.restoreAllMocks())
  afterAll(() => boards?.stop())

  // First: those that are restarted by the tests below dial the same port, and are let in.
  it("turns away a stranger who dials its port", async () => {
    const stranger = connect(boards.tcpPort, "127.0.0.1")
    const ended = new Promise<void>(resolve => stranger.on("close", () => resolve()))
    stranger.on("error", () => {})
    stranger.write(Buffer.alloc(40, 20))
    await ended
    expect(isAlive(boards.info[0].pid!)).toBe(true)
  })

  it("runs beside those of another run", async () => {
    const others = await VirtualBoards.start(1)
    try {
      expect(others.tcpPort).not.toBe(boards.tcpPort)
      expect([...boards.info, ...others.info].every(board => isAlive(board.pid!))).toBe(true)
    } finally {
      await others.stop()
    }
    expect(isAlive(boards.info[0].pid!)).toBe(true)
  })

  it("restarts with a new port, a new process and the flash it had", async () => {
    const [before] = boards.info
    const [port] = boards.ports
    const closed = new Promise<Error | undefined>(resolve => {
      port.onClose = resolve
    })
    const fresh = await boards.restart(0)
    expect(await closed).toBeInstanceOf(Error)
    expect(fresh).not.toBe(port)
    const [after] = boards.info
    expect(after.deviceId).toBe(before.deviceId)
    expect(after.directory).toBe(before.directory)
    expect(after.pid).not.toBe(before.pid)
    expect(isAlive(before.pid!)).toBe(false)
    await expect(port.write(new Uint8Array(1))).rejects.toMatchObject({ code: "board-gone" })
  })

  it("tells the port when its process dies, and can be started again", async () => {
    const [port] = boards.ports
    const closed = new Promise<Error | undefined>(resolve => {
      port.onClose = resolve
    })
    process.kill(boards.info[0].pid!, "SIGKILL")
    expect(await closed).toMatchObject({
      code: "board-died",
      message: expect.stringContaining("SIGKILL"),
    })
    expect(boards.info[0].pid).toBeUndefined()
    await boards.restart(0)
    expect(isAlive(boards.info[0].pid!)).toBe(true)
  })

  it("is silent until the bridge is asked, as a real board's is, and a peer gets to know it", async () => {
    vi.spyOn(console, "debug").mockImplementation(() => {})
    const [port] = boards.ports
    let early = 0
    port.onData = () => early++
    await new Promise(resolve => setTimeout(resolve, 700))
    expect(early).toBe(0)

    const peer = new JacdacTsPeer({ onWritten: bytes => void port.write(bytes) })
    port.onData = bytes => peer.push(bytes)
    try {
      await peer.connect()
      const manager = await vi.waitFor(
        () => {
          const device = peer.bus.device(boards.info[0].deviceId, true)
          const [service] = device?.services({ serviceClass: 0x1134ea2b }) ?? []
          expect(service).toBeDefined()
          return service
        },
        { timeout: 120_000 },
      )
      const version = manager.register(0x183)
      await version.refresh()
      // The runtime is 2.16.x: patch u16, minor u8, major u8.
      expect([...version.data!.subarray(2)]).toEqual([16, 2])
    } finally {
      await peer.close()
    }
  })

  it("cannot be restarted once it is stopped, not even by a restart under way", async () => {
    const restarting = expect(boards.restart(0)).rejects.toMatchObject({ kind: "board" })
    await boards.stop()
    await restarting
    await expect(boards.restart(0)).rejects.toMatchObject({ code: "board-gone" })
    expect(virtualMachines()).toEqual([])
  })
})

describe("virtual boards whose command fails", () => {
  let folder: string

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "wuxing-cli-"))
  })

  afterAll(() => rm(folder, { recursive: true, force: true }))

  async function script(name: string, text: string): Promise<string> {
    const path = join(folder, name)
    await writeFile(path, text)
    return path
  }

  it("quote the last output of one that ends early", async () => {
    const cli = await script("dies.cjs", `console.error("no such runtime"); process.exit(3)`)
    await expect(VirtualBoards.start(1, { cli })).rejects.toMatchObject({
      code: "board-died",
      message: expect.stringMatching(/exit status 3[\s\S]*no such runtime/),
    })
  })

  it("give up on one that never connects, and end it", async () => {
    const cli = await script("silent.cjs", "setInterval(() => {}, 1000)")
    const failed = expect(VirtualBoards.start(1, { cli, deadlineMs: 2_000 })).rejects.toMatchObject(
      {
        code: "board-silent",
        message: expect.stringContaining("2.0 s"),
      },
    )
    // By the process table: on a busy machine it may not come to say anything by then.
    const started = await vi.waitFor(
      () => {
        const found = childrenOf(process.pid, cli)
        expect(found.length).toBe(1)
        return found
      },
      { timeout: 120_000, interval: 10 },
    )
    await failed
    expect(started.filter(isAlive)).toEqual([])
  })

  it("kill one that does not end on SIGTERM", async () => {
    const cli = await script(
      "stubborn.cjs",
      `process.on("SIGTERM", () => {})
      const id = Buffer.from(process.argv[process.argv.indexOf("--device-id") + 1], "hex")
      const { crc } = require(${JSON.stringify(fileURLToPath(import.meta.resolve("jacdac-ts")).replace(".mjs", ".cjs"))})
      const frame = Buffer.concat([Buffer.from([0, 0, 4, 0]), id, Buffer.from([0, 0, 0, 0])])
      frame.writeUInt16LE(crc(frame.subarray(2)), 0)
      require("net").connect(Number(process.env.WUXING_VM_PORT), "127.0.0.1").write(Buffer.concat([Buffer.from([frame.length]), frame]))`,
    )
    const boards = await VirtualBoards.start(1, { cli })
    const pid = boards.info[0].pid!
    await boards.stop()
    expect(isAlive(pid)).toBe(false)
  })
})

describe("a host that ends without stopping its boards", () => {
  async function run(args: string[], end?: NodeJS.Signals): Promise<VirtualBoardInfo[]> {
    const child = spawn(process.execPath, [join(await programs(), "start-and-wait.mjs"), ...args], {
      stdio: ["ignore", "pipe", "inherit"],
    })
    const ended = new Promise(resolve => child.once("close", resolve))
    let text = ""
    await new Promise<void>(resolve => {
      child.stdout.on("data", chunk => {
        text += chunk
        if (text.includes("\n")) resolve()
      })
      child.once("close", () => resolve())
    })
    if (end) child.kill(end)
    await ended
    return JSON.parse(text)
  }

  for (const [how, args, signal] of [
    ["by process.exit", ["exit"], undefined],
    ["by SIGTERM", [], "SIGTERM"],
    ["by SIGKILL", [], "SIGKILL"],
  ] as const) {
    it(`takes them along when it ends ${how}`, async () => {
      const info = await run([...args], signal)
      expect(info.length).toBe(1)
      expect(
        await goneWithin(
          120_000,
          info.map(board => board.pid!),
        ),
      ).toEqual([])
      expect(info.filter(board => existsSync(board.directory))).toEqual([])
    })
  }
})
