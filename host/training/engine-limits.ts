/** What the training engine refuses. */
import { WuxingError } from "../base/errors"

/** @throws RangeError unless it is a whole number in that range */
export function whole(name: string, value: number, most: number, least = 1): number {
  if (!Number.isInteger(value) || value < least || value > most)
    throw new RangeError(`${name} is ${value}, expected a whole number from ${least} to ${most}`)
  return value
}

/** Past the 2 GiB of its memory. */
export function tooLarge(what: string): WuxingError {
  return new WuxingError({
    code: "engine-memory",
    kind: "capacity",
    message: `${what} need more than the 2 GiB of the training engine`,
    cause: "it keeps all images and each thread's working memory at once",
    help: "use fewer images (--limit) or threads (--workers)",
  })
}
