/**
 * The description of a signal's features as the core reads it: a block of memory that the host builds
 * (host/signals/plan.ts) with every table in it, as it builds a shard. A signal is i16 little-endian,
 * its channels interleaved: sample i of channel c at byte 2 · (i · channels + c).
 */

/** Offsets into a plan. */
export enum Plan {
  /** u16: `FeatureKind`. */
  Kind = 0,
  /** u16: channels of the signal, 1…8; of sound the first is used. */
  Channels = 2,
  /** u16: points of a trace or frames of bands, 2…512; of a reservoir 0 where each sample is a moment. */
  Points = 4,
  /** u16: bytes of features that come out. */
  Width = 6,
  /** u16: `Scaling`. */
  Scaling = 8,
  /** u16: of a trace, sum of `Derive`. */
  Derive = 10,
  /** i32: of `Scaling.Range`, the values that become 0 and 255. */
  Low = 12,
  High = 16,
  /** i32: a range that is scaled is taken to be at least this, so that noise alone is not made large. */
  Floor = 20,
  /** u16: fewest samples of a window, 2…65535. */
  Least = 24,
  /** u16: log2 of the samples of a frame, 5…10. */
  FrameBits = 26,
  /** u16: bands, 1…64. */
  Bands = 28,
  /** u16: neighbouring frames averaged into one, 1…8. */
  Average = 30,
  /** i32: offset of the twiddle factors: cos and −sin of 2πk/N for k = 0…N/2−1, i16 each, Q15. */
  Twiddle = 32,
  /** i32: offset of the window of a frame, N values i16, Q15. */
  Window = 36,
  /**
   * i32: offset of the bands: each u16 first bin, u16 bins, then a weight a bin, u8, Q7, and a byte that
   * makes them even.
   */
  Mel = 40,
  /** u16: still or quiet ends below 1/2^Trim of the liveliest block are left out; 0: nothing is. */
  Trim = 44,
  /** u16: samples of a block, 2…1024. */
  Block = 46,
  /** u16: of `Scaling.Spread`, the share of each band's own mean that is taken away, Q8, 0…256. */
  Level = 48,
  /** u16: of `Scaling.Spread`, offset of the fixed kernels that are laid on the bands; 0: none are. */
  Kernels = 50,
  Length = 52,
}

/** Offsets in the record of fixed kernels; u16 each. */
export enum FixedKernels {
  /** Kernels, 1…1024. */
  Count = 0,
  /** Rows and columns of each, 2…8. */
  Size = 2,
  /** Parts of the picture over which is averaged, in both directions. */
  Down = 4,
  Across = 6,
  /** What is taken from each answer first; below it is nothing. */
  Above = 8,
  /** u8 each, 128 more than they are: the kernels' values, row by row; the sum of a kernel's squares is about 2^12. */
  Length = 10,
}

/** Of a reservoir, behind the fields that all plans have. Addresses are of working memory, i32. */
export enum Reservoir {
  /** u16: rings, 1…64. */
  Rings = 52,
  /** u16: values of a moment, 1…16. */
  Columns = 54,
  /** u16: signals of the moment before that a synapse reads, even, 0…16, at most all. */
  Recurrent = 56,
  /** u16: Heun steps a moment, 1…8. */
  Steps = 58,
  /** u16: parts of a sequence of points that are averaged each by itself, 1…16. */
  Parts = 60,
  /** u16: K2, Q12; K1 is 1 and K3 = K1 − K2. */
  Decay = 62,
  /** u16, Q12: links from values lie within ± this, below 4; links from signals within ± that, below 2. */
  InputBound = 64,
  RecurrentBound = 66,
  /** i32 */
  Seed = 68,
  /** i16 each: the rings' signals, the first of them once more behind the last. */
  Signals = 72,
  /** i32 each: sums of the elements that give the signals, part by part. */
  Means = 76,
  /** i16 each: values of the moment. Everything before them begins as zeros. */
  Values = 80,
  Links = 84,
  /** u8: points of the trace. */
  Trace = 88,
  Length = 92,
}

export enum FeatureKind {
  /** The course of each channel at evenly spaced points. */
  Trace = 1,
  /** Logarithm of the amplitude in bands of frequency, frame by frame. */
  Bands = 2,
  /** Where rings that keep their state were on average (reservoir.ts). */
  Reservoir = 3,
}

/** How values become bytes. */
export enum Scaling {
  /** Low…High becomes 0…255; beyond it is clipped. */
  Range = 1,
  /** Each channel by its own smallest and largest value; bands all together. */
  Own = 2,
  /** Each channel about its own middle, all by the largest range among them: keeps proportions. */
  Shape = 3,
  /** Of bands: the largest becomes 255, what lies `Floor` or more below it 0. */
  Peak = 4,
  /** Of bands: all to mean 128 and deviation 40, first what lies `Floor` or more below the largest is raised. */
  Spread = 5,
}

/** What is taken of a trace; a sum of these. */
export enum Derive {
  Values = 1,
  /** Each point less the one before it; the first is 0. */
  Differences = 2,
  /** Square root of the sum of the channels' squares. */
  Magnitude = 4,
}
