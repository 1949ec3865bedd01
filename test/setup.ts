/**
 * Random tests draw new cases in every run, but in CI the same ones each time: whether a commit passes
 * is then a matter of the commit. `WUXING_TEST_SEED=N` gives the cases of a failed run again, and
 * `WUXING_TEST_SEED=random` new ones in CI too.
 */
import { randomInt } from "node:crypto"
import fc from "fast-check"

const wanted = process.env.WUXING_TEST_SEED ?? (process.env.CI ? "1" : "random")

/** For tests that draw their cases by themselves. @param below for one that is new */
export function randomSeed(below = 1e9): number {
  return wanted === "random" ? randomInt(below) : Number(wanted)
}
if (wanted !== "random") fc.configureGlobal({ seed: Number(wanted) })
