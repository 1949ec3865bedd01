/**
 * The description of a graph of spiking neurons as the core reads it: a block of memory that the host
 * builds (host/nir/spiking/plan.ts). It is never written to, so that it can lie in flash. Numbers are
 * whole: a neuron's weights, threshold and reset are those of the graph times a factor of its own.
 *
 * A stage is the neurons of one node, and stages follow each other as spikes pass through them; a branch
 * is a matrix that leads from the inputs, or from an earlier stage, to a stage.
 */

/** Offsets into a plan. */
export enum SpikePlan {
  /** u16: 1 */
  Format = 0,
  /** u16: steps of a sample, 1…1024 */
  Steps = 2,
  /** u16: bytes of a sample */
  Inputs = 4,
  /** u16: neurons of the last stage, one a class */
  Classes = 6,
  /** u16 */
  Stages = 8,
  /** u16: a change is shifted right by so much, 0…20 */
  LearnShift = 10,
  /** u16: a class is to lead by so many spikes, 1…15 */
  Margin = 12,
  /** u16: weights that learn stay within ± this */
  WeightMax = 14,
  /** i32: decides the rounding of changes */
  Seed = 16,
  /** i32: bytes of the plan */
  Size = 20,
  /** i32: bytes of state; of those the last `LearntBytes` are what learns, 0 where nothing can */
  StateBytes = 24,
  LearntBytes = 28,
  /** i32: offset of the branches; stages begin at Length */
  Branches = 32,
  /** i32: where in the state is how many samples it has learnt from (i32), before the weights that learn */
  StateSamples = 36,
  Length = 40,
}

/** Offsets into a stage. Addresses are of the plan, `State…` of the state. */
export enum Stage {
  /** u16 */
  Neurons = 0,
  /** u16: sum of `StageFlag` */
  Flags = 2,
  /** u16: the first of its branches, and how many there are */
  FirstBranch = 4,
  Branches = 6,
  /** i32: addresses of i32 a neuron */
  Threshold = 8,
  Reset = 12,
  /** What is added to its input, and to v, at each step. */
  Bias = 16,
  Rest = 20,
  /** i32: addresses of u16 a neuron, Q16: shares of v and of the current that a step takes away */
  Leak = 24,
  Fade = 28,
  /** i32: i32 a neuron: v, current, what the inputs give at each step, the sum of the step */
  StateV = 32,
  StateCurrent = 36,
  StateConstant = 40,
  StateSum = 44,
  /** i32: u16 a neuron: spikes of the sample; u8 a neuron: did it spike in this step? */
  StateCount = 48,
  StateFired = 52,
  Length = 56,
}

/** What a stage's neurons are; IF has neither. */
export enum StageFlag {
  /** v leaks: LIF. */
  Leaky = 1,
  /** Its input is a current that fades: CubaLIF. */
  Synaptic = 2,
  /** It reads the inputs, which count in 255ths: one spike counts 255. */
  Inputs = 4,
}

/** Offsets into a branch. */
export enum Branch {
  /** u16: the stage it leads from; NONE: the inputs */
  Source = 0,
  /** u16: 1: every source leads to every neuron, and there are no places */
  Dense = 2,
  /** i32: address of u32 a source and one more: where its weights begin; of u16 a weight: neuron */
  Start = 4,
  Place = 8,
  /** i32: address of i16 a weight, source by source */
  Weight = 12,
  /** i32: where in the state its weights are if they learn */
  StateWeight = 16,
  Length = 20,
}

export const NO_STAGE = 65535
