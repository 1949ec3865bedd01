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
