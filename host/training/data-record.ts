/** What a model keeps of the data it was taught with, so that later data is taken in the same way. */
import { z } from "zod"
import type { Likeness } from "../data/likeness"

const likeness: z.ZodType<Likeness> = z.strictObject({
  least: z.array(z.number()),
  most: z.array(z.number()),
})

export const dataRecordSchema = z.strictObject({
  kind: z.enum(["pictures", "idx", "table"]),
  /** Its input as a picture. */
  frame: z.strictObject({ width: z.int().min(1), height: z.int().min(1) }),
  /** Of a table: what became 0 and 255, and the class's column. */
  range: z
    .discriminatedUnion("by", [
      z.strictObject({ by: z.literal("whole"), from: z.number(), to: z.number() }),
      z.strictObject({
        by: z.literal("column"),
        from: z.array(z.number()),
        to: z.array(z.number()),
      }),
    ])
    .optional(),
  label: z.string().optional(),
  /** By which samples were held out, and the others put in order. */
  seed: z.int(),
  /** Samples held out, as there was no test part. */
  heldOut: z.int().min(0),
  /** SHA-256 of the classes of all samples in order: whether other data is the same. */
  labels: z.string(),
  likeness: likeness.optional(),
  /** Where each board had its own: of each the same two, by which a part is known again. */
  parts: z
    .array(z.strictObject({ labels: z.string(), heldOut: z.int().min(0) }))
    .max(64)
    .optional(),
})

export type DataRecord = z.infer<typeof dataRecordSchema>
