import { expect, test } from "vitest"
import { hasKernels, lambdaBits } from "../../../host/network/network"
import { preset, presetNames } from "../../../host/network/presets"
import { faultOf } from "../../../host/network/validate"
import { coarse, learningRules, ruleOf, withRule } from "../../../host/training/rule"

const presets = presetNames.flatMap(name => preset(name, 1) ?? [])
const ruledPresets = presets.filter(network => !hasKernels(network))

test("shared kernels learn by links alone", () => {
  const [kernels] = presets.filter(hasKernels)
  expect(faultOf(withRule(kernels, "links"))).toBe("")
  for (const rule of ["elements", "mixed", "feedback"] as const)
    expect(() => withRule(kernels, rule)).toThrow(/cannot learn by the rule/)
})

test.each(ruledPresets)("every rule can be had of $name", network => {
  for (const rule of learningRules) {
    const ruled = withRule(network, rule)
    expect(faultOf(ruled)).toBe("")
    expect(ruleOf(ruled)).toBe(rule)
    const ofLinks = rule === "links" || rule === "feedback"
    expect(ruled.elements === undefined).toBe(ofLinks)
    expect(withRule(network, rule, 9).elements?.shift).toBe(ofLinks ? undefined : 9)
    // Taken back it is the network's own again.
    expect(withRule(withRule(network, "feedback"), "links")).toEqual(withRule(network, "links"))
    // Asked for again it changes nothing.
    expect(withRule(ruled, rule)).toEqual(ruled)
  }
})

test.each(presets)("in Q12 $name learns at the same rate", network => {
  // ΔC in units of 1 is S·λ times 2^(bits of S + bits of λ − shift) over 2^13.
  const rate = (n: typeof network) => n.signalBits + lambdaBits(n) - n.learnShift
  expect(rate(coarse(network))).toBe(rate(network))
  expect(coarse(network).signalBits).toBeLessThanOrEqual(12)
  expect(coarse(coarse(network))).toEqual(coarse(network))
})

test("elements under the papers' backward equation learn by the product", () => {
  const [, , adders] = ruledPresets
  const ruled = withRule({ ...adders, backward: "bsp" }, "mixed")
  expect(faultOf(ruled)).toBe("")
  expect(ruled.elements?.signal).toBe("product")
})
