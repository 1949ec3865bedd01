/**
 * Where the lanes engine (lanes.ts) keeps a network: what its kernels and the host that fills its memory
 * both read. All fields are i32; addresses are of the engine's memory, offsets are from a block's start.
 *
 * A *block* is the working memory of 16 samples that are computed side by side. A *row* is a synapse's
 * coefficients, int16 Q13, in the order of its sources, filled up with zeros to whole fours; where the
 * synapses of a ring read the same sources, they are taken two at a time and filled up to an even number.
 */
export const LANES = 16

/** Offsets in a layer's record. */
export enum Lane {
  Neurons = 0,
  Inputs = 4,
  InputStep = 8,
  OutputFirst = 12,
  Outputs = 16,
  OutputStep = 20,
  /** As Part.Finer and Part.BackShift. */
  Finer = 24,
  BackShift = 28,
  /** Sources of a row, filled up. */
  FanIn = 32,
  /** 1: all rows of a ring read the same sources. */
  Shared = 36,
  /** Rows of a ring. */
  Rows = 40,
  /** u32[FanIn] for each ring (Shared) or row: offset of the source in the signals of a block. */
  List = 44,
  /** Bytes from one list to the next; 0: all have the same. */
  ListStride = 48,
  /** i16[rows · FanIn]. */
  Coefficient = 52,
  /** As Part.FirstSynapse. */
  FirstSynapse = 56,
  /** i16[signals before + 1][16]: what the rows read; the last is always zero. */
  In = 60,
  /** The same, of this layer. */
  Out = 64,
  /** i32[rows][16]: sums of C·S. */
  Sum = 68,
  /** i16[5 · neurons][16], Q12: elements at the end of the forward settle. */
  State = 72,
  /** i16[rows][16]: backward signals λ. */
  Lambda = 76,
  /** i32[signals + 1][16]: sums of C·λ, for this layer; and for its sources, 0 where they are pixels. */
  BackIn = 80,
  BackOut = 84,
  Sources = 88,
  /** Clamp of the layer's coefficients, Q13. */
  CoefficientMax = 92,
  /**
   * Places whose rings share coefficients, 0: none do. Then there is a list for each place, and coefficients are
   * those of one.
   */
  Places = 96,
  /** Shared: what is read of a place, in pairs, i16[FanIn][16] or i16[rows of a place][16]. */
  Packed = 100,
  /** Shared, not for pixels: i16[FanIn][rows of a place], the coefficients by source. */
  Turned = 104,
  /** i16[rows · FanIn]: what backward signals return by; `Coefficient` unless that is fixed. */
  Returns = 108,
  /** u32[19]: rings and samples that wait to be settled backward (lanes-apart.ts). */
  Pairs = 112,
  /**
   * Bytes from the coefficients as they are used to those that are kept to learn (src/core/once.ts), and the bits
   * that the former lack; 0 both where they are the same.
   */
  Kept = 116,
  Quantised = 120,
  Length = 124,
}
