/**
 * Which network a name means, the same for every command that uses one: a preset's is its trained network,
 * with `--fresh` the one its seed draws.
 */
import { type Command, Option } from "commander"
import type { Model } from "../../models/model-file"
import { seedOption, usageError } from "./usage"

export interface NetworkOptions {
  fresh?: boolean
  seed?: number
  /** As without it: it was needed once. */
  trained?: boolean
}

export function addNetworkOptions(command: Command): Command {
  return command
    .option("--fresh", "a preset as drawn by its seed, not as trained")
    .option("--seed <n>", "seed of a size, and of a fresh preset (default: 1)", seedOption)
    .addOption(new Option("--trained", "a preset as trained: as without it").hideHelp())
}

/**
 * @throws WuxingError "usage" (kind usage) for a seed or `--fresh` of what is drawn by none, or as
 *   trainedModel and modelNamed
 */
export async function networkNamed(
  what: string,
  { fresh, seed, trained }: NetworkOptions,
): Promise<Model> {
  const { keptNames, modelNamed, trainedModel } = await import("../../models/trained")
  if (fresh && trained)
    throw usageError("--fresh and --trained are two networks", "leave out one of the two")
  if (trained) return trainedModel(what)
  const kept = keptNames.includes(what)
  if (fresh && !kept && !/^\d+(-\d+)+$/.test(what))
    throw usageError(
      `--fresh is about presets, and ${what} is none`,
      "leave it out: a file has its coefficients",
    )
  if (!kept || fresh) return modelNamed(what, { seed })
  if (seed !== undefined)
    throw usageError(
      `--seed is given, but ${what} means the network as it was trained, which has its own`,
      "give --fresh with it for the one that this seed draws",
    )
  return trainedModel(what)
}
