import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { coreSource } from "../../../host/codegen/core-source"
import { type CModule, inC } from "../../../host/codegen/module-in-c"
import { parseModule } from "../../../host/codegen/syntax"

function toC(source: string, name: string): CModule {
  return inC(parseModule(source, name))
}

describe("the way from TypeScript to C", () => {
  it("keeps the meaning of an unsigned shift, a wrapping product and a division", () => {
    const { body, prototypes } = toC(
      "export function f(a: number, b: number): number {\n  return Math.imul(a, b) ^ (a >>> 3)\n}\n",
      "x",
    )
    expect(prototypes).toEqual(["int32_t f(int32_t a, int32_t b);"])
    expect(body).toContain("return multiply(a, b) ^ (shift_right(a, 3));")
  })

  it("gives what a module keeps to itself the module's name", () => {
    const { body, constants } = toC(
      "const K = 3\nfunction g(a: number): number {\n  return a + K\n}\nexport function f(a: number): number {\n  return g(a)\n}\n",
      "some-module",
    )
    expect(constants).toEqual(["enum { some_module_K = 3 };"])
    expect(body).toContain("static int32_t some_module_g(int32_t a)")
    expect(body).toContain("return some_module_g(a);")
    expect(body).toContain("return a + some_module_K;")
  })

  it("keeps what a module remembers, and shows what it exports", () => {
    const { body, prototypes } = toC(
      'const K = 4\nconst own = Buffer.alloc(K << 1)\nexport const shown = Buffer.alloc(K)\nlet count = 0\nexport let last = -1\nexport function f(a: number): void {\n  count++\n  last = own.getAt(a, "u8") + shown.getAt(a, "u8")\n}\n',
      "x",
    )
    expect(body).toContain("static uint8_t x_own[x_K << 1] __attribute__((aligned(4)));")
    expect(body).toContain("\nuint8_t shown[x_K] __attribute__((aligned(4)));")
    expect(body).toContain("static int32_t x_count = 0;")
    expect(body).toContain("\nint32_t last = -1;")
    expect(body).toContain("  x_count++;\n  last = load_u8(x_own + a) + load_u8(shown + a);")
    expect(prototypes).toEqual([
      "extern uint8_t shown[x_K];",
      "extern int32_t last;",
      "void f(int32_t a);",
    ])
  })

  it("has one address in two memories", () => {
    const { body } = toC(
      'export function f(m: Buffer, n: Buffer, a: number): void {\n  const at = a + 1\n  m.setAt(at, "u8", n.getAt(at, "u8"))\n}\n',
      "x",
    )
    expect(body).toContain("store_u8(m + at, load_u8(n + at));")
  })

  it("reads a message at any address", () => {
    const { body, prototypes } = toC(
      'export function f(p: Payload): void {\n  p.setAt(2, "i32", p.getAt(7, "u16"))\n}\n',
      "x",
    )
    expect(prototypes).toEqual(["void f(uint8_t *p);"])
    expect(body).toContain("poke_i32(p + (2), peek_u16(p + (7)));")
  })

  for (const [what, line] of [
    ["a division", "return a / 2"],
    ["a fraction", "return a + 0.5"],
    ["an array", "return [a][0]"],
    ["a function of Math it does not know", "return Math.abs(a)"],
    ["memory of a function", 'const b = Buffer.alloc(4)\n  return b.getAt(0, "u8")'],
  ])
    it(`refuses ${what}`, () => {
      const source = `export function f(a: number): number {\n  ${line}\n}\n`
      expect(() => toC(source, "x")).toThrow(/^x/)
    })

  it("takes an unsigned shift of the whole that stands before it", () => {
    const shift = (text: string) =>
      /return (.*);/.exec(
        toC(`export function f(a: number, b: number): number {\n  return ${text}\n}\n`, "x").body,
      )?.[1]
    expect(shift("a + b >>> 2")).toBe("shift_right(a + b, 2)")
    expect(shift("(a + 1) >>> 2")).toBe("shift_right((a + 1), 2)")
    expect(shift("a ^ b >>> 2 & 3")).toBe("a ^ shift_right(b, 2) & 3")
    expect(shift("Math.imul(a, f(b, a)) >>> 2")).toBe("shift_right(multiply(a, f(b, a)), 2)")
    expect(shift("a >>> 1 >>> 2")).toBe("shift_right(shift_right(a, 1), 2)")
  })

  it("tells a module's name from the same name of a function's own", () => {
    const { body } = toC(
      "let count = 0\nfunction top(a: number): number {\n  return a\n}\nexport function f(count: number): number {\n  const top = count + 1\n  return top\n}\nexport function g(): number {\n  for (let count = 0; count < 3; count++) top(count)\n  return top(count)\n}\n",
      "x",
    )
    expect(body).toContain(
      "int32_t f(int32_t count) {\n  const int32_t top = count + 1;\n  return top;",
    )
    expect(body).toContain("for (int32_t count = 0; count < 3; count++) x_top(count);")
    expect(body).toContain("return x_top(x_count);")
  })

  it("keeps a pointer to the constant that is meant where names hide each other", () => {
    const { body } = toC(
      'export function f(m: Buffer, n: Buffer, a: number): void {\n  const at = a + 1\n  m.setAt(at + 2, "u8", 3)\n  if (a > 1) {\n    let at = a\n    at = at + 4\n    n.setAt(at + 2, "u8", 3)\n  }\n}\n',
      "x",
    )
    expect(body).toContain("const int32_t at = a + 1; uint8_t *const at_at = fixed(m + at);")
    expect(body).toContain("store_u8(at_at + (2), 3);")
    expect(body).toContain("store_u8(n + at + (2), 3);")
  })

  it("adds to a base what is added to it, and not what is shifted with it", () => {
    const { body } = toC(
      'export function f(m: Buffer, a: number): number {\n  const base = a\n  return m.getAt(base + a >> 1, "u8") + m.getAt(base + a - 1, "u8") + m.getAt(base - a, "u8")\n}\n',
      "x",
    )
    expect(body).toContain("load_u8(m + (base + a >> 1))")
    expect(body).toContain("load_u8(at_base + (a - 1))")
    expect(body).toContain("load_u8(m + (base - a))")
  })

  it("reads no code in comments and format strings", () => {
    const { body } = toC(
      'export function f(m: Buffer): number {\n  // const a = m.getAt(0, "u8") >>> 1\n  return m.getAt(0, "u8") // a / b; let c = 1\n}\n',
      "x",
    )
    expect(body).toContain('// const a = m.getAt(0, "u8") >>> 1\n')
    expect(body).toContain("return load_u8(m + (0)); // a / b; let c = 1\n}")
  })

  it("ends statements and no others, however they are broken over lines", () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom("+", "-", "*"), { minLength: 1, maxLength: 6 }), ops => {
        const sum = ops.map(op => `\n      ${op} a`).join("")
        const { body } = toC(
          `export function f(a: number): number {\n  if (a > 1) return a\n  const b =\n    a${sum}\n  return b\n}\n`,
          "x",
        )
        expect(body.match(/;/g)).toHaveLength(3)
        expect(body).toContain("if (a > 1) return a;")
      }),
    )
  })
})

describe("the order of evaluation, which C leaves open", () => {
  const next = "let count = 0\nfunction next(): number {\n  count++\n  return count\n}\n"
  const inFirst = (text: string) =>
    `${next}function look(a: number): number {\n  return a\n}\nfunction put(m: Buffer): number {\n  m.setAt(0, "u8", 1)\n  return 1\n}\nfunction far(m: Buffer): number {\n  return put(m)\n}\nexport function f(m: Buffer, a: number): number {\n  ${text}\n  return a\n}\n`

  it.each([
    "a = next() + next()",
    "a = next() - count",
    "a = look(next()) + count",
    "count += next()",
    'a = m.getAt(0, "u8") + put(m)',
    'a = m.getAt(0, "u8") + far(m)',
    "a = Math.min(put(m), next())",
    'm.setAt(next(), "u8", count)',
    "a = elsewhere() + count",
  ])("refuses %s", text => {
    expect(() => coreSource(() => inFirst(text), ["x"])).toThrow(
      /^x:17: .* may change what it reads/,
    )
  })

  it.each([
    "a = next() + a",
    "a = next()",
    "a = look(a) + look(count)",
    "if (next() > 1 && next() > 2) a = 1",
    "a = Math.min(next(), 3)",
    'm.setAt(a, "u8", next())',
    'a = look(count) + m.getAt(look(a), "u8")',
  ])("takes %s", text => {
    expect(coreSource(() => inFirst(text), ["x"]).code).toContain("int32_t f(")
  })
})
