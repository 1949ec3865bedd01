/** Images as they are learnt: moved, or distorted (distort.ts). */

/** How the images of a job are varied, each by its place in the job. */
export interface Variation {
  /** By how many pixels to move each (rows · width + columns); none moves where it would leave its frame. */
  shifts?: Int32Array
  /** Makes what is learnt in place `k` of an image: valid until the next call. In place of `shifts`. */
  distort?: (k: number, image: Uint8Array) => Uint8Array
}

/** What is learnt in place `k`. */
export function varied(image: Uint8Array, k: number, { shifts, distort }: Variation): Uint8Array {
  if (distort) return distort(k, image)
  return shifts ? moved(image, shifts[k]) : image
}

/** An image moved by so many pixels (rows · width + columns); unmoved if one would leave the frame. */
export function moved(image: Uint8Array, by: number): Uint8Array {
  const result = new Uint8Array(image.length)
  for (let i = 0; i < image.length; i++) {
    if (image[i] === 0) continue
    if (i + by < 0 || i + by >= image.length) return image
    result[i + by] = image[i]
  }
  return result
}
