/** Every document of `--json` that a test sees is parsed by its schema, strictly. */
import { appendFileSync } from "node:fs"
import type { z } from "zod"
import { DOCUMENTS, ERROR_DOCUMENT, printedBy } from "../../../../host/cli/documents/all"
import { documentName } from "../../../../host/cli/terminal/document-name"

type Known = { schema: z.ZodObject; when?: string }

/** The schemas of each name, made when they are asked for. */
function schemasOf(name: unknown): Known[] {
  if (name === documentName(["error"])) return [{ schema: ERROR_DOCUMENT }]
  const command = Object.keys(DOCUMENTS).find(each => documentName(each.split(" ")) === name)
  if (command === undefined) throw new Error(`no schema is called ${JSON.stringify(name)}`)
  return printedBy(command)
}

/** @throws Error if the document is none that its name allows */
export function checkDocument(document: object): void {
  const name = "schema" in document ? document.schema : undefined
  const results = schemasOf(name).map(({ schema, when }) => ({
    when,
    result: schema.safeParse(document),
  }))
  const fits = results.filter(({ result }) => result.success)
  if (process.env.WUXING_SEEN)
    for (const { when } of fits) appendFileSync(process.env.WUXING_SEEN, `${name} ${when ?? ""}\n`)
  if (fits.length === 1) return
  const why = results.map(
    ({ when, result }) => `${when ?? "usual"}: ${result.error?.message ?? "fits"}`,
  )
  throw new Error(`${name}: ${fits.length} schemas fit, not one\n${why.join("\n")}`)
}

/** A line as a document. */
export function documentOf(line: string) {
  const document = JSON.parse(line)
  checkDocument(document)
  return document
}

/** @param stdout of a run with `--json`: a document, or one a line; nothing where nobody read it */
export function checkDocuments(stdout: string): void {
  if (stdout.trim() === "") return
  for (const document of documentsIn(stdout)) checkDocument(document)
}

function documentsIn(stdout: string): object[] {
  try {
    return [JSON.parse(stdout)]
  } catch {
    return stdout
      .trim()
      .split("\n")
      .map(line => JSON.parse(line))
  }
}
