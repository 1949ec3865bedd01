/** An image as characters, two rows of pixels to a line. */
const SHADES = " ░▒▓█"

/**
 * @param pixels a byte each, row by row, 0 = background
 * @returns lines of `width` characters, each for a pixel and the one below it
 */
export function shaded(pixels: Uint8Array, width: number): string[] {
  const rows = Math.ceil(pixels.length / width)
  const lines: string[] = []
  for (let y = 0; y < rows; y += 2) {
    let line = ""
    for (let x = 0; x < width; x++) {
      // A terminal's cells are about twice as high as wide.
      const both = [pixels[y * width + x], pixels[(y + 1) * width + x] ?? 0]
      const mean = (both[0] + both[1]) / 2
      line += SHADES[Math.min(SHADES.length - 1, Math.floor((mean * SHADES.length) / 256))]
    }
    lines.push(line)
  }
  return lines
}
