/** Does a process grow? A straight line through what it held at times. */

export interface Sample {
  minutes: number
  bytes: number
}

export interface Growth {
  /** Resident, of the samples that count: their mean, and the largest. */
  meanBytes: number
  mostBytes: number
  /** Slope of the least-squares line, and its standard error. */
  bytesPerMinute: number
  error: number
}

/** @param skip share of the samples at the beginning that do not count, 0…1 */
export function growth(all: Sample[], skip = 0): Growth {
  const samples = all.slice(Math.floor(all.length * skip))
  const n = samples.length
  const meanX = samples.reduce((sum, s) => sum + s.minutes, 0) / n
  const meanY = samples.reduce((sum, s) => sum + s.bytes, 0) / n
  let xx = 0
  let xy = 0
  for (const { minutes, bytes } of samples) {
    xx += (minutes - meanX) ** 2
    xy += (minutes - meanX) * (bytes - meanY)
  }
  const slope = xx > 0 ? xy / xx : 0
  const squares = samples.reduce(
    (sum, s) => sum + (s.bytes - meanY - slope * (s.minutes - meanX)) ** 2,
    0,
  )
  return {
    meanBytes: Math.round(meanY),
    mostBytes: Math.max(...samples.map(({ bytes }) => bytes)),
    bytesPerMinute: Math.round(slope),
    error: n > 2 && xx > 0 ? Math.round(Math.sqrt(squares / (n - 2) / xx)) : 0,
  }
}
