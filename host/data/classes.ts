/** Classes of a user's own data: which labels their names stand for. */
import { WuxingError } from "../base/errors"

/** A label is one byte, and 255 means none. */
export const MOST_CLASSES = 255
/** Characters of a class's name. */
export const MOST_NAME = 200

/**
 * Names in the order of their labels: in that of their characters; or, if all are whole numbers below
 * the number of outputs, every number from 0 on, so that digits keep their meaning even if some are
 * missing.
 *
 * @param names as the data has them, in any order, each as often as it comes
 * @param outputs of the network; absent: not known yet
 * @param where for an error: what holds so many
 * @throws WuxingError "data-classes" (kind "data") if there are more than outputs, or one is too long
 */
export function namesOfClasses(
  names: Iterable<string>,
  outputs: number | undefined,
  where: string,
): string[] {
  const known = [...new Set(names)].sort((a, b) => (a < b ? -1 : 1))
  const long = known.find(name => name.length > MOST_NAME)
  if (long !== undefined)
    throw wrongClasses(
      `${where} holds a class whose name has ${long.length} characters, expected at most ${MOST_NAME}`,
      "it is another text than a class's name",
    )
  const isLabel = (name: string) => /^(0|[1-9]\d{0,3})$/.test(name) && Number(name) < (outputs ?? 0)
  if (outputs !== undefined && known.every(isLabel))
    return Array.from({ length: outputs }, (_, i) => String(i))
  const most = Math.min(outputs ?? MOST_CLASSES, MOST_CLASSES)
  if (known.length <= most) return known
  throw wrongClasses(
    `${where} holds ${known.length} classes, expected at most ${most}`,
    outputs === undefined ? "a label is one byte" : `the network has ${outputs} outputs`,
  )
}

/** Why there can be no class of this name beside the others, as a sentence; undefined: there can. */
export function faultOfNewClass(name: string, classes: readonly string[]): string | undefined {
  if (name.trim() !== name || name === "") return "A class's name begins and ends with no space."
  if (name.length > MOST_NAME) return `A class's name has at most ${MOST_NAME} characters.`
  if (/\p{Cc}/u.test(name)) return "A class's name has no control characters."
  if (classes.length >= MOST_CLASSES) return `There are ${MOST_CLASSES} classes, as many as can be.`
  return classes.includes(name) ? `There is a class ${name} already.` : undefined
}

export function wrongClasses(message: string, cause: string): WuxingError {
  return new WuxingError({
    code: "data-classes",
    kind: "data",
    message,
    cause,
    help: "use a network with an output for each class, or remove those it does not know",
  })
}
