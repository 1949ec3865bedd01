import { describe, expect, test } from "vitest"
import { toAssemblyScript } from "../../../host/codegen/assembly-source"
import { compileCore, coreSources } from "../../../host/codegen/core-compile"
import { coreFiles } from "../../../host/codegen/core-files"
import { coreBinary } from "../../../host/codegen/core-module"

describe("each form of the core's source has one in AssemblyScript", () => {
  test.each([
    ["a byte", 'x = m.getAt(a, "u8")', "x = <i32>load<u8>(m + <i32>(a))"],
    ["a short", 'x = m.getAt(a, "i16")', "x = <i32>load<i16>(m + <i32>(a))"],
    ["an unsigned short", 'x = m.getAt(a, "u16")', "x = <i32>load<u16>(m + <i32>(a))"],
    ["a word, which needs no cast", 'x = runs.getAt(a, "i32")', "x = load<i32>(runs + <i32>(a))"],
    ["an address that is a sum", 'm.getAt(p + 2, "i32")', "load<i32>(m + <i32>(p + 2))"],
    ["a store", 'm.setAt(a, "i16", v + 1)', "store<i16>(m + <i32>(a), <i16><i32>(v + 1))"],
    ["a fill", "m.fillAt(a, n << 1, 0)", "memory.fill(m + <i32>(a), <u8><i32>(0), <i32>(n << 1))"],
    ["a copy", "m.blitAt(a + 1, b, c, n)", "memory.copy(m + <i32>(a + 1), b + <i32>(c), <i32>(n))"],
    ["a product", "Math.imul(a + 1, b)", "((a + 1) * (b))"],
    ["a quotient", "Math.idiv(a, b - 1)", "((a) / (b - 1))"],
    [
      "types",
      "function f(m: Buffer, a: number): boolean {\n  return a > 1\n}",
      "function f(m: usize, a: i32): bool {\n  return a > 1\n}",
    ],
    ["comparisons", "x = a === b && c !== d", "x = a == b && c != d"],
    ["a shift of the bits", "x = h >>> 16", "x = h >>> 16"],
    ["a type's import", 'import type { A } from "./a"', ""],
    ["an import", 'import { A } from "./a"', 'import { A } from "./a"'],
  ])("%s", (_, source, expected) => {
    expect(toAssemblyScript(source, "test")).toBe(expected)
  })

  test("one inside another, on either side, several times", () => {
    expect(
      toAssemblyScript('m.setAt(m.getAt(a, "i32"), "i32", m.getAt(b, "i32") + 1)', "test"),
    ).toBe(
      "store<i32>(m + <i32>(load<i32>(m + <i32>(a))), <i32><i32>(load<i32>(m + <i32>(b)) + 1))",
    )
    expect(
      toAssemblyScript('m.setAt(f(a, b), "i32", Math.imul(m.getAt(g(c, d), "u8"), 1))', "test"),
    ).toBe(
      "store<i32>(m + <i32>(f(a, b)), <i32><i32>(((<i32>load<u8>(m + <i32>(g(c, d)))) * (1))))",
    )
  })

  test("the lesser and the greater, beside variables called min and max", () => {
    const min = "let min = Math.min(max, 3)"
    expect(toAssemblyScript(min, "test")).toMatch(
      /^let min = leastOf\(max, 3\)\nfunction leastOf\(a: i32, b: i32\): i32 \{/,
    )
    expect(toAssemblyScript("Math.max(a, b)", "test")).toMatch(
      /^greatestOf\(a, b\)\nfunction greatest/,
    )
    expect(toAssemblyScript("x = a + b", "test")).toBe("x = a + b")
  })

  test("over several lines, with a comma behind the last argument", () => {
    expect(toAssemblyScript('m.setAt(\n  a,\n  "i16",\n  v,\n)', "test")).toBe(
      "store<i16>(m + <i32>(a), <i16><i32>(v))",
    )
  })

  test.each(["Buffer.alloc(4)", "type A = number", "let p: Payload = q"])(
    "but none for %s",
    text => {
      expect(() => toAssemblyScript(text, "kernel")).toThrow(/^kernel:1: /)
    },
  )
})

test("comments stay as they are, whatever they say", () => {
  const comment =
    "/* a / b, 0.5 and Math.floor: number */ // [x] ?? `y` 'z' ~1e9 m.getAt(a, \"u8\") === 1"
  expect(toAssemblyScript(comment, "test")).toBe(comment)
})

test("the core's own sources all pass, with nothing of JavaScript's memory left in them", () => {
  expect(coreFiles().sources.size).toBeGreaterThan(20)
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

test("a module that is not listed is named, and not looked for", async () => {
  const files = coreSources(false, true)
  files.delete("random.ts")
  await expect(compileCore(files)).rejects.toMatchObject({
    code: "core-compile",
    message: expect.stringMatching(/imports random/),
  })
})
