/** How often something happens, in memory that does not depend on how often. */

/** The rate is that of the last so many ms, counted in parts of so many. */
const WINDOW_MS = 2_000
const PART_MS = 50

export class Rate {
  private readonly parts: { from: number; count: number }[] = []

  count(now: number): void {
    const last = this.parts.at(-1)
    if (last && now < last.from + PART_MS) last.count++
    else {
      this.forget(now)
      this.parts.push({ from: now, count: 1 })
    }
  }

  perSecond(now: number): number {
    this.forget(now)
    return this.parts.reduce((sum, { count }) => sum + count, 0) / (WINDOW_MS / 1000)
  }

  private forget(now: number): void {
    while (this.parts.length > 0 && this.parts[0].from < now - WINDOW_MS) this.parts.shift()
  }
}
