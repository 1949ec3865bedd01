/** Native boards as a user starts them, and beside DeviceScript boards in one network. */
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { expect, it } from "vitest"
import "../../../host/base/memory"
import { imageAt, readMnist } from "../../../host/data/mnist"
import { startFleet } from "../../../host/fleet/fleet"
import type { BoardSet } from "../../../host/hardware/board-set"
import { UF2_PATH } from "../../../host/hardware/emulator/firmware-file"
import { EmulatedPico } from "../../../host/hardware/emulator/pico"
import { PicoPort } from "../../../host/hardware/emulator/pico-port"
import { MachineBoards } from "../../../host/hardware/machine-boards"
import { BoardLink } from "../../../host/link/board-link"
import { saveModel } from "../../../host/models/model-file"
import { untrained } from "../../../host/models/model-source"
import { HostNetwork } from "../../../host/network/host-network"
import { preset } from "../../../host/network/presets"
import { sizedNetwork } from "../../../host/network/sized-network"
import { wuxing } from "../../host/cli/run-cli"
import { temporaryFolder } from "../../temporary"
import { firmware } from "../compiled"

const folder = temporaryFolder("emu")

/** What a command's document says; it says nothing else. */
async function run(line: string) {
  const { status, stdout, stderr } = await wuxing([...line.split(" "), "--json", "--quiet"])
  expect(stderr).toBe("")
  expect(status).toBe(0)
  return JSON.parse(stdout)
}

it("demo --on emu:2 ends with the host's bits and tells the boards' own time", async () => {
  const document = await run("demo --on emu:2 --train 24 --test 10")
  expect(document).toMatchObject({ hostMatches: true, trained: 24, recoveries: 0 })
  expect(document.boards.map((b: { profile: string }) => b.profile)).toEqual([
    "pico-native",
    "pico-native",
  ])
  // Two boards learn pico-16 faster than one does (README), and not ten times as fast.
  expect(document.emulated.samplesPerSecond).toBeGreaterThan(400)
  expect(document.emulated.samplesPerSecond).toBeLessThan(6000)
})

it("train and eval --on emu:1 tell the board's own time", async () => {
  const path = join(folder, "emu.wuxing")
  const learnt = await run(`train --model pico-16 --limit 12 --epochs 1 --on emu:1 --out ${path}`)
  expect(learnt.samples).toBe(12)
  // Not faster than computed alone (README). So few samples take less than what the board keeps of
  // them in its flash: 45 ms for each sector that is erased.
  expect(learnt.emulated.seconds).toBeLessThan(1)
  expect(learnt.emulated.samplesPerSecond).toBeCloseTo(12 / learnt.emulated.seconds)
  expect(learnt.emulated.samplesPerSecond).toBeLessThan(1500)
  const named = await run(`eval --model ${path} --limit 8 --on emu:1`)
  // And not a tenth as fast.
  expect(named.emulated.samplesPerSecond).toBeGreaterThan(330)
  expect(named.emulated.samplesPerSecond).toBeLessThan(3400)
})

it("a network with shared kernels is taught, kept and asked on emu: as any other, with the host's bits", async () => {
  const train = "train --model 784-2c6s4-10 --limit 8 --epochs 1 --no-cosine"
  const host = await run(`${train} --batch 1`)
  const path = join(folder, "kernels.wuxing")
  const one = await run(`${train} --on emu:1 --checkpoint 4 --out ${path}`)
  expect(one).toMatchObject({ samples: 8, coefficientsHash: host.coefficientsHash })
  // Layer by layer, which the plan does by itself.
  const two = await run(`${train} --on emu:2`)
  expect(two.coefficientsHash).toBe(host.coefficientsHash)
  const shared = `${train} --share samples --average 2`
  const copies = await run(`${shared} --replicas 2`)
  const boards = await run(`${shared} --on emu:2`)
  expect(boards.coefficientsHash).toBe(copies.coefficientsHash)
  expect(boards.coefficientsHash).not.toBe(host.coefficientsHash)
  const evaluated = await run(`eval --model ${path} --limit 8 --on emu:1`)
  expect(evaluated.confusion).toEqual((await run(`eval --model ${path} --limit 8`)).confusion)
})

it("mnist-tiny names images on an emulated board as the host does, and a plan tells how fast", async () => {
  const named = await run("eval --model mnist-tiny --limit 6 --on emu:1")
  expect(named.confusion).toEqual((await run("eval --model mnist-tiny --limit 6")).confusion)
  const profile = await run("profile --model mnist-tiny --board pico-native --images 3")
  const plan = await run("partition --model mnist-tiny --boards pico-native")
  expect(profile.shardBytes).toBeLessThan(plan.boards[0].shardBytes)
  // Predictions are of learning every sample, and by a mean image's ink.
  const predicted = plan.predictedSamplesPerSecond / profile.inference.streamedPerSecond
  expect(predicted).toBeGreaterThan(0.7)
  expect(predicted).toBeLessThan(1.3)
  expect(profile.inference.parts.links).toBeGreaterThan(0.3 * profile.inference.cycles)
})

it("blank pixels that count as a value are sent to a board with it, to be named and learnt", async () => {
  const path = join(folder, "blank.wuxing")
  const counts = { inputCentre: 90, inputBlank: 60, learnShift: 8 }
  saveModel(path, untrained({ ...sizedNetwork("784-2c6s4-10", 1), ...counts, name: "blank" }))
  const train = `train --model ${path} --limit 6 --epochs 1`
  const host = await run(`${train} --out ${join(folder, "host.wuxing")}`)
  const board = await run(`${train} --on emu:1 --out ${join(folder, "board.wuxing")}`)
  expect(board.coefficientsHash).toBe(host.coefficientsHash)
  const plain = join(folder, "plain.wuxing")
  saveModel(plain, untrained({ ...sizedNetwork("784-2c6s4-10", 1), learnShift: 8, name: "plain" }))
  expect((await run(`train --model ${plain} --limit 6 --epochs 1`)).coefficientsHash).not.toBe(
    host.coefficientsHash,
  )
  const named = await run(`eval --model ${join(folder, "board.wuxing")} --limit 8 --on emu:1`)
  const same = await run(`eval --model ${join(folder, "host.wuxing")} --limit 8`)
  expect(named.confusion).toEqual(same.confusion)
})

it("a DeviceScript board and a native one share a network, outputs too, and learn with the host's bits", async () => {
  const net = { ...preset("pico-16", 6)!, softmaxGain: 160 }
  const virtual = await MachineBoards.start(1)
  const port = new PicoPort("pico", new EmulatedPico({ uf2: readFileSync(UF2_PATH) }))
  const boards: BoardSet = {
    count: 2,
    reconnectMs: 5_000,
    profile: i => (i === 0 ? "virtual" : "pico-native"),
    connect: (i, options) =>
      i === 0 ? virtual.connect(0, options) : BoardLink.connect(port, options),
    reconnect: (i, link, options) => link.close().then(() => boards.connect(i, options)),
    stop: () => virtual.stop(),
  }
  const { train } = readMnist()
  const fleet = await startFleet({
    ...{ network: net, boards: 2, bytecode: await firmware() },
    shares: [0, 1].map(half => [
      { layer: 1, first: half * 8, count: 8 },
      { layer: 2, first: half * 5, count: 5 },
    ]),
    open: async () => boards,
  })
  try {
    const indices = Array.from({ length: 20 }, (_, i) => 300 + i)
    await fleet.train(train, indices)
    const host = new HostNetwork(net)
    for (const i of indices) host.train(imageAt(train, i), train.labels[i])
    expect((await fleet.coefficients()) as Buffer).toEqual(host.coefficients())
    expect(fleet.recoveries).toBe(0)
  } finally {
    await fleet.close()
  }
})
