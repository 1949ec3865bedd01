/** The image a graph is linearised about, by what a user calls it. */

import { WuxingError } from "../base/errors"
import { frameOf, readPicture } from "../data/folder"
import { scaleTo } from "../data/scale"
import type { Network } from "../network/network"
import type { Images } from "../training/training-data"

/**
 * @param what number of a test image, from 0, or path of a picture, which is scaled to the network's
 *   input
 * @param test read only where a number asks for it
 * @throws WuxingError "image-unknown" (kind "usage"); or as readPicture and `test`
 */
export function operatingPoint(
  what: string,
  network: Network,
  test: () => Images,
): { image: Uint8Array; name: string } {
  if (!/^\d{1,15}$/.test(what)) {
    const { width, height } = frameOf(network.width)
    const { pixels } = scaleTo(readPicture(what), width, height, "box")
    return { image: pixels, name: `picture ${what}` }
  }
  const { images, count } = test()
  const index = Number(what)
  if (index >= count)
    throw new WuxingError({
      code: "image-unknown",
      kind: "usage",
      message: `there is no test image ${index}, only 0 to ${count - 1}`,
      cause: "images are counted from 0",
      help: "give a smaller number, or the path of a picture",
    })
  return {
    image: images.subarray(index * network.width, (index + 1) * network.width),
    name: `test image ${index}`,
  }
}
