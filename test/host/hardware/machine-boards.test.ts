/** Virtual boards: machines in threads, in real time. */
import { existsSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, describe, expect, it, vi } from "vitest"
import { MachineBoards } from "../../../host/hardware/machine-boards"
import { SERVICE_CLASS } from "../../../src/wire/protocol"
import { firmware } from "../../firmware/compiled"
import { JacdacTsPeer } from "../link/jacdac-ts-peer"

let boards: MachineBoards | undefined
let folder: string | undefined

afterEach(async () => {
  vi.restoreAllMocks()
  await boards?.stop()
  boards = undefined
  if (folder) rmSync(folder, { recursive: true, force: true })
  folder = undefined
})

const connect = (i = 0) => boards!.connect(i, { name: `board ${i}`, deadlineMs: 50_000 })

/** Resolves with the reason when the port closes. */
const closing = (i = 0) =>
  new Promise<Error | undefined>(resolve => {
    boards!.ports[i].onClose = resolve
  })

describe("virtual boards", () => {
  it("take little: eight of them less than 30 MB each, and nothing once they are stopped", async () => {
    boards = await MachineBoards.start(1)
    const before = process.memoryUsage().rss
    const more = await MachineBoards.start(8)
    expect(new Set([...boards.ids, ...more.ids]).size).toBe(9)
    expect((process.memoryUsage().rss - before) / 8).toBeLessThan(30e6)
    await more.stop()
    await more.stop()
    await expect(more.restart(0)).rejects.toMatchObject({ code: "board-gone" })
  })

  it("keep their program and their name when their power fails, whatever they were doing", async () => {
    boards = await MachineBoards.start(1)
    const bytecode = await firmware()
    let link = await connect()
    expect(await link.deploy(bytecode)).toBe("deployed")
    const hash = await link.programHash()
    const id = link.boardId
    expect(id).toBe(boards.ids[0])
    const closed = new Promise(resolve => {
      link.listen({ onClose: resolve })
    })
    await boards.kill(0)
    expect(await closed).toMatchObject({ code: "board-died" })
    await expect(link.ping()).rejects.toMatchObject({ code: "board-died" })
    await boards.restart(0)
    link = await connect()
    expect(link.boardId).toBe(id)
    expect(await link.programHash()).toBe(hash)
    await link.waitForService(SERVICE_CLASS, 50_000)
    await boards.restart(0, { clearFlash: true })
    link = await connect()
    expect(await link.programHash()).toBe("0".repeat(64))
  })

  it("start anew when they are told to reset, with what they had in flash", async () => {
    boards = await MachineBoards.start(1)
    const link = await connect()
    await link.deploy(await firmware())
    const hash = await link.programHash()
    // A restart is known by a counter of announcements, one each 500 ms: it must have gone up before.
    await new Promise(resolve => setTimeout(resolve, 1_300))
    const restarted = new Promise<string>(resolve => {
      link.listen({
        onRestart: what => {
          if (what === "board") resolve(what)
        },
      })
    })
    await link.reset()
    expect(await restarted).toBe("board")
    expect(await link.programHash()).toBe(hash)
    await link.waitForService(SERVICE_CLASS, 50_000)
  })

  it("say nothing while they hang, and come back when they are restarted", async () => {
    boards = await MachineBoards.start(1)
    const link = await connect()
    boards.hang(0)
    const gone = await new Promise(resolve => {
      link.listen({ onClose: resolve })
    })
    expect(gone).toMatchObject({ code: "board-gone" })
    const again = await boards.reconnect(0, link, { name: "board 0", deadlineMs: 50_000 })
    expect(again.boardId).toBe(boards.ids[0])
  })

  it("run on while they are unplugged", async () => {
    boards = await MachineBoards.start(1)
    const [port] = boards.ports
    const closed = closing()
    boards.open(0)
    expect(await closed).toBeInstanceOf(Error)
    await expect(port.write(new Uint8Array(1))).rejects.toMatchObject({ code: "board-gone" })
    expect((await connect()).boardId).toBe(boards.ids[0])
  })

  it("keep their flash in a folder that is named, from run to run", async () => {
    folder = mkdtempSync(join(tmpdir(), "wuxing-machine-"))
    boards = await MachineBoards.start(1, { folder })
    let link = await connect()
    await link.deploy(await firmware())
    const hash = await link.programHash()
    await boards.stop()
    // Where the DeviceScript command keeps it too.
    expect(existsSync(join(folder, "board-0/.devicescript/flash/sim.bin"))).toBe(true)
    boards = await MachineBoards.start(1, { folder })
    link = await connect()
    expect(await link.programHash()).toBe(hash)
  })

  it("stop while they are starting, when asked to", async () => {
    const starting = MachineBoards.start(2, { signal: AbortSignal.abort("enough") })
    await expect(starting).rejects.toMatchObject({ code: "interrupted", kind: "interrupted" })
    const abort = new AbortController()
    const later = MachineBoards.start(2, { signal: abort.signal })
    queueMicrotask(() => abort.abort())
    await expect(later).rejects.toMatchObject({ code: "interrupted" })
  })

  it("are silent until the bridge is asked, as a real board's is, and a peer gets to know them", async () => {
    vi.spyOn(console, "debug").mockImplementation(() => {})
    boards = await MachineBoards.start(1)
    const [port] = boards.ports
    let early = 0
    port.onData = () => early++
    await new Promise(resolve => setTimeout(resolve, 700))
    expect(early).toBe(0)
    const peer = new JacdacTsPeer({ onWritten: bytes => void port.write(bytes) })
    port.onData = bytes => peer.push(bytes)
    try {
      await peer.connect()
      await vi.waitFor(
        () => {
          const device = peer.bus.device(boards!.ids[0], true)
          expect(device?.services({ serviceClass: 0x1134ea2b })).toHaveLength(1)
        },
        { timeout: 120_000 },
      )
    } finally {
      await peer.close()
    }
  })
})
