/** Pictures of a user's, brought to a network's input. */
import { frameOf, readPicture } from "./folder"
import { evenedOut, isPhoto } from "./photo"
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
 * Where what is drawn is cut out (mass), uneven light and grey paper are evened out first.
 *
 * @param input of the network: its size as a picture, or how many pixels it has
 * @returns a byte a pixel, row by row, background 0
 * @throws WuxingError as readPicture
 */
export function picturePixels(
  path: string,
  input: number | { width: number; height: number },
  scaling: Scaling,
): Uint8Array {
  const { width, height } = typeof input === "number" ? frameOf(input) : input
  const picture = readPicture(path)
  const drawn = scaling === "mass" && isPhoto(picture) ? evenedOut(picture) : picture
  return scaleTo(drawn, width, height, scaling).pixels
}
