/** The library's way to boards: what it takes, what it refuses. */
import { expect, it } from "vitest"
import { Fleet } from "../../../host/library/library"
import { HostNetwork } from "../../../host/network/host-network"
import { lesson, net } from "../faults/rig"

it("refuses an option there is not, before anything is started", async () => {
  const misspelt = { gaol: "naming" } as object
  await expect(Fleet.open(net, "sim:1", misspelt)).rejects.toMatchObject({
    code: "option-unknown",
    kind: "usage",
    message: expect.stringContaining('"gaol"'),
  })
})

it("begins with what a model has learnt; asks and teaches one sample", async () => {
  const host = new HostNetwork(net)
  const drawn = host.coefficients()
  for (let i = 0; i < 6; i++) host.train(lesson(i).image, lesson(i).label)
  const model = { network: net, coefficients: host.coefficients(), training: null }
  expect(model.coefficients.equals(drawn)).toBe(false)
  const fleet = await Fleet.open(model, "emu:1")
  try {
    expect(Buffer.from(await fleet.coefficients()).equals(model.coefficients)).toBe(true)
    const { classified: named, outputs } = await fleet.ask(lesson(7).image)
    expect(named).toBe(host.predict(lesson(7).image))
    expect(outputs.length).toBe(3)
    await fleet.teach(lesson(8))
    expect(Buffer.from(await fleet.coefficients()).equals(model.coefficients)).toBe(false)
  } finally {
    await fleet.close()
  }
})
