/** A signal in one line of text. */
const BARS = "▁▂▃▄▅▆▇█"

/** @returns a bar a value, between the smallest and the largest, with these two behind it */
export function sparkline(values: readonly number[]): string {
  const low = Math.min(...values)
  const high = Math.max(...values)
  const bars = values.map(value => {
    const part = high > low ? (value - low) / (high - low) : 0
    return BARS[Math.min(BARS.length - 1, Math.floor(part * BARS.length))]
  })
  return `${bars.join("")} ${low.toPrecision(3)}…${high.toPrecision(3)}`
}
