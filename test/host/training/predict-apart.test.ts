/** Naming by an engine apart, in lanes where a network allows it: what the core names, one image at a time. */
import { expect, test } from "vitest"
import { readMnist } from "../../../host/data/mnist"
import { hostOf } from "../../../host/models/run-model"
import { modelNamed } from "../../../host/models/trained"
import { learntOf, startNaming } from "../../../host/training/predict-apart"

const { test: digits } = readMnist()
const COUNT = 20
const images = digits.images.subarray(0, COUNT * 784)
const labels = digits.labels.subarray(0, COUNT)
const all = Int32Array.from({ length: COUNT }, (_, i) => i)

test.each([
  ["pico-16", true],
  ["mnist-tiny", true],
  // Finer elements, K3 of which have learnt.
  ["model1-method-1", false],
])("%s: the core's classes", async (name, beside) => {
  const model = modelNamed(name, { trained: true })
  const host = hostOf(model)
  const engine = await startNaming(learntOf(model), 2)
  try {
    expect(engine.batch > 1).toBe(beside)
    expect([...(await engine.predict(engine.store(images, labels), all))]).toEqual(
      Array.from(all, i => host.predict(images.subarray(i * 784, (i + 1) * 784))),
    )
  } finally {
    await engine.close()
  }
})
