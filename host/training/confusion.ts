/** What a network takes for what: the confusion matrix and the figures that follow from it. */

export interface ClassFigures {
  class: string
  /** Images of this class. */
  count: number
  /** Precision: share of images classified so that are so; null if none was classified so. */
  precision: number | null
  /** Recall: share of images of the class that were classified so; null if there are none. */
  recall: number | null
  /** Harmonic mean of the two: 2·right / (count + named). null if there are neither. */
  f1: number | null
}

export interface Evaluation {
  /** Images, and those classified correctly. */
  count: number
  right: number
  accuracy: number
  /** confusion[label][named] images of class `label` were classified as `named`. */
  confusion: number[][]
  perClass: ClassFigures[]
}

/**
 * @param labels of the images, and what each was named; both below `classes.length`, as long as each
 *   other and not empty
 */
export function evaluate(
  labels: ArrayLike<number>,
  named: ArrayLike<number>,
  classes: string[],
): Evaluation {
  const confusion = classes.map(() => classes.map(() => 0))
  for (let i = 0; i < labels.length; i++) confusion[labels[i]][named[i]]++
  let right = 0
  const perClass = classes.map((name, c) => {
    const count = confusion[c].reduce((sum, n) => sum + n, 0)
    const called = confusion.reduce((sum, row) => sum + row[c], 0)
    const hits = confusion[c][c]
    right += hits
    return {
      class: name,
      count,
      precision: ratio(hits, called),
      recall: ratio(hits, count),
      f1: ratio(2 * hits, count + called),
    }
  })
  return { count: labels.length, right, accuracy: right / labels.length, confusion, perClass }
}

function ratio(part: number, whole: number): number | null {
  return whole === 0 ? null : part / whole
}
