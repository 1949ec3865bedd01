/** The library's `train`, held against the core run sample by sample. */
import { expect, test } from "vitest"
import { HostNetwork } from "../../../host/network/host-network"
import { sizedNetwork } from "../../../host/network/sized-network"
import { recipeOf } from "../../../host/training/recipes"
import { learnShiftAt } from "../../../host/training/schedule"
import { epochOrder } from "../../../host/training/train-model"
import { train } from "../../../host/training/train-samples"

const network = sizedNetwork("5-6-3", 7)
const samples = {
  inputs: Array.from({ length: 40 }, (_, i) =>
    Uint8Array.from({ length: 5 }, (_, k) => (i * 37 + k * 91) & 255),
  ),
  labels: Array.from({ length: 40 }, (_, i) => i % 3),
}

test("ends with the bits of a board that learns one sample after the other", async () => {
  const recipe = recipeOf(network)
  const host = new HostNetwork({ ...network, softmaxGain: recipe.softmaxGain })
  for (const epoch of [0, 1, 2, 3, 4, 5, 6]) {
    host.learnShift = learnShiftAt(recipe, epoch, network)
    for (const i of epochOrder(40, 3, epoch)) host.train(samples.inputs[i], samples.labels[i])
  }
  const seen: number[] = []
  const model = await train(network, samples, {
    ...{ epochs: 7, seed: 3, classes: ["a", "b", "c"], test: samples },
    onEpoch: ({ epoch }) => seen.push(epoch),
  })
  expect(model.coefficients.equals(host.coefficients())).toBe(true)
  expect(seen).toEqual([1, 2, 3, 4, 5, 6, 7])
  const right = samples.inputs.filter((x, i) => host.predict(x) === samples.labels[i]).length
  expect(model.training?.accuracy.test).toBe(right / 40)
  expect(model.training?.settings?.classes).toEqual(["a", "b", "c"])
})

test("goes on from a model, and leaves it as it was", async () => {
  const first = await train(network, samples, { epochs: 1 })
  const before = Buffer.from(first.coefficients)
  const second = await train(first, samples, { epochs: 1 })
  expect(first.coefficients.equals(before)).toBe(true)
  expect(second.coefficients.equals(before)).toBe(false)
  expect(second.training?.accuracy).toEqual({})
})

test.each([
  [{ ...samples, labels: [1] }, /40 inputs and 1 labels/],
  [{ inputs: [new Uint8Array(4)], labels: [0] }, /sample 0 has 4 inputs, but the network has 5/],
  [{ inputs: [new Uint8Array(5)], labels: [0.5] }, /whole numbers/],
  [{ inputs: [new Uint8Array(5)], labels: [3] }, /class 3, but the network tells only 0 to 2/],
  [{ inputs: [], labels: [] }, /no sample/],
])("refuses samples that do not fit", async (wrong, message) => {
  await expect(train(network, wrong)).rejects.toMatchObject({
    code: "data-mismatch",
    message: expect.stringMatching(message),
  })
})

test("refuses an option there is not", async () => {
  await expect(train(network, samples, { epoch: 3 } as object)).rejects.toMatchObject({
    code: "option-unknown",
    message: 'train has no option "epoch"',
  })
})
