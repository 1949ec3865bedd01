/**
 * The core's functions as C without a memory of offsets: what a function reads of a shard's header and
 * parts becomes fields of structures (template/wuxing.h), and what it computes addresses from becomes
 * pointers, so that constants may lie in flash and coefficients there or in RAM. Worked out on the
 * syntax tree: of each variable it is known whether it is a number or points to what.
 *
 * The core's own form (src/core) has one memory; firmware/native keeps to it (host/codegen/core-source.ts).
 */
import ts from "typescript"
import {
  C_TYPES,
  constantName,
  fieldOf,
  GIVEN,
  LEARNING,
  MUTABLE,
  POINTER_PARAMETERS,
  POINTER_RESULTS,
  POINTERS,
  snake,
  type Type,
  unwrapped,
} from "./names"

export interface CFunction {
  name: string
  prototype: string
  text: string
}

export interface Translated {
  functions: CFunction[]
  /** Constants the functions use, by name. */
  constants: Map<string, number>
}

/**
 * @param sources of the core, by module
 * @param roots functions wanted; all they call comes along
 * @throws Error naming function and construct if one has no C form here
 */
export function translate(sources: Map<string, string>, roots: string[]): Translated {
  const program = new Program(sources)
  return program.translate(roots)
}

class Program {
  private readonly functions = new Map<string, ts.FunctionDeclaration>()
  readonly constants = new Map<string, number>()
  readonly used = new Map<string, number>()
  readonly called = new Set<string>()

  constructor(sources: Map<string, string>) {
    for (const [module, text] of sources) {
      const file = ts.createSourceFile(`${module}.ts`, text, ts.ScriptTarget.ES2022, true)
      for (const statement of file.statements) {
        if (ts.isFunctionDeclaration(statement) && statement.name) {
          const name = statement.name.text
          if (this.functions.has(name)) throw new Error(`${module}: a second function ${name}`)
          this.functions.set(name, statement)
        } else if (ts.isVariableStatement(statement)) this.takeConstants(statement)
        else if (ts.isEnumDeclaration(statement)) this.takeEnum(statement)
      }
    }
  }

  private takeConstants(statement: ts.VariableStatement): void {
    for (const { name, initializer } of statement.declarationList.declarations) {
      const value = initializer && this.valueOf(initializer)
      if (ts.isIdentifier(name) && value !== undefined) this.constants.set(name.text, value)
    }
  }

  private takeEnum(declaration: ts.EnumDeclaration): void {
    for (const member of declaration.members) {
      const value = member.initializer && this.valueOf(member.initializer)
      if (value !== undefined)
        this.constants.set(`${declaration.name.text}.${member.name.getText()}`, value)
    }
  }

  /** Of an expression of constants. */
  private valueOf(node: ts.Expression): number | undefined {
    if (ts.isNumericLiteral(node)) return Number(node.text)
    if (ts.isIdentifier(node)) return this.constants.get(node.text)
    if (ts.isPrefixUnaryExpression(node) && node.operator === ts.SyntaxKind.MinusToken) {
      const value = this.valueOf(node.operand)
      return value === undefined ? undefined : -value
    }
    return undefined
  }

  translate(roots: string[]): Translated {
    const done = new Map<string, CFunction>()
    const visit = (name: string) => {
      if (done.has(name) || GIVEN.includes(name)) return
      const declaration = this.functions.get(name)
      if (!declaration) throw new Error(`there is no function ${name} in the core's modules`)
      const body = new Body(this, declaration)
      // Its place is behind those it calls; a circle would be a recursion, which the core has none of.
      const text = body.translate()
      for (const called of body.calls) visit(called)
      done.set(name, text)
    }
    for (const root of roots) visit(root)
    return { functions: [...done.values()], constants: this.used }
  }

  has(name: string): boolean {
    return this.functions.has(name)
  }

  /** Whether a function writes into the buffer that is one of its parameters, itself or by another. */
  writes(name: string, at: number): boolean {
    const declaration = this.functions.get(name)
    const buffer = declaration?.parameters[at]?.name.getText()
    let found = false
    const visit = (node: ts.Node): void => {
      if (ts.isCallExpression(node)) {
        const called = node.expression.getText()
        if (["setAt", "fillAt", "blitAt"].some(write => called === `${buffer}.${write}`))
          found = true
        for (const [i, argument] of node.arguments.entries())
          if (argument.getText() === buffer && this.writes(called, i)) found = true
      }
      ts.forEachChild(node, visit)
    }
    if (declaration?.body) visit(declaration.body)
    return found
  }

  /** A function's result. */
  resultOf(name: string): Type {
    if (name in POINTER_RESULTS) return POINTER_RESULTS[name]
    const type = this.functions.get(name)?.type
    return typeNamed(type?.getText() ?? "void")
  }
}

function typeNamed(text: string): Type {
  if (text === "number") return "number"
  if (text === "boolean") return "bool"
  if (text === "void") return "void"
  throw new Error(`the type ${text} has no C form here`)
}

interface Typed {
  code: string
  type: Type
}

/** One function. */
class Body {
  readonly calls = new Set<string>()
  private readonly name: string
  private readonly types = new Map<string, Type>()
  /** Parameters that are memory with offsets into it, of features (src/signals). */
  private readonly buffers = new Set<string>()
  private readonly text: string
  /** It writes coefficients, so they are in RAM. */
  private readonly learns: boolean

  constructor(
    private readonly program: Program,
    private readonly declaration: ts.FunctionDeclaration,
  ) {
    this.name = declaration.name!.text
    this.text = declaration.getSourceFile().text
    this.learns = this.name.startsWith("learn") || LEARNING.includes(this.name)
  }

  translate(): CFunction {
    const { parameters, body } = this.declaration
    const listed = parameters.map((parameter, i) => this.parameter(parameter, i))
    const result = C_TYPES[this.program.resultOf(this.name)]
    const signature = `static ${result}${snake(this.name)}(${listed.map(p => p.code).join(", ")})`
    const lines = this.statements(body!.statements, "  ")
    // What AVR alone needs, or another form of the function needed.
    const unused = listed
      .filter(({ name }) => !new RegExp(`\\b${name}\\b`).test(lines.join("\n")))
      .map(({ name }) => `  (void)${name};`)
    const comment = this.comments(this.declaration, "")
    return {
      name: this.name,
      prototype: `${signature};`,
      text: [...comment, `${signature} {`, ...unused, ...lines, "}"].join("\n"),
    }
  }

  private parameter(
    parameter: ts.ParameterDeclaration,
    at: number,
  ): { name: string; code: string } {
    const name = parameter.name.getText()
    const type = parameter.type?.getText() ?? ""
    if (name === "m") return { name, code: "wuxing *m" }
    if (type === "Buffer") {
      this.buffers.add(name)
      const constant = this.program.writes(this.name, at) ? "" : "const "
      return { name, code: `${constant}uint8_t *${snake(name)}` }
    }
    if (name === "part") return { name, code: "const wuxing_part *part" }
    const of = POINTER_PARAMETERS[this.name]?.[name] ?? typeNamed(type)
    this.types.set(name, of)
    return { name: snake(name), code: C_TYPES[of] + snake(name) }
  }

  private fail(node: ts.Node, what = "this"): never {
    throw new Error(`${this.name}: ${what} has no C form here: ${node.getText().slice(0, 80)}`)
  }

  private comments(node: ts.Node, indent: string): string[] {
    return (ts.getLeadingCommentRanges(this.text, node.getFullStart()) ?? []).flatMap(range => {
      const text = this.text.slice(range.pos, range.end).replace(/\{@link (\w+)\}/g, "$1")
      const bare = text
        .replace(/^\/\*\*? ?|\*\/$/g, "")
        .replace(/^\/\/ ?/, "")
        .split("\n")
        .map(line => line.replace(/^\s*\* ?/, "").trimEnd())
      while (bare[0] === "") bare.shift()
      while (bare.at(-1)?.trim() === "") bare.pop()
      if (bare.length === 1) return [`${indent}/* ${bare[0].trim()} */`]
      return [`${indent}/*`, ...bare.map(line => `${indent} * ${line}`.trimEnd()), `${indent} */`]
    })
  }

  private statements(nodes: readonly ts.Statement[], indent: string): string[] {
    return nodes.flatMap(node => {
      const lines = this.statement(node, indent)
      return lines.length > 0 ? [...this.comments(node, indent), ...lines] : []
    })
  }

  private statement(node: ts.Statement, indent: string): string[] {
    if (ts.isBlock(node)) {
      return [`${indent}{`, ...this.statements(node.statements, `${indent}  `), `${indent}}`]
    }
    if (ts.isVariableStatement(node))
      return node.declarationList.declarations
        .map(declaration => this.variable(declaration, node.declarationList))
        .filter(code => code !== "")
        .map(code => `${indent}${code};`)
    if (ts.isExpressionStatement(node)) {
      const { code } = this.expression(node.expression)
      return code === "" ? [] : [`${indent}${code};`]
    }
    if (ts.isReturnStatement(node))
      return [
        node.expression
          ? `${indent}return ${this.expression(node.expression).code};`
          : `${indent}return;`,
      ]
    if (ts.isBreakStatement(node)) return [`${indent}break;`]
    if (ts.isIfStatement(node)) return this.branch(node, indent)
    if (ts.isWhileStatement(node))
      return this.headed(`while (${this.expression(node.expression).code})`, node.statement, indent)
    if (ts.isForStatement(node)) return this.loop(node, indent)
    return this.fail(node)
  }

  private headed(head: string, node: ts.Statement, indent: string): string[] {
    const inner = ts.isBlock(node) ? node.statements : [node]
    return [`${indent}${head} {`, ...this.statements(inner, `${indent}  `), `${indent}}`]
  }

  private branch(node: ts.IfStatement, indent: string): string[] {
    // What hangs on an address that is known to be none is left out.
    if (this.isKnownFalse(node.expression))
      return node.elseStatement ? this.statement(node.elseStatement, indent) : []
    const lines = this.headed(
      `if (${this.expression(node.expression).code})`,
      node.thenStatement,
      indent,
    )
    if (!node.elseStatement) return lines
    if (ts.isIfStatement(node.elseStatement)) {
      const [first, ...rest] = this.branch(node.elseStatement, indent)
      return [...lines.slice(0, -1), `${indent}} else ${first.trim()}`, ...rest]
    }
    const [, ...rest] = this.headed("else", node.elseStatement, indent)
    return [...lines.slice(0, -1), `${indent}} else {`, ...rest]
  }

  private isKnownFalse(node: ts.Expression): boolean {
    return (
      ts.isBinaryExpression(node) &&
      node.operatorToken.kind === ts.SyntaxKind.ExclamationEqualsEqualsToken &&
      node.right.getText() === "0" &&
      ts.isIdentifier(node.left) &&
      this.types.get(node.left.text) === "zero"
    )
  }

  private loop(node: ts.ForStatement, indent: string): string[] {
    const { initializer, condition, incrementor } = node
    if (!initializer || !condition || !incrementor || !ts.isVariableDeclarationList(initializer))
      return this.fail(node)
    const start = initializer.declarations.map(d => this.variable(d, initializer)).join(", ")
    const until = this.expression(condition).code
    const step = this.expression(incrementor).code
    return this.headed(`for (${start}; ${until}; ${step})`, node.statement, indent)
  }

  private variable(node: ts.VariableDeclaration, list: ts.VariableDeclarationList): string {
    if (!ts.isIdentifier(node.name) || !node.initializer) return this.fail(node)
    const { name } = node
    if (name.text === "part") return `const wuxing_part *part = ${this.partOf(node.initializer)}`
    const { code, type } = this.expression(node.initializer)
    this.types.set(name.text, type)
    // What is never used but to ask whether it is there.
    if (type === "zero") return ""
    const pointer = type !== "number" && type !== "bool"
    const constant = (list.flags & ts.NodeFlags.Const) !== 0
    const declared = pointer
      ? `${C_TYPES[type]}${constant ? "const " : ""}${snake(name.text)}`
      : `${constant ? "const " : ""}${C_TYPES[type]}${snake(name.text)}`
    return `${declared} = ${code}`
  }

  private partOf(node: ts.Expression): string {
    if (ts.isCallExpression(node) && node.expression.getText() === "partAt")
      return `part_at(m, ${this.expression(node.arguments[0]).code})`
    return this.fail(node)
  }

  private number(node: ts.Expression): string {
    const { code, type } = this.expression(node)
    if (type !== "number") this.fail(node, `a ${type} in place of a number`)
    return code
  }

  private expression(node: ts.Expression): Typed {
    if (ts.isParenthesizedExpression(node)) {
      const { code, type } = this.expression(node.expression)
      return { code: `(${code})`, type }
    }
    if (ts.isNumericLiteral(node)) return { code: node.getText(), type: "number" }
    if (node.kind === ts.SyntaxKind.TrueKeyword) return { code: "true", type: "bool" }
    if (node.kind === ts.SyntaxKind.FalseKeyword) return { code: "false", type: "bool" }
    if (ts.isIdentifier(node)) return this.named(node)
    if (ts.isPropertyAccessExpression(node)) return this.constant(node, node.getText())
    if (ts.isPrefixUnaryExpression(node)) return this.unary(node)
    if (ts.isPostfixUnaryExpression(node)) {
      const { code, type } = this.expression(node.operand)
      return { code: code + (node.operator === ts.SyntaxKind.PlusPlusToken ? "++" : "--"), type }
    }
    if (ts.isConditionalExpression(node)) {
      const then = this.expression(node.whenTrue)
      const otherwise = this.expression(node.whenFalse)
      if (then.type !== otherwise.type) this.fail(node)
      const code = `${this.expression(node.condition).code} ? ${then.code} : ${otherwise.code}`
      return { code, type: then.type }
    }
    if (ts.isBinaryExpression(node)) return this.binary(node)
    if (ts.isCallExpression(node)) return this.call(node)
    return this.fail(node)
  }

  private named(node: ts.Identifier): Typed {
    const type = this.types.get(node.text)
    return type ? { code: snake(node.text), type } : this.constant(node, node.text)
  }

  private constant(node: ts.Node, name: string): Typed {
    const value = this.program.constants.get(name)
    if (value === undefined) return this.fail(node, "a name")
    const inC = constantName(name)
    this.program.used.set(inC, value)
    return { code: inC, type: "number" }
  }

  private unary(node: ts.PrefixUnaryExpression): Typed {
    const { code, type } = this.expression(node.operand)
    if (node.operator === ts.SyntaxKind.MinusToken) return { code: `-${code}`, type }
    if (node.operator === ts.SyntaxKind.ExclamationToken) return { code: `!${code}`, type: "bool" }
    if (node.operator === ts.SyntaxKind.TildeToken) return { code: `~${code}`, type }
    return this.fail(node)
  }

  private binary(node: ts.BinaryExpression): Typed {
    const operator = node.operatorToken.getText()
    if (operator === "<<" || operator === ">>>") {
      const called = operator === "<<" ? "shift_left" : "shift_right"
      const left = unwrapped(this.number(node.left))
      return { code: `${called}(${left}, ${this.number(node.right)})`, type: "number" }
    }
    const half = /^\((\w+) << 16\) >> 16$/.exec(node.getText())
    if (half) return { code: `low_half(${snake(half[1])})`, type: "number" }
    const left = this.expression(node.left)
    const right = this.expression(node.right)
    const code = (as: string) => `${left.code} ${as} ${right.code}`
    if (operator === "===") return { code: code("=="), type: "bool" }
    if (operator === "!==") return { code: code("!="), type: "bool" }
    if (["<", ">", "<=", ">="].includes(operator)) return { code: code(operator), type: "bool" }
    if (operator === "&&" || operator === "||") return { code: code(operator), type: "bool" }
    if (["=", "+=", "-="].includes(operator)) {
      if (left.type === "zero") return { code: "", type: "void" }
      return { code: code(operator), type: left.type }
    }
    if (operator === "+" || operator === "-") {
      if (right.type !== "number" && operator === "+" && left.type === "number")
        return { code: code("+"), type: right.type }
      if (operator === "-" && left.type === right.type && left.type !== "number")
        return { code: `(int32_t)(${code("-")})`, type: "number" }
      if (right.type !== "number") this.fail(node, "this sum")
      return { code: code(operator), type: left.type }
    }
    if (["*", "&", "|", "^", ">>"].includes(operator)) {
      if (left.type !== "number" || right.type !== "number") this.fail(node)
      return { code: code(operator), type: "number" }
    }
    return this.fail(node)
  }

  private call(node: ts.CallExpression): Typed {
    const called = node.expression.getText()
    const of = node.arguments
    if (called === "m.getAt") return this.load(node)
    if (called === "m.setAt") return this.store(node)
    if (called === "m.fillAt") {
      const { code, type } = this.expression(of[0])
      if (type !== "memory") this.fail(node)
      const count = unwrapped(this.number(of[1]))
      return { code: `memset(${code}, ${this.number(of[2])}, (size_t)(${count}))`, type: "void" }
    }
    const inBuffer = this.inBuffer(node)
    if (inBuffer) return inBuffer
    if (called === "inputs.getAt") return { code: `inputs[${this.number(of[0])}]`, type: "number" }
    if (called === "Math.imul")
      return {
        code: `multiply(${unwrapped(this.number(of[0]))}, ${this.number(of[1])})`,
        type: "number",
      }
    if (called === "Math.idiv")
      return { code: `${this.factor(of[0])} / ${this.factor(of[1])}`, type: "number" }
    if (called === "Math.min" || called === "Math.max") {
      const [a, b] = of.map(argument => unwrapped(this.number(argument)))
      return {
        code: `${called === "Math.min" ? "least_of" : "greatest_of"}(${a}, ${b})`,
        type: "number",
      }
    }
    if (!this.program.has(called)) return this.fail(node, "a call of this function")
    this.calls.add(called)
    const args = of.map(argument => {
      const text = argument.getText()
      if (text === "m" || text === "part" || this.buffers.has(text)) return snake(text)
      if (ts.isCallExpression(argument) && argument.expression.getText() === "partAt")
        return this.partOf(argument)
      return unwrapped(this.expression(argument).code)
    })
    return { code: `${snake(called)}(${args.join(", ")})`, type: this.program.resultOf(called) }
  }

  /** A side of a division. */
  private factor(node: ts.Expression): string {
    const code = this.number(node)
    return ts.isBinaryExpression(node) && !/^\w+\([^()]*\)$/.test(code) ? `(${code})` : code
  }

  /** What stands in the place of `plan.getAt`, `work.setAt` and the like; a plan may lie in flash. */
  private inBuffer(node: ts.CallExpression): Typed | undefined {
    const [, name, method] =
      /^(\w+)\.(getAt|setAt|fillAt|blitAt)$/.exec(node.expression.getText()) ?? []
    if (!this.buffers.has(name) || name === "inputs") return undefined
    const [at, second, third] = node.arguments
    const offset = unwrapped(this.number(at))
    const place = `${snake(name)} + ${/^\w+$/.test(offset) ? offset : `(${offset})`}`
    if (method === "fillAt") {
      const count = unwrapped(this.number(second))
      return { code: `memset(${place}, ${this.number(third)}, (size_t)(${count}))`, type: "void" }
    }
    if (method === "blitAt") {
      const from = `${snake(second.getText())} + ${this.factor(third)}`
      const count = unwrapped(this.number(node.arguments[3]))
      return { code: `memcpy(${place}, ${from}, (size_t)(${count}))`, type: "void" }
    }
    const kind = second.getText().replaceAll('"', "")
    if (method === "getAt")
      return { code: `${name === "plan" ? "flash" : "load"}_${kind}(${place})`, type: "number" }
    return { code: `store_${kind}(${place}, ${unwrapped(this.number(third))})`, type: "void" }
  }

  /** What stands in the place of `m.getAt`. */
  private load(node: ts.CallExpression): Typed {
    const [at, format] = node.arguments
    const field = fieldOf(at)
    if (field?.of === "Header") {
      if (field.name === "InputTable")
        return { code: "(const uint8_t *)m->model->input_table", type: "flash" }
      const owner = field.name in MUTABLE ? "m" : "m->model"
      return { code: `(int32_t)${owner}->${snake(field.name)}`, type: "number" }
    }
    if (field?.of === "Part") return this.partField(field.name)
    const power = /^Header\.PowerTable \+ ([\s\S]*)$/.exec(at.getText())
    if (power && ts.isBinaryExpression(at))
      return {
        code: `flash_u16((const uint8_t *)powers + ${this.number(at.right)})`,
        type: "number",
      }
    const { code, type } = this.expression(at)
    const kind = format.getText().replaceAll('"', "")
    if (type === "flash") return { code: `flash_${kind}(${code})`, type: "number" }
    if (type === "coefficient" && kind === "i16")
      return { code: `coefficient_at(m, ${code})`, type: "number" }
    if (type === "coefficient" && kind === "i32")
      return { code: `coefficients_at(m, ${code})`, type: "number" }
    if (type === "memory" && (kind === "i16" || kind === "i32"))
      return { code: `load_${kind}(${code})`, type: "number" }
    return this.fail(node, `to read a ${kind} by a ${type}`)
  }

  private partField(name: string): Typed {
    const type = POINTERS[name] ?? "number"
    const field = snake(name)
    if (type === "number") return { code: `(int32_t)part->${field}`, type }
    if (type === "zero") return { code: "0", type }
    if (type === "flash") return { code: `(const uint8_t *)part->${field}`, type }
    if (type === "memory") return { code: `fixed(m->memory + part->${field})`, type }
    if (this.learns) return { code: "fixed(m->memory + part->learnt)", type: "memory" }
    return { code: "coefficients_of(m, part)", type }
  }

  private store(node: ts.CallExpression): Typed {
    const [at, format, value] = node.arguments
    const field = fieldOf(at)
    if (field?.of === "Header" && field.name in MUTABLE) {
      const cast = MUTABLE[field.name]
      const code = `m->${snake(field.name)} = (${cast})(${this.number(value)})`
      return { code, type: "void" }
    }
    const { code, type } = this.expression(at)
    if (type === "zero") return { code: "", type: "void" }
    if (type !== "memory") return this.fail(node, `to write by a ${type}`)
    const kind = format.getText().replaceAll('"', "")
    return { code: `store_${kind}(${code}, ${unwrapped(this.number(value))})`, type: "void" }
  }
}
