/** The presets as trained, kept in the repository; each file says by which command. */
import { existsSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { presetNames } from "../../src/presets"
import { WuxingError } from "../errors"
import { loadModel, type Model } from "../model-file"

/** Where a preset's trained network lies. */
export function trainedPath(name: string): string {
  return fileURLToPath(new URL(`../../models/${name}.wuxing`, import.meta.url))
}

/**
 * @throws WuxingError "preset-unknown" (kind "usage"), "model-untrained" (kind "data"), or as
 * loadModel
 */
export function trainedModel(name: string): Model {
  if (!presetNames.includes(name))
    throw new WuxingError({
      code: "preset-unknown",
      kind: "usage",
      message: `there is no preset "${name}", and only presets are kept trained`,
      cause: "the name is misspelt, or it is a file's, which needs no --trained",
      help: `use one of: ${presetNames.join(", ")}`,
    })
  const path = trainedPath(name)
  if (!existsSync(path))
    throw new WuxingError({
      code: "model-untrained",
      kind: "data",
      message: `preset ${name} is not kept trained: ${path} does not exist`,
      cause: "it was removed, or never trained",
      help: `train it: wuxing train --model ${name} --out ${name}.wuxing`,
    })
  return loadModel(path)
}
