/**
 * The Jacdac frame checksum: CRC-16/CCITT (polynomial 0x1021, start 0xffff, no reflection).
 *
 * Eight bytes a step, because the checksum is the largest part of the cost of a frame. The remainder
 * is linear, so the share of each byte can be looked up apart: `T[k * 256 + byte]` is what a byte
 * leaves after k zero bytes. The first two bytes of a step meet the remainder so far.
 */
const BYTES = 8
const T = new Uint16Array(BYTES * 256)
for (let byte = 0; byte < 256; byte++) {
  let remainder = byte << 8
  for (let bit = 0; bit < 8; bit++) {
    remainder = remainder & 0x8000 ? (remainder << 1) ^ 0x1021 : remainder << 1
  }
  T[byte] = remainder
}
for (let i = 256; i < T.length; i++) {
  const before = T[i - 256]
  T[i] = (before << 8) ^ T[before >> 8]
}

/** CRC of `bytes[start…end−1]`, 0…0xffff. */
export function crc16(bytes: Uint8Array, start = 0, end = bytes.length): number {
  let crc = 0xffff
  let i = start
  for (const last = end - BYTES; i <= last; i += BYTES) {
    crc =
      T[0x700 + ((crc >> 8) ^ bytes[i])] ^
      T[0x600 + ((crc & 0xff) ^ bytes[i + 1])] ^
      T[0x500 + bytes[i + 2]] ^
      T[0x400 + bytes[i + 3]] ^
      T[0x300 + bytes[i + 4]] ^
      T[0x200 + bytes[i + 5]] ^
      T[0x100 + bytes[i + 6]] ^
      T[bytes[i + 7]]
  }
  for (; i < end; i++) crc = ((crc << 8) & 0xffff) ^ T[(crc >> 8) ^ bytes[i]]
  return crc
}
