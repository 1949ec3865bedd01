/** The recordings of ../shared/data (wand, spoken), where they are. */
import { existsSync } from "node:fs"
import { describe, expect, it } from "vitest"
import { ROOT } from "../../root"

export const WAND = "../shared/data/wand"

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
