/** A network's input as a picture, if it is one. */
import { WuxingError } from "../base/errors"
import { frameOf } from "../data/folder"
import { type Likeness, MNIST_LIKENESS } from "../data/likeness"
import type { Model } from "../models/model-file"
import { dataOf } from "./training"

/**
 * @param name of the model, for errors
 * @param meant the user has said how pictures are to be taken, and so that they can be
 * @returns its size as a picture, and what the pictures it has learnt from were like, if that is known
 * @throws WuxingError "picture-table", "picture-shape" (kind "data") for a network that takes none
 */
export function pictureInput(
  name: string,
  model: Model,
  meant: boolean,
): { frame: { width: number; height: number }; likeness?: Likeness } {
  const { network, training } = model
  const { record } = dataOf(model)
  const table = record ? record.kind === "table" : /\.[ct]sv(\.gz)?$/i.test(training?.data ?? "")
  if (table && !meant)
    throw new WuxingError({
      code: "picture-table",
      kind: "data",
      message: `${name} has learnt from a table (${training?.data}), and a picture is none`,
      cause: "its inputs are columns, not pixels: whatever it said would mean nothing",
      help: "name a CSV file of rows; if the columns are the pixels of a picture, row by row, say so with --scaling box",
    })
  const frame = record?.frame ?? frameOf(network.width)
  if (frame.height === 1 && frame.width > 1)
    throw new WuxingError({
      code: "picture-shape",
      kind: "data",
      message: `${name} has ${network.width} inputs, which are no square, and does not say of what shape its pictures are`,
      cause: "it was not taught with pictures",
      help: "name a network that was, or whose inputs are a square",
    })
  const likeness = training?.data === "mnist" ? MNIST_LIKENESS : record?.likeness
  return { frame, likeness }
}
