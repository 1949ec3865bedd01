/** What a C library's options may be: light, as the command line reads them before it knows the command. */

/** For which way of building a C library is laid out; "plain" has a `CMakeLists.txt`. */
export type CLayout = "plain" | "arduino" | "platformio" | "esp-idf"
export const C_LAYOUTS: readonly CLayout[] = ["plain", "arduino", "platformio", "esp-idf"]

/** Whether a model may be called so in C: its files and functions are, beside the library's own. */
export function isModelName(text: string): boolean {
  return /^[a-z][a-z0-9_]{0,30}$/.test(text) && !/^wuxing|^spiking|^samples$|^main$/.test(text)
}

/** Boards with so little memory that a library is checked against it (fits.ts). */
export const CHECKED_BOARDS = ["uno", "nano", "mega"]
