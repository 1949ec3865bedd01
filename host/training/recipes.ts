/** How each preset is trained unless the user says otherwise. */
import type { Network } from "../../src/network"
import type { Recipe } from "./train-model"

const ADDERS: Recipe = { epochs: 30, learnShift: 12, epochsPerBit: 5, shiftImages: true }
const STRICT: Recipe = { epochs: 30, learnShift: 10, epochsPerBit: 5, shiftImages: true }

const RECIPES: Record<string, Recipe> = {
  model1: STRICT,
  model2: STRICT,
  "fleet-deep": ADDERS,
  "fleet-300": ADDERS,
  "fleet-64": ADDERS,
  "pico-32": ADDERS,
  "pico-16": ADDERS,
  "pico-fast": ADDERS,
}

/** The preset's own; for any other network, one that starts at the rate it names itself. */
export function recipeOf(network: Network): Recipe {
  return (
    RECIPES[network.name] ?? {
      epochs: 10,
      learnShift: network.learnShift,
      epochsPerBit: 5,
      shiftImages: false,
    }
  )
}
