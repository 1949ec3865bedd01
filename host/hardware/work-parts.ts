/** Parts of the work of a sample on a DeviceScript board, by the functions of the program. */
import { countsByFunction, totalOf } from "./program-functions"

export const PARTS = ["input", "links", "settle", "backward", "update", "service"] as const
export type Part = (typeof PARTS)[number]

/**
 * The functions of the core, by the part of the work they do. All else that runs is service: messages,
 * yields, and what leads from one function to the next.
 *
 * Where pixels are summed as they come, reading them is one loop with their links, counted as links.
 */
const FUNCTIONS: Record<Exclude<Part, "service">, string[]> = {
  input: ["activateRuns", "listRuns", "clearImage", "keepPicks", "pickBytes"],
  links: [
    ...["sumRuns", "sumPicked", "listSignals", "sumSparse", "sumFull", "isFull", "sumDense"],
    ...["beginShared", "sumShared", "signalsAt"],
  ],
  settle: [
    ...["settleForward", "settleForwardTwo", "settleForwardFine", "settleForwardOwn"],
    ...["hasTwo", "bitsWithin", "forward", "loadRing", "settleRing"],
    // The papers' backward equation runs in these too.
    ...["loadNeuron", "settleNeuron", "settleRingNeuron"],
  ],
  backward: [
    ...["settleBackward", "settleBackwardTwo", "settleBackwardFine", "settleBackwardOwn"],
    ...["outputError", "targetError", "softmaxError", "marginError", "bestOutput", "readout"],
    ...["loadRingAdjoint", "settleRingAdjoint"],
    ...["loadAdjoint", "settleAdjoint", "beginLearning", "sampleRandom", "hash32", "backward"],
  ],
  update: [
    ...[
      "learnRuns",
      "learnPicked",
      "learnSparse",
      "learnDense",
      "learnSparseByRule",
      "learnDenseByRule",
    ],
    ...[
      "firstSalt",
      "drawNoise",
      "packNoise",
      "draw",
      "drawNoiseByRule",
      "mix16",
      "changeOf",
      "bounded",
      "controlled",
    ],
    ...["learnShared", "productsOf", "sharedNoise", "changeShared"],
  ],
}
const PART_OF = new Map(
  Object.entries(FUNCTIONS).flatMap(([part, names]) => names.map(name => [name, part as Part])),
)

/** The part a function of the core belongs to; all others are service. */
export function partOf(name: string): Part {
  return PART_OF.get(name) ?? "service"
}

/** Operations of each part, of counts by address. */
export function operationsByPart(
  bytecode: Uint8Array,
  counts: Uint32Array | Float64Array,
): Record<Part, number> {
  const parts = Object.fromEntries(PARTS.map(part => [part, 0])) as Record<Part, number>
  for (const [name, kinds] of countsByFunction(bytecode, counts))
    parts[partOf(name)] += totalOf(kinds)
  return parts
}
