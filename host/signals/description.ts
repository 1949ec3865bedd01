/** What a model file says of its features: how a window of a signal becomes the bytes it reads. */
import { z } from "zod"
import { listOf } from "../base/schema"

const name = z.string().min(1).max(40)
const i32 = z
  .int()
  .min(-(2 ** 20))
  .max(2 ** 20)

const common = {
  /** Names of the channels, in the order a sample has them. */
  channels: listOf(name, 1, 8),
  /** Samples a second. */
  rate: z.number().min(0.1).max(96_000),
  /** What a signal is multiplied by to become the whole numbers the core reads: 4096 for Q12. */
  unit: z
    .number()
    .min(2 ** -20)
    .max(2 ** 20),
  /**
   * Quiet or still ends are left out before anything else: blocks that move less than 1/2^bits of the
   * liveliest one.
   */
  trim: z
    .strictObject({
      /** The share, as a power of two. */
      bits: z.int().min(1).max(12),
      /** Samples of a block. */
      block: z.int().min(2).max(1024),
    })
    .optional(),
  /** How a stream is cut; absent: recordings are taken whole. */
  cut: z
    .discriminatedUnion("by", [
      /** Windows of `length` samples, one every `hop`. */
      z.strictObject({
        /** Windows of one length. */
        by: z.literal("window"),
        /** Samples of a window. */
        length: z.int().min(2).max(65_535),
        /** Samples from the start of one window to that of the next. */
        hop: z.int().min(1).max(65_535),
      }),
      /** Stretches that move: see src/signals/segment.ts. */
      z.strictObject({
        /** Stretches that move. */
        by: z.literal("segment"),
        /** Movement from which a stretch begins, in units of the core. */
        threshold: z
          .int()
          .min(1)
          .max(2 ** 20),
        /** Samples of rest that end a stretch. */
        quiet: z.int().min(1).max(4096),
        /** Samples of the shortest stretch that counts. */
        shortest: z.int().min(2).max(65_535),
        /** Samples after which a stretch is cut. */
        longest: z.int().min(2).max(65_535),
      }),
    ])
    .optional(),
}

/** How values are brought to bytes, of what is scaled as a trace is. */
const scaled = {
  /** From `low` to `high`, by each channel's own range, or by the largest range of all. */
  scale: z.enum(["range", "own", "shape"]),
  /** Of scale "range", in units of the core. */
  low: i32.optional(),
  /** Of scale "range", in units of the core. */
  high: i32.optional(),
  /** Smallest range that is made full, in units of the core. */
  floor: z
    .int()
    .min(0)
    .max(2 ** 16),
}

const trace = z.strictObject({
  /** The course of the signal. */
  kind: z.literal("trace"),
  /** Evenly spaced points that a window is brought to. */
  points: z.int().min(2).max(512),
  /** What is taken of each point. */
  take: listOf(z.enum(["values", "differences", "magnitude"]), 1, 3),
  ...scaled,
  ...common,
})

const bands = z.strictObject({
  /** Loudness in bands of frequency. */
  kind: z.literal("bands"),
  /** Frames spread evenly over a window. */
  frames: z.int().min(2).max(512),
  /** Neighbouring frames averaged into one. */
  average: z.int().min(1).max(8),
  /** Samples of a frame: a power of two. */
  frame: z.literal([32, 64, 128, 256, 512, 1024]),
  /** Bands of frequency. */
  bands: z.int().min(2).max(64),
  /** Lowest frequency, Hz. */
  from: z.number().min(0),
  /** Highest frequency, Hz. */
  to: z.number().min(1),
  /** Are the bands as wide as the ear's (mel), or all alike? */
  spacing: z.enum(["mel", "even"]),
  /** To bytes: by the window's own range, below its loudest, or to one mean and deviation. */
  scale: z.enum(["own", "peak", "spread"]),
  /**
   * Octaves of amplitude (6 dB each) that become 0…255 (peak), or at least (own); what is farther below the
   * loudest is raised (spread).
   */
  octaves: z.number().min(0).max(16),
  /** Of scale "spread": share of each band's own mean that is taken away first; 0 where absent. */
  level: z.number().min(0).max(1).optional(),
  /** Of scale "spread": fixed kernels laid on the bands (src/signals/fixed-kernels.ts), whose answers are the features. */
  kernels: z
    .strictObject({
      /** Kernels: each gives a feature a part. */
      count: z.int().min(1).max(1024),
      /** Frames and bands that each covers. */
      size: z.int().min(2).max(8),
      /** What of an answer is above it counts: deviations of the bands times the kernel's norm. */
      above: z.number().min(0).max(8),
      /** Overlapping parts of all frames, and of all bands, over which answers are averaged. */
      parts: z.tuple([z.int().min(1).max(64), z.int().min(1).max(64)]),
      /** Draws the kernels. */
      seed: z
        .int()
        .min(-(2 ** 31))
        .max(2 ** 31 - 1),
    })
    .optional(),
  ...common,
})

const reservoir = z.strictObject({
  /** Where rings that keep their state were on average. */
  kind: z.literal("reservoir"),
  /** Rings: each gives two features a part. */
  rings: z.int().min(1).max(64),
  /** Evenly spaced points that a window is brought to, a moment each; 0: each sample is a moment. */
  points: z.union([z.literal(0), z.int().min(2).max(512)]),
  /** What is taken of each moment; the magnitude of points alone. */
  take: listOf(z.enum(["values", "differences", "magnitude"]), 1, 3),
  ...scaled,
  /** Parts of a sequence of points that are averaged each by itself. */
  parts: z.int().min(1).max(16),
  /** Heun steps of 3/4 a moment. */
  steps: z.int().min(1).max(8),
  /** Signals of the moment before that each synapse reads: an even number. */
  recurrent: z.int().min(0).max(16).multipleOf(2),
  /** K2 of all elements, whose K1 is 1 and K3 = 1 − K2. */
  k2: z.number().min(0.15).max(0.9),
  /** Links from values lie evenly within ± this. */
  input: z.number().min(0).max(3.99),
  /** Links from the rings' signals lie evenly within ± this. */
  feedback: z.number().min(0).max(1.99),
  /** Draws the links. */
  seed: z
    .int()
    .min(-(2 ** 31))
    .max(2 ** 31 - 1),
  ...common,
})

export const featuresSchema = z.discriminatedUnion("kind", [trace, bands, reservoir])
export type Features = z.infer<typeof featuresSchema>
export type ReservoirDescription = z.infer<typeof reservoir>
export type TraceDescription = z.infer<typeof trace>
export type BandsDescription = z.infer<typeof bands>
export type KernelsDescription = NonNullable<BandsDescription["kernels"]>

/** What a model file keeps of the signal it reads. */
export const signalSchema = z.strictObject({
  /** How a window becomes the network's input. */
  features: featuresSchema,
  /**
   * Lead of the best output over the next (Q signalBits) below which a window is of no known class,
   * chosen on recordings that it did not learn from.
   */
  unknown: z.int().min(0).max(32_767).optional(),
  /** Windows in a row that must name a class before it is said. */
  hold: z.int().min(1).max(100).optional(),
})
export type SignalDescription = z.infer<typeof signalSchema>
