/**
 * How near predictions of the heap come, for every preset, on as few boards as hold it and on more:
 * `npx tsx test/host/partition/heap-sweep.ts > docs/heap.md` (five minutes on two cores; no port is used).
 * With a preset and a number of boards behind it, that row alone.
 */

import { preset } from "../../../host/network/presets"
import { parseBoards } from "../../../host/partition/board-spec"
import { largestShare, truth } from "./heap"

/** Bytes to which the truth is found. */
const STEP = 128
const CASES: [preset: string, boards: number][] = [
  ["pico-fast", 1],
  ["pico-alone", 1],
  ["pico-16", 1],
  ["pico-16", 2],
  ["pico-32", 1],
  ["pico-32", 4],
  ["fleet-64", 2],
  ["fleet-64", 3],
  ["fleet-64", 8],
  ["model1", 5],
  ["model1", 8],
  ["model2", 6],
  ["model2", 8],
  ["fleet-300", 15],
  ["fleet-deep", 16],
]

const [name, count] = process.argv.slice(2)
if (!name)
  console.log(`# Heap: predicted and true

What \`wuxing partition\` says a board needs, for the board of a plan that needs most, beside what it takes: the one program of all boards is built to set aside just what the largest share asks for, and a further Buffer takes heap away, more and more, until a run (12 images named and, up to eight boards, 4 learnt) ends for want of memory. The truth is found to ${STEP} B. Every board is DeviceScript's own virtual machine with its heap of 64 KiB.

This page is written by \`npx tsx test/host/partition/heap-sweep.ts > docs/heap.md\`; a test repeats a row.
`)
console.log("| preset | boards | predicted (B) | true (B) | off by |")
console.log("| --- | --- | --- | --- | --- |")
for (const [network, boards] of name ? [[name, Number(count)] as const] : CASES) {
  const share = largestShare(preset(network, 1)!, parseBoards(`virtual:${boards}`))
  const bytes = await truth(share, STEP)
  const off = (100 * (share.heapBytes - bytes)) / bytes
  const number = (n: number) => n.toLocaleString("en-GB")
  console.log(
    `| \`${network}\` | ${boards} | ${number(share.heapBytes)} | ${number(bytes)} | ${off.toFixed(1)} % |`,
  )
}
