/** Networks of the rows that vary one thing, made from presets. */
import type { Network } from "../network/network"
import { fleet64, model1, model2 } from "../network/presets"
import { recipeOf } from "../training/recipes"
import type { Recipe } from "../training/train-model"

export { model1, model2 }

/** Neurons of a hidden layer of the rows on adders and depth. */
export const HIDDEN = 64

/** 784-64-…-64-10 with as many hidden layers and such a fan-in, all else as preset fleet-64. */
export function adderNetwork(seed: number, hiddenLayers: number, fanIn: number): Network {
  const base = fleet64(seed)
  const [hidden, output] = base.layers
  return {
    ...base,
    name: `${hiddenLayers} hidden, fan-in ${fanIn}`,
    layers: [
      ...Array.from({ length: hiddenLayers }, () => ({ ...hidden, neurons: HIDDEN, fanIn })),
      { ...output, fanIn },
    ],
  }
}

/** The preset's own recipe for other numbers of epochs, its rate falling over them in proportion. */
export function recipeFor(preset: Network, epochs: number): Recipe {
  const own = recipeOf(preset)
  const epochsPerBit = Math.max(1, Math.round((own.epochsPerBit * epochs) / own.epochs))
  // So short a run would only lose by images it has to recognise shifted.
  return { ...own, epochs, epochsPerBit, shiftImages: own.shiftImages && epochs >= 10 }
}

/** "784-64-10". */
export function shapeOf(network: Network): string {
  return [network.width, ...network.layers.map(l => l.neurons)].join("-")
}
