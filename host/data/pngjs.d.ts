/** The part of pngjs that is used; the package has no types of its own. */
declare module "pngjs" {
  export class PNG {
    constructor(options: { width: number; height: number })
    width: number
    height: number
    /** RGBA, 8 bits each, row by row. */
    data: Buffer
    static sync: {
      /** @throws Error on whatever is wrong with the file */
      read(bytes: Buffer): PNG
      write(
        image: PNG,
        options?: { colorType?: number; bitDepth?: number; inputColorType?: number },
      ): Buffer
    }
  }
}
