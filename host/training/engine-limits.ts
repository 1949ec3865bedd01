/** What the training engine refuses. */
import { WuxingError } from "../base/errors"

/** @throws RangeError unless it is a whole number in that range */
export function whole(name: string, value: number, most: number, least = 1): number {
  if (!Number.isInteger(value) || value < least || value > most)
    throw new RangeError(`${name} is ${value}, expected a whole number from ${least} to ${most}`)
  return value
}

/** @throws RangeError if one is no image's number */
export function checkIndices(count: number, indices: Int32Array): void {
  const wrong = indices.findIndex(index => index < 0 || index >= count)
  if (wrong >= 0) throw new RangeError(`index ${indices[wrong]} of ${count} images`)
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
