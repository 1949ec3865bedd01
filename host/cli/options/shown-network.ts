/** Which network boards show, and on what images: options that `dashboard` and `panel` share. */
import type { Command } from "commander"
import type { Location } from "../../hardware/location"
import type { Model } from "../../models/model-file"
import { networkNamed } from "./network-option"
import { NETWORKS, onOption, PLACES, pathOption, seedOption } from "./usage"

export interface ShownOptions {
  on: Location
  model: string
  fresh?: boolean
  data: string
  seed: number
}

export function addShownOptions(command: Command): Command {
  return command
    .option("--on <where>", `where the boards are: ${PLACES}`, onOption(), {
      kind: "sim",
      boards: 2,
    } satisfies Location)
    .option("--model <network>", NETWORKS, "pico-16")
    .option("--fresh", "a preset as drawn by its seed, not as trained")
    .option(
      "--data <what>",
      "mnist, fashion-mnist, a folder of images, or CSV",
      pathOption("--data"),
      "mnist",
    )
    .option("--seed <n>", "seed of the images' order, and of a fresh preset", seedOption, 1)
}

/** As trained where it is kept so, unless it is to be fresh. */
export async function shownModel({ model, fresh, seed }: ShownOptions): Promise<Model> {
  const { trainedNames } = await import("../../models/trained")
  // The seed is that of the images' order too.
  const drawn = fresh || !trainedNames.includes(model)
  return networkNamed(model, { fresh, seed: drawn ? seed : undefined })
}
