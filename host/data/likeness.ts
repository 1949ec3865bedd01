/**
 * How much a picture is like those a network has learnt from: a few figures of each, and between what
 * they lie for all of those but a few. A picture outside was drawn, lit or scaled in another way, and
 * what the network says of it means little.
 */

export type Likeness = {
  /** Of each figure of `figuresOf`. */
  least: number[]
  most: number[]
}

/** Share of the pictures learnt that may lie outside, on each side of each figure. */
const OUTSIDE = 0.002
/** And so much further, of the width between. */
const SLACK = 0.1
const LOOKED_AT = 10_000

/** What a figure is called in a sentence about a picture. */
const NAMES = [
  ["darker", "brighter"],
  ["drawn in fewer pixels", "drawn in more pixels"],
  ["paler where it is drawn", "stronger where it is drawn"],
  ["smoother", "more broken up"],
] as const

/** Mean; share of the pixels drawn on; mean of those; mean step between neighbours, of the mean. */
export function figuresOf(image: Uint8Array, width: number): number[] {
  let [sum, drawn, steps] = [0, 0, 0]
  for (let i = 0; i < image.length; i++) {
    sum += image[i]
    if (image[i] > 0) drawn++
    if ((i + 1) % width !== 0) steps += Math.abs(image[i] - image[i + 1])
    if (i + width < image.length) steps += Math.abs(image[i] - image[i + width])
  }
  const n = image.length
  return [
    sum / n / 255,
    drawn / n,
    drawn > 0 ? sum / drawn / 255 : 0,
    sum > 0 ? steps / sum : 0,
  ].map(value => Number(value.toFixed(4)))
}

/** @param images one after the other, of `pixels` each */
export function likenessOf(images: Uint8Array, pixels: number, width: number): Likeness {
  const count = images.length / pixels
  const step = Math.max(1, Math.floor(count / LOOKED_AT))
  const all: number[][] = NAMES.map(() => [])
  for (let i = 0; i < count; i += step)
    for (const [f, value] of figuresOf(
      images.subarray(i * pixels, (i + 1) * pixels),
      width,
    ).entries())
      all[f].push(value)
  const least: number[] = []
  const most: number[] = []
  for (const values of all) {
    values.sort((a, b) => a - b)
    const few = Math.floor(values.length * OUTSIDE)
    const [from, to] = [values[few], values[values.length - 1 - few]]
    const slack = SLACK * (to - from)
    least.push(Number(Math.max(0, from - slack).toFixed(4)))
    most.push(Number((to + slack).toFixed(4)))
  }
  return { least, most }
}

/** In what the picture is unlike those learnt: "brighter, drawn in more pixels"; undefined if in nothing. */
export function unlikeIn(
  image: Uint8Array,
  width: number,
  { least, most }: Likeness,
): string | undefined {
  const words = figuresOf(image, width).flatMap((value, f) =>
    value < least[f] ? [NAMES[f][0]] : value > most[f] ? [NAMES[f][1]] : [],
  )
  return words.length > 0 ? words.join(", ") : undefined
}

/** Of MNIST's training images, as `likenessOf` finds it (a test computes it again). */
export const MNIST_LIKENESS: Likeness = {
  least: [0.0124, 0.0329, 0.4378, 0.3351],
  most: [0.2971, 0.3727, 0.9151, 2.0273],
}
