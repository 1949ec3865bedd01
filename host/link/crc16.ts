/**
 * The Jacdac frame checksum: CRC-16/CCITT (polynomial 0x1021, start 0xffff, no reflection).
 *
 * Two bytes a step, because the checksum is the largest part of the cost of a frame: the high
 * half of the remainder meets the next byte, the low half the one after, and both tables apply at
 * once.
 */
const ONE = new Uint16Array(256)
const TWO = new Uint16Array(256)
for (let byte = 0; byte < 256; byte++) {
  let remainder = byte << 8
  for (let bit = 0; bit < 8; bit++) {
    remainder = remainder & 0x8000 ? (remainder << 1) ^ 0x1021 : remainder << 1
  }
  ONE[byte] = remainder
}
for (let byte = 0; byte < 256; byte++) {
  const remainder = ONE[byte]
  TWO[byte] = (remainder << 8) ^ ONE[remainder >> 8]
}

/** CRC of `bytes[start…end−1]`, 0…0xffff. */
export function crc16(bytes: Uint8Array, start = 0, end = bytes.length): number {
  let crc = 0xffff
  let i = start
  for (; i + 1 < end; i += 2) {
    crc = TWO[(crc >> 8) ^ bytes[i]] ^ ONE[(crc & 0xff) ^ bytes[i + 1]]
  }
  if (i < end) crc = ((crc << 8) & 0xffff) ^ ONE[(crc >> 8) ^ bytes[i]]
  return crc
}
