/**
 * One module of the core in C:
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
 *
 * Bases of addresses that stay the same get a pointer each, which the compiler then keeps; by itself it adds
 * memory, base and rest for each number again. And what is added to a number in memory is said as such.
 *
 *     const sum = …                      const int32_t sum = …; uint8_t *const at_sum = fixed(m + sum);
 *     m.getAt(sum + rest, "i32")         load_i32(at_sum + (rest))
 *     const a = sum + rest
 *     m.setAt(a, "i32", m.getAt(a, "i32") + x)      add_i32(at_sum, a - sum, x);
 */
import ts from "typescript"
import {
  callOf,
  declarationOf,
  formatOf,
  isConstant,
  isExported,
  isOfModule,
  refuse,
  respell,
  respellParts,
} from "./syntax"

export interface CModule {
  name: string
  /** Enumerations and constants; of private ones the name bears the module's. */
  constants: string[]
  prototypes: string[]
  /** Prototypes of what the module keeps to itself. */
  statics: string[]
  body: string
}

/** @throws Error naming module, line and construct if it has one that has no C form here */
export function inC(file: ts.SourceFile): CModule {
  return new Translation(file).module()
}

const TYPES: Record<number, string> = {
  [ts.SyntaxKind.NumberKeyword]: "int32_t ",
  [ts.SyntaxKind.BooleanKeyword]: "bool ",
  [ts.SyntaxKind.VoidKeyword]: "void ",
}
const MATHS: Record<string, string> = {
  imul: "multiply",
  min: "least_of",
  max: "greatest_of",
  idiv: "divide",
}

/** A side of a sum or difference. */
interface Term {
  node: ts.Expression
  /** What stands before it: `+`, `-`; nothing before the first. */
  operator?: string
}

class Translation {
  private readonly name: string
  private readonly constants: string[] = []
  private readonly prototypes: string[] = []
  private readonly statics: string[] = []
  /** The memories that each constant of the function in hand is an address in. */
  private addressed = new Map<ts.Declaration, Set<string>>()
  /** Those with a pointer, and into which memory; nothing while they are looked for. */
  private pointers = new Map<ts.Declaration, string>()
  /** Whether sums of a moving address and a number are to be worked out where they are needed. */
  private apart = false

  constructor(private readonly file: ts.SourceFile) {
    this.name = file.fileName
  }

  module(): CModule {
    let at = 0
    let body = ""
    for (const statement of this.file.statements) {
      const comments = this.file.text.slice(at, statement.getStart())
      at = statement.end
      const header = this.constant(statement)
      if (header === undefined) body += comments + this.outer(statement)
      else this.constants.push([...comments.trim().split("\n"), header].filter(Boolean).join("\n"))
    }
    return {
      name: this.name,
      constants: this.constants.map(ascii),
      prototypes: this.prototypes,
      statics: this.statics,
      body: ascii(body.replace(/\n{3,}/g, "\n\n").trim()),
    }
  }

  /** What belongs into the header: an enumeration or a number. */
  private constant(node: ts.Statement): string | undefined {
    if (ts.isEnumDeclaration(node)) return `enum${respellParts(node, this.spell, node.name.end)};`
    if (!ts.isVariableStatement(node)) return undefined
    const [declaration] = node.declarationList.declarations
    if (!isConstant(declaration) || sizeOf(declaration)) return undefined
    return `enum { ${this.text(declaration.name)} = ${this.text(declaration.initializer!)} };`
  }

  /** Any other statement of the module. */
  private outer(node: ts.Statement): string {
    if (ts.isFunctionDeclaration(node)) return this.function(node)
    if (ts.isVariableStatement(node)) return this.variable(node)
    if (
      ts.isImportDeclaration(node) ||
      ts.isExportDeclaration(node) ||
      ts.isTypeAliasDeclaration(node)
    )
      return ""
    return refuse(node, "a statement outside functions")
  }

  /** What a module remembers. */
  private variable(node: ts.VariableStatement): string {
    const { declarations } = node.declarationList
    if (declarations.length > 1) refuse(node, "one variable at a time")
    const [{ name, initializer }] = declarations
    const size = sizeOf(declarations[0])
    const text = size
      ? `uint8_t ${this.text(name)}[${this.text(size)}]`
      : `int32_t ${this.text(name)}`
    const value = size ? "__attribute__((aligned(4)))" : `= ${this.text(initializer!)}`
    if (isExported(node)) this.prototypes.push(`extern ${text};`)
    return `${isExported(node) ? "" : "static "}${text} ${value};`
  }

  private function(node: ts.FunctionDeclaration): string {
    const result = TYPES[node.type!.kind] ?? refuse(node.type!, "a result of this type")
    const parameters = node.parameters.map(({ name, type }) => {
      if (ts.isTypeReferenceNode(type!)) return `uint8_t *${this.text(name)}`
      return (TYPES[type!.kind] ?? refuse(type!, "this type")) + this.text(name)
    })
    const shown = isExported(node)
    const signature = `${shown ? "" : "static "}${result}${this.text(node.name!)}(${parameters.join(", ")})`
    ;(shown ? this.prototypes : this.statics).push(`${signature};`)
    this.addressed = new Map()
    this.pointers = new Map()
    this.text(node.body!)
    for (const [declaration, memories] of this.addressed)
      if (memories.size === 1) this.pointers.set(declaration, [...memories][0])
    return `${signature} ${this.text(node.body!)}`
  }

  private text(node: ts.Node): string {
    return respell(node, this.spell)
  }

  private readonly spell = (node: ts.Node): string | undefined => {
    if (ts.isVariableStatement(node)) return this.local(node)
    if (ts.isExpressionStatement(node))
      return `${this.addition(node.expression) ?? this.text(node.expression)};`
    if (ts.isReturnStatement(node) || ts.isBreakStatement(node) || ts.isContinueStatement(node))
      return `${respellParts(node, this.spell).replace(/;$/, "")};`
    if (ts.isVariableDeclarationList(node)) return this.declarations(node)
    if (ts.isIdentifier(node)) return this.named(node)
    if (ts.isEnumMember(node))
      return `${node.parent.name.text}_${node.name.getText()} = ${this.text(node.initializer!)}`
    if (ts.isPropertyAccessExpression(node)) return node.getText().replace(".", "_")
    if (ts.isCallExpression(node)) return this.call(node)
    if (node.kind === ts.SyntaxKind.EqualsEqualsEqualsToken) return "=="
    if (node.kind === ts.SyntaxKind.ExclamationEqualsEqualsToken) return "!="
    if (
      ts.isBinaryExpression(node) &&
      node.operatorToken.kind === ts.SyntaxKind.GreaterThanGreaterThanGreaterThanToken
    )
      return `shift_right(${this.text(node.left)}, ${this.text(node.right)})`
    return undefined
  }

  /** What a module keeps to itself bears its name. */
  private named(node: ts.Identifier): string {
    const declaration = declarationOf(node)
    if (!declaration || !isOfModule(declaration)) return node.text
    const statement = ts.isFunctionDeclaration(declaration)
      ? declaration
      : (declaration.parent.parent as ts.VariableStatement)
    return isExported(statement) ? node.text : `${this.name.replaceAll("-", "_")}_${node.text}`
  }

  private declarations(node: ts.VariableDeclarationList): string {
    const listed = node.declarations.map(
      ({ name, initializer }) => `${this.text(name)} =${this.before(initializer!)}`,
    )
    return `${isConstant(node.declarations[0]) ? "const " : ""}int32_t ${listed.join(", ")}`
  }

  /** An initial value with the space or line break before it. */
  private before(value: ts.Expression): string {
    return this.file.text.slice(value.pos, value.getStart()) + this.text(value)
  }

  private local(node: ts.VariableStatement): string {
    const outer = this.apart
    const { declarations } = node.declarationList
    // What is added to lies at a place that is worked out just before.
    this.apart ||= declarations.length === 1 && this.isPlaceByByte(declarations[0].initializer!)
    const text = this.declarations(node.declarationList)
    this.apart = outer
    const pointers = declarations
      .filter(declaration => this.pointers.has(declaration))
      .map(declaration => {
        const name = this.text(declaration.name)
        return ` uint8_t *const at_${name} = fixed(${this.pointers.get(declaration)} + ${name});`
      })
    return `${text};${pointers.join("")}`
  }

  /** `base + (m.getAt(…, "u8") …)` */
  private isPlaceByByte(node: ts.Expression): boolean {
    if (!ts.isBinaryExpression(node) || node.operatorToken.getText() !== "+") return false
    const { left, right } = node
    if (!ts.isIdentifier(left) || !ts.isParenthesizedExpression(right)) return false
    let first: ts.Expression = right.expression
    while (ts.isBinaryExpression(first)) first = first.left
    if (!ts.isCallExpression(first)) return false
    const { of, name, args } = callOf(first)
    return of !== undefined && name === "getAt" && formatOf(args[1]) === "u8"
  }

  private call(node: ts.CallExpression): string | undefined {
    const { of, name, args } = callOf(node)
    if (!of) return undefined
    if (of.text === "Buffer") return refuse(node, "memory of a function")
    const text = (i: number) => this.text(args[i])
    if (of.text === "Math") return `${MATHS[name]}(${text(0)}, ${text(1)})`
    const m = this.text(of)
    if (name === "fillAt") return `fill(${m} + (${text(0)}), ${text(1)}, ${text(2)})`
    if (name === "blitAt") return `copy(${m} + (${text(0)}), ${text(1)} + (${text(2)}), ${text(3)})`
    const format = formatOf(args[1])
    const at = this.address(of, args[0])
    if (name === "getAt") return `${this.isPayload(of) ? "peek" : "load"}_${format}(${at})`
    return `${this.isPayload(of) ? "poke" : "store"}_${format}(${at}, ${text(2)})`
  }

  /** Whether it may lie at any address. */
  private isPayload(memory: ts.Identifier): boolean {
    const declaration = declarationOf(memory)
    return (
      declaration !== undefined &&
      ts.isParameter(declaration) &&
      declaration.type?.getText() === "Payload"
    )
  }

  /** An address in a memory: that, or a pointer into it, and what is added to it. */
  private address(memory: ts.Identifier, at: ts.Expression): string {
    const [{ node: base }, ...rest] = termsOf(at)
    const m = this.text(memory)
    if (!ts.isIdentifier(base) || /^[A-Z]/.test(base.text) || rest[0]?.operator === "-")
      return `${m} + (${this.text(at)})`
    const more = rest.length > 0 ? this.sum(rest) : ""
    if (this.apart && /^\d+$/.test(more)) return `${m} + apart(${this.text(base)} + ${more})`
    return this.based(base, m) + (more ? ` + (${more})` : "")
  }

  private based(base: ts.Identifier, m: string): string {
    const declaration = constantOf(base)
    if (declaration) {
      const memories = this.addressed.get(declaration) ?? new Set()
      this.addressed.set(declaration, memories.add(m))
      if (this.pointers.has(declaration)) return `at_${base.text}`
    }
    return `${m} + ${this.text(base)}`
  }

  /** Terms with what stands between them in the source. */
  private sum(terms: readonly Term[]): string {
    return terms
      .map(({ node }, i) => {
        const between = i > 0 ? this.file.text.slice(terms[i - 1].node.end, node.getStart()) : ""
        return between + this.text(node)
      })
      .join("")
  }

  /** `m.setAt(a, "i32", m.getAt(a, "i32") + x)` where `a` is a base and something. */
  private addition(node: ts.Expression): string | undefined {
    if (!ts.isCallExpression(node)) return undefined
    const { of, name, args } = callOf(node)
    if (!of || name !== "setAt" || args[1].getText() !== '"i32"' || this.isPayload(of))
      return undefined
    const [at] = args
    const [first, ...added] = termsOf(args[2])
    if (!ts.isIdentifier(at) || added[0]?.operator !== "+") return undefined
    if (first.node.getText() !== `${of.text}.getAt(${at.text}, "i32")`) return undefined
    const place = constantOf(at)
    if (!place) return undefined
    const [{ node: from }, offset] = termsOf(place.initializer!)
    if (offset?.operator !== "+") return undefined
    if (!ts.isIdentifier(from) || !constantOf(from)) return undefined
    const outer = this.apart
    this.apart = true
    const value = this.sum(added)
    this.apart = outer
    const pointer = this.based(from, this.text(of))
    return `add_i32(${pointer}, ${this.text(at)} - ${this.text(from)}, ${value})`
  }
}

/** `a + b - c` as its parts, from left to right. */
function termsOf(node: ts.Expression): Term[] {
  if (ts.isBinaryExpression(node)) {
    const operator = node.operatorToken.getText()
    if (operator === "+" || operator === "-")
      return [...termsOf(node.left), { node: node.right, operator }]
  }
  return [{ node }]
}

/** What a name stands for, if that is a constant of a function. */
function constantOf(name: ts.Identifier): ts.VariableDeclaration | undefined {
  const declaration = declarationOf(name)
  if (!declaration || !ts.isVariableDeclaration(declaration) || isOfModule(declaration))
    return undefined
  return isConstant(declaration) ? declaration : undefined
}

/** Bytes of a module's memory: `Buffer.alloc(n)`. */
function sizeOf({ initializer }: ts.VariableDeclaration): ts.Expression | undefined {
  if (!initializer || !ts.isCallExpression(initializer)) return undefined
  return initializer.expression.getText() === "Buffer.alloc" ? initializer.arguments[0] : undefined
}

/** Compilers for microcontrollers need not read other dashes. */
function ascii(text: string): string {
  return text.replaceAll("—", "-")
}
