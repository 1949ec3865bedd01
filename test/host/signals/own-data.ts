/** The recordings of ../shared/data (wand, spoken), where they are. */
import { existsSync } from "node:fs"
import { describe, expect, it } from "vitest"
import { readModel } from "../../../host/models/model-source"
import { recipeOf } from "../../../host/training/recipes"
import { type SignalData, sizeFor } from "../../../host/training/signal-data"
import { Training } from "../../../host/training/training"
import { ROOT } from "../../root"

export const WAND = "../shared/data/wand"
export const SPOKEN = "../shared/data/spoken"

/**
 * Tests of recordings that are no part of the project. Where they are missing the tests are skipped by
 * name, which CI counts as a failure. A CI machine without any `../shared` cannot have them: there it
 * is said instead, since nobody could mend it.
 */
export function describeWith(path: string, name: string, tests: () => void): void {
  const title = `${name} (${path})`
  if (existsSync(`${ROOT}${path}`)) describe(title, tests)
  else if (process.env.CI && !existsSync(`${ROOT}../shared`))
    describe(title, () => {
      it("is NOT tested: this CI machine has no ../shared", () => {
        console.warn(`not tested: ${title} is not on this machine`)
        expect(existsSync(`${ROOT}${path}`)).toBe(false)
      })
    })
  else describe.skip(title, tests)
}

/** Teaches a network from nothing, as `wuxing train` does. @returns the share of the test split it gets right */
export async function taught(...training: Parameters<typeof learnt>): Promise<number> {
  return (await learnt(...training)).share
}

/** The same, with what it learnt. */
export async function learnt(
  data: SignalData,
  seed: number,
  { size = sizeFor(data), validation = 0 } = {},
): Promise<{ share: number; coefficients: Uint8Array }> {
  const model = readModel(size, seed)
  const recipe = recipeOf(model.network)
  const images = data.train.count - validation
  const plan = { ...recipe, seed, batch: 1, images, validation }
  const training = await Training.start(model, plan, data, { workers: 1 })
  try {
    while (!training.finished) await training.epoch()
    return {
      share: await training.measure("test"),
      coefficients: Uint8Array.from(training.model("").coefficients),
    }
  } finally {
    await training.close()
  }
}
