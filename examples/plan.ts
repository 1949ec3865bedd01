/** Which boards a network of one's own would take, with none attached: `npx tsx examples/plan.ts` */
import { Network, partition } from "wuxing"

const network = Network.sized("784-64-26")
for (const boards of ["pico", "pico:2", "pico:4", "pico:2,esp32-c3:2"]) {
  const plan = partition(network, boards)
  console.log(
    plan.feasible
      ? `${boards}: ${plan.predictedSamplesPerSecond.toFixed(1)} images a second (predicted)`
      : `${boards}: ${plan.reason}`,
  )
}
