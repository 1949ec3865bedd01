/** An image of grey values: 0 = black, 255 = white, row by row. */
export interface Grey {
  width: number
  height: number
  pixels: Uint8Array
}
