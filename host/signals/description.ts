/** What a model file says of its features: how a window of a signal becomes the bytes it reads. */
import { z } from "zod"

const name = z.string().min(1).max(40)
const i32 = z
  .int()
  .min(-(2 ** 20))
  .max(2 ** 20)

const common = {
  /** Names of the channels, in the order a sample has them. */
  channels: z.array(name).min(1).max(8),
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
    .strictObject({ bits: z.int().min(1).max(12), block: z.int().min(2).max(1024) })
    .optional(),
  /** How a stream is cut; absent: recordings are taken whole. */
  cut: z
    .discriminatedUnion("by", [
      /** Windows of `length` samples, one every `hop`. */
      z.strictObject({
        by: z.literal("window"),
        length: z.int().min(2).max(65_535),
        hop: z.int().min(1).max(65_535),
      }),
      /** Stretches that move: see src/signals/segment.ts. */
      z.strictObject({
        by: z.literal("segment"),
        threshold: z
          .int()
          .min(1)
          .max(2 ** 20),
        quiet: z.int().min(1).max(4096),
        shortest: z.int().min(2).max(65_535),
        longest: z.int().min(2).max(65_535),
      }),
    ])
    .optional(),
}

const trace = z.strictObject({
  kind: z.literal("trace"),
  points: z.int().min(2).max(512),
  take: z
    .array(z.enum(["values", "differences", "magnitude"]))
    .min(1)
    .max(3),
  scale: z.enum(["range", "own", "shape"]),
  /** Of scale "range", in units of the core. */
  low: i32.optional(),
  high: i32.optional(),
  /** Smallest range that is made full, in units of the core. */
  floor: z
    .int()
    .min(0)
    .max(2 ** 16),
  ...common,
})

const bands = z.strictObject({
  kind: z.literal("bands"),
  frames: z.int().min(2).max(512),
  /** Neighbouring frames averaged into one. */
  average: z.int().min(1).max(8),
  /** Samples of a frame: a power of two. */
  frame: z.literal([32, 64, 128, 256, 512, 1024]),
  bands: z.int().min(2).max(64),
  /** Lowest and highest frequency, Hz. */
  from: z.number().min(0),
  to: z.number().min(1),
  /** Are the bands as wide as the ear's (mel), or all alike? */
  spacing: z.enum(["mel", "even"]),
  scale: z.enum(["own", "peak"]),
  /** Octaves of amplitude (6 dB each) that become 0…255 (peak), or at least (own). */
  octaves: z.number().min(0).max(16),
  ...common,
})

export const featuresSchema = z.discriminatedUnion("kind", [trace, bands])
export type Features = z.infer<typeof featuresSchema>
export type TraceDescription = z.infer<typeof trace>
export type BandsDescription = z.infer<typeof bands>

/** What a model file keeps of the signal it reads. */
export const signalSchema = z.strictObject({
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
