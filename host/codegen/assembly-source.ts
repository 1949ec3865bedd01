/**
 * Turns the core's kernels (src/) into AssemblyScript, so that one description of the numerics also
 * runs as WebAssembly on the host. What differs is a matter of spelling:
 *
 *     m.getAt(a, "i16")      <i32>load<i16>(m + <i32>(a))
 *     m.setAt(a, "i16", v)   store<i16>(m + <i32>(a), <i16><i32>(v))
 *     m.fillAt(a, n, v)      memory.fill(m + <i32>(a), <u8><i32>(v), <i32>(n))
 *     m.blitAt(a, b, c, n)   memory.copy(m + <i32>(a), b + <i32>(c), <i32>(n))
 *     Math.imul(a, b)        ((a) * (b))
 *     Math.idiv(a, b)        ((a) / (b))
 *     Math.min, Math.max     leastOf, greatestOf, added to the source
 *     : number, : Buffer     : i32, : usize
 *
 * A literal takes the type that is asked for where it stands, and its sum with it: without `<i32>` the
 * `(7 - a) >> 1` of an address would be unsigned.
 */
import ts from "typescript"
import { callOf, formatOf, parseModule, refuse, respell } from "./syntax"

/**
 * @param name of the source, for errors
 * @throws Error naming line and construct if the source has one that AssemblyScript lacks, or reads in
 *   another way
 */
export function toAssemblyScript(source: string, name: string): string {
  const used = new Set<string>()
  const spell = (node: ts.Node): string | undefined => {
    if (node.kind in WORDS) return WORDS[node.kind]
    if (ts.isTypeReferenceNode(node))
      return node.getText() === "Buffer" ? "usize" : refuse(node, "this type")
    if (ts.isTypeAliasDeclaration(node)) return refuse(node, "a type")
    if (ts.isImportDeclaration(node)) return isOfTypes(node) ? "" : undefined
    if (!ts.isCallExpression(node)) return undefined
    const { of, name: called, args } = callOf(node)
    if (!of) return undefined
    const said = args.map(arg => respell(arg, spell))
    if (of.text === "Buffer") return refuse(node, "memory of a module")
    if (of.text === "Math") {
      const operator = { imul: "*", idiv: "/" }[called]
      if (operator) return `((${said[0]}) ${operator} (${said[1]}))`
      const helper = called === "min" ? "leastOf" : "greatestOf"
      used.add(helper)
      return `${helper}(${said.join(", ")})`
    }
    return ofMemory(of.text, called, said, args)
  }
  const out = respell(parseModule(source, name), spell)
  const helpers = Object.entries(HELPERS).filter(([helper]) => used.has(helper))
  return out + helpers.map(([, definition]) => definition).join("")
}

/** What a word becomes. */
const WORDS: Record<number, string> = {
  [ts.SyntaxKind.NumberKeyword]: "i32",
  [ts.SyntaxKind.BooleanKeyword]: "bool",
  [ts.SyntaxKind.EqualsEqualsEqualsToken]: "==",
  [ts.SyntaxKind.ExclamationEqualsEqualsToken]: "!=",
}

/** AssemblyScript's own min and max would be hidden by variables of these names. */
const HELPERS: Record<string, string> = {
  leastOf: "\nfunction leastOf(a: i32, b: i32): i32 {\n  return a < b ? a : b\n}\n",
  greatestOf: "\nfunction greatestOf(a: i32, b: i32): i32 {\n  return a > b ? a : b\n}\n",
}

function isOfTypes({ importClause }: ts.ImportDeclaration): boolean {
  return importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword
}

/** @param said the arguments in AssemblyScript */
function ofMemory(
  m: string,
  called: string,
  said: readonly string[],
  args: readonly ts.Expression[],
): string {
  const [at, second, third, fourth] = said
  const place = `${m} + <i32>(${at})`
  if (called === "fillAt") return `memory.fill(${place}, <u8><i32>(${third}), <i32>(${second}))`
  if (called === "blitAt")
    return `memory.copy(${place}, ${second} + <i32>(${third}), <i32>(${fourth}))`
  const type = formatOf(args[1])
  if (called === "setAt") return `store<${type}>(${place}, <${type}><i32>(${third}))`
  return type === "i32" ? `load<i32>(${place})` : `<i32>load<${type}>(${place})`
}
