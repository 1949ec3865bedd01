/** What came of the samples of a run: accuracy and error over time, confusion, last mistakes. */
import type { Hello } from "./messages"

/** The curve says how it was of so many last samples. */
const WINDOW = 200
/** Points kept; beyond it every other goes, and new ones come half as often. */
const MOST_POINTS = 1_000
export const MOST_MISTAKES = 24

export type Tally = Hello["tallies"]["learning"]
export type Sample = { label: number; named: number; error: boolean }
export type Mistake = Tally["mistakes"][number]

export class Ledger {
  samples = 0
  right = 0
  confusion: number[][]
  readonly mistakes: Mistake[] = []
  private curve: [number, number, number][] = []
  private readonly last: Sample[] = []
  private stride = 1

  constructor(classes: number) {
    this.confusion = Array.from({ length: classes }, () => Array(classes).fill(0))
  }

  /** There are more classes from now on, or fewer again. */
  resize(classes: number): void {
    const row = (had: number[]) => Array.from({ length: classes }, (_, i) => had[i] ?? 0)
    this.confusion = Array.from({ length: classes }, (_, i) => row(this.confusion[i] ?? []))
  }

  /**
   * @param encode the image as it goes to the page, asked for mistakes only
   * @returns a point of the curve, where it is due
   */
  add(
    sample: Sample,
    encode: () => string,
  ): { point?: [number, number, number]; mistake?: Mistake } {
    const { label, named } = sample
    this.samples++
    if (label === named) this.right++
    // A board may report a class that there is not: a mistake like any other, of no class.
    const row = this.confusion[label]
    if (row?.[named] !== undefined) row[named]++
    this.last.push(sample)
    if (this.last.length > WINDOW) this.last.shift()
    const mistake = label === named ? undefined : { image: encode(), label, named }
    if (mistake) {
      this.mistakes.unshift(mistake)
      this.mistakes.length = Math.min(MOST_MISTAKES, this.mistakes.length)
    }
    return { mistake, point: this.samples % this.stride === 0 ? this.point() : undefined }
  }

  tally(): Tally {
    const { samples, right, curve, confusion, mistakes } = this
    return structuredClone({ samples, right, curve, confusion, mistakes })
  }

  private point(): [number, number, number] {
    const share = (is: (s: Sample) => boolean) => this.last.filter(is).length / this.last.length
    const point: [number, number, number] = [
      this.samples,
      share(s => s.label === s.named),
      share(s => s.error),
    ]
    this.curve.push(point)
    if (this.curve.length >= MOST_POINTS) {
      this.curve = this.curve.filter((_, i) => i % 2 === 1)
      this.stride *= 2
    }
    return point
  }
}
