/** `wuxing demo memory`: a neuron that remembers five values over a power cut. */
import type { Command } from "commander"
import { hostMismatch } from "../../library/host-mismatch"
import type { Context, Outcome, Run } from "../command"
import { integerOption, usageError } from "../options/usage"
import {
  addNamedDemo,
  addOneBoardOptions,
  demoAction,
  drawCharts,
  ONE_VIRTUAL_BOARD,
  type OneBoardOptions,
  surroundings,
  underBar,
} from "./options"

interface MemoryCommandOptions extends OneBoardOptions {
  rounds: number
  values?: number[]
}

export function addDemoMemory(demo: Command, run: Run): void {
  const description = "store five values in one neuron on a board, cut its power, get them back"
  const command = addNamedDemo(demo, "memory", description)
    .option("--rounds <n>", "adjustments", integerOption("--rounds", 1, 100), 20)
    .option(
      "--values <list>",
      "five values to store by K1 and by K3 (default: the paper's, and for K3 others that it can reach)",
      parseValues,
    )
  addOneBoardOptions(command).action(demoAction(run, memory))
}

/** Values a neuron's elements can have, as the board keeps them in Q12. */
function parseValues(text: string): number[] {
  const values = text.split(",").map(v => (/^\d(\.\d{1,4})?$/.test(v.trim()) ? Number(v) : -1))
  if (values.length !== 5 || values.some(v => v < 0 || v >= 8))
    throw usageError(
      `--values is "${text}", expected five numbers below 8, separated by commas`,
      "for example --values 0.9,0.8,1.1,1.0,0.9",
    )
  return values
}

async function memory(options: MemoryCommandOptions, context: Context): Promise<Outcome> {
  const { output } = context
  const { runMemory, memoryCharts, RECALL_START } = await import("../../demos/memory")
  const { on: location = ONE_VIRTUAL_BOARD, rounds, values } = options
  output.print(
    "One neuron on a board learns to rest at five values (paper 000, section 3.2). Only the parameters it\nlearnt are kept in its flash. It loses its power, and settles at the values again.\n",
  )
  // Compiling and deploying most of all.
  const result = await underBar(context, "memory", 10 + rounds / 4, of =>
    runMemory({ location, rounds, values, ...surroundings(context), ...of }),
  )
  const { memories } = result
  output.field("board", `${result.board} (${result.profile})`)
  const fixed = (all: number[]) => all.map(v => v.toFixed(3)).join(", ")
  for (const m of memories) {
    output.print("")
    if (m.refused !== undefined) {
      output.field(`not stored by ${m.by}`, m.refused)
      continue
    }
    output.field(`stored by ${m.by}`, `{${m.values.join(", ")}}`)
    output.field("adjustments", `${rounds}`)
    output.field(
      "largest error",
      `${m.errors[0].toFixed(3)} at first, ${m.errors.at(-1)!.toFixed(4)} at the last`,
    )
    output.field(`${m.by} of the elements`, fixed(m.parameters))
    output.field("power off and on", result.powerCut)
    output.field("begins at", fixed(RECALL_START))
    output.field("comes to rest at", fixed(m.recalled))
    output.field("off by at most", m.farthest.toFixed(4))
    output.field("host's own run", m.sameAsHost ? "same, bit for bit" : "different")
  }
  await drawCharts(options, memoryCharts(result), context)
  const different = memories.some(m => m.refused === undefined && !m.sameAsHost)
  return {
    document: { demo: "memory", ...result },
    error: different
      ? hostMismatch(
          `the board (${result.board}) stored or recalled something else than the host's core`,
          "it runs another program, or a message was lost",
        )
      : undefined,
  }
}
