/** Schemas for what comes from outside: what is too long is refused before it is looked at one by one. */
import { z } from "zod"

/** A list of `least` to `most` items. A schema of lists alone would complain of each of a million. */
export function listOf<Item extends z.ZodType>(item: Item, least: number, most: number) {
  return z
    .unknown()
    .refine(value => !Array.isArray(value) || value.length <= most, {
      error: `Too big: expected a list of at most ${most}`,
    })
    .pipe(z.array(item).min(least))
}
