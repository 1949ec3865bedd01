/** Numbers and names as C has them. */

/** A list in lines of at most 96 characters. */
export function wrapped(values: (number | string)[]): string {
  const lines: string[] = []
  let line = " "
  for (const value of values) {
    if (line.length + `${value}`.length > 96) {
      lines.push(line)
      line = " "
    }
    line += ` ${value},`
  }
  return [...lines, line].join("\n")
}

/** FNV-1a of bytes, as the examples in C compute it of what was learnt. */
export function fnv1a(bytes: Uint8Array): number {
  let hash = -2128831035
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 16777619)
  return hash >>> 0
}

/** A string; all but plain characters as octal numbers of its UTF-8 bytes. */
export function quoted(text: string): string {
  return `"${[...Buffer.from(text)].map(byte => (byte < 32 || byte > 126 || byte === 34 || byte === 92 ? `\\${byte.toString(8).padStart(3, "0")}` : String.fromCharCode(byte))).join("")}"`
}
