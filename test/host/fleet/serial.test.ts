/**
 * Boards on serial ports: virtual boards behind pseudo-terminals, which the real serialport binding
 * opens. One set of boards for the whole file, plugged and unplugged at will.
 */
import { spawn } from "node:child_process"
import { createHash } from "node:crypto"
import { once } from "node:events"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest"
import { imageAt, readMnist } from "../../../host/data/mnist"
import { drawSamples } from "../../../host/data/samples"
import { Fleet } from "../../../host/fleet/fleet"
import type { BoardSet } from "../../../host/hardware/board-set"
import { deployToPorts } from "../../../host/hardware/deploy"
import { MachineBoards } from "../../../host/hardware/machine-boards"
import { SerialBoards } from "../../../host/hardware/serial-boards"
import { BoardLink } from "../../../host/link/board-link"
import {
  buildPacket,
  CMD_SET_REG,
  deviceIdFromHex,
  JD_DEVICE_SCRIPT_MANAGER_REG_AUTOSTART,
  JD_DEVICE_SCRIPT_MANAGER_REG_RUNNING,
  JD_FRAME_FLAG_COMMAND,
} from "../../../host/link/jacdac"
import { encodeFrame, encodeGap } from "../../../host/link/jdusb"
import { openSerialPort } from "../../../host/link/serial-port"
import { HostNetwork } from "../../../host/network/host-network"
import { pico16 } from "../../../host/network/presets"
import { splitEvenly } from "../../../host/partition/partition"
import { firmware } from "../../firmware/compiled"
import { ROOT } from "../../root"
import { slowClock } from "../../slow-clock"
import { documentOf } from "../cli/documents/check"
import { wuxing, wuxingProcess } from "../cli/run-cli"
import { tool } from "../cli/tool"
import { buildProbe } from "../link/probe-firmware"
import { hasSocat, Terminals } from "../link/terminals"

const mnist = readMnist(process.env.WUXING_MNIST)
const SEED = 3
const network = pico16(SEED)
const CHECKPOINT = 8
/** Service index of a virtual board's DeviceScript manager, as it announces it. */
const MANAGER = 2
/** What the demo draws its training images with. */
const TRAIN_SALT = 0x7472
const training = drawSamples(mnist.train.count, 20, SEED, TRAIN_SALT)
type Document = Record<string, unknown>
const sha = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex")

function hashOnHost(indices: number[], of = network): string {
  const host = new HostNetwork(of)
  for (const i of indices) host.train(imageAt(mnist.train, i), mnist.train.labels[i])
  return sha(host.coefficients())
}

describe.skipIf(!hasSocat)("boards on serial ports (Debian package socat)", () => {
  let virtual: MachineBoards
  let terminals: Terminals
  let bytecode: Uint8Array
  let fleet: Fleet | undefined
  const said: string[] = []
  const log: string[] = []

  beforeAll(async () => {
    bytecode = await firmware()
    terminals = new Terminals()
    virtual = await MachineBoards.start(8)
  })
  afterAll(async () => {
    await terminals?.close()
    await virtual?.stop()
  })
  afterEach(async () => {
    await fleet?.close()
    fleet = undefined
  })

  /** Plugs board `i` in under a name; what was plugged in under it before is unplugged. */
  async function plug(i: number, name = `board-${i}`): Promise<string> {
    await terminals.unplug(name)
    return await terminals.plug(name, virtual.open(i))
  }
  const plugAll = (count: number) => Promise.all(Array.from({ length: count }, (_, i) => plug(i)))

  async function start(boards: BoardSet, of = network): Promise<Fleet> {
    said.length = 0
    fleet = new Fleet(
      {
        network: of,
        boards: boards.count,
        bytecode,
        status: line => said.push(line),
        checkpointSamples: CHECKPOINT,
      },
      boards,
      splitEvenly(of, boards.count),
    )
    await fleet.begin()
    return fleet
  }

  function serial(paths: string[], reconnectMs = 20_000): SerialBoards {
    log.length = 0
    const onLog = (board: number, line: string) => log.push(`${board}: ${line}`)
    return new SerialBoards(paths, { reconnectMs, onLog })
  }

  it("give a run of the tool the hash that virtual boards give directly", async () => {
    const paths = await plugAll(2)
    const on = `serial:${paths.join()}`
    const flags = ["--train", "20", "--test", "10", "--seed", String(SEED)]
    const { status, stdout } = await wuxing(["demo", "--json", "--quiet", "--on", on, ...flags])
    expect(status).toBe(0)
    const document = JSON.parse(stdout)
    expect(document.hostMatches).toBe(true)
    const ids = virtual.ids.slice(0, 2)
    expect(document.boards.map((board: { id: string }) => board.id)).toEqual(ids)

    await terminals.unplug("board-0")
    await terminals.unplug("board-1")
    const links: BoardLink[] = []
    const direct: BoardSet = {
      count: 2,
      reconnectMs: 1_000,
      profile: () => "virtual",
      connect: async (i, options) => {
        links.push(await BoardLink.connect(virtual.open(i), options))
        return links[links.length - 1]
      },
      reconnect: () => Promise.reject(new Error("not here")),
      stop: async () => {},
    }
    const fleet = await start(direct)
    await fleet.train(mnist.train, training)
    expect(sha(await fleet.coefficients())).toBe(document.coefficientsHash)
    expect(document.coefficientsHash).toBe(hashOnHost(training))
  })

  it("are listed, deployed to once, and refused to a second user by name", async () => {
    const paths = await plugAll(2)
    const list = await wuxing(["boards", "--json", "--quiet", "--port", ...paths])
    expect(list.status).toBe(0)
    expect(JSON.parse(list.stdout).ports).toMatchObject(
      paths.map((path, i) => ({
        port: path,
        kind: "devicescript",
        profile: "virtual",
        id: virtual.ids[i],
        runtimeVersion: "2.16.4",
        programHash: createHash("sha256").update(bytecode).digest("hex"),
        running: true,
        autostart: true,
      })),
    )

    const set = serial(paths.slice(0, 1))
    const link = await set.connect(0, { name: "board 0" })
    const { status, stdout, stderr } = await wuxingProcess(["deploy", "--json", "--port", ...paths])
    await set.stop()
    expect(status).toBe(4)
    const { boards, error } = JSON.parse(stdout)
    expect(boards[0]).toMatchObject({ port: paths[0], result: "failed" })
    expect(boards[1]).toMatchObject({
      port: paths[1],
      id: virtual.ids[1],
      result: "same",
    })
    expect(error).toMatchObject({ code: "port-in-use", kind: "board", exitStatus: 4 })
    expect(error.message).toContain(`in use by process ${process.pid} (`)
    expect(stderr).toContain(error.message)
    expect(link.counters).toMatchObject({ crcErrors: 0, gaps: 0 })
  })

  it("with another program, stopped, get ours and start it by themselves again", async () => {
    const paths = await plugAll(1)
    expect(await deployToPorts(paths, await buildProbe(7))).toMatchObject([{ result: "deployed" }])
    const before = serial(paths)
    const link = await before.connect(0, { name: "board 0" })
    const board = deviceIdFromHex(link.boardId)
    for (const register of [
      JD_DEVICE_SCRIPT_MANAGER_REG_AUTOSTART,
      JD_DEVICE_SCRIPT_MANAGER_REG_RUNNING,
    ])
      await link.port.write(
        encodeFrame(
          buildPacket(
            board,
            JD_FRAME_FLAG_COMMAND,
            MANAGER,
            CMD_SET_REG | register,
            Uint8Array.of(0),
          ),
        ),
      )
    expect(await link.facts()).toMatchObject({ running: false, autostart: false })
    await before.stop()

    const set = serial(paths)
    const fleet = await start(set)
    await fleet.train(mnist.train, training.slice(0, 4))
    expect(sha(await fleet.coefficients())).toBe(hashOnHost(training.slice(0, 4)))
    // Its log came along in the same stream.
    expect(log.some(line => /^0: > wuxing: ready/.test(line))).toBe(true)
    await fleet.close()
    const after = serial(paths)
    const again = await after.connect(0, { name: "board 0" })
    expect(await again.facts()).toMatchObject({ running: true, autostart: true })
    await after.stop()
  })

  it("with the shard of another network are loaded with this one", async () => {
    const paths = await plugAll(1)
    const other = { ...network, layers: network.layers.map(layer => ({ ...layer })) }
    other.layers[0].fanIn = 32
    await (await start(serial(paths), other)).close()
    const fleet = await start(serial(paths))
    await fleet.train(mnist.train, training.slice(0, 4))
    expect(sha(await fleet.coefficients())).toBe(hashOnHost(training.slice(0, 4)))
  })

  it("unplugged during training are waited for, and go on from the checkpoint", async () => {
    const paths = await plugAll(2)
    const fleet = await start(serial(paths))
    let pulled = 0
    await fleet.train(mnist.train, training, done => {
      if (done !== 11 || pulled++ > 0) return
      void terminals.unplug("board-1").then(() => setTimeout(() => void plug(1), 1_500))
    })
    expect(fleet.recoveries).toBeGreaterThan(0)
    expect(sha(await fleet.coefficients())).toBe(hashOnHost(training))
    expect(said.join("\n")).toMatch(
      new RegExp(`board 1 \\(virtual, ${virtual.ids[1]}\\).*restored from sample 8`),
    )
  })

  it("that swap their ports' names keep their shares", async () => {
    const paths = await plugAll(2)
    const fleet = await start(serial(paths))
    let swapped = 0
    await fleet.train(mnist.train, training, done => {
      if (done !== 11 || swapped++ > 0) return
      void Promise.all([0, 1].map(i => terminals.unplug(`board-${i}`))).then(() =>
        Promise.all([plug(0, "board-1"), plug(1, "board-0")]),
      )
    })
    expect(fleet.recoveries).toBeGreaterThan(0)
    expect(sha(await fleet.coefficients())).toBe(hashOnHost(training))
    const reports = await fleet.boards()
    expect(reports.map(({ id }) => id)).toEqual(virtual.ids.slice(0, 2))
  })

  it("may talk rubbish, or say that they dropped frames where none is missing: no bit is lost", async () => {
    const near = virtual.open(0)
    await terminals.unplug("board-0")
    const fleet = await start(serial([await terminals.plug("board-0", near)]))
    let dropped = 0
    await fleet.train(mnist.train, training, done => {
      // Half a frame, and text that is none: both only cost themselves.
      if (done === 5) near.onData?.(Uint8Array.of(0xfe, 0xfc, 9, 9, 9, 0x41, 0x42, 10))
      if (done === 11 && dropped++ === 0) near.onData?.(encodeGap("frames"))
    })
    // What is missing shows by what does not come: here everything came.
    expect(dropped).toBe(1)
    expect(fleet.recoveries).toBe(0)
    expect(sha(await fleet.coefficients())).toBe(hashOnHost(training))
  })

  it("are planned for, teach a network and name images as the host does", async () => {
    const paths = await plugAll(2)
    const on = `serial:${paths.join()}`
    const common = ["--model", "pico-fast", "--quiet", "--json"]
    const planned = await wuxing(["partition", "--boards", on, ...common])
    expect(planned.status, planned.stdout).toBe(0)
    expect(JSON.parse(planned.stdout).boards.map((b: Document) => [b.id, b.profile])).toEqual(
      virtual.ids.slice(0, 2).map(id => [id, "virtual"]),
    )

    const out = join(terminals.folder, "taught.wuxing")
    const plan = ["--limit", "8", "--epochs", "1", "--seed", "2"]
    const taught = await wuxing(["train", ...common, ...plan, "--on", on, "--out", out])
    expect(taught.status, taught.stdout).toBe(0)
    const host = await wuxing(["train", ...common, ...plan])
    const [document, expected] = [taught, host].map(run => JSON.parse(run.stdout))
    expect(document).toMatchObject({ engine: "boards", samples: 8, recoveries: 0 })
    expect(document.coefficientsHash).toBe(expected.coefficientsHash)

    const flags = ["--model", out, "--limit", "20", "--quiet", "--json"]
    const named = await wuxing(["eval", ...flags, "--on", on])
    expect(named.status, named.stdout).toBe(0)
    const byHost = await wuxing(["eval", ...flags])
    expect(JSON.parse(named.stdout)).toMatchObject({ engine: "boards", tested: 20 })
    expect(JSON.parse(named.stdout).confusion).toEqual(JSON.parse(byHost.stdout).confusion)
  }, 300_000)

  it("that are none are no boards to plan for", async () => {
    const { path } = await terminals.plugFake("silent", () => {})
    const planned = await wuxing([
      "partition",
      "--boards",
      `serial:${path}`,
      "--json",
      "--model",
      "pico-16",
    ])
    expect(planned.status).toBe(4)
    expect(JSON.parse(planned.stdout).error).toMatchObject({ code: "not-a-board" })
    await terminals.unplug("silent")
  })

  it("come and go before the eyes of `boards --watch`", async () => {
    const path = await plug(0)
    const child = spawn(
      process.execPath,
      [await tool(), "boards", "--watch", "--json", "--port", `${path}*`],
      { cwd: ROOT, stdio: ["ignore", "pipe", "ignore"] },
    )
    const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
    const next = async () => documentOf((await lines.next()).value)
    const board = { port: path, kind: "devicescript", id: virtual.ids[0] }
    expect(await next()).toMatchObject({ event: "found", ...board })
    await terminals.unplug("board-0")
    expect(await next()).toMatchObject({ event: "gone", ...board })
    await plug(0)
    expect(await next()).toMatchObject({ event: "found", ...board })
    const ended = once(child, "close")
    child.kill("SIGINT")
    expect(await next()).toMatchObject({ event: "end", ports: [board] })
    expect((await ended)[0]).toBe(0)
  })

  describe("with time for some round trips on a busy machine too", () => {
    slowClock(10)

    it("are measured beside a raw pseudo-terminal", async () => {
      const path = await plug(0)
      const flags = ["--json", "--quiet", "--seconds", "0.2", "--on", `serial:${path}`]
      const { status, stdout } = await wuxing(["bench", "--link", ...flags])
      expect(status).toBe(0)
      const { framing, ways, frameBytes } = JSON.parse(stdout)
      expect(frameBytes).toBe(200)
      expect(ways.map(({ way }: { way: string }) => way)).toEqual([
        "raw pseudo-terminal",
        `virtual ${virtual.ids[0]}`,
      ])
      for (const { roundTrip, bytesPerSecond } of ways) {
        expect(roundTrip.count).toBeGreaterThan(10)
        expect(roundTrip.p99).toBeGreaterThanOrEqual(roundTrip.median)
        expect(bytesPerSecond).toBeGreaterThan(0)
      }
      expect(framing.total).toBeGreaterThan(0)
      expect(framing.total).toBeCloseTo(framing.encode + framing.crc + framing.decode)
    })
  })

  it("are found on a port of a new name that the pattern given matches", async () => {
    const path = await plug(0)
    const set = new SerialBoards([path], { names: [terminals.path("*")], reconnectMs: 10_000 })
    const link = await set.connect(0, { name: "board 0" })
    await terminals.unplug("board-0")
    const moved = await plug(0, "elsewhere")
    // A port that talks rubbish is no board's, and disturbs nothing.
    await terminals.plugFake("rubbish", (_, say) =>
      say(Uint8Array.of(0xfe, 0xfc, 1, 2, 0xfe, 0xfd)),
    )
    const again = await set.reconnect(0, link, { name: "board 0" })
    expect(again.boardId).toBe(virtual.ids[0])
    expect(again.port.name).toBe(moved)
    await set.stop()
    await terminals.unplug("elsewhere")
    await terminals.unplug("rubbish")
  })

  it("that do not come back end the run, and say which board", async () => {
    const paths = await plugAll(2)
    const set = serial(paths, 1_000)
    const fleet = await start(set)
    const failure = await fleet
      .train(mnist.train, training, done => {
        if (done === 3) void terminals.unplug("board-0")
      })
      .catch(error => error)
    expect(failure).toMatchObject({ code: "board-lost", kind: "board" })
    expect(failure.message).toContain(`board 0 (virtual, ${virtual.ids[0]})`)
  })

  it("run eight at once, deployed to all at the same time", async () => {
    const paths = await plugAll(8)
    const shares: Record<string, number[]> = {}
    const deployed = await deployToPorts(paths, bytecode, {
      onProgress: (path, share) => {
        shares[path] ??= []
        shares[path].push(share)
      },
    })
    expect(deployed.map(({ port, id }) => [port, id])).toEqual(
      paths.map((path, i) => [path, virtual.ids[i]]),
    )
    expect(deployed.slice(2).every(({ result }) => result === "deployed")).toBe(true)
    for (const path of paths) {
      expect(shares[path].at(-1)).toBe(1)
      expect([...shares[path]].sort((a, b) => a - b)).toEqual(shares[path])
    }
    const fleet = await start(serial(paths))
    await fleet.train(mnist.train, training.slice(0, 6))
    expect(sha(await fleet.coefficients())).toBe(hashOnHost(training.slice(0, 6)))
    expect(fleet.recoveries).toBe(0)
  })

  it("two of which are the same board under two names are refused", async () => {
    const path = await plug(0)
    const set = serial([path, path])
    await set.connect(0, { name: "board 0" })
    await expect(set.connect(1, { name: "board 1" })).rejects.toMatchObject({
      code: "port-in-use",
      message: expect.stringContaining("this run itself"),
    })
    await set.stop()
    await (await openSerialPort(path)).close()
  })
})
