/** What src/ may say: everything else is refused by module, line and construct. */
import { describe, expect, test } from "vitest"
import { parseModule, respell } from "../../../host/codegen/syntax"

const inFunction = (text: string) =>
  `function f(m: Buffer, a: number, b: number, fits: boolean): number {\n${text}\nreturn a\n}\n`

describe("refused, with module and line", () => {
  test.each([
    ["Math.floor(a)", "Math.floor"],
    ["Math.abs(a)", "Math.abs"],
    ['m.getAt(a, "u32")', '"u32"'],
    ['m.getAt(a, "f64")', '"f64"'],
    ["m.getAt(a, b)", "a number format is one of"],
    ["m.getAt(a)", "takes 2 arguments"],
    ['m.setAt(a, "i16")', "takes 3 arguments"],
    ["m.fillAt(a, b)", "takes 3 arguments"],
    ["Math.min(a, b, a)", "takes 2 arguments"],
    ["m.blitAt(0, f(m), 0, 1)", "a buffer with a name"],
    ['this.memory.getAt(a, "i16")', "only functions, buffers and Math"],
    ["console.log(a)", "console.log"],
    ['m?.getAt(a, "u8")', "only functions, buffers and Math"],
    ["a = a / b", "division"],
    ["a /= b", "division"],
    ["a = a == b ? 1 : 2", "converts"],
    ["a = a != b ? 1 : 2", "converts"],
    ["a = 0.5", "not whole"],
    ["a = 1.", "not whole"],
    ["a = 1e3", "not whole"],
    ["a = 1_000", "not whole"],
    ["a = 0b11", "not whole"],
    ["a = 4294967295", "past 31 bits"],
    ["a = 0xffffffff", "past 31 bits"],
    ["a = 5n", "BigIntLiteral"],
    ["a = a ** b", "**"],
    ["a = a ?? b", "??"],
    ["a = (a, b)", "a, b"],
    ["const g = () => 1", "ArrowFunction"],
    ["const g = `text`", "`text`"],
    ["const g = 'text'", "'text'"],
    ["const list = [1]", "[1]"],
    ["const list: number[] = a", "number[]"],
    ["const one = { a }", "{ a }"],
    ["const { length } = a", "a name and a value"],
    ["let late", "a name and a value"],
    ["new Uint8Array(4)", "NewExpression"],
    ["let x: any = 1", "any"],
    ["let x: string = 1", "string"],
    ["let x: unknown = 1", "unknown"],
    ["let x: Date = 1", "Date"],
    ["let x: Buffer | undefined = m", "UnionType"],
    ["a = a as number", "AsExpression"],
    ["a = b!", "NonNullExpression"],
    ["interface A {}", "InterfaceDeclaration"],
    ["class A {}", "ClassDeclaration"],
    ["a = typeof a", "TypeOfExpression"],
    ["for (const x of m) {}", "ForOfStatement"],
    ["for (const x in m) {}", "ForInStatement"],
    ["do a += 1\nwhile (a < 3)", "DoStatement"],
    ["switch (a) {}", "SwitchStatement"],
    ["throw a", "ThrowStatement"],
    ["try {} finally {}", "TryStatement"],
    ["function g(...of: number): void {}", "a parameter has a name and a type"],
    ["function g(of = 1): void {}", "a parameter has a name and a type"],
    ["function* g(): void {}", "a function has"],
    ["async function g(): void {}", "AsyncKeyword"],
    ["function g() {}", "a function has"],
    ["var x = 1", "let or const"],
    ["a = null", "NullKeyword"],
    ["a = undefined", "undefined"],
    ["a = NaN", "NaN"],
    ["a = a.length", "a.length"],
    ["m[0] = 1", "only variables are assigned to"],
    ["a = m[0]", "ElementAccessExpression"],
    ["a = b = 1", "an assignment is a statement"],
    ["if (a++ > 1) a = 2", "++ and -- are statements"],
    ["a = +b", "a conversion"],
    ["a >>>= 1", "this operator"],
    ["const at_sum = 1", "a name like those of the translation"],
  ])("%s", (text, named) => {
    expect(() => parseModule(inFunction(text), "kernel")).toThrow(/^kernel:2: /)
    expect(() => parseModule(inFunction(text), "kernel")).toThrow(named)
  })

  test("what is no TypeScript at all", () => {
    expect(() => parseModule("let a = 1\nMath.imul(a, b", "kernel")).toThrow(
      /^kernel:2: .*expected/,
    )
  })

  test.each([
    ["a member without a value", "enum A { B }", "a member has a value"],
    ["a constant enumeration", "const enum A { B = 1 }", "ConstKeyword"],
    ["all of a module", 'import * as a from "./a"', "NamespaceImport"],
    ["text", 'let x = "getAt"', "text"],
  ])("%s", (_, source, named) => {
    expect(() => parseModule(source, "kernel")).toThrow(named)
  })
})

describe("refused, though JavaScript takes it, as it would mean something else", () => {
  test.each([
    // JavaScript: one of the numbers. C: whether one is not 0.
    ["a = a || b", "a number as a condition"],
    ["const x = a + 1\nif (fits && x) a = 1", "a number as a condition"],
    // A comparison counts as 0 or 1 in C and JavaScript, but no type says so.
    ["fits = a < b < 3", "a condition as a number"],
    ["fits = (a === b) > b", "a condition as a number"],
    ["a = a + (a < b)", "a condition as a number"],
    ["a = !fits * 2", "a condition as a number"],
    // JavaScript takes the amount modulo 32, C anything.
    ["a = a << 32", "more than 31 bits"],
    ["a = a >> 40", "more than 31 bits"],
    // It leaves a number past 31 bits where `a` is negative.
    ["a = a >>> 0", "by 1 to 31 bits"],
    ["a = a >>> b", "by 1 to 31 bits"],
    // JavaScript: an error. C: whatever lies there.
    ["const x = x + 1", "no value yet"],
    ["a = x\nconst x = 1", "no value yet"],
    ["if (fits) {\nconst a = a + 1\n}", "no value yet"],
  ])("%s", (text, named) => {
    expect(() => parseModule(inFunction(text), "kernel")).toThrow(named)
  })

  test.each([
    ["a = a >>> 31", "an unsigned shift by a number"],
    ["fits = a < b === b < 3", "two comparisons that are compared"],
    ["fits = fits || a < b && !fits", "conditions joined"],
    ["if (a & 1) a = 2", "a number asked for alone"],
    ["const x = 1\n{\nconst x = 2\na = x\n}", "a name that hides another"],
  ])("%s is not: %s", text => {
    expect(() => parseModule(inFunction(text), "kernel")).not.toThrow()
  })
})

test("a respelled module keeps what is between the respelled: comments, text like code, line breaks", () => {
  const source = `/** a === b */
function f(a: number): boolean {
  // a === 1
  return a /* === */ ===
    1 // "==="
}
`
  const file = parseModule(source, "kernel")
  const shouted = respell(file, node => (node.getText() === "===" ? "EQUALS" : undefined))
  expect(shouted).toBe(source.replace("/* === */ ===", "/* === */ EQUALS"))
})
