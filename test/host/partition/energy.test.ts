import { expect, test } from "vitest"
import { boardIds, readBoardProfile } from "../../../host/hardware/board-profile"
import { energyMillijoules, energyTogether } from "../../../host/partition/energy"
import { wuxing } from "../cli/run-cli"

test("energy is volts times amperes times seconds; boards without a supply have none", () => {
  const pico = readBoardProfile("pico")
  const { volts, milliamps } = pico.supply!
  const joules = volts * (milliamps / 1000) * 0.128
  expect(energyMillijoules(pico, 128)).toBeCloseTo(joules * 1000, 9)
  expect(energyTogether([pico, pico], 128)).toBeCloseTo(2 * joules * 1000, 9)
  expect(energyMillijoules(readBoardProfile("virtual"), 128)).toBeUndefined()
  expect(energyTogether([pico, readBoardProfile("virtual")], 128)).toBeUndefined()
})

test("a supply says where it comes from, and is one a board of this kind may draw", () => {
  const known = boardIds().map(id => readBoardProfile(id))
  const supplied = known.filter(({ supply }) => supply)
  expect(supplied.length).toBeGreaterThan(4)
  for (const { supply, sources } of supplied) {
    expect(sources.supply).toMatch(/not measured here/)
    // Radios off: 20 to 200 mW.
    expect(supply!.volts * supply!.milliamps).toBeGreaterThan(20)
    expect(supply!.volts * supply!.milliamps).toBeLessThan(200)
  }
})

test("partition says the energy of an image as an estimate, and nothing where it is not known", async () => {
  const plan = (boards: string) =>
    wuxing(["partition", "--model", "pico-16", "--boards", boards, "--json"])
  const known = JSON.parse((await plan("pico:2")).stdout)
  const { supply } = readBoardProfile("pico")
  const ms = 1000 / known.predictedSamplesPerSecond
  const expected = (2 * supply!.volts * supply!.milliamps * ms) / 1000
  expect(known.estimatedMillijoules.perSample).toBeCloseTo(expected, 6)
  expect(known.estimatedMillijoules.perLearnt).toBeGreaterThan(expected)
  const unknown = JSON.parse((await plan("virtual:2")).stdout)
  expect(unknown.estimatedMillijoules).toEqual({ perSample: null, perLearnt: null })
})
