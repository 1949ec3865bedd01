/**
 * How well networks are cut, beside METIS: `npx tsx test/host/partition/bench.ts` (needs Debian's `metis`).
 *
 * MODEL1's neurons behind the input, all of weight 1, into equal parts within 5 %; what counts is
 * pairs of a hidden signal and another part that needs it.
 */
import { compare } from "./gpmetis"

console.log("seed  parts  ours  gpmetis cut  gpmetis vol  largest part  processor s")
for (const parts of [4, 8])
  for (let seed = 1; seed <= 5; seed++) {
    const { ours, cut, vol, largest, seconds } = compare(seed, parts)
    const cells = [seed, parts, ours, cut, vol, largest, seconds.toFixed(1)]
    const widths = [4, 7, 6, 13, 13, 14, 13]
    console.log(cells.map((cell, i) => String(cell).padStart(widths[i])).join(""))
  }
