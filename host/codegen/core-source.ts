/**
 * Turns the core's kernels (src/) into C, so that one description of the numerics also runs as
 * machine code. The kernels keep to a form that makes this a matter of spelling, as it does for
 * AssemblyScript (host/codegen/assembly-source.ts), whose refusals hold here too:
 *
 *     m.getAt(a, "i16")      load_i16(m + a)
 *     m.setAt(a, "i16", v)   store_i16(m + a, v)
 *     m.fillAt(a, n, v)      fill(m + (a), n, v)
 *     m.blitAt(a, b, c, n)   copy(m + (a), b + (c), n)
 *     Math.imul, x >>> n     multiply, shift_right: wrapping and unsigned, without undefined behaviour
 *     Header.Steps           Header_Steps
 *     let, const             int32_t; of a module: a variable of it, static unless it is exported
 *     Buffer.alloc(n)        of a module: uint8_t[n]
 *     p: Payload             a message, which may lie at any address: peek_i16(p + a), poke_i16(p + a, v)
 *
 * Nothing checks an address: a shard is checked as a whole (src/core/check.ts) before any kernel sees it,
 * as on the other boards.
 */
import { readFileSync } from "node:fs"
import {
  bareCode,
  type CallRule,
  FOREIGN_SOURCE,
  refuse,
  rewriteCalls,
  toAssemblyScript,
  typeOf,
} from "./assembly-source"
import { corePath } from "./core-files"

/** What a board runs of the core; the modules these import come along. */
export const ROOTS = ["protocol", "check", "image", "run", "whole", "samples"]

export interface CoreSource {
  /** wuxing-core.h: constants of all modules, prototypes of what they export. */
  header: string
  /** wuxing-core.c */
  code: string
}

const BANNER = "/* Generated from src/ by `npm run firmware:native`. Do not edit. */\n"

/**
 * @param roots modules to translate, with all they import; the firmware's unless given
 * @throws Error naming module and construct if a source has one that has no C form here
 */
export function coreSource(
  read: (module: string) => string = readModule,
  roots = ROOTS,
): CoreSource {
  const modules = [...inOrder(read, roots)].map(([name, source]) => toC(source, name))
  const header = [
    `${BANNER}#ifndef WUXING_CORE_H\n#define WUXING_CORE_H\n\n#include <stdbool.h>\n#include <stdint.h>\n`,
    ...modules.map(({ name, constants, prototypes }) =>
      [`/* src/${name}.ts */`, ...constants, ...prototypes].join("\n"),
    ),
    "#endif\n",
  ]
  const code = [
    `${BANNER}#include "wuxing-core.h"\n#include "memory.h"\n`,
    ...modules
      .filter(({ body }) => body)
      .map(({ name, statics, body }) =>
        [`/* src/${name}.ts */`, ...statics, "", body].join("\n").replace(/\n{3,}/g, "\n\n"),
      ),
  ]
  return { header: header.join("\n"), code: code.join("\n") }
}

/** The roots and all they import, each behind those it imports. */
function inOrder(read: (module: string) => string, roots: string[]): Map<string, string> {
  const found = new Map<string, string>()
  const visit = (name: string) => {
    if (found.has(name)) return
    const source = read(name)
    for (const [, imported] of source.matchAll(
      /^(?:import|export|\}).* from "\.\.?\/(?:\w+\/)?([\w-]+)"$/gm,
    ))
      visit(imported)
    found.set(name, source)
  }
  for (const root of roots) visit(root)
  return found
}

function readModule(name: string): string {
  return readFileSync(corePath(name), "utf8")
}

interface CModule {
  name: string
  /** Enumerations and constants; of private ones the name bears the module's. */
  constants: string[]
  prototypes: string[]
  /** Prototypes of what the module keeps to itself. */
  statics: string[]
  body: string
}

/** One module of the core in C. */
export function toC(source: string, name: string): CModule {
  refuse(bareCode(source), FOREIGN_SOURCE, name)
  // For its refusals alone: what AssemblyScript could not say, C is not asked to say either, but for a
  // module's memory and what is said of its messages.
  toAssemblyScript(
    source
      .replace(/^export type .*$/gm, "")
      .replace(/\bPayload\b/g, "Buffer")
      .replace(/^((?:export )?const \w+ = )Buffer\.alloc/gm, "$1"),
    name,
  )
  const constants: string[] = []
  const prototypes: string[] = []
  const statics: string[] = []
  const own: [RegExp, string][] = []
  const prefix = `${name.replaceAll("-", "_")}_`

  let out = source
    .replace(/^export \{[^}]*\} from .*$/gm, "")
    .replace(/^import [\s\S]*?from ".*"$/gm, "")
    .replace(/^export type .*$/gm, "")
    .replace(/\/\*[\s\S]*?\*\//g, comment => comment.replaceAll("—", "-"))
  const payloads = new Set([...source.matchAll(/\b(\w+): Payload\b/g)].map(([, p]) => p))
  out = rewriteCalls(out, name, callsInC(name, payloads))
  out = out
    .replace(/([\w]+(?:\([^()]*\))?) >>> (\d+)/g, "shift_right($1, $2)")
    .replace(/===/g, "==")
    .replace(/!==/g, "!=")
    .replace(/\b([A-Z]\w+)\.([A-Z]\w+)\b/g, "$1_$2")
  if (/>>>/.test(out)) throw new Error(`${name}: ">>>" has no C form here in this place`)

  out = out.replace(
    /^(?:export )?enum (\w+) \{\n([\s\S]*?)^\}$/gm,
    (_, of: string, body: string) => {
      constants.push(`enum {\n${body.replace(/^( *)(\w+) =/gm, `$1${of}_$2 =`)}};`)
      return ""
    },
  )
  const owned = (shown: string, called: string) => {
    if (shown) return called
    own.push([new RegExp(`\\b${called}\\b`, "g"), prefix + called])
    return prefix + called
  }
  const variable = (shown: string, text: string, value: string) => {
    if (shown) prototypes.push(`extern ${text};`)
    return `${shown ? "" : "static "}${text}${value}`
  }
  out = out
    .replace(/^(export )?const (\w+) = Buffer\.alloc\((.+)\)$/gm, (_, shown, called, size) =>
      variable(shown, `uint8_t ${owned(shown, called)}[${size}]`, " __attribute__((aligned(4)))"),
    )
    .replace(/^(export )?let (\w+)(?:: \w+)? = (.+)$/gm, (_, shown, called, value) =>
      variable(shown, `int32_t ${owned(shown, called)}`, ` = ${value}`),
    )
  out = out.replace(/^(export )?const (\w+)(?:: \w+)? = (.+)$/gm, (_, shown, constant, value) => {
    constants.push(`enum { ${owned(shown, constant)} = ${value} };`)
    return ""
  })
  out = out.replace(
    /^(export )?function (\w+)\(([^)]*)\): (\w+) \{$/gm,
    (_, shown, called, parameters, result) => {
      const full = shown ? called : prefix + called
      if (!shown) own.push([new RegExp(`\\b${called}(?=\\()`, "g"), full])
      const listed = parameters.split(",").filter((p: string) => p.trim())
      const signature = `${TYPES[result]}${full}(${listed.map((p: string) => parameter(p, name)).join(", ")})`
      ;(shown ? prototypes : statics).push(`${shown ? "" : "static "}${signature};`)
      // Written with a mark, since the name may be one of those that get the module's.
      return `${shown ? "" : "static "}${signature} {`
    },
  )
  out = out
    .replace(/\b(let|const) (\w+)(?:: (?:number|boolean))? =/g, (_, kind, variable) =>
      kind === "let" ? `int32_t ${variable} =` : `const int32_t ${variable} =`,
    )
    .replace(/\n{3,}/g, "\n\n")
    .trim()
  for (const [pattern, full] of own) {
    out = out.replace(pattern, full)
    for (const list of [constants, prototypes, statics])
      for (let i = 0; i < list.length; i++) list[i] = list[i].replace(pattern, full)
  }
  const left = /\b(?:export|import|function|let|number|Buffer|boolean)\b/.exec(bareCode(out))
  if (left) throw new Error(`${name}: "${left[0]}" has no C form here in this place`)
  return { name, constants, prototypes, statics, body: basesInC(withSemicolons(out)) }
}

const TYPES: Record<string, string> = { number: "int32_t ", boolean: "bool ", void: "void " }

function parameter(text: string, name: string): string {
  const [variable, type] = text.split(":").map(part => part.trim())
  if (type === "Buffer" || type === "Payload") return `uint8_t *${variable}`
  if (!TYPES[type]) throw new Error(`${name}: parameter type "${type}" has no C form here`)
  return TYPES[type] + variable
}

/** @param payloads names of memory that may lie at any address */
function callsInC(name: string, payloads: ReadonlySet<string>): CallRule[] {
  return [
    [
      /\b(\w+)\.getAt\(/,
      2,
      (m, [at, format]) =>
        `${payloads.has(m) ? "peek" : "load"}_${typeOf(format, name)}(${address(m, at)})`,
    ],
    [
      /\b(\w+)\.setAt\(/,
      3,
      (m, [at, format, value]) =>
        `${payloads.has(m) ? "poke" : "store"}_${typeOf(format, name)}(${address(m, at)}, ${value})`,
    ],
    [/\b(\w+)\.fillAt\(/, 3, (m, [at, count, value]) => `fill(${m} + (${at}), ${count}, ${value})`],
    [
      /\b(\w+)\.blitAt\(/,
      4,
      (m, [at, from, offset, count]) => `copy(${m} + (${at}), ${from} + (${offset}), ${count})`,
    ],
    [/\b(Math)\.imul\(/, 2, (_, [a, b]) => `multiply(${a}, ${b})`],
    [/\b(Math)\.min\(/, 2, (_, [a, b]) => `least_of(${a}, ${b})`],
    [/\b(Math)\.max\(/, 2, (_, [a, b]) => `greatest_of(${a}, ${b})`],
    [/\b(Math)\.idiv\(/, 2, (_, [a, b]) => `divide(${a}, ${b})`],
  ]
}

/** An address in memory `m`; where it begins with a name, that is marked for {@link basesInC}. */
function address(m: string, at: string): string {
  const [, base, rest] = /^([a-z]\w*)(?: \+ ([\s\S]+))?$/.exec(at.trim()) ?? []
  if (!base) return `${m} + (${at})`
  return `@${m}:${base}@${rest ? ` + (${rest})` : ""}`
}

/**
 * Bases of addresses that stay the same get a pointer each, which the compiler then keeps; by itself
 * it adds memory, base and rest anew for each number. And what is added to a number in memory is said
 * as such.
 *
 *     const int32_t sum = …              const int32_t sum = …; uint8_t *const at_sum = fixed(m + sum);
 *     load_i32(m + (sum + rest))         load_i32(at_sum + (rest))
 *     const int32_t a = sum + rest
 *     store_i32(m + a, load_i32(m + a) + x)    add_i32(at_sum, a - sum, x)
 */
function basesInC(body: string): string {
  return body
    .split(/^(?=(?:static )?(?:int32_t|bool|void) \w+\()/m)
    .map(pointersIn)
    .join("")
}

const DEFINITION = /^( *const int32_t (\w+) =\s+(?:(\w+) \+ )?[^;]*;)/gm

/** Sums of a moving address and a number, worked out where they are needed. */
function apart(code: string): string {
  return code.replace(/@(\w+):([a-z]\w*)@ \+ \((\d+)\)/g, "$1 + apart($2 + $3)")
}

/** {@link basesInC} for one function. */
function pointersIn(source: string): string {
  /** What the definitions of a name begin with: one name, if all begin alike. */
  const bases = new Map<string, Set<string>>()
  // What is added to lies at a place that is worked out just before.
  const code = source.replace(/const int32_t \w+ = \w+ \+ \(load_u8\(.*/g, apart)
  for (const [, , name, base = ""] of code.matchAll(DEFINITION))
    bases.set(name, (bases.get(name) ?? new Set()).add(base))
  const baseOf = (name: string) => {
    const [base, another] = bases.get(name) ?? []
    return another === undefined && bases.has(base) ? base : undefined
  }
  const out = code.replace(
    /store_i32\(@(\w+):(\w+)@, load_i32\(@\1:\2@\) \+ ([^;]+)\);/g,
    (whole, m, at, value) => {
      const base = baseOf(at)
      return base ? `add_i32(@${m}:${base}@, ${at} - ${base}, ${apart(value)});` : whole
    },
  )
  /** Names that need a pointer, each with its memory. */
  const needed = new Map<string, string>()
  /** The memories a name is an address of: a pointer is into one. */
  const memories = new Map<string, Set<string>>()
  for (const [, m, name] of out.matchAll(/@(\w+):(\w+)@/g))
    memories.set(name, (memories.get(name) ?? new Set()).add(m))
  const pointed = out.replace(/@(\w+):(\w+)@/g, (_, m, name) => {
    if (!bases.has(name) || memories.get(name)?.size !== 1) return `${m} + ${name}`
    needed.set(name, m)
    return `at_${name}`
  })
  return pointed.replace(DEFINITION, (statement, _, name) =>
    needed.has(name)
      ? `${statement} uint8_t *const at_${name} = fixed(${needed.get(name)} + ${name});`
      : statement,
  )
}

/** Ends statements as C wants them: at each line's end that does not go on or open a block. */
function withSemicolons(text: string): string {
  const lines = text.split("\n")
  let depth = 0
  let inComment = false
  /** The statement in hand, from its first line on. */
  let statement = ""
  return lines
    .map((line, i) => {
      if (inComment || line.includes("/*")) {
        inComment = !line.includes("*/")
        return line
      }
      const code = line.replace(/\/\/.*$/, "").trimEnd()
      if (code.trim() === "") return line
      statement += ` ${code.trim()}`
      for (const c of code) {
        if (c === "(") depth++
        else if (c === ")") depth--
      }
      if (depth > 0 || /(?:[*|&^<>=?:,]|(?<!\+)\+|(?<!-)-)$/.test(code) || continues(lines, i))
        return line
      const whole = statement.trim()
      statement = ""
      return /[{}]$/.test(whole) || opensBranch(whole) ? line : line.replace(code, `${code};`)
    })
    .join("\n")
}

/** `if (…)`, `else` or a loop's head by itself: its statement is the next line's. */
function opensBranch(statement: string): boolean {
  const text = statement.replace(/^\} /, "").replace(/^else if/, "if")
  if (text === "else") return true
  const head = /^(?:if|for|while) \(/.exec(text)
  if (!head) return false
  let depth = 0
  for (let i = head[0].length - 1; i < text.length; i++) {
    if (text[i] === "(") depth++
    else if (text[i] === ")" && --depth === 0) return i === text.length - 1
  }
  return false
}

/** Does the next line of code go on with an expression? */
function continues(lines: string[], at: number): boolean {
  for (let i = at + 1; i < lines.length; i++) {
    const text = lines[i].trim()
    if (text === "" || text.startsWith("//")) continue
    return /^(?:[-+*|&^?:.]|\|\||&&|<|>)(?![-+])/.test(text)
  }
  return false
}
