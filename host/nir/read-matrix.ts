/** A matrix from an HDF5 data set, tile by tile: what is not zero may be a thousandth of it. */
import type { Dataset } from "h5wasm"
import type { Matrix } from "./graph"
import { type Hdf5, readNumbers } from "./hdf5"

/** Values read at once. */
const TILE = 2 ** 21

/**
 * Reads in tiles of whole blocks, so that each block is decompressed once however its sides lie.
 *
 * @param most entries other than 0; NaN counts
 * @returns undefined where there are more
 */
export function readMatrix(hdf5: Hdf5, data: Dataset, most: number): Matrix | undefined {
  const [rows, columns] = data.shape as number[]
  const [blockRows, blockColumns] = data.metadata.chunks ?? [1, columns]
  const wide = blockColumns * Math.max(1, Math.floor(TILE / (blockRows * blockColumns)))
  const width = Math.min(columns, wide)
  const height = Math.min(
    rows,
    blockRows * Math.max(1, width === columns ? Math.floor(TILE / (blockRows * columns)) : 1),
  )
  const entries = new Entries(most)
  const start = new Int32Array(rows + 1)
  for (let top = 0; top < rows; top += height) {
    const bottom = Math.min(rows, top + height)
    for (let left = 0; left < columns; left += width) {
      const right = Math.min(columns, left + width)
      const values = readNumbers(hdf5, data, [
        [top, bottom],
        [left, right],
      ])
      let at = 0
      for (let row = top; row < bottom; row++)
        for (let column = left; column < right; column++, at++)
          if (values[at] !== 0) {
            if (!entries.add(row, column, values[at])) return undefined
            start[row + 1]++
          }
    }
  }
  for (let row = 0; row < rows; row++) start[row + 1] += start[row]
  return { rows, columns, start, ...entries.byRow(start) }
}

/** Entries in the order of the tiles: within a row, columns ascend. */
class Entries {
  private count = 0
  private rows = new Int32Array(1024)
  private columns = new Int32Array(1024)
  private values = new Float64Array(1024)

  constructor(private readonly most: number) {}

  add(row: number, column: number, value: number): boolean {
    if (this.count >= this.most) return false
    if (this.count === this.rows.length) this.grow()
    this.rows[this.count] = row
    this.columns[this.count] = column
    this.values[this.count++] = value
    return true
  }

  byRow(start: Int32Array): { column: Int32Array; value: Float64Array } {
    const next = start.slice()
    const column = new Int32Array(this.count)
    const value = new Float64Array(this.count)
    for (let i = 0; i < this.count; i++) {
      const at = next[this.rows[i]]++
      column[at] = this.columns[i]
      value[at] = this.values[i]
    }
    return { column, value }
  }

  private grow(): void {
    const wider = <A extends Int32Array | Float64Array>(array: A, larger: A): A => {
      larger.set(array)
      return larger
    }
    const length = 2 * this.count
    this.rows = wider(this.rows, new Int32Array(length))
    this.columns = wider(this.columns, new Int32Array(length))
    this.values = wider(this.values, new Float64Array(length))
  }
}
