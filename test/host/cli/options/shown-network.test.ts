/** Which networks a page or panel can show: by every name that is kept trained. */
import { expect, it } from "vitest"
import { shownModel } from "../../../../host/cli/options/shown-network"
import { untrained } from "../../../../host/models/model-source"
import { trainedNames } from "../../../../host/models/trained"
import { model1, preset, presetNames } from "../../../../host/network/presets"

const options = { on: { kind: "sim" as const, boards: 1 }, data: "mnist", seed: 1 }

it.each(trainedNames)("%s, as it was trained", async name => {
  const { network, coefficients, training } = await shownModel({ ...options, model: name })
  // The one that is no preset is what method 1 made of MODEL1.
  const drawn = presetNames.includes(name) ? preset(name, 1)! : model1(1)
  expect(network.layers.map(l => l.neurons)).toEqual(drawn.layers.map(l => l.neurons))
  expect(training?.samples).toBeGreaterThan(10_000)
  expect(coefficients.length).toBe(untrained(drawn).coefficients.length)
})

it("a preset as drawn, where it is to be fresh", async () => {
  const { coefficients, training } = await shownModel({ ...options, model: "pico-16", fresh: true })
  expect(training).toBeNull()
  expect(coefficients.equals(untrained(preset("pico-16", 1)!).coefficients)).toBe(true)
})

it("refuses to draw anew what is kept as trained only", async () => {
  const fresh = shownModel({ ...options, model: "model1-method-1", fresh: true })
  await expect(fresh).rejects.toMatchObject({ code: "model-only-trained" })
})
