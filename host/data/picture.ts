/** Pictures of a user's, brought to a network's input. */
import { frameOf, readPicture } from "./folder"
import { type Scaling, scaleTo } from "./scale"

/**
 * The scaling that suits what a network has learnt from: MNIST's digits were centred by their mass;
 * a user's own pictures were taken whole.
 *
 * @param data as the record of the training has it
 */
export function scalingFor(data: string | undefined): Scaling {
  return data === undefined || data === "mnist" ? "mass" : "box"
}

/**
 * @param pixels of the network's input
 * @returns a byte a pixel, row by row, background 0
 * @throws WuxingError as readPicture
 */
export function picturePixels(path: string, pixels: number, scaling: Scaling): Uint8Array {
  const { width, height } = frameOf(pixels)
  return scaleTo(readPicture(path), width, height, scaling).pixels
}
