/**
 * Turns the core's kernels (src/) into C, so that one description of the numerics also runs as
 * machine code: the modules a board needs, in order (what each becomes: module-in-c.ts).
 */
import { readFileSync } from "node:fs"
import ts from "typescript"
import { corePath } from "./core-files"
import { inC } from "./module-in-c"
import { checkOrder } from "./order"
import { parseModule } from "./syntax"

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
 * @throws Error naming module, line and construct if a source has one that has no C form here
 */
export function coreSource(
  read: (module: string) => string = readModule,
  roots = ROOTS,
): CoreSource {
  const files = inOrder(read, roots)
  checkOrder(files)
  const modules = files.map(inC)
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
      .map(({ name, statics, body }) => [`/* src/${name}.ts */`, ...statics, "", body].join("\n")),
  ]
  return { header: header.join("\n"), code: code.join("\n") }
}

/** The roots and all they import, each behind those it imports. */
function inOrder(read: (module: string) => string, roots: string[]): ts.SourceFile[] {
  const found = new Map<string, ts.SourceFile>()
  const visit = (name: string) => {
    if (found.has(name)) return
    const file = parseModule(read(name), name)
    for (const statement of file.statements)
      if (ts.isImportDeclaration(statement) || ts.isExportDeclaration(statement)) {
        const from = statement.moduleSpecifier
        if (from && ts.isStringLiteral(from)) visit(from.text.replace(/^.*\//, ""))
      }
    found.set(name, file)
  }
  for (const root of roots) visit(root)
  return [...found.values()]
}

function readModule(name: string): string {
  return readFileSync(corePath(name), "utf8")
}
