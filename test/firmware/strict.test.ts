import { expect, test } from "vitest"
import { imageAt, readMnist } from "../../host/data/mnist"
import { startFleet } from "../../host/fleet/fleet"
import { HostNetwork } from "../../host/network/host-network"
import { linkRatios } from "../../host/network/link-ratio"
import type { Network } from "../../host/network/network"
import { model1 } from "../../host/network/presets"
import { faultOf } from "../../host/network/validate"
import { firmware } from "./compiled"

const hidden = { inputs: 4, outputFirst: 3, outputs: 2, fanIn: 1 }

/** MODEL1's rules and formats at a size that two boards hold. */
const network: Network = {
  ...model1(3),
  name: "small strict",
  layers: [
    { neurons: 60, ...hidden },
    { neurons: 31, ...hidden },
    { neurons: 10, inputs: 4, outputFirst: 4, outputs: 1, fanIn: 1 },
  ],
}

test("a strict network learns on two virtual boards what it learns on the host, bit for bit", async () => {
  expect(faultOf(network)).toBe("")
  const mnist = readMnist().train
  const bytecode = await firmware()
  const fleet = await startFleet({ network, boards: 2, bytecode })
  try {
    const boards = await fleet.boards()
    expect(boards.reduce((sum, { links }) => sum + links, 0)).toBe(linkRatios(network).pooled.links)
    const samples = Array.from({ length: 8 }, (_, i) => i)
    await fleet.train(mnist, samples)
    const host = new HostNetwork(network)
    const drawn = host.coefficients()
    for (const i of samples) host.train(imageAt(mnist, i), mnist.labels[i])
    expect(host.coefficients().equals(drawn)).toBe(false)
    expect(Buffer.from(await fleet.coefficients()).equals(host.coefficients())).toBe(true)
  } finally {
    await fleet.close()
  }
})
