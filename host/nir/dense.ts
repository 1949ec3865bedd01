/** Small dense matrices, row by row. */

/**
 * The inverse, by Gauss and Jordan with pivots.
 *
 * @returns undefined if there is none, or none that can be told in float64
 */
export function inverseOf(matrix: number[][]): number[][] | undefined {
  const n = matrix.length
  const rows = matrix.map((row, i) => [...row, ...row.map((_, j) => (i === j ? 1 : 0))])
  for (let i = 0; i < n; i++) {
    let pivot = i
    for (let r = i + 1; r < n; r++) if (Math.abs(rows[r][i]) > Math.abs(rows[pivot][i])) pivot = r
    if (!(Math.abs(rows[pivot][i]) > 1e-12)) return undefined
    const row = rows[pivot]
    rows[pivot] = rows[i]
    rows[i] = row
    const by = row[i]
    for (let c = i; c < 2 * n; c++) row[c] /= by
    for (let r = 0; r < n; r++) {
      const factor = rows[r][i]
      if (r === i || factor === 0) continue
      for (let c = i; c < 2 * n; c++) rows[r][c] -= factor * row[c]
    }
  }
  return rows.map(row => row.slice(n))
}

export function times(matrix: number[][], vector: number[]): number[] {
  return matrix.map(row => row.reduce((sum, value, j) => sum + value * vector[j], 0))
}

/**
 * How fast dx/dt = M·x grows in the long run (negative: decays): the largest real part of M's
 * eigenvalues, as ln ‖exp(M·T)‖ / T for a long T.
 *
 * @returns off by less than ln(condition of M's eigenvectors) / 256
 */
export function growthOf(matrix: number[][]): number {
  const norm = (m: number[][]) =>
    Math.max(...m.map(row => row.reduce((s, v) => s + Math.abs(v), 0)))
  const product = (a: number[][], b: number[][]) =>
    a.map(row => b[0].map((_, j) => row.reduce((sum, value, k) => sum + value * b[k][j], 0)))
  const halvings = Math.max(0, Math.ceil(Math.log2(norm(matrix))) + 4)
  const small = matrix.map(row => row.map(value => value / 2 ** halvings))
  // exp by its series: norm ≤ 1/16, so that ten terms are more than float64 holds.
  let power: number[][] = matrix.map((_, i) => matrix.map((_, j) => (i === j ? 1 : 0)))
  let exp = power.map(row => [...row])
  for (let k = 1; k <= 10; k++) {
    power = product(power, small).map(row => row.map(value => value / k))
    exp = exp.map((row, i) => row.map((value, j) => value + power[i][j]))
  }
  // Squared until T = 256, scaled on the way so that nothing overflows.
  let log = 0
  for (let k = 0; k < halvings + 8; k++) {
    exp = product(exp, exp)
    log *= 2
    const scale = norm(exp)
    if (scale === 0) return Number.NEGATIVE_INFINITY
    log += Math.log(scale)
    exp = exp.map(row => row.map(value => value / scale))
  }
  return log / 256
}

/**
 * x of M·x = b.
 *
 * @returns undefined where M has no inverse that can be told in float64
 */
export function solve(matrix: number[][], right: number[]): number[] | undefined {
  const inverse = inverseOf(matrix)
  return inverse && times(inverse, right)
}
