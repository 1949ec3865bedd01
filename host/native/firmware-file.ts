/** Where the program of native boards is: it comes with the package. */
import { fileURLToPath } from "node:url"

export const UF2_PATH = fileURLToPath(
  new URL("../../firmware/native/wuxing-pico.uf2", import.meta.url),
)
