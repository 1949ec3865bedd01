/**
 * TypeScript and AssemblyScript evaluate operands and arguments from left to right; C in the order its
 * compiler likes. So an expression for C must come to the same in any order: where a function that is called
 * changes memory or a variable of a module, nothing beside it reads one.
 */
import ts from "typescript"
import {
  ASSIGNMENTS,
  callOf,
  declarationOf,
  isConstant,
  isExported,
  isOfModule,
  isStep,
  LOGIC,
  refuse,
} from "./syntax"

/**
 * @param files modules with all they import; a function that is in none of them may change anything
 * @throws Error naming module, line and expression that could come to something else
 */
export function checkOrder(files: readonly ts.SourceFile[]): void {
  const functions = new Functions(files)
  for (const file of files) {
    const visit = (node: ts.Node): void => {
      const parts = unordered(node)
      const changing = parts.findIndex(part => functions.changes(part))
      if (changing >= 0 && parts.some((part, i) => i !== changing && functions.reads(part)))
        refuse(
          node,
          "what it calls may change what it reads; take one of them into a constant first",
        )
      node.forEachChild(visit)
    }
    visit(file)
  }
}

/** What C evaluates in any order. */
function unordered(node: ts.Node): readonly ts.Expression[] {
  if (ts.isCallExpression(node)) return node.arguments
  if (!ts.isBinaryExpression(node)) return []
  const operator = node.operatorToken.getText()
  return operator === "=" || LOGIC.includes(operator) ? [] : [node.left, node.right]
}

class Functions {
  private readonly exported = new Map<string, ts.FunctionDeclaration>()
  private readonly known = new Map<ts.FunctionDeclaration, boolean>()

  constructor(files: readonly ts.SourceFile[]) {
    for (const statement of files.flatMap(file => [...file.statements]))
      if (ts.isFunctionDeclaration(statement) && isExported(statement))
        this.exported.set(statement.name!.text, statement)
  }

  /** Whether memory or a module's variable may be another after it. */
  changes(node: ts.Node): boolean {
    if (ts.isCallExpression(node)) {
      const { of, name } = callOf(node)
      if (
        of ? /^(?:set|fill|blit)At$/.test(name) : this.isChanging(node.expression as ts.Identifier)
      )
        return true
    }
    const changed = changedIn(node)
    if (changed && isRemembered(changed)) return true
    return node.forEachChild(child => this.changes(child) || undefined) ?? false
  }

  private isChanging(called: ts.Identifier): boolean {
    const own = declarationOf(called)
    const declaration = own && ts.isFunctionDeclaration(own) ? own : this.exported.get(called.text)
    if (!declaration) return true
    let found = this.known.get(declaration)
    if (found === undefined) {
      // A function that calls itself does what the rest of it does.
      this.known.set(declaration, false)
      found = this.changes(declaration.body!)
      this.known.set(declaration, found)
    }
    return found
  }

  /** Whether it may depend on memory or a module's variable: other functions than Math's are not looked into. */
  reads(node: ts.Node): boolean {
    if (ts.isCallExpression(node) && callOf(node).of?.text !== "Math") return true
    if (ts.isIdentifier(node) && isRemembered(node)) return true
    return node.forEachChild(child => this.reads(child) || undefined) ?? false
  }
}

/** The variable that a statement changes. */
function changedIn(node: ts.Node): ts.Identifier | undefined {
  if (ts.isBinaryExpression(node) && ASSIGNMENTS.includes(node.operatorToken.getText()))
    return node.left as ts.Identifier
  return isStep(node) ? (node.operand as ts.Identifier) : undefined
}

/** Whether a name is a variable of a module; of another one it is spelled with a small letter. */
function isRemembered(name: ts.Identifier): boolean {
  const declaration = declarationOf(name)
  if (!declaration) return /^[a-z]/.test(name.text)
  return (
    ts.isVariableDeclaration(declaration) && isOfModule(declaration) && !isConstant(declaration)
  )
}
