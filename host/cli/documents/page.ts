/** docs/json.md and docs/json-schema.json, made from the schemas: `npm run json`. */
import { fileURLToPath } from "node:url"
import { z } from "zod"
import { replaceFile } from "../../base/replace-file"
import { documentName } from "../terminal/document-name"
import { DOCUMENTS, ERROR_DOCUMENT, printedBy } from "./all"

const ID = "wuxing:json"

type Json = z.core.JSONSchema.BaseSchema

const HEAD = `# Documents of --json

Written by \`npm run json\` from the schemas that tests hold every document against; [json-schema.json](json-schema.json) has them as JSON Schema.

- With \`--json\` a command prints one document on stdout. Commands that run until Ctrl-C print lines, one document each, before the last one.
- \`schema\` says which document it is: \`wuxing:COMMAND:1\`, the \`$id\` of its schema. The number is raised when a member is taken away or means something else; new members may come without that, so pass over those you do not know.
- Where a run fails after it has a result, \`error\` stands beside the result; where it has none, the document is \`${documentName(["error"])}\`: [an error](#error) alone. The exit status is \`error.exitStatus\`, else 0.
- Members marked "?" may be missing. Shares are of 1, times in seconds, memory in bytes, unless a name says otherwise (\`ms\`, \`Percent\`).
`

const PARTS_HEAD = `## Parts

What several documents hold.
`

/** As JSON Schema; members that are not listed are allowed, as they may be added. */
function schemaOf(schema: z.ZodType): Json {
  return z.toJSONSchema(schema, {
    unrepresentable: "any",
    override: ({ jsonSchema }) => {
      if (jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties
      if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum
      if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum
    },
  })
}

interface Described {
  command: string
  when?: string
  line: boolean
  json: Json
}

function described(): Described[] {
  return Object.entries(DOCUMENTS).flatMap(([command, { lines = [] }]) =>
    printedBy(command).map(({ schema, when }, i) => ({
      ...{ command, when, line: i < lines.length },
      json: schemaOf(schema),
    })),
  )
}

/** Parts by their names, from the definitions of all documents. */
function partsOf(all: readonly Json[]): Map<string, Json> {
  const parts = new Map<string, Json>()
  for (const { $defs = {} } of all)
    for (const [name, part] of Object.entries($defs)) parts.set(name, part as Json)
  return new Map([...parts].sort(([a], [b]) => (a < b ? -1 : 1)))
}

/** "list of numbers" */
function typeOf(json: Json): string {
  if (json.$ref) {
    const name = json.$ref.split("/").at(-1)!
    return `[${name}](#${name})`
  }
  if (json.const !== undefined) return `\`${JSON.stringify(json.const)}\``
  if (json.enum) return json.enum.map(value => `\`${JSON.stringify(value)}\``).join(", ")
  const either = json.anyOf ?? json.oneOf
  if (either) return [...new Set(either.map(one => typeOf(one as Json)))].join(" or ")
  if (json.allOf) return typeOf(json.allOf[0] as Json)
  if (json.type === "array") {
    if (Array.isArray(json.prefixItems)) return `list of ${json.prefixItems.length}`
    return `list of ${plural(json.items ? typeOf(json.items as Json) : "anything")}`
  }
  if (json.type === "integer") return "whole number"
  if (json.type === "string") return "text"
  if (json.type === "object") return json.properties ? "object" : "object by name"
  return typeof json.type === "string" ? json.type : "anything"
}

function plural(type: string): string {
  return type
    .replace(/^(text|object|number|boolean|whole number)$/, "$1s")
    .replace(/^list of/, "lists of")
    .replace(/^object by name/, "objects by name")
}

/** A row for each member, those of members inside after them: `boards[].id`. */
function rowsOf(json: Json, before = ""): string[] {
  const required = json.required ?? []
  return Object.entries(json.properties ?? {}).flatMap(([name, given]) => {
    const member = given as Json
    const path = `${before}${name}`
    const optional = required.includes(name) ? "" : "?"
    const row = `| \`${path}\`${optional} | ${typeOf(member)} | ${member.description ?? ""} |`
    return [row, ...insideOf(member, path)]
  })
}

function insideOf(json: Json, path: string): string[] {
  if (json.$ref) return []
  const either = json.anyOf ?? json.oneOf ?? json.allOf
  if (either) return either.flatMap(one => insideOf(one as Json, path))
  if (json.type === "array" && json.items) return insideOf(json.items as Json, `${path}[]`)
  return json.properties ? rowsOf(json, `${path}.`) : []
}

function tableOf(json: Json): string {
  return ["| member | type | meaning |", "| --- | --- | --- |", ...rowsOf(json)].join("\n")
}

/** docs/json.md, whole. */
export function jsonPage(): string {
  const all = described()
  const commands = Object.keys(DOCUMENTS).flatMap(command => {
    const own = all.filter(each => each.command === command)
    return [
      `## wuxing ${command}\n`,
      ...own.map(({ when, line, json }) => {
        const title = `${line ? "A line " : ""}${when ?? ""}`.trim()
        const text = title && `${title[0].toUpperCase()}${title.slice(1)}:\n\n`
        return `${text}${tableOf(json)}\n`
      }),
    ]
  })
  const parts = partsOf([schemaOf(ERROR_DOCUMENT), ...all.map(({ json }) => json)])
  const named = [...parts].map(([name, json]) => {
    const about = json.description ? `${json.description}.\n\n` : ""
    return `### ${name}\n\n${about[0]?.toUpperCase() ?? ""}${about.slice(1)}${tableOf(json)}\n`
  })
  return [HEAD, ...commands, PARTS_HEAD, ...named].join("\n")
}

/** docs/json-schema.json, whole: one definition a document, named by its `$id`. */
export function jsonSchemas(): string {
  const error = schemaOf(ERROR_DOCUMENT)
  const all = described()
  const defs: Record<string, object> = Object.fromEntries(
    partsOf([error, ...all.map(({ json }) => json)]),
  )
  const bare = ({ $schema, $defs, ...rest }: Json) => rest
  const documents = new Map<string, object[]>()
  const add = (name: string, json: Json) =>
    documents.set(name, [...(documents.get(name) ?? []), bare(json)])
  for (const { command, json } of all) add(documentName(command.split(" ")), json)
  add(documentName(["error"]), error)
  for (const [$id, oneOf] of documents)
    defs[$id] = oneOf.length === 1 ? { $id, ...oneOf[0] } : { $id, oneOf }
  const whole = {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    $id: ID,
    title: "Documents of wuxing --json",
    oneOf: [...documents.keys()].map($ref => ({ $ref })),
    $defs: defs,
  }
  // A definition with an `$id` is a resource of its own: what it refers to is named by the whole's.
  const absolute = (key: string, value: unknown) =>
    key === "$ref" && String(value).startsWith("#") ? `${ID}${value}` : value
  // A line a member, so that changes can be read, without the indents, which are a fifth of its packed size.
  return `${JSON.stringify(whole, absolute, 1).replaceAll(/^ +/gm, "")}\n`
}

export const PAGES = { "json.md": jsonPage, "json-schema.json": jsonSchemas }

const folder = new URL("../../../docs/", import.meta.url)

if (process.argv[1] === fileURLToPath(import.meta.url))
  for (const [name, make] of Object.entries(PAGES))
    replaceFile(fileURLToPath(new URL(name, folder)), Buffer.from(make()), {
      code: "output-unwritable",
      what: "page",
    })
