import { hash32 } from "../../../src/base/random"

/** Bytes of any values, the same for the same seed. */
export function pixels(count: number, seed: number): Uint8Array {
  return Uint8Array.from({ length: count }, (_, i) => hash32(seed, i) & 0xff)
}
