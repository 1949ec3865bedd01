/** A part of a user's data, as a training would have it: all of its samples in the order of the files. */
import { openFolder } from "../../../host/data/folder"
import type { Scaling } from "../../../host/data/scale"
import type { Part, Source, SourceOptions } from "../../../host/data/source"
import { openTable } from "../../../host/data/table-source"

export interface ReadOptions extends Partial<SourceOptions> {
  width: number
  height: number
  split: "train" | "validation" | "test"
  scaling?: Scaling
}

export function readFolder(dir: string, { width, height, split, ...options }: ReadOptions) {
  const frame = { width, height }
  const source = openFolder(dir, { pixels: width * height, outputs: 255, frame, ...options })
  return all(source, source[split] ?? source.train)
}

export async function readTableSet(path: string, options: Partial<SourceOptions> = {}) {
  const source = await openTable(path, { pixels: 3, outputs: 4, ...options })
  return { ...all(source, source.train), source, test: source.test && all(source, source.test) }
}

function all(source: Source, part: Part) {
  const { width, height, classes } = source
  const count = part.labels.length
  const pixels = width * height
  const images = new Uint8Array(count * pixels)
  for (let i = 0; i < count; i++) part.fill(i, images.subarray(i * pixels, (i + 1) * pixels))
  return { images, labels: part.labels, count, width, height, classes }
}
