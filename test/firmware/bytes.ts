/** Little-endian fields one after the other: bytes({ u16: 3 }, { u32: 7 }). */
export function bytes(...fields: { u8?: number; u16?: number; u32?: number; raw?: Buffer }[]) {
  return Buffer.concat(
    fields.map(({ u8, u16, u32, raw }) => {
      if (raw) return raw
      const b = Buffer.alloc(u8 !== undefined ? 1 : u16 !== undefined ? 2 : 4)
      if (u8 !== undefined) b.writeUInt8(u8 & 0xff)
      else if (u16 !== undefined) b.writeUInt16LE(u16 & 0xffff)
      else b.writeUInt32LE((u32 ?? 0) >>> 0)
      return b
    }),
  )
}
