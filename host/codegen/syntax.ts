/**
 * The subset of TypeScript that src/ is translated from, on TypeScript's own syntax tree: what it takes
 * and what it refuses. C (core-source.ts) and AssemblyScript (assembly-source.ts) have the operators of
 * TypeScript, with the same precedence, so a translation respells the nodes that differ and keeps the text
 * between them.
 */
import ts from "typescript"

/**
 * The syntax tree of a module, every node of which both languages can say.
 *
 * @param name of the module, for errors
 * @throws Error `<name>:<line>: …` naming the first construct that is refused, and why
 */
export function parseModule(source: string, name: string): ts.SourceFile {
  const options = { target: ts.ScriptTarget.ES2022 }
  // The public way to a file's syntax errors without a whole program.
  const { diagnostics } = ts.transpileModule(source, {
    compilerOptions: options,
    reportDiagnostics: true,
  })
  const file = ts.createSourceFile(name, source, options.target, true)
  for (const { start, messageText } of diagnostics ?? [])
    throw new Error(
      `${name}:${lineAt(file, start ?? 0)}: ${ts.flattenDiagnosticMessageText(messageText, " ")}`,
    )
  const visit = (node: ts.Node): void => {
    const objection = objectionTo(node)
    if (objection) refuse(node, objection)
    // What a type stands for is nobody's code.
    if (!ts.isTypeAliasDeclaration(node)) node.forEachChild(visit)
  }
  file.forEachChild(visit)
  return file
}

/** @throws Error with module, line and text of the node */
export function refuse(node: ts.Node, why: string): never {
  const file = node.getSourceFile()
  const text = node.getText().replace(/\s+/g, " ")
  const shown = text.length > 60 ? `${text.slice(0, 60)}…` : text
  throw new Error(
    `${file.fileName}:${lineAt(file, node.getStart())}: "${shown}" has no form here: ${why}`,
  )
}

function lineAt(file: ts.SourceFile, at: number): number {
  return file.getLineAndCharacterOfPosition(at).line + 1
}

/** What a translation says in place of a node; undefined: its own text, with its children respelled. */
export type Spell = (node: ts.Node) => string | undefined

/** The text of a node as a translation has it. Comments and line breaks stay. */
export function respell(node: ts.Node, spell: Spell): string {
  return spell(node) ?? respellParts(node, spell)
}

/** The same for a node that `spell` has been asked about, from a place in its source on. */
export function respellParts(
  node: ts.Node,
  spell: Spell,
  from = ts.isSourceFile(node) ? 0 : node.getStart(),
): string {
  const { text } = node.getSourceFile()
  let at = from
  let out = ""
  node.forEachChild(child => {
    if (child.getStart() < from) return
    out += text.slice(at, child.getStart()) + respell(child, spell)
    at = child.end
  })
  return out + text.slice(at, node.end)
}

/** A call of what a Buffer or Math has; of a function if there is no `of`. */
export interface Call {
  of?: ts.Identifier
  name: string
  args: readonly ts.Expression[]
}

export function callOf(node: ts.CallExpression): Call {
  const { expression, arguments: args } = node
  if (ts.isIdentifier(expression)) return { name: expression.text, args }
  const plain = ts.isPropertyAccessExpression(expression) && !expression.questionDotToken
  if (plain && ts.isIdentifier(expression.expression))
    return { of: expression.expression, name: expression.name.text, args }
  return refuse(node, "only functions, buffers and Math are called")
}

/** The number format in `m.getAt(a, "i16")`. */
export function formatOf(node: ts.Expression): string {
  if (ts.isStringLiteral(node) && FORMATS.includes(node.text)) return node.text
  return refuse(node, `a number format is one of ${FORMATS.join(", ")}`)
}

export type Declaration = ts.ParameterDeclaration | ts.VariableDeclaration | ts.FunctionDeclaration

/**
 * What declares a name where it stands: a parameter, a variable, a function; undefined for what is imported
 * or belongs to the language.
 */
export function declarationOf(name: ts.Identifier): Declaration | undefined {
  for (let scope: ts.Node = name.parent; scope; scope = scope.parent) {
    const found = namesIn(scope)?.get(name.text)
    if (found) return found
  }
  return undefined
}

/** Of each scope that was asked; undefined: it declares nothing. */
const asked = new WeakMap<ts.Node, Map<string, Declaration> | undefined>()

function namesIn(scope: ts.Node): Map<string, Declaration> | undefined {
  if (asked.has(scope)) return asked.get(scope)
  const declarations = declaredIn(scope)
  const names = declarations.length > 0 ? new Map<string, Declaration>() : undefined
  for (const declaration of declarations) {
    const name = declaration.name?.getText()
    if (name !== undefined && !names!.has(name)) names!.set(name, declaration)
  }
  asked.set(scope, names)
  return names
}

function declaredIn(scope: ts.Node): readonly Declaration[] {
  if (ts.isFunctionDeclaration(scope)) return scope.parameters
  if (ts.isForStatement(scope)) {
    const { initializer } = scope
    return initializer && ts.isVariableDeclarationList(initializer) ? initializer.declarations : []
  }
  if (!ts.isBlock(scope) && !ts.isSourceFile(scope)) return []
  return scope.statements.flatMap((statement): readonly Declaration[] => {
    if (ts.isVariableStatement(statement)) return statement.declarationList.declarations
    return ts.isFunctionDeclaration(statement) ? [statement] : []
  })
}

/** Whether a declaration is the module's and not a function's own. */
export function isOfModule(declaration: Declaration): boolean {
  if (ts.isFunctionDeclaration(declaration)) return true
  return ts.isVariableDeclaration(declaration) && ts.isSourceFile(declaration.parent.parent.parent)
}

export function isConstant({ parent }: ts.VariableDeclaration): boolean {
  return (parent.flags & ts.NodeFlags.Const) !== 0
}

/** `i++` and the like. */
export function isStep(
  node: ts.Node,
): node is ts.PrefixUnaryExpression | ts.PostfixUnaryExpression {
  return (
    (ts.isPostfixUnaryExpression(node) || ts.isPrefixUnaryExpression(node)) &&
    (node.operator === K.PlusPlusToken || node.operator === K.MinusMinusToken)
  )
}

export function isExported(statement: ts.Statement): boolean {
  return (
    ts.canHaveModifiers(statement) &&
    (ts.getModifiers(statement) ?? []).some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword)
  )
}

const FORMATS = ["u8", "u16", "i16", "i32"]
/** How many arguments each takes. */
const METHODS: Record<string, number> = { getAt: 2, setAt: 3, fillAt: 3, blitAt: 4 }
const MATHS: Record<string, number> = { imul: 2, idiv: 2, min: 2, max: 2 }
const TYPES = ["Buffer", "Payload"]

const COMPARISONS = ["===", "!==", "<", "<=", ">", ">="]
const ARITHMETIC = ["+", "-", "*", "%", "&", "|", "^", "<<", ">>", ">>>"]
/** What changes a variable, beside ++ and --. */
export const ASSIGNMENTS = ["=", "+=", "-=", "*=", "&=", "|=", "^=", "<<=", ">>="]
/** Their right side is evaluated after the left one, if at all. */
export const LOGIC = ["&&", "||"]
const OPERATORS = [...COMPARISONS, ...ARITHMETIC, ...ASSIGNMENTS, ...LOGIC]

const { SyntaxKind: K } = ts

/** What may stand in a module, some of it under a condition: {@link objectionTo}. */
const FORMS = new Set([
  ...[K.ImportDeclaration, K.ImportClause, K.NamedImports, K.ImportSpecifier],
  ...[K.ExportDeclaration, K.NamedExports, K.ExportSpecifier, K.ExportKeyword],
  ...[K.EnumDeclaration, K.EnumMember, K.TypeAliasDeclaration, K.FunctionDeclaration, K.Parameter],
  ...[K.NumberKeyword, K.BooleanKeyword, K.VoidKeyword, K.TypeReference],
  ...[K.VariableStatement, K.VariableDeclarationList, K.VariableDeclaration, K.Block],
  ...[K.ExpressionStatement, K.IfStatement, K.ForStatement, K.WhileStatement],
  ...[K.ReturnStatement, K.BreakStatement, K.ContinueStatement],
  ...[K.Identifier, K.NumericLiteral, K.StringLiteral, K.TrueKeyword, K.FalseKeyword],
  ...[K.ParenthesizedExpression, K.PropertyAccessExpression, K.CallExpression],
  ...[K.PrefixUnaryExpression, K.PostfixUnaryExpression, K.BinaryExpression],
  ...[K.ConditionalExpression, K.QuestionToken, K.ColonToken, K.EndOfFileToken],
])

/** Why a node cannot be said in both languages, or would mean something else there. */
function objectionTo(node: ts.Node): string | undefined {
  const { parent } = node
  // Judged with what it stands in.
  if (ts.isBinaryExpression(parent) && node === parent.operatorToken) return undefined
  if (!FORMS.has(node.kind)) return `${ts.SyntaxKind[node.kind]} is not among the forms`
  if (ts.isNumericLiteral(node)) return objectionToNumber(node)
  if (ts.isIdentifier(node)) return objectionToName(node)
  if (ts.isBinaryExpression(node)) return objectionToOperator(node)
  if (ts.isCallExpression(node)) return objectionToCall(node)
  if (ts.isStringLiteral(node))
    return ts.isCallExpression(parent) ||
      ts.isImportDeclaration(parent) ||
      ts.isExportDeclaration(parent)
      ? undefined
      : "text"
  if (ts.isPropertyAccessExpression(node)) {
    if (ts.isCallExpression(parent) && node === parent.expression) return undefined
    return /^[A-Z]\w*\.[A-Z]\w*$/.test(node.getText()) ? undefined : "only members of enumerations"
  }
  if (ts.isTypeReferenceNode(node)) return TYPES.includes(node.getText()) ? undefined : "this type"
  if (ts.isVariableDeclarationList(node))
    return /^(?:let|const)\b/.test(node.getText()) ? undefined : "let or const"
  if (ts.isVariableDeclaration(node))
    return ts.isIdentifier(node.name) && node.initializer
      ? undefined
      : "a variable has a name and a value"
  if (ts.isParameter(node))
    return /^\w+\s*:[^=]*$/.test(node.getText()) ? undefined : "a parameter has a name and a type"
  if (ts.isFunctionDeclaration(node))
    return node.name && node.type && node.body && !node.asteriskToken && !node.typeParameters
      ? undefined
      : "a function has a name, a result and a body"
  if (ts.isEnumMember(node))
    return ts.isIdentifier(node.name) && node.initializer ? undefined : "a member has a value"
  if (isStep(node)) {
    if (!ts.isIdentifier(node.operand)) return "only variables are counted up and down"
    return standsAlone(node) ? undefined : "++ and -- are statements"
  }
  if (ts.isPrefixUnaryExpression(node) && node.operator === K.PlusToken) return "a conversion"
  return undefined
}

/** What changes a variable is a statement, so that no order of evaluation matters to it. */
function standsAlone({ parent }: ts.Node): boolean {
  return ts.isExpressionStatement(parent) || ts.isForStatement(parent)
}

function objectionToNumber(node: ts.NumericLiteral): string | undefined {
  if (!/^(?:0|[1-9]\d*|0x[\da-f]+)$/i.test(node.getText())) return "a number that is not whole"
  return Number(node.getText()) < 2 ** 31 ? undefined : "past 31 bits"
}

function objectionToName(node: ts.Identifier): string | undefined {
  if (["undefined", "NaN", "Infinity", "arguments", "eval"].includes(node.text)) return "this value"
  const declaration = declarationOf(node)
  if (
    declaration &&
    !isOfModule(declaration) &&
    node !== declaration.name &&
    node.pos < declaration.end
  )
    return "a variable that has no value yet"
  // So that names of the target (load_i32, at_sum) cannot be meant.
  return /^[a-z$_]\w*[_$]|^[$_]/.test(node.text)
    ? "a name like those of the translation"
    : undefined
}

function objectionToOperator(node: ts.BinaryExpression): string | undefined {
  const operator = node.operatorToken.getText()
  if (operator === "==" || operator === "!=") return "a comparison that converts"
  // In JavaScript 7 / 2 is 3.5, among whole numbers it is 3.
  if (operator === "/" || operator === "/=") return "a division (use Math.idiv)"
  if (!OPERATORS.includes(operator)) return "this operator"
  const sides = [typeOf(node.left), typeOf(node.right)]
  if (ASSIGNMENTS.includes(operator)) {
    if (!ts.isIdentifier(node.left)) return "only variables are assigned to"
    return standsAlone(node) ? undefined : "an assignment is a statement"
  }
  // JavaScript gives back one of the numbers, C whether one of them is not 0.
  if (LOGIC.includes(operator))
    return sides.includes("number") ? "a number as a condition" : undefined
  if (!["===", "!=="].includes(operator) && sides.includes("boolean"))
    return "a condition as a number"
  if (!operator.includes("<<") && !operator.includes(">>")) return undefined
  const bits = ts.isNumericLiteral(node.right) ? Number(node.right.text) : undefined
  if (bits !== undefined && bits > 31) return "a shift by more than 31 bits"
  // By 0 it would leave a number past 31 bits.
  if (operator === ">>>" && !bits)
    return "an unsigned shift is by 1 to 31 bits, written as a number"
  return undefined
}

function objectionToCall(node: ts.CallExpression): string | undefined {
  if (node.questionDotToken || node.typeArguments) return "a call of another kind"
  const { of, name, args } = callOf(node)
  if (!of) return undefined
  // Memory of a module: C alone has it.
  if (of.text === "Buffer" && name === "alloc" && args.length === 1) return undefined
  const count = of.text === "Math" ? MATHS[name] : METHODS[name]
  if (count === undefined) return "this function"
  if (args.length !== count) return `it takes ${count} arguments, not ${args.length}`
  if (name === "getAt" || name === "setAt") formatOf(args[1])
  if (name === "blitAt" && !ts.isIdentifier(args[1])) return "a copy is from a buffer with a name"
  return undefined
}

/** What an expression is known to be; undefined where only its declaration elsewhere tells. */
function typeOf(node: ts.Expression): "number" | "boolean" | undefined {
  if (ts.isParenthesizedExpression(node)) return typeOf(node.expression)
  if (ts.isNumericLiteral(node) || ts.isPropertyAccessExpression(node)) return "number"
  if (node.kind === K.TrueKeyword || node.kind === K.FalseKeyword) return "boolean"
  if (ts.isPrefixUnaryExpression(node))
    return node.operator === K.ExclamationToken ? "boolean" : "number"
  if (ts.isConditionalExpression(node)) return typeOf(node.whenTrue)
  if (ts.isBinaryExpression(node)) {
    const operator = node.operatorToken.getText()
    if (ARITHMETIC.includes(operator)) return "number"
    return COMPARISONS.includes(operator) || LOGIC.includes(operator) ? "boolean" : undefined
  }
  if (ts.isCallExpression(node) && ts.isPropertyAccessExpression(node.expression)) return "number"
  const name = ts.isCallExpression(node) ? node.expression : node
  const declaration = ts.isIdentifier(name) ? declarationOf(name) : undefined
  if (!declaration) return undefined
  if (declaration.type?.kind === K.NumberKeyword) return "number"
  if (declaration.type?.kind === K.BooleanKeyword) return "boolean"
  const value = ts.isVariableDeclaration(declaration) ? declaration.initializer : undefined
  // A value that is written before what uses it, so that this comes to an end.
  return value && value.end <= node.pos ? typeOf(value) : undefined
}
