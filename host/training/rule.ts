/** Teaching a network by another rule than its own: its links, its elements, or both. */
import {
  type ElementLearning,
  elementsLearn,
  lambdaBits,
  type Network,
  signalsOf,
} from "../network/network"
import { refuseKernels } from "../network/refuse-kernels"

/** What learns; feedback: links, by backward signals that return over fixed coefficients of their own. */
export type LearningRule = NonNullable<Network["rule"]> | "feedback"
export const learningRules: LearningRule[] = ["links", "elements", "mixed", "feedback"]

/** The rule by which a network learns, as the command names it. */
export function ruleOf(network: Network): LearningRule {
  return network.feedback ? "feedback" : (network.rule ?? "links")
}

/**
 * Method 1 by the gradient at the operating point, K3 between 0.29 and 0.85 (a ring of five is stable
 * below 0.854), kt = 16. The shifts, alone and beside method 2, were chosen on training images kept
 * apart.
 */
const GRADIENT: ElementLearning = { shift: 18, bound: 4, min: 4823, max: 13926, signal: "gradient" }
const BESIDE_LINKS = 20

/**
 * The network with elements and signals in Q12, the format in which every rule can be run, and with the
 * same rate.
 */
export function coarse(network: Network): Network {
  const { elementBits: _, ...rest } = network
  const signalBits = Math.min(12, network.signalBits)
  const finer = network.signalBits - signalBits + lambdaBits(network) - lambdaBits(rest)
  return { ...rest, signalBits, learnShift: Math.max(1, network.learnShift - finer) }
}

/**
 * The network as one that learns by that rule; in Q12 if its elements are to learn.
 *
 * @param elementShift rate of method 1: 2^(18 − shift), 4…24; absent: the network's own, else 18 alone
 *   and 20 beside links
 * @throws WuxingError "shared-kernels" (kind "usage") for another rule than links
 */
export function withRule(network: Network, rule: LearningRule, elementShift?: number): Network {
  const { elements, feedback: _, ...rest } = network
  if (rule === "links") return { ...rest, rule }
  refuseKernels(network, `learn by the rule ${rule}`, "leave out --rule, or take another network")
  if (rule === "feedback") return { ...rest, rule: "links", feedback: "fixed" }
  // The gradient is of the operating point only.
  const signal = network.backward === "bsp" ? "product" : "gradient"
  const usual = rule === "elements" ? GRADIENT.shift : BESIDE_LINKS
  // Only the plain product of links knows backward signals that are finer by layer.
  const layers = network.layers.map(({ finer: _, ...layer }) => layer)
  return {
    ...coarse({ ...rest, layers }),
    rule,
    elements: {
      ...(elements ?? { ...GRADIENT, signal }),
      shift: elementShift ?? (elementsLearn(network) ? elements?.shift : undefined) ?? usual,
    },
  }
}

/**
 * Where the label's output is drawn to by the error by squares, Q12: small enough that rings answer about
 * evenly on either side of rest. The others' target is such that all have the mean 0.
 */
const HIGH = 1024

/** The network as one whose outputs learn from every sample, each by how far it is from its target. */
export function bySquares(network: Network): Network {
  const others = signalsOf(network, network.layers.length) - 1
  const low = -Math.round(HIGH / Math.max(1, others))
  return { ...network, targets: { high: HIGH, low, always: true } }
}
