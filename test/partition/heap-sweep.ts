/**
 * How near predictions of the heap come, for every preset, on as many boards as it needs:
 * `npx tsx test/partition/heap-sweep.ts [preset boards]` (ten minutes or so; no port is used).
 */
import { parseBoards } from "../../host/partition/board-spec"
import { preset } from "../../src/presets"
import { largestShare, truth } from "./heap"

const [name, count] = process.argv.slice(2)
const cases: [string, number][] = name
  ? [[name, Number(count)]]
  : [
      ["pico-fast", 1],
      ["pico-16", 1],
      ["pico-32", 1],
      ["pico-32", 4],
      ["fleet-64", 3],
      ["fleet-64", 8],
      ["model1", 7],
      ["model1", 8],
      ["model2", 8],
      ["fleet-300", 21],
      ["fleet-deep", 20],
    ]

console.log("network     boards  predicted (B)  true (B)  off by")
for (const [network, boards] of cases) {
  const share = largestShare(preset(network, 1)!, parseBoards(`virtual:${boards}`))
  const bytes = await truth(share)
  const off = (100 * (share.heapBytes - bytes)) / bytes
  const cells = [
    network.padEnd(12),
    String(boards).padStart(5),
    String(share.heapBytes).padStart(15),
  ]
  console.log(`${cells.join("")}${String(bytes).padStart(10)}${off.toFixed(1).padStart(7)} %`)
}
