/**
 * JSON from outside, with bounds that hold before anything is allocated: a value takes some hundred
 * bytes in memory and two in the file, and each level of nesting a frame of the parser's stack.
 */

export interface JsonBounds {
  /** Values, keys included. */
  values: number
  /** Keys of objects, which take more memory than values in lists; absent: as many as values. */
  keys?: number
  /** Levels of arrays and objects within one another. */
  depth: number
}

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COMMA = 0x2c
const COLON = 0x3a
/** "[" and "{"; "]" and "}" are two further on. */
const ARRAY = 0x5b
const OBJECT = 0x7b

/**
 * @param bytes UTF-8, perhaps behind a byte order mark
 * @throws Error that says what is wrong: more than the bounds, not UTF-8, no JSON and on which line
 */
export function parseJson(bytes: Uint8Array, bounds: JsonBounds): unknown {
  checkBounds(bytes, bounds)
  const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes)
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new Error(`it is not JSON: ${located((error as Error).message, text)}`)
  }
}

function checkBounds(bytes: Uint8Array, bounds: JsonBounds): void {
  let values = 1
  let keys = 0
  let depth = 0
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i]
    if (byte === QUOTE) {
      for (i++; i < bytes.length && bytes[i] !== QUOTE; i++) if (bytes[i] === BACKSLASH) i++
    } else if (byte === COMMA) values++
    else if (byte === COLON) {
      values++
      if (++keys > (bounds.keys ?? bounds.values))
        throw new Error(`it has more than ${bounds.keys} members`)
    } else if (byte === ARRAY || byte === OBJECT) {
      values++
      if (++depth > bounds.depth)
        throw new Error(`it has more than ${bounds.depth} levels of brackets within one another`)
    } else if (byte === ARRAY + 2 || byte === OBJECT + 2) depth--
    if (values > bounds.values) throw new Error(`it has more than ${bounds.values} values`)
  }
}

/** "at position 812" is of little use in an editor: adds the line. */
function located(message: string, text: string): string {
  const position = /at position (\d+)/.exec(message)?.[1]
  if (position === undefined || message.includes("line ")) return message
  let line = 1
  for (let i = 0; i < Number(position); i++) if (text.charCodeAt(i) === 10) line++
  return `${message}, line ${line}`
}
