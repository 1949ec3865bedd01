/**
 * Random kernels mean the same as TypeScript in JavaScript's own engine, as C and as WebAssembly: written
 * with as few parentheses as the precedence of operators allows, with names that hide others, calls in calls
 * and numbers in memory.
 */
import { execFileSync } from "node:child_process"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { transformSync } from "esbuild"
import fc from "fast-check"
import { beforeAll, describe, expect, it } from "vitest"
import "../../../host/base/memory"
import { toAssemblyScript } from "../../../host/codegen/assembly-source"
import { NATIVE_FOLDER } from "../../../host/codegen/build-firmware"
import { compileCore } from "../../../host/codegen/core-compile"
import { coreSource } from "../../../host/codegen/core-source"
import { temporaryFolder } from "../../temporary"

const HELPERS = 3
const FUNCTIONS = 16
const BYTES = 64

/** An expression as it is written, and with every number in it looked at. */
interface Text {
  plain: string
  checked: string
  /** As JavaScript's operators: the greater is evaluated first. */
  precedence: number
}

const primary = (plain: string, checked = plain): Text => ({ plain, checked, precedence: 18 })

/** In parentheses where `least` asks for them. */
const within = ({ plain, precedence }: Text, least: number) =>
  precedence < least ? `(${plain})` : plain

function binary(operator: string, precedence: number, left: Text, right: Text): Text {
  return {
    plain: `${within(left, precedence)} ${operator} ${within(right, precedence + 1)}`,
    checked: `whole(${left.checked} ${operator} ${right.checked})`,
    precedence,
  }
}

function called(name: string, ...args: Text[]): Text {
  const list = (of: "plain" | "checked") => args.map(arg => arg[of]).join(", ")
  return primary(`${name}(${list("plain")})`, `whole(${name}(${list("checked")}))`)
}

/** A function that says yes or no. */
function asked(name: string, ...args: Text[]): Text {
  const list = (of: "plain" | "checked") => args.map(arg => arg[of]).join(", ")
  return primary(`${name}(m, ${list("plain")})`, `${name}(m, ${list("checked")})`)
}

const ARITHMETIC: [string, number][] = [
  ...(["*", "%"] as const).map((o): [string, number] => [o, 12]),
  ...(["+", "-"] as const).map((o): [string, number] => [o, 11]),
  ["&", 7],
  ["^", 6],
  ["|", 5],
]
const COMPARISONS: [string, number][] = [
  ...(["<", "<=", ">", ">="] as const).map((o): [string, number] => [o, 9]),
  ["===", 8],
  ["!==", 8],
]

/** @param below functions that may be called */
function expressions(below: number): { number: fc.Arbitrary<Text>; condition: fc.Arbitrary<Text> } {
  return fc.letrec<{ number: Text; condition: Text }>(tie => ({
    number: fc.oneof(
      { maxDepth: 4, depthIdentifier: "text" },
      fc.constantFrom("a", "b", "c", "0", "1", "7", "0x1f", "200").map(text => primary(text)),
      fc
        .tuple(fc.constantFrom(...ARITHMETIC), tie("number"), tie("number"))
        // 0 as a divisor is left to whoever writes a kernel; |b| + 1 is none.
        .map(([[operator, precedence], a, b]) =>
          binary(operator, precedence, a, operator === "%" ? binary("|", 5, b, primary("1")) : b),
        ),
      fc
        .tuple(fc.constantFrom("<<", ">>", ">>>"), fc.nat(3), tie("number"))
        .map(([operator, bits, a]) =>
          binary(operator, 10, a, primary(`${operator === ">>>" ? bits + 20 : bits}`)),
        ),
      fc.tuple(fc.constantFrom("-", "~"), tie("number")).map(([operator, a]) => ({
        plain: operator + within(a, 15),
        checked: `whole(${operator}${a.checked})`,
        precedence: 14,
      })),
      fc
        .tuple(fc.constantFrom("imul", "min", "max"), tie("number"), tie("number"))
        .map(([name, a, b]) => called(`Math.${name}`, a, b)),
      fc
        .tuple(tie("number"), tie("number"))
        .map(([a, b]) => called("Math.idiv", a, binary("|", 5, b, primary("1")))),
      fc.tuple(fc.constantFrom("u8", "i16", "u16", "i32"), tie("number")).map(([format, a]) => {
        const at = binary("<<", 10, binary("&", 7, a, primary("15")), primary("2"))
        return called("m.getAt", at, primary(`"${format}"`))
      }),
      fc.tuple(tie("condition"), tie("number"), tie("number")).map(([if_, a, b]) => ({
        plain: `${within(if_, 3)} ? ${a.plain} : ${b.plain}`,
        checked: `(${if_.checked} ? ${a.checked} : ${b.checked})`,
        precedence: 2,
      })),
      ...(below > 0
        ? [
            fc
              .tuple(fc.nat(below - 1), tie("number"), tie("number"), tie("number"))
              .map(([i, a, b, c]) => called(`p${i}`, primary("m"), a, b, c)),
          ]
        : []),
    ),
    condition: fc.oneof(
      { maxDepth: 4, depthIdentifier: "text" },
      fc
        .tuple(fc.constantFrom(...COMPARISONS), tie("number"), tie("number"))
        .map(([[operator, precedence], a, b]) => ({
          ...binary(operator, precedence, a, b),
          checked: `(${a.checked} ${operator} ${b.checked})`,
        })),
      fc
        .tuple(fc.constantFrom(["&&", 4], ["||", 3]), tie("condition"), tie("condition"))
        .map(([[operator, precedence], a, b]) => ({
          ...binary(`${operator}`, Number(precedence), a, b),
          checked: `(${a.checked} ${operator} ${b.checked})`,
        })),
      ...(below > 0
        ? [
            fc
              .tuple(fc.nat(below - 1), tie("number"), tie("number"), tie("number"))
              .map(([i, a, b, c]) => asked(`q${i}`, a, b, c)),
          ]
        : []),
      tie("condition").map(a => ({
        plain: `!${within(a, 14)}`,
        checked: `!(${a.checked})`,
        precedence: 14,
      })),
    ),
  }))
}

type Of = "plain" | "checked"

function head(name: string, of: Of, result = "number"): string {
  return of === "plain"
    ? `export function ${name}(m: Buffer, a: number, b: number, c: number): ${result} {`
    : `function ${name}(m, a, b, c) {`
}

/** Functions that change nothing, so that expressions may call them. */
function lookingAt(index: number): fc.Arbitrary<Record<Of, string>> {
  const { number, condition } = expressions(index)
  return fc.tuple(number, condition).map(([text, test]) => {
    const write = (of: Of) =>
      [
        `${head(`p${index}`, of)}\n  return ${text[of]}\n}\n`,
        `${head(`q${index}`, of, "boolean")}\n  return ${test[of]}\n}\n`,
      ].join("")
    return { plain: write("plain"), checked: write("checked") }
  })
}

/** One that writes, with statements of every kind and names that hide others. */
function changing(index: number): fc.Arbitrary<Record<Of, string>> {
  const { number, condition } = expressions(HELPERS)
  const seven = fc.array(number, { minLength: 7, maxLength: 7 })
  return fc.tuple(seven, condition, condition).map(([e, test, again]) => {
    const write = (of: Of) => {
      const [one, two, three, four, five, six, seven] = e.map(text => text[of])
      return `${head(`f${index}`, of)}
  // a / b, "text" and m.getAt(a): no code, let alone /* a comment.
  const base = ((${one}) & 7) << 2 /* m.setAt(0, "i32", 1) */
  const place = base + 32
  let r = ${two}
  if (${test[of]}) {
    const d = ${three}
    if (d !== 5) {
      const a = d & 7
      const base = 4
      r = r ^ m.getAt(base + (a & 1), "u8") ^ (${four})
    }
  } else for (let b = 0; b < 3; b++) r = (r << 1) ^ (${five})
  r &= 0xff
  m.setAt(
    place,
    "i32",
    m.getAt(place, "i32") + r,
  )
  count += r
  while (r > 0 && (${again[of]})) r -= 50
  const end = ${six}
  return m.getAt(base + 32, "i16") + r + count + end + (${seven})
}
`
    }
    return { plain: write("plain"), checked: write("checked") }
  })
}

const MODULE: fc.Arbitrary<Record<Of, string>> = fc
  .tuple(
    fc.tuple(...Array.from({ length: HELPERS }, (_, i) => lookingAt(i))),
    fc.tuple(...Array.from({ length: FUNCTIONS }, (_, i) => changing(i))),
  )
  .map(([helpers, functions]) => {
    const write = (of: Of) =>
      [...helpers, ...functions].reduce((text, one) => text + one[of], "let count = 0\n")
    return {
      plain: `${write("plain")}export function reset(): void {\n  count = 0\n}\n`,
      checked: `${write("checked")}function reset() {\n  count = 0\n}\n`,
    }
  })

type Kernel = (m: Buffer, a: number, b: number, c: number) => number

/** The functions that JavaScript's own engine makes of a source. */
function inJavaScript(source: string): { f: Kernel[]; reset(): void } {
  const names = Array.from({ length: FUNCTIONS }, (_, i) => `f${i}`)
  const code = transformSync(source.replace(/^export /gm, ""), { loader: "ts" }).code
  const whole = (value: number) => {
    if (!Number.isInteger(value) || Math.abs(value) >= 2 ** 31) throw new RangeError("past 31 bits")
    return value
  }
  return new Function("whole", `${code}\nreturn { f: [${names}], reset }`)(whole)
}

interface Run {
  index: number
  args: [number, number, number]
  memory: Buffer
}

function runs(): fc.Arbitrary<Run> {
  const words = fc.array(fc.integer({ min: -999, max: 999 }), {
    minLength: BYTES / 4,
    maxLength: BYTES / 4,
  })
  const number = fc.integer({ min: -40, max: 40 })
  return fc.record({
    index: fc.nat(FUNCTIONS - 1),
    args: fc.tuple(number, number, number),
    memory: words.map(list => Buffer.from(Int32Array.from(list).buffer)),
  })
}

/** Result and memory of one run. */
type Outcome = string
const outcome = (result: number, memory: Uint8Array): Outcome =>
  `${result | 0} ${Buffer.from(memory).toString("hex")}`

const HARNESS = `
#include <stdio.h>
#include "wuxing-core.h"
static int32_t (*const f[])(uint8_t *, int32_t, int32_t, int32_t) = {
  ${Array.from({ length: FUNCTIONS }, (_, i) => `f${i}`).join(", ")}
};
int main(void) {
  int32_t n[4];
  static uint8_t m[${BYTES}] __attribute__((aligned(4)));
  while (fread(n, 4, 4, stdin) == 4 && fread(m, 1, ${BYTES}, stdin) == ${BYTES}) {
    reset();
    printf("%d ", (int)f[n[0]](m, n[1], n[2], n[3]));
    for (int i = 0; i < ${BYTES}; i++) printf("%02x", m[i]);
    printf("\\n");
  }
}
`

const [source] = fc.sample(MODULE, 1)
const folder = temporaryFolder("meaning")
const chosen: Run[] = []
const expected: Outcome[] = []

beforeAll(() => {
  const checked = inJavaScript(source.checked)
  const plain = inJavaScript(source.plain)
  for (const run of fc.sample(runs(), 6000)) {
    const memories = [Buffer.from(run.memory), Buffer.from(run.memory)]
    const outcomes: Outcome[] = []
    try {
      for (const [i, { f, reset }] of [checked, plain].entries()) {
        reset()
        outcomes.push(outcome(f[run.index](memories[i], ...run.args), memories[i]))
      }
    } catch (error) {
      // A kernel keeps to 31 bits; what does not is not its form.
      if (error instanceof RangeError) continue
      throw error
    }
    expect(outcomes[1], "what is written is what is checked").toBe(outcomes[0])
    chosen.push(run)
    expected.push(outcomes[0])
  }
})

describe("random kernels", () => {
  it("are many that stay within 31 bits, of most functions", () => {
    expect(chosen.length).toBeGreaterThan(300)
    expect(new Set(chosen.map(({ index }) => index)).size).toBeGreaterThan(FUNCTIONS / 3)
  })

  /** The first that differs, with its source: thousands of lines say less. */
  function expectSame(outcomes: readonly Outcome[]): void {
    const wrong = outcomes.findIndex((one, i) => one !== expected[i])
    if (wrong < 0) {
      expect(outcomes.length).toBe(expected.length)
      return
    }
    const { index, args } = chosen[wrong]
    const text = source.plain
      .split(/^(?=export )/m)
      .filter(part => /^\S+ \S+ [pq]/.test(part) || part.includes(` f${index}(`))
    expect(outcomes[wrong], `f${index}(m, ${args}) of\n${text.join("")}`).toBe(expected[wrong])
  }

  it("mean the same in C (gcc)", () => {
    const { header, code } = coreSource(() => source.plain, ["kernels"])
    writeFileSync(join(folder, "wuxing-core.h"), header)
    writeFileSync(join(folder, "wuxing-core.c"), code)
    writeFileSync(join(folder, "main.c"), HARNESS)
    const files = [join(folder, "wuxing-core.c"), join(folder, "main.c")]
    const binary = join(folder, "kernels")
    const flags = ["-std=gnu11", "-O2", "-fwrapv", "-w", "-I", folder, "-I", NATIVE_FOLDER]
    execFileSync("gcc", [...flags, ...files, "-o", binary])
    const input = chosen.map(({ index, args, memory }) =>
      Buffer.concat([Buffer.from(Int32Array.of(index, ...args).buffer), memory]),
    )
    const lines = execFileSync(binary, { input: Buffer.concat(input), encoding: "utf8" })
    expectSame(lines.trim().split("\n"))
  })

  it("mean the same in WebAssembly", async () => {
    const names = Array.from({ length: FUNCTIONS }, (_, i) => `f${i}`)
    const files = new Map([
      ["kernels.ts", toAssemblyScript(source.plain, "kernels")],
      ["index.ts", `export { ${names.join(", ")}, reset } from "./kernels"`],
    ])
    const module = new WebAssembly.Module(await compileCore(files))
    const memory = new WebAssembly.Memory({ initial: 2, maximum: 32768, shared: true })
    const { exports } = new WebAssembly.Instance(module, { env: { memory } })
    const f = exports as Record<string, (...args: number[]) => number>
    const AT = 4096
    const bytes = new Uint8Array(memory.buffer, AT, BYTES)
    const outcomes = chosen.map(({ index, args, memory: before }) => {
      f.reset()
      bytes.set(before)
      return outcome(f[`f${index}`](AT, ...args), bytes)
    })
    expectSame(outcomes)
  })
})
