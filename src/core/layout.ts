/**
 * The memory of a shard: everything one board (or the host) needs to run and teach its share of a
 * network, in one Buffer. All numbers are little-endian; offsets are bytes from the buffer's start.
 *
 *   header | one descriptor per part | input table | links of each part | working memory
 *
 * A *part* is the slice of one layer that this shard computes. Everything up to the working memory
 * (`Header.Image` bytes) is what the host loads into a board; the rest starts as zeros.
 * The offsets are read with a literal format and a literal address, which the DeviceScript compiler
 * turns into one operation.
 */

/** "WX" and the layout's version. A board that knows another version refuses the shard. */
export const MAGIC = 0x5857
export const LAYOUT_VERSION = 6

/**
 * Fraction bits of elements E, displacements D, net inputs u and backward signals λ: Q12, unless finer
 * (Rule.Fine): then Q16 while they settle, and what is stored in 16 bits Q14.
 */
export const STATE_BITS = 12
/** Fraction bits of coefficients C: Q13 in int16. */
export const COEFFICIENT_BITS = 13
/** The uniform fixed point B = (K1 − K2)/K3 = 1 (paper 000, eq. 3.4), in Q12. */
export const FIXED_POINT = 4096

/**
 * Random bits that round a change: the shift of a rate up to which every one of them counts. Finer
 * elements go further, to MOST_LEARN_SHIFT, with zeros below the noise.
 */
export const NOISE_BITS = 16
export const MOST_LEARN_SHIFT = 20
/** The least shift of a rate: of the plain product, and under PID control, whose change is quartered. */
export const LEAST_LEARN_SHIFT = 1
export const LEAST_PID_SHIFT = 3
/** Bits by which the backward signals of a layer may be finer than Q12. */
export const MOST_FINER = 8
/** Shifts of the rate at which elements learn. */
export const LEAST_ELEMENT_SHIFT = 4
export const MOST_ELEMENT_SHIFT = 24

/** Offsets in the header. Fields are u16 unless a comment says otherwise; every address is i32. */
export enum Header {
  Magic = 0,
  Version = 2,
  /** Bytes the host loads. */
  Image = 4,
  /** Bytes in use, working memory included. */
  Size = 8,
  Parts = 12,
  /** Samples that can be under way at once: each signal bus has this many slots. */
  Slots = 14,
  /** Input neurons (pixels) this shard reads. */
  Width = 16,
  /** Signals of an input neuron, 1…4: of the elements 1 … InputSignals. */
  InputSignals = 18,
  /** i16[256 · InputSignals]: responses of an input neuron to each pixel value, signal format. */
  InputTable = 20,
  /** Heun steps per settle, 2…16. */
  Steps = 24,
  /** round(65536 / steps): turns the sum over the steps into the time-mean. */
  Reciprocal = 26,
  /** i16, Q12: clamp of a net input. */
  NetMin = 28,
  NetMax = 30,
  /** i16, Q12: clamp of an element. */
  ElementMin = 32,
  ElementMax = 34,
  /** i16, Q12: clamp of a backward signal. */
  LambdaMax = 36,
  /** i16, Q13: clamp of a coefficient. */
  CoefficientMax = 38,
  /** 16 + 12 − signal bits: from a Q12 sum times the reciprocal to the signal format; finer: 14 for 12. */
  SignalShift = 40,
  /** 13 + signal bits − 12: from a sum of C·S to a net input in Q12; finer: 16 for 12. */
  NetShift = 42,
  /** Bits a product S·λ (plus rounding noise) is shifted right to become ΔC. */
  LearnShift = 44,
  /** i16, signal format: least lead of the label's output over the best other. */
  Margin = 46,
  /** Gain of the softmax error, Q4, as a power of two (gain · log2 e); 0: error by margin. */
  SoftmaxGain = 48,
  /** u16[32]: 2^15 · 2^(−i/32). */
  PowerTable = 50,
  /** Q12: K1 (Rule.Ring). */
  Generation = 114,
  /** u32: seed of the stochastic rounding. */
  Seed = 116,
  /** u16: random state of the sample in hand, from (seed, sample). */
  SampleRandom = 120,
  /** Q12: K2 (Rule.Ring); K3 is K1 − K2. */
  Decay = 122,
  /** u32: hash of the network and of this shard's place in it; boards report it. */
  LayoutHash = 124,
  /** A set of Rule: how it learns, where that is not by the plain product of the links. */
  Rule = 128,
  /** Links: kt·G in Q12 is a product S·λ shifted right by this (Rule.LinkBound). */
  LinkBound = 130,
  /** K3: bits a change is shifted right; kt·G in Q12 is G in Q24 shifted right by ElementBound. */
  ElementShift = 132,
  ElementBound = 134,
  /** i16, Q14: clamp of K3. */
  InhibitionMin = 136,
  InhibitionMax = 138,
  /** Q4: gains of the three terms; bits of the integral's memory (Rule.Pid). */
  Proportional = 140,
  Integral = 142,
  Differential = 144,
  Memory = 146,
  /** Bits the error at the outputs is shifted right. */
  ErrorShift = 148,
  /** i16, signal format: the papers' two targets; both 0: error by softmax or margin. */
  TargetHigh = 150,
  TargetLow = 152,
  /** 1: nothing will be learnt from the sample, so states and the list of pixels are not needed. */
  Brief = 154,
  /** i32: scratch record of one neuron (neuron.ts); 0 where all neurons have the default parameters. */
  Scratch = 156,
  Length = 160,
}

/**
 * Ways of learning beside the plain product of the links (a network's `rule` and its options), and of
 * settling.
 */
export enum Rule {
  /** Links do not learn. */
  FixedLinks = 1,
  /** A product is bounded by atan(kt·G)/kt. */
  LinkBound = 2,
  /** Changes by proportional, integral and differential terms. */
  Pid = 4,
  /** Elements have K3 and fixed points of their own, and K3 learns. */
  Elements = 8,
  /** K3 by the gradient at the operating point; else by the product D·D̂. */
  Gradient = 16,
  /** The backward equation from B̂; else the linear one at the operating point. */
  Bsp = 32,
  /** Elements and signals are finer than Q12 (settle-fine.ts). */
  Fine = 64,
  /** K1, K2 and K3 of all elements are those of the header (ring-neuron.ts). */
  Ring = 128,
  /** Backward signals return by coefficients of their own, which do not learn. On the host alone. */
  Feedback = 256,
  /** The error to the two targets is of every sample, not of those alone that were named wrongly. */
  Squares = 512,
  /** Any that concerns links; any for which neurons are settled in the scratch record. */
  OfLinks = 263,
  OfNeurons = 168,
  /** Any under which pixels are listed, not summed at once: those loops know the plain product alone. */
  Listed = 327,
  /** All that a board knows. */
  OnBoards = 767,
}

/** Offsets in a part's descriptor, fields as in the header; descriptor i starts at Header.Length + i · Part.Length. */
export enum Part {
  /** Which layer, 1 = the first behind the input. */
  Layer = 0,
  /** Neurons of the layer that are in this part, and the index of the first in its layer. */
  Neurons = 2,
  First = 4,
  /** Synapses of a neuron: they sit on the elements 0, InputStep, 2·InputStep … */
  Inputs = 6,
  /** The elements outputFirst, outputFirst + OutputStep … give the neuron's signals. */
  OutputFirst = 8,
  Outputs = 10,
  /** Sources on the bus the links of this part read from. */
  Sources = 12,
  /** u8 each: from one synapse's element to the next one's, and from one signal's; 1 or 2. */
  InputStep = 14,
  OutputStep = 15,
  /** i32: number of links. */
  Links = 16,
  /** A set of PartFlag. */
  Flags = 20,
  /** Bits by which the backward signals λ of this layer are finer than Q12; its links' rate has as many more. */
  Finer = 22,
  /**
   * Sparse links: u16[sources+1], where each source's links start. 0 where links are dense. Shared
   * ones: the record of their kernels (Kernel).
   */
  Start = 24,
  /** Sparse links: u8[links], the synapse (within this part) each link ends on. */
  Target = 28,
  /** i16[links], Q13. Sparse: by source. Dense: by synapse, then source. Shared: by source of a window, then synapse. */
  Coefficient = 32,
  /** i32[synapses]: sums of C·S, Q(13 + signal bits). */
  Sum = 36,
  /** i16[5·neurons], Q12: elements at the end of the forward settle; if finer, displacements, Q14. */
  State = 40,
  /**
   * i16[slots · signals of the layer before]: the bus the links read; 0 if they read pixels, but for
   * shared links, which have the pixels' signals laid out here, for one sample.
   */
  BusIn = 44,
  /** i16[slots · signals of this layer]: the bus this part writes its signals to. */
  BusOut = 48,
  /** Signals (not bytes) of one slot of either bus. */
  BusInWidth = 52,
  BusOutWidth = 54,
  /** Place on the bus of this part's first signal. */
  BusOutFirst = 56,
  /** From the sums in BackIn to λ of this layer: 13, more the bits the layer above is finer, less this one's. */
  BackShift = 58,
  /** i32[width of the bus]: sums of C·λ, Q25 (finer: Q27; errors at the outputs Q25); BackOut for the sources, BackIn for this layer. */
  BackOut = 60,
  BackIn = 64,
  /** i16[synapses], Q12 (finer: Q14): time-mean of the backward signal. */
  Lambda = 68,
  /** u16[synapses]: random state of each synapse for the sample in hand. */
  Noise = 72,
  /**
   * Network-wide index of this part's first synapse: rounding must not depend on the partition. With
   * `NeuronIds` that of its layer's first, as `FirstElement`.
   */
  FirstSynapse = 76,
  /**
   * Sparse links: the sources in hand, i32 count, then u16 index and i16 signal of each; under
   * PartFlag.AtOnce i32 bytes, then the runs of pixels as they came (image.ts).
   */
  List = 80,
  /** How much of a pass one run of the board may do: sources, synapses, neurons. */
  ChunkSources = 84,
  ChunkSynapses = 86,
  ChunkNeurons = 88,
  /** i32[links]: changes gathered in a batch; 0 where each sample learns at once (always on boards). */
  Delta = 92,
  /** i16[5·neurons] each, 0 where unused: K3 (Q14), fixed points B and B̂ (Q12). */
  Inhibition = 96,
  Rest = 100,
  RestBack = 104,
  /** i16[5·neurons], Q12: time-mean of the displacement of each element. */
  Displacement = 108,
  /** i32[5·neurons]: changes of K3 gathered in a batch; 0 as `Delta`. */
  InhibitionDelta = 112,
  /**
   * i32 integral and last G of each link and of each element (pid.ts). Rule.Feedback, which knows no
   * PID: i16[links], Q13, what backward signals return by, in the order of `Coefficient`; 0 for pixels.
   */
  LinkPid = 116,
  ElementPid = 120,
  /** Network-wide index of this part's first element: rounding must not depend on the partition. */
  FirstElement = 124,
  /** u16 each, 0 where they count up (from 0 and from `First`): index in its layer of each source
   * and of each neuron. */
  SourceIds = 128,
  NeuronIds = 132,
  Length = 136,
}

export enum PartFlag {
  /** The links read pixels. */
  Input = 1,
  /** The part holds the output neurons. */
  Output = 2,
  /** Every synapse reads every source: no index is stored. */
  Dense = 4,
  /** Other shards read this part's signals. */
  Report = 8,
  /** Other shards hold some of this part's sources. */
  Await = 16,
  /**
   * The links read pixels, and are summed as the pixels come: no message holds so many that the sums
   * would take a board too long without a yield.
   */
  AtOnce = 32,
  /**
   * The part holds all output neurons, and of their links only those from the signals this shard computes
   * itself: the sums of all shards are added up before it settles. `SourceIds` names the first of them.
   */
  Partial = 64,
  /** Of shards with such parts, the one that tells the host what came of a sample. */
  Tells = 128,
  /**
   * The part is a whole layer whose neurons read windows on a grid and share coefficients: the same
   * channel at every place has the same (kernels.ts). Neurons are place by place, and channel by
   * channel at each.
   */
  Shared = 256,
  /**
   * With AtOnce: links lie synapse by synapse, and an image comes as the links of its lit pixels
   * (picked.ts). `Start` is u16[synapses+1], `Target` u16[links]: the salt of each link, its source's
   * index in its layer times SOURCE_SALT, lower 16 bits.
   */
  Picked = 512,
}

/** Offsets in the record of a part's shared kernels, in `Part.Start`; all u16. */
export enum Kernel {
  /** Places of a row of the layer before, and its rows. */
  Across = 0,
  Down = 2,
  /** The same of a window. */
  Width = 4,
  Height = 6,
  /** Places from one window to the next, in both directions. */
  Stride = 8,
  /** Windows beside each other, and below each other. */
  Columns = 10,
  Rows = 12,
  /** Signals of a place. */
  Signals = 14,
  /** Synapses at a place: channels times Part.Inputs. */
  Synapses = 16,
  /** Q13: clamp of these coefficients, as Header.CoefficientMax of the others. */
  CoefficientMax = 18,
  Length = 20,
}
