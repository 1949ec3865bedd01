/** Two virtual boards learn, and the host repeats it: `npx tsx examples/learn-on-boards.ts` */
import { Fleet, HostNetwork, imageAt, Network, readMnist } from "wuxing"

const network = Network.preset("pico-16", 1)
const { train } = readMnist()
const fleet = await Fleet.open(network, "sim:2", { status: text => console.error(text) })
try {
  const lesson = (i: number) => ({ image: imageAt(train, i), label: train.labels[i] })
  const { done, right } = await fleet.learn(lesson, 100)
  console.log(`${done} images learnt, ${right} of them classified correctly before`)

  const host = new HostNetwork(network)
  for (let i = 0; i < done; i++) host.train(lesson(i).image, lesson(i).label)
  const same = host.coefficients().equals(Buffer.from(await fleet.coefficients()))
  console.log(`the host's own run: ${same ? "the same bits" : "different"}`)
} finally {
  await fleet.close()
}
