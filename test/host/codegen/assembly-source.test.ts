import { describe, expect, test } from "vitest"
import { toAssemblyScript } from "../../../host/codegen/assembly-source"
import { coreBinary, coreSources } from "../../../host/codegen/core-module"

describe("each form of the core's source has one in AssemblyScript", () => {
  test.each([
    ["a byte", 'x = m.getAt(a, "u8")', "x = <i32>load<u8>(m + (a))"],
    ["a short", 'x = m.getAt(a, "i16")', "x = <i32>load<i16>(m + (a))"],
    ["an unsigned short", 'x = m.getAt(a, "u16")', "x = <i32>load<u16>(m + (a))"],
    ["a word, which needs no cast", 'x = runs.getAt(a, "i32")', "x = load<i32>(runs + (a))"],
    ["an address that is a sum", 'm.getAt(p + 2, "i32")', "load<i32>(m + (p + 2))"],
    ["a store", 'm.setAt(a, "i16", v + 1)', "store<i16>(m + (a), <i16>(v + 1))"],
    ["a fill", "m.fillAt(a, n << 1, 0)", "memory.fill(m + (a), <u8>(0), n << 1)"],
    ["a copy", "m.blitAt(a + 1, b, c, n)", "memory.copy(m + (a + 1), b + (c), n)"],
    ["a product", "Math.imul(a + 1, b)", "((a + 1) * (b))"],
    ["a quotient", "Math.idiv(a, b - 1)", "((a) / (b - 1))"],
    ["types", "f(m: Buffer, a: number): boolean {", "f(m: usize, a: i32): bool {"],
    ["comparisons", "a === b && c !== d", "a == b && c != d"],
    ["a shift of the bits", "h >>> 16", "h >>> 16"],
    ["a type's import", 'import type { A } from "./a"', ""],
    ["an import", 'import { A } from "./a"', 'import { A } from "./a"'],
  ])("%s", (_, source, expected) => {
    expect(toAssemblyScript(source, "test")).toBe(expected)
  })

  test("one inside another, on either side, several times", () => {
    expect(
      toAssemblyScript('m.setAt(m.getAt(a, "i32"), "i32", m.getAt(b, "i32") + 1)', "test"),
    ).toBe("store<i32>(m + (load<i32>(m + (a))), <i32>(load<i32>(m + (b)) + 1))")
    expect(
      toAssemblyScript('m.setAt(f(a, b), "i32", Math.imul(m.getAt(g(c, d), "u8"), 1))', "test"),
    ).toBe("store<i32>(m + (f(a, b)), <i32>(((<i32>load<u8>(m + (g(c, d)))) * (1))))")
  })

  test("the lesser and the greater, beside variables called min and max", () => {
    const min = "let min = Math.min(max, 3)"
    expect(toAssemblyScript(min, "test")).toMatch(
      /^let min = leastOf\(max, 3\)\nfunction leastOf\(a: i32, b: i32\): i32 \{/,
    )
    expect(toAssemblyScript("Math.max(a, b)", "test")).toMatch(
      /^greatestOf\(a, b\)\nfunction greatest/,
    )
    expect(toAssemblyScript("a + b", "test")).toBe("a + b")
  })

  test("over several lines, with a comma behind the last argument", () => {
    expect(toAssemblyScript('m.setAt(\n  a,\n  "i16",\n  v,\n)', "test")).toBe(
      "store<i16>(m + (a), <i16>(v))",
    )
  })
})

describe("whatever else is refused by name, with file and line", () => {
  test.each([
    ["Math.floor(x)", "Math.floor"],
    ["Math.abs(x)", "Math.abs"],
    ['m.getAt(a, "u32")', '"u32"'],
    ['m.getAt(a, "f64")', '"f64"'],
    ["m.getAt(a, format)", "format"],
    ["m.getAt(a)", "takes 2 arguments"],
    ['m.setAt(a, "i16")', "takes 3 arguments"],
    ["m.fillAt(a, n)", "takes 3 arguments"],
    ["Math.min(a, b, c)", "takes 2 arguments"],
    ['this.memory[0].getAt(a, "i16")', "getAt"],
    ["Math.imul(a, b", "not closed"],
    ["a / b", "division"],
    ["a /= b", "division"],
    ["a == b", "converts"],
    ["a != b", "converts"],
    ["x = 0.5", "not whole"],
    ["x = 1e3", "not whole"],
    ["x = 4294967295", "past 31 bits"],
    ["x = 0xffffffff", "past 31 bits"],
    ["a ** b", "**"],
    ["a ?? b", "??"],
    ["a?.b", "?."],
    ["x => x", "=>"],
    ["`text`", "`"],
    ["x = 'text'", "'"],
    ['x = "text"', '"'],
    ["const list = [1]", "["],
    ["x: number[]", "["],
    ["new Uint8Array(4)", "new"],
    ["Buffer.alloc(4)", "Buffer"],
    ["x: any", "any"],
    ["x: string", "string"],
    ["x: unknown", "unknown"],
    ["x: Buffer | undefined", "undefined"],
    ["x as number", "number"],
    ["interface A {}", "interface"],
    ["type A = 1", "type"],
    ["class A {}", "class"],
    ["typeof x", "typeof"],
    ["for (const x of y) {}", "of"],
    ["for (const x in y) {}", "in"],
    ["throw x", "throw"],
    ["await x", "await"],
    ["f(...a)", "..."],
    ["var x = 1", "var"],
    ["x = null", "null"],
  ])("%s", (source, named) => {
    expect(() => toAssemblyScript(`let y = 1\n${source}`, "kernel")).toThrow(named)
    expect(() => toAssemblyScript(source, "kernel")).toThrow(/^kernel:/)
  })

  test("but not in comments", () => {
    const comment = "/* a / b, 0.5 and Math.floor */ // [x] ?? `y` 'z' ~1e9"
    expect(toAssemblyScript(comment, "test")).toBe(comment)
  })
})

test("the core's own sources all pass, with nothing of JavaScript's memory left in them", () => {
  for (const batched of [false, true])
    for (const [name, text] of coreSources(batched, true))
      expect(text.replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, ""), name).not.toMatch(
        /\bgetAt\b|\bsetAt\b|\bMath\b|\bBuffer\b/,
      )
})

test("the compiled module needs nothing but its memory", async () => {
  for (const batched of [false, true]) {
    const module = new WebAssembly.Module(await coreBinary(batched))
    const instance = new WebAssembly.Instance(module, {
      env: { memory: new WebAssembly.Memory({ initial: 2, maximum: 32768, shared: true }) },
    })
    for (const name of ["learnWhole", "mergeDeltas", "predictWhole"])
      expect(instance.exports[name], name).toBeInstanceOf(Function)
  }
})
