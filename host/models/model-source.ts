/** A network by what a user calls it: a preset's name, its size, a model file or a links file. */
import "../base/memory"
import { existsSync } from "node:fs"
import { WuxingError } from "../base/errors"
import { HostNetwork } from "../network/host-network"
import type { Network } from "../network/network"
import { preset, presetNames } from "../network/presets"
import { isSize, sizedNetwork } from "../network/sized-network"
import { parseLinks } from "./links-file"
import { decodeModel, looksLikeModel, type Model, readModelBytes } from "./model-file"

/**
 * The preset of that name.
 *
 * @throws WuxingError "preset-unknown" (kind "usage")
 */
export function presetOf(name: string, seed: number): Network {
  const network = preset(name, seed)
  if (network) return network
  throw new WuxingError({
    code: "preset-unknown",
    kind: "usage",
    message: `there is no preset "${name}"`,
    cause: "the name is misspelt",
    help: `use one of: ${presetNames.join(", ")}`,
  })
}

/** A network as it is before it learns: its coefficients as drawn by its seed. */
export function untrained(network: Network): Model {
  return { network, coefficients: new HostNetwork(network).coefficients(), training: null }
}

/**
 * @param what name of a preset, a size ("64-16-3"), or path of a model file or a links file
 * @param seed of a preset or size; files have their own
 * @throws WuxingError "model-unknown" (kind "usage") if it is neither; or as loadModel and parseLinks
 */
export function readModel(what: string, seed: number): Model {
  if (presetNames.includes(what)) return untrained(presetOf(what, seed))
  if (isSize(what)) return untrained(sizedNetwork(what, seed))
  if (!existsSync(what))
    throw new WuxingError({
      code: "model-unknown",
      kind: "usage",
      message: `"${what}" is neither a preset nor a size, and no file of that name exists`,
      cause: "the name is misspelt, or the file lies in another folder",
      help: /^\d+(?:-[\dcwxps@]+)+$/.test(what)
        ? "a size is spelt 784-16-10, with windows 784-300w14x10p2-10 or 784-25w7s5-10, with shared kernels 784-20c6x4s2-30c5s2-10"
        : `name a file, a size such as 784-16-10, or one of: ${presetNames.join(", ")}`,
    })
  const bytes = readModelBytes(what)
  // A JSON text begins with a brace, perhaps behind a byte order mark and space.
  if (!looksLikeModel(bytes) && /^\ufeff?\s*\{/.test(bytes.toString("utf8", 0, 100)))
    return parseLinks(bytes, what)
  return decodeModel(bytes, what)
}
