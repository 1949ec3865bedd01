/** Options that programs give to the library. */
import { WuxingError } from "./errors"

/**
 * @param what the function that takes them
 * @throws WuxingError "option-unknown" (kind "usage") for one it does not know
 */
export function refuseUnknown(what: string, given: object, known: readonly string[]): void {
  const unknown = Object.keys(given).filter(key => !known.includes(key))
  if (unknown.length === 0) return
  throw new WuxingError({
    code: "option-unknown",
    kind: "usage",
    message: `${what} has no option ${unknown.map(key => `"${key}"`).join(", ")}`,
    cause: "it is misspelt, or of another version",
    help: `options are ${known.join(", ")}`,
  })
}
