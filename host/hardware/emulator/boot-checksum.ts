/** CRC-32 of the second-stage boot as the RP2040's boot ROM reckons it (datasheet 2.8.1.3.1). */
export function bootChecksum(bytes: Uint8Array): number {
  let crc = 0xffffffff
  for (const byte of bytes) {
    crc ^= byte << 24
    for (let bit = 0; bit < 8; bit++) crc = crc & 0x80000000 ? (crc << 1) ^ 0x04c11db7 : crc << 1
  }
  return crc >>> 0
}
