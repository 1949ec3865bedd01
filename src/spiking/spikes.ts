/**
 * Runs a graph of integrate-and-fire neurons (NIR's IF, LIF and CubaLIF) for a given number of steps and
 * counts spikes; and teaches its last layer of links. In whole numbers, with the same bits everywhere.
 *
 * In a step, spikes pass through all stages. A state moves as it would for an input that is constant over
 * the step; v above the threshold is a spike, and v becomes the reset value.
 */
import { hash32 } from "../base/random"
import { Branch, NO_STAGE, SpikePlan, Stage, StageFlag } from "./spike-plan"

/** v and currents stay within ± this. */
const MOST = 134217727

function stageAt(index: number): number {
  return SpikePlan.Length + index * Stage.Length
}

function branchAt(plan: Buffer, index: number): number {
  return plan.getAt(SpikePlan.Branches, "i32") + index * Branch.Length
}

/**
 * Runs the graph on a sample.
 *
 * @param plan as spike-plan.ts describes it, sound
 * @param state `SpikePlan.StateBytes` of it; without the weights that learn at its end if they do not
 * @param learns are the last stage's weights those in `state`?
 * @param input a byte an input, from `inputAt` on: constant currents of 0…1 at each step
 * @returns the class with the most spikes; of equals the first
 */
export function classifySpikes(
  plan: Buffer,
  state: Buffer,
  learns: boolean,
  input: Buffer,
  inputAt: number,
): number {
  const stages = plan.getAt(SpikePlan.Stages, "u16")
  state.fillAt(
    0,
    plan.getAt(SpikePlan.StateBytes, "i32") - plan.getAt(SpikePlan.LearntBytes, "i32"),
    0,
  )
  for (let s = 0; s < stages; s++) takeInput(plan, state, s, input, inputAt)
  const steps = plan.getAt(SpikePlan.Steps, "u16")
  for (let step = 0; step < steps; step++) {
    for (let s = 0; s < stages; s++) {
      gatherSpikes(plan, state, s, learns && s + 1 === stages)
      moveNeurons(plan, state, s)
    }
  }
  return mostSpikes(plan, state, NO_STAGE)
}

/** Spikes of a class in the last sample. */
export function spikesOf(plan: Buffer, state: Buffer, label: number): number {
  const last = stageAt(plan.getAt(SpikePlan.Stages, "u16") - 1)
  return state.getAt(plan.getAt(last + Stage.StateCount, "i32") + label + label, "u16")
}

/** The class with the most spikes, but for one. */
function mostSpikes(plan: Buffer, state: Buffer, but: number): number {
  const classes = plan.getAt(SpikePlan.Classes, "u16")
  let best = but === 0 ? 1 : 0
  for (let i = best + 1; i < classes; i++) {
    if (i !== but && spikesOf(plan, state, i) > spikesOf(plan, state, best)) best = i
  }
  return best
}

/** What the inputs give a stage at each step, with its bias. */
function takeInput(
  plan: Buffer,
  state: Buffer,
  index: number,
  input: Buffer,
  inputAt: number,
): void {
  const stage = stageAt(index)
  const neurons = plan.getAt(stage + Stage.Neurons, "u16")
  const sums = plan.getAt(stage + Stage.StateConstant, "i32")
  const bias = plan.getAt(stage + Stage.Bias, "i32")
  for (let n = 0; n < neurons << 2; n += 4) {
    state.setAt(sums + n, "i32", plan.getAt(bias + n, "i32"))
  }
  const first = plan.getAt(stage + Stage.FirstBranch, "u16")
  const end = first + plan.getAt(stage + Stage.Branches, "u16")
  const inputs = plan.getAt(SpikePlan.Inputs, "u16")
  for (let b = first; b < end; b++) {
    const branch = branchAt(plan, b)
    if (plan.getAt(branch + Branch.Source, "u16") === NO_STAGE) {
      const weights = plan.getAt(branch + Branch.Weight, "i32")
      for (let i = 0; i < inputs; i++) {
        const x = input.getAt(inputAt + i, "u8")
        if (x > 0) addColumn(plan, state, branch, i, plan, weights, sums, neurons, x)
      }
    }
  }
}

/** Adds a source's weights times x to the sums of the neurons they lead to. */
function addColumn(
  plan: Buffer,
  state: Buffer,
  branch: number,
  source: number,
  from: Buffer,
  weights: number,
  sums: number,
  neurons: number,
  x: number,
): void {
  if (plan.getAt(branch + Branch.Dense, "u16") !== 0) {
    let w = weights + source * (neurons + neurons)
    for (let n = 0; n < neurons << 2; n += 4) {
      state.setAt(sums + n, "i32", state.getAt(sums + n, "i32") + x * from.getAt(w, "i16"))
      w += 2
    }
    return
  }
  const start = plan.getAt(branch + Branch.Start, "i32") + (source << 2)
  const place = plan.getAt(branch + Branch.Place, "i32")
  const end = plan.getAt(start + 4, "i32")
  for (let i = plan.getAt(start, "i32"); i < end; i++) {
    const to = sums + (plan.getAt(place + i + i, "u16") << 2)
    const added = x * from.getAt(weights + i + i, "i16")
    state.setAt(to, "i32", state.getAt(to, "i32") + added)
  }
}

/** The sum of a step: what the inputs give, and the spikes of earlier stages. */
function gatherSpikes(plan: Buffer, state: Buffer, index: number, learnt: boolean): void {
  const stage = stageAt(index)
  const neurons = plan.getAt(stage + Stage.Neurons, "u16")
  const sums = plan.getAt(stage + Stage.StateSum, "i32")
  state.blitAt(sums, state, plan.getAt(stage + Stage.StateConstant, "i32"), neurons << 2)
  const unit = (plan.getAt(stage + Stage.Flags, "u16") & StageFlag.Inputs) !== 0 ? 255 : 1
  const first = plan.getAt(stage + Stage.FirstBranch, "u16")
  const end = first + plan.getAt(stage + Stage.Branches, "u16")
  for (let b = first; b < end; b++) {
    const branch = branchAt(plan, b)
    const source = plan.getAt(branch + Branch.Source, "u16")
    if (source !== NO_STAGE) {
      const fired = plan.getAt(stageAt(source) + Stage.StateFired, "i32")
      const sources = plan.getAt(stageAt(source) + Stage.Neurons, "u16")
      const weights = plan.getAt(branch + (learnt ? Branch.StateWeight : Branch.Weight), "i32")
      for (let i = 0; i < sources; i++) {
        if (state.getAt(fired + i, "u8") !== 0) {
          if (learnt) addColumn(plan, state, branch, i, state, weights, sums, neurons, unit)
          else addColumn(plan, state, branch, i, plan, weights, sums, neurons, unit)
        }
      }
    }
  }
}

/** The part `share` (Q16) of v, rounded down; |v| ≤ MOST. */
function partOf(v: number, share: number): number {
  return (((v >> 12) * share) >> 4) + (((v & 4095) * share) >> 16)
}

function within(v: number): number {
  return Math.min(MOST, Math.max(-MOST, v))
}

/** One step of a stage's neurons. */
function moveNeurons(plan: Buffer, state: Buffer, index: number): void {
  const stage = stageAt(index)
  const neurons = plan.getAt(stage + Stage.Neurons, "u16")
  const flags = plan.getAt(stage + Stage.Flags, "u16")
  const sums = plan.getAt(stage + Stage.StateSum, "i32")
  const states = plan.getAt(stage + Stage.StateV, "i32")
  const counts = plan.getAt(stage + Stage.StateCount, "i32")
  const fired = plan.getAt(stage + Stage.StateFired, "i32")
  const thresholds = plan.getAt(stage + Stage.Threshold, "i32")
  const resets = plan.getAt(stage + Stage.Reset, "i32")
  for (let n = 0; n < neurons; n++) {
    const at = n << 2
    let x = state.getAt(sums + at, "i32")
    if ((flags & StageFlag.Synaptic) !== 0) {
      const current = plan.getAt(stage + Stage.StateCurrent, "i32") + at
      const before = state.getAt(current, "i32")
      const fade = plan.getAt(plan.getAt(stage + Stage.Fade, "i32") + n + n, "u16")
      x = within(before - partOf(before, fade) + x)
      state.setAt(current, "i32", x)
      x += plan.getAt(plan.getAt(stage + Stage.Rest, "i32") + at, "i32")
    }
    let v = state.getAt(states + at, "i32")
    if ((flags & StageFlag.Leaky) !== 0) {
      v -= partOf(v, plan.getAt(plan.getAt(stage + Stage.Leak, "i32") + n + n, "u16"))
    }
    v = within(v + x)
    let spike = 0
    if (v > plan.getAt(thresholds + at, "i32")) {
      v = plan.getAt(resets + at, "i32")
      spike = 1
      state.setAt(counts + n + n, "u16", state.getAt(counts + n + n, "u16") + 1)
    }
    state.setAt(states + at, "i32", v)
    state.setAt(fired + n, "u8", spike)
  }
}

/** Copies the last stage's weights to where they can learn. A plan with `LearntBytes` of 0 has no such place. */
export function beginSpikeLearning(plan: Buffer, state: Buffer): void {
  state.setAt(plan.getAt(SpikePlan.StateSamples, "i32"), "i32", 0)
  const last = stageAt(plan.getAt(SpikePlan.Stages, "u16") - 1)
  const first = plan.getAt(last + Stage.FirstBranch, "u16")
  const end = first + plan.getAt(last + Stage.Branches, "u16")
  for (let b = first; b < end; b++) {
    const branch = branchAt(plan, b)
    const bytes = weightsOf(plan, last, branch) << 1
    const from = plan.getAt(branch + Branch.Weight, "i32")
    state.blitAt(plan.getAt(branch + Branch.StateWeight, "i32"), plan, from, bytes)
  }
}

/** How many weights a branch to `stage` has. */
function weightsOf(plan: Buffer, stage: number, branch: number): number {
  const sources = plan.getAt(
    stageAt(plan.getAt(branch + Branch.Source, "u16")) + Stage.Neurons,
    "u16",
  )
  if (plan.getAt(branch + Branch.Dense, "u16") !== 0)
    return sources * plan.getAt(stage + Stage.Neurons, "u16")
  return plan.getAt(plan.getAt(branch + Branch.Start, "i32") + (sources << 2), "i32")
}

/**
 * Runs the graph on a sample and teaches the links of its last stage: where the label's spikes do not lead
 * its best rival's by the margin, the label's links grow by what passed through them, times what is
 * missing, and the rival's shrink. Local: spikes forward, an error back, and each link by its own.
 *
 * @param state with the weights that learn (beginSpikeLearning)
 * @param label 0…classes − 1
 * @returns the class named before it learnt
 */
export function learnSpikes(
  plan: Buffer,
  state: Buffer,
  input: Buffer,
  inputAt: number,
  label: number,
): number {
  const samples = plan.getAt(SpikePlan.StateSamples, "i32")
  const sample = state.getAt(samples, "i32")
  state.setAt(samples, "i32", sample + 1)
  const named = classifySpikes(plan, state, true, input, inputAt)
  const margin = plan.getAt(SpikePlan.Margin, "u16")
  const rival = mostSpikes(plan, state, label)
  const lead = spikesOf(plan, state, label) - spikesOf(plan, state, rival)
  const error = Math.min(margin + margin, margin - lead)
  if (error <= 0) return named
  // Rounding is random by the sample's number.
  const random = hash32(plan.getAt(SpikePlan.Seed, "i32"), sample)
  teachNeuron(plan, state, label, error, random)
  teachNeuron(plan, state, rival, -error, random)
  return named
}

/** Changes all links to a neuron of the last stage. */
function teachNeuron(
  plan: Buffer,
  state: Buffer,
  neuron: number,
  error: number,
  random: number,
): void {
  const last = stageAt(plan.getAt(SpikePlan.Stages, "u16") - 1)
  const neurons = plan.getAt(last + Stage.Neurons, "u16")
  const shift = plan.getAt(SpikePlan.LearnShift, "u16")
  const mask = (1 << shift) - 1
  // A change of the threshold's size is one spike more for each spike.
  const threshold = plan.getAt(plan.getAt(last + Stage.Threshold, "i32") + (neuron << 2), "i32")
  const rate = error * Math.min(4095, Math.max(1, threshold >> 3))
  const first = plan.getAt(last + Stage.FirstBranch, "u16")
  const end = first + plan.getAt(last + Stage.Branches, "u16")
  for (let b = first; b < end; b++) {
    const branch = branchAt(plan, b)
    const source = stageAt(plan.getAt(branch + Branch.Source, "u16"))
    const sources = plan.getAt(source + Stage.Neurons, "u16")
    const counts = plan.getAt(source + Stage.StateCount, "i32")
    const weights = plan.getAt(branch + Branch.StateWeight, "i32")
    for (let i = 0; i < sources; i++) {
      const spikes = state.getAt(counts + i + i, "u16")
      if (spikes > 0) {
        const link = linkTo(plan, branch, i, neuron, neurons)
        if (link >= 0) {
          // |rate| ≤ 30 · 4095, spikes ≤ 1024: below 2^27.
          const noise = hash32(random ^ b, link) & mask
          const change = (rate * spikes + noise) >> shift
          teachLink(plan, state, weights + link + link, change)
        }
      }
    }
  }
}

/** The number of the link from a source to a neuron among its branch's; −1: there is none. */
function linkTo(
  plan: Buffer,
  branch: number,
  source: number,
  neuron: number,
  neurons: number,
): number {
  if (plan.getAt(branch + Branch.Dense, "u16") !== 0) return source * neurons + neuron
  const start = plan.getAt(branch + Branch.Start, "i32") + (source << 2)
  const place = plan.getAt(branch + Branch.Place, "i32")
  const end = plan.getAt(start + 4, "i32")
  for (let i = plan.getAt(start, "i32"); i < end; i++) {
    if (plan.getAt(place + i + i, "u16") === neuron) return i
  }
  return -1
}

function teachLink(plan: Buffer, state: Buffer, at: number, change: number): void {
  const most = plan.getAt(SpikePlan.WeightMax, "u16")
  const weight = state.getAt(at, "i16") + change
  state.setAt(at, "i16", Math.min(most, Math.max(-most, weight)))
}
