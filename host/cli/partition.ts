/** `wuxing partition`: which board computes which neurons; needs no board. */
import type { Command } from "commander"
import type { Context, Outcome, Run } from "./command"
import { chipsNamed, planOnChips } from "./core-plan"
import { integerOption, pathOption, usageError } from "./usage"

const MOST_SEED = 2 ** 31 - 1

interface PartitionOptions {
  model?: string
  boards?: string
  seed: number
}

export function addPartition(program: Command, run: Run): void {
  program
    .command("partition")
    .description("plan which core of neuromorphic chips holds which neurons; needs no chip")
    .option("--model <network>", "a preset, a model file or a links file")
    .option("--boards <spec>", "chips, for example loihi or dynap-se2:8", pathOption("--boards"))
    .option(
      "--seed <n>",
      "seed of a preset; files have their own",
      integerOption("--seed", 0, MOST_SEED),
      1,
    )
    .action(run(partition))
}

async function partition(
  { model, boards, seed }: PartitionOptions,
  context: Context,
): Promise<Outcome> {
  if (model === undefined) throw usageError("--model is missing", "for example --model pico-16")
  if (boards === undefined) throw usageError("--boards is missing", "for example --boards loihi")
  // Loaded here so that `--version`, `help` and wrong options need not wait for them.
  const { readModel } = await import("../model-source")
  const { chipIds } = await import("../boards")
  const chips = await chipsNamed(boards)
  if (!chips)
    throw usageError(
      `--boards is "${boards}", expected a neuromorphic chip and perhaps how many, as in loihi:2`,
      `use one of: ${chipIds().join(", ")}`,
    )
  const { network } = readModel(model, seed)
  return planOnChips(network, chips, context)
}
