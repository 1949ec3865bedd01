/**
 * Turns the core's kernels (src/) into AssemblyScript, so that one description of the numerics also
 * runs as WebAssembly on the host. The kernels keep to a form that makes this a matter of spelling:
 * 32-bit integers, one memory, calls by name.
 *
 *     m.getAt(a, "i16")      load<i16>(m + (a))
 *     m.setAt(a, "i16", v)   store<i16>(m + (a), <i16>(v))
 *     m.fillAt(a, n, v)      memory.fill(m + (a), <u8>(v), n)
 *     Math.imul(a, b)        ((a) * (b))
 *     : number, : Buffer     : i32, : usize
 */

/** @throws Error naming the construct if the source has one the transform does not know */
export function toAssemblyScript(source: string, name: string): string {
  let out = source.replace(/\bimport type\b.*$/gm, "")
  out = rewriteCalls(out, name)
  out = out
    .replace(/: number\b/g, ": i32")
    .replace(/: boolean\b/g, ": bool")
    .replace(/: Buffer\b/g, ": usize")
    .replace(/===/g, "==")
    .replace(/!==/g, "!=")
  const rest =
    /\bMath\.\w+|\bBuffer\b|\.(?:getAt|setAt|fillAt)\b|\bany\b\s*[;,)=]|\bnew \w+|\?\?|\?\./.exec(
      out.replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, ""),
    )
  if (rest) throw new Error(`${name}: "${rest[0]}" has no AssemblyScript form here`)
  return out
}

type Rewrite = (callee: string, args: string[]) => string | undefined

const TYPES: Record<string, string> = { u8: "u8", u16: "u16", i16: "i16", i32: "i32" }

function typeOf(format: string, name: string): string {
  const type = TYPES[format.replace(/"/g, "").trim()]
  if (!type) throw new Error(`${name}: number format ${format} is unknown`)
  return type
}

function rewriteCalls(source: string, name: string): string {
  const rules: [RegExp, Rewrite][] = [
    [
      /\b(\w+)\.getAt\(/,
      (m, [at, format]) => {
        const type = typeOf(format, name)
        const load = `load<${type}>(${m} + (${at}))`
        return type === "i32" ? load : `<i32>${load}`
      },
    ],
    [
      /\b(\w+)\.setAt\(/,
      (m, [at, format, value]) => {
        const type = typeOf(format, name)
        return `store<${type}>(${m} + (${at}), <${type}>(${value}))`
      },
    ],
    [
      /\b(\w+)\.fillAt\(/,
      (m, [at, count, value]) => `memory.fill(${m} + (${at}), <u8>(${value}), ${count})`,
    ],
    [/\b(Math)\.imul\(/, (_, [a, b]) => `((${a}) * (${b}))`],
    [/\b(Math)\.min\(/, (_, [a, b]) => `min<i32>(${a}, ${b})`],
    [/\b(Math)\.max\(/, (_, [a, b]) => `max<i32>(${a}, ${b})`],
    [/\b(Math)\.idiv\(/, (_, [a, b]) => `((${a}) / (${b}))`],
  ]
  let out = source
  for (const [pattern, rewrite] of rules) {
    // From the last call to the first, so that a call inside an argument is done before its outer one.
    for (;;) {
      const found = lastMatch(out, pattern)
      if (!found) break
      const open = found.index + found[0].length
      const close = closing(out, open, name)
      const args = splitArguments(out.slice(open, close))
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
