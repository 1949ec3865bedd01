/** A trained network on the host names test images: `npx tsx examples/name-a-digit.ts` */
import { imageAt, readMnist, runnerOf, sharesOf, trainedModel } from "wuxing"

const model = trainedModel("pico-16")
const run = runnerOf(model)
const { test } = readMnist()

for (const i of [0, 1, 2, 3, 4]) {
  const outputs = run(imageAt(test, i))
  const named = outputs.indexOf(Math.max(...outputs))
  const share = sharesOf(outputs, model.network)[named]
  console.log(
    `image ${i} shows a ${test.labels[i]}, named ${named} (${(100 * share).toFixed(0)} %)`,
  )
}
