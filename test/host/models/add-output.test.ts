/** One more class: the others are answered as before, to the bit, and the new one can be learnt. */
import { expect, it } from "vitest"
import { addOutput } from "../../../host/models/add-output"
import { readModel } from "../../../host/models/model-source"
import { outputsOf } from "../../../host/models/run-model"
import { trainedModel } from "../../../host/models/trained"
import { HostNetwork } from "../../../host/network/host-network"
import { pixels } from "../sensing/pixels"

for (const name of ["60-12-5", "64-16-8-3@24", "pico-16"])
  it(`of ${name}`, () => {
    const { network } = name === "pico-16" ? trainedModel(name) : readModel(name, 11)
    const host = new HostNetwork(network)
    const image = (seed: number) => pixels(network.width, seed)
    const { neurons } = network.layers.at(-1)!
    for (let i = 0; i < 30; i++) host.train(image(i % 10), i % neurons)
    const learnt = { coefficients: host.coefficients(), elements: host.elements() }
    const grown = addOutput(network, learnt)
    const more = new HostNetwork(grown.network)
    more.load(grown.learnt.coefficients, grown.learnt.elements)
    for (let i = 0; i < 20; i++) {
      const outputs = outputsOf(more, image(100 + i))
      expect(outputs.length).toBe(neurons + 1)
      expect(outputs.subarray(0, neurons)).toEqual(outputsOf(host, image(100 + i)))
    }
    // Its own coefficients are as drawn by the seed, and it can be taught.
    const tail = grown.learnt.coefficients.subarray(learnt.coefficients.length)
    const drawn = new HostNetwork(grown.network).coefficients()
    expect(tail.equals(drawn.subarray(learnt.coefficients.length))).toBe(true)
    for (let i = 0; i < 40; i++) more.train(image(500), neurons)
    expect(more.predict(image(500))).toBe(neurons)
    expect(grown.network.name).toBe(
      { "60-12-5": "60-12-6", "64-16-8-3@24": "64-16-8-4@24", "pico-16": "pico-16" }[name],
    )
  })

it("a network whose links are given, or that is full, gets none", () => {
  const strict = readModel("64-12-255", 1)
  const learnt = { coefficients: strict.coefficients, elements: Buffer.alloc(0) }
  expect(() => addOutput(strict.network, learnt)).toThrow("it has 255 outputs")
  const given = { ...strict.network, linking: "explicit" as const }
  expect(() => addOutput(given, learnt)).toThrow("its links are given")
})
