/** The networks that are kept in the repository as trained; each file says by which command. */
import { existsSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { WuxingError } from "../base/errors"
import { presetNames } from "../network/presets"
import { loadModel, type Model } from "./model-file"
import { readModel } from "./model-source"

/** Kept as trained: every preset, and MODEL1 taught by method 1 alone, which as drawn is model1. */
export const trainedNames = [...presetNames, "model1-method-1"]

/** What is kept trained, also of recordings that are no part of the project: its commands say whose. */
export const keptNames = [...trainedNames, "gesture-sequence"]

/** Where a preset's trained network lies. */
export function trainedPath(name: string): string {
  return fileURLToPath(new URL(`../../models/${name}.wuxing`, import.meta.url))
}

/**
 * A network by what a user calls it.
 *
 * @param trained what is kept under that name as trained, not as drawn by its seed
 * @param seed of a preset as drawn
 * @throws WuxingError as trainedModel or readModel; "model-only-trained" (kind "usage")
 */
export function modelNamed(what: string, { trained = false, seed = 1 }): Model {
  if (trained) return trainedModel(what)
  if (keptNames.includes(what) && !presetNames.includes(what) && !existsSync(what))
    throw new WuxingError({
      code: "model-only-trained",
      kind: "usage",
      message: `${what} is kept as trained only`,
      cause: "it is no preset of its own, but what a network has learnt",
      help: "give --trained with it",
    })
  return readModel(what, seed)
}

/**
 * @throws WuxingError "preset-unknown" (kind "usage"), "model-untrained" (kind "data"), or as
 * loadModel
 */
export function trainedModel(name: string): Model {
  if (!keptNames.includes(name))
    throw new WuxingError({
      code: "preset-unknown",
      kind: "usage",
      message: `no network is kept trained as "${name}"`,
      cause: "the name is misspelt, or it is a file's, which needs no --trained",
      help: `use one of: ${keptNames.join(", ")}`,
    })
  const path = trainedPath(name)
  if (!existsSync(path))
    throw new WuxingError({
      code: "model-untrained",
      kind: "data",
      message: `${name} is not kept trained: ${path} does not exist`,
      cause: "it is kept in the repository alone (fashion-kernels), was removed, or never trained",
      help: `take it from the repository's models/, or train it: wuxing train --model ${name} --out ${name}.wuxing`,
    })
  return loadModel(path)
}
