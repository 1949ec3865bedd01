/** A fleet on processes of the DeviceScript command: what its own virtual boards do, they do too. */
import { expect, it } from "vitest"
import { sha256 } from "../../../host/base/sha256"
import { imageAt, readMnist } from "../../../host/data/mnist"
import { drawSamples } from "../../../host/data/samples"
import { Fleet } from "../../../host/fleet/fleet"
import { VirtualBoards } from "../../../host/hardware/virtual-boards"
import { HostNetwork } from "../../../host/network/host-network"
import { pico16 } from "../../../host/network/presets"
import { splitEvenly } from "../../../host/partition/partition"
import { firmware } from "../../firmware/compiled"
import { isAlive, virtualMachines } from "../hardware/processes"

/** A process starts again in seconds, where nothing else runs. */
const RECONNECT_MS = 120_000

it("learns the host's bits though one process is killed and another hangs, and leaves none", async () => {
  const { train } = readMnist(process.env.WUXING_MNIST)
  const network = pico16(3)
  const indices = drawSamples(train.count, 20, 3, 1)
  const boards = await VirtualBoards.start(2)
  Object.assign(boards, { reconnectMs: RECONNECT_MS })
  const said: string[] = []
  const options = {
    network,
    boards: 2,
    bytecode: await firmware(),
    checkpointSamples: 8,
    status: (line: string) => said.push(line),
  }
  const fleet = new Fleet(options, boards, splitEvenly(network, 2))
  try {
    await fleet.begin()
    const harms = new Map([
      [5, () => process.kill(boards.info[1].pid!, "SIGKILL")],
      [13, () => process.kill(boards.info[0].pid!, "SIGSTOP")],
    ])
    await fleet.train(train, indices, done => {
      harms.get(done)?.()
      harms.delete(done)
    })
    const host = new HostNetwork(network)
    for (const i of indices) host.train(imageAt(train, i), train.labels[i])
    expect(sha256(await fleet.coefficients())).toBe(sha256(host.coefficients()))
    expect(fleet.recoveries).toBeGreaterThanOrEqual(2)
    expect(said.join("\n")).toMatch(
      /board 1 \(virtual, [0-9a-f]{16}\) .*started again.*restored from sample/,
    )
  } finally {
    const running = virtualMachines()
    await fleet.close()
    expect(running.length).toBeGreaterThan(0)
    expect(running.filter(isAlive)).toEqual([])
    expect(virtualMachines()).toEqual([])
  }
})
