/**
 * CRC-32 as in Ethernet, zip and PNG (reflected, polynomial 0xEDB88320), half a byte at a time: a
 * table of 256 words would be dear on a board, and bit by bit takes three times the operations.
 */

/** 16 words. Made when it is first needed, since most boards never do. */
let table: Buffer | undefined

function makeTable(): Buffer {
  const words = Buffer.alloc(64)
  for (let i = 0; i < 16; i++) {
    let crc = i
    for (let bit = 0; bit < 4; bit++)
      crc = (crc & 1) !== 0 ? (crc >>> 1) ^ -306674912 : (crc >>> 1) & 0x7fffffff
    words.setAt(i << 2, "i32", crc)
  }
  return words
}

/**
 * @param crc of the bytes before these, as this function gave it; 0 at the beginning
 * @returns as int32. About 30 operations of a board's machine a byte.
 */
export function crc32(m: Buffer, from: number, to: number, crc: number): number {
  if (table === undefined) table = makeTable()
  const words = table
  let state = ~crc
  let at = from
  // Four bytes in one go, unrolled: a byte alone takes half as much again.
  while (at + 4 <= to) {
    state = state ^ m.getAt(at, "i32")
    state = (state >>> 4) ^ words.getAt((state & 15) << 2, "i32")
    state = (state >>> 4) ^ words.getAt((state & 15) << 2, "i32")
    state = (state >>> 4) ^ words.getAt((state & 15) << 2, "i32")
    state = (state >>> 4) ^ words.getAt((state & 15) << 2, "i32")
    state = (state >>> 4) ^ words.getAt((state & 15) << 2, "i32")
    state = (state >>> 4) ^ words.getAt((state & 15) << 2, "i32")
    state = (state >>> 4) ^ words.getAt((state & 15) << 2, "i32")
    state = (state >>> 4) ^ words.getAt((state & 15) << 2, "i32")
    at = at + 4
  }
  while (at < to) {
    state = state ^ m.getAt(at, "u8")
    state = (state >>> 4) ^ words.getAt((state & 15) << 2, "i32")
    state = (state >>> 4) ^ words.getAt((state & 15) << 2, "i32")
    at = at + 1
  }
  return ~state
}
