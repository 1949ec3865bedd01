/**
 * Turns the core's kernels (src/) into AssemblyScript, so that one description of the numerics also
 * runs as WebAssembly on the host. The kernels keep to a form that makes this a matter of spelling:
 * 32-bit integers, one memory, calls by name.
 *
 *     m.getAt(a, "i16")      load<i16>(m + (a))
 *     m.setAt(a, "i16", v)   store<i16>(m + (a), <i16>(v))
 *     m.fillAt(a, n, v)      memory.fill(m + (a), <u8>(v), n)
 *     m.blitAt(a, b, c, n)   memory.copy(m + (a), b + (c), n)
 *     Math.imul(a, b)        ((a) * (b))
 *     Math.idiv(a, b)        ((a) / (b))
 *     Math.min, Math.max     leastOf, greatestOf, added to the source
 *     : number, : Buffer     : i32, : usize
 */

/**
 * @param name of the source, for errors
 * @throws Error naming the construct if the source has one that AssemblyScript lacks, or reads in
 *   another way
 */
export function toAssemblyScript(source: string, name: string): string {
  let out = source.replace(/\bimport type\b.*$/gm, "")
  out = rewriteCalls(out, name, callsInAssemblyScript(name))
  out = out
    .replace(/: number\b/g, ": i32")
    .replace(/: boolean\b/g, ": bool")
    .replace(/: Buffer\b/g, ": usize")
    .replace(/===/g, "==")
    .replace(/!==/g, "!=")
  refuse(bareCode(source), FOREIGN_SOURCE, name)
  refuse(bareCode(out), FOREIGN, name)
  for (const [called, definition] of Object.entries(HELPERS))
    if (out.includes(`${called}(`)) out += definition
  return out
}

/** AssemblyScript's own min and max would be hidden by variables of these names. */
const HELPERS = {
  leastOf: "\nfunction leastOf(a: i32, b: i32): i32 {\n  return a < b ? a : b\n}\n",
  greatestOf: "\nfunction greatestOf(a: i32, b: i32): i32 {\n  return a > b ? a : b\n}\n",
}

/** What must not be in the source: it would be compiled, but into something else. */
export const FOREIGN_SOURCE: [RegExp, string][] = [
  // In JavaScript 7 / 2 is 3.5, among AssemblyScript's i32 it is 3.
  [/(?<![/*])\/(?![/*])=?/, "a division (use Math.idiv)"],
  [/(?<![=!<>])==(?!=)|!=(?!=)/, "a comparison that converts"],
  [/\b\d*\.\d+\b|\b\d+\.(?!\w)|\b\d+e[+-]?\d+\b/i, "a number that is not whole"],
]

/** What must not be left over. */
const FOREIGN: [RegExp, string][] = [
  [/\bMath\.\w+/, "this function"],
  [/\.\s*(?:getAt|setAt|fillAt|blitAt)\b/, "memory access in this form"],
  [/\bBuffer\b|\bnumber\b|\bboolean\b|\bstring\b|\bunknown\b|\bany\b/, "this type"],
  [/\b(?:new|class|interface|type|typeof|instanceof|in|of|as|delete|this|super)\b/, "this"],
  [/\b(?:async|await|yield|try|catch|finally|throw|switch|var|null|undefined|NaN)\b/, "this"],
  [/=>|\?\?|\?\.|\*\*|&&=|\|\|=|\.\.\.|[`[\]]|"|'/, "this"],
]

/** @throws Error naming the first construct in `code` that is in the list */
export function refuse(code: string, foreign: [RegExp, string][], name: string): void {
  for (const [pattern, what] of foreign) {
    const found = pattern.exec(code)
    if (!found) continue
    const line = code.slice(0, found.index).split("\n").length
    throw new Error(`${name}:${line}: "${found[0]}" has no AssemblyScript form here: ${what}`)
  }
  // A number past 31 bits would be taken for a longer integer.
  for (const [literal] of code.matchAll(/\b(?:0x[\da-f]+|\d+)\b/gi))
    if (Number(literal) > 2 ** 31 - 1)
      throw new Error(`${name}: "${literal}" has no AssemblyScript form here: past 31 bits`)
}

/** The source without comments, module names and number formats; as many lines as before. */
export function bareCode(source: string): string {
  return source
    .replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, comment => comment.replace(/[^\n]/g, ""))
    .replace(/\bfrom "[^"\n]*"/g, "")
    .replace(/"(?:u8|u16|i16|i32)"/g, "")
}

/** What a call becomes: a pattern that ends with its parenthesis, its arguments, its new form. */
export type CallRule = [
  pattern: RegExp,
  count: number,
  rewrite: (callee: string, args: string[]) => string,
]

const TYPES: Record<string, string> = { u8: "u8", u16: "u16", i16: "i16", i32: "i32" }

/** The number format in a literal such as `"i16"`. */
export function typeOf(format: string, name: string): string {
  const type = TYPES[format.replace(/"/g, "").trim()]
  if (!type) throw new Error(`${name}: number format ${format} is unknown`)
  return type
}

function callsInAssemblyScript(name: string): CallRule[] {
  return [
    [
      /\b(\w+)\.getAt\(/,
      2,
      (m, [at, format]) => {
        const type = typeOf(format, name)
        const load = `load<${type}>(${m} + (${at}))`
        return type === "i32" ? load : `<i32>${load}`
      },
    ],
    [
      /\b(\w+)\.setAt\(/,
      3,
      (m, [at, format, value]) => {
        const type = typeOf(format, name)
        return `store<${type}>(${m} + (${at}), <${type}>(${value}))`
      },
    ],
    [
      /\b(\w+)\.fillAt\(/,
      3,
      (m, [at, count, value]) => `memory.fill(${m} + (${at}), <u8>(${value}), ${count})`,
    ],
    [
      /\b(\w+)\.blitAt\(/,
      4,
      (m, [at, from, offset, count]) =>
        `memory.copy(${m} + (${at}), ${from} + (${offset}), ${count})`,
    ],
    [/\b(Math)\.imul\(/, 2, (_, [a, b]) => `((${a}) * (${b}))`],
    [/\b(Math)\.min\(/, 2, (_, [a, b]) => `leastOf(${a}, ${b})`],
    [/\b(Math)\.max\(/, 2, (_, [a, b]) => `greatestOf(${a}, ${b})`],
    [/\b(Math)\.idiv\(/, 2, (_, [a, b]) => `((${a}) / (${b}))`],
  ]
}

export function rewriteCalls(source: string, name: string, rules: CallRule[]): string {
  let out = source
  for (const [pattern, count, rewrite] of rules) {
    // From the last call to the first, so that a call inside an argument is done before its outer one.
    for (;;) {
      const found = lastMatch(out, pattern)
      if (!found) break
      const open = found.index + found[0].length
      const close = closing(out, open, name)
      const args = splitArguments(out.slice(open, close))
      if (args.length !== count)
        throw new Error(`${name}: "${found[0]}" takes ${count} arguments here, not ${args.length}`)
      out = out.slice(0, found.index) + rewrite(found[1], args) + out.slice(close + 1)
    }
  }
  return out
}

function lastMatch(text: string, pattern: RegExp): RegExpExecArray | undefined {
  let last: RegExpExecArray | undefined
  for (const match of text.matchAll(new RegExp(pattern, "g"))) last = match as RegExpExecArray
  return last
}

/** Index of the parenthesis that closes the one before `from`. */
function closing(text: string, from: number, name: string): number {
  let depth = 1
  for (let i = from; i < text.length; i++) {
    if (text[i] === "(") depth++
    else if (text[i] === ")" && --depth === 0) return i
  }
  throw new Error(`${name}: a parenthesis is not closed`)
}

function splitArguments(text: string): string[] {
  const args: string[] = []
  let depth = 0
  let start = 0
  for (let i = 0; i < text.length; i++) {
    if ("([".includes(text[i])) depth++
    else if (")]".includes(text[i])) depth--
    else if (text[i] === "," && depth === 0) {
      args.push(text.slice(start, i).trim())
      start = i + 1
    }
  }
  const last = text.slice(start).trim()
  if (last) args.push(last)
  return args
}
