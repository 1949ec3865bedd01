/** The pages people read, and what stands in them. */
import { readdirSync, readFileSync } from "node:fs"
import { ROOT } from "../root"

export interface Page {
  /** From the repository's root. */
  path: string
  text: string
}

export const pages: Page[] = [
  "README.md",
  "CONTRIBUTING.md",
  "CHANGELOG.md",
  ...readdirSync(`${ROOT}docs`)
    .filter(name => name.endsWith(".md"))
    .map(name => `docs/${name}`),
].map(path => ({ path, text: readFileSync(`${ROOT}${path}`, "utf8") }))

export const [readme] = pages

export function pageNamed(path: string): Page {
  const page = pages.find(each => each.path === path)
  if (!page) throw new Error(`there is no page ${path}`)
  return page
}

export interface Table {
  /** The line of its head, as it stands there. */
  head: string
  /** Cells without the spaces around them. */
  rows: string[][]
}

export function tablesOf({ text }: Page): Table[] {
  return [...text.matchAll(/^(\|.*)\n\|(?: --- \|)+\n((?:\|.*\n)+)/gm)].map(([, head, body]) => ({
    head,
    rows: body
      .trim()
      .split("\n")
      .map(line =>
        line
          .split("|")
          .slice(1, -1)
          .map(cell => cell.trim()),
      ),
  }))
}

/** The rows of a page's one table whose head begins with these cells. */
export function tableOn(path: string, ...cells: string[]): string[][] {
  const head = `| ${cells.join(" | ")} |`
  const found = tablesOf(pageNamed(path)).filter(table => table.head.startsWith(head))
  if (found.length !== 1) throw new Error(`${found.length} tables of ${path} begin ${cells}`)
  return found[0].rows
}

/** "1,776", "90.09 %": the number. */
export function numberIn(cell: string): number {
  return Number(cell.replace(/[,%\s]/g, ""))
}

/** What stands between backquotes in a text. */
export function quotedIn(text: string): string[] {
  return [...text.matchAll(/`([^`]+)`/g)].map(([, quoted]) => quoted)
}

/** Lines to be typed into a shell: fenced as `sh`, without comments; indented in a list or not. */
export function shellLines({ text }: Page): string[] {
  const blocks = text.matchAll(/^( *)```sh\n([\s\S]*?)^\1```/gm)
  return [...blocks].flatMap(([, , block]) =>
    block
      .split("\n")
      .map(line => line.replace(/(^|\s)#.*$/, "").trim())
      .filter(line => line !== ""),
  )
}

/** Commands of the tool among them, without what starts it. */
export function typedCommands(page: Page): string[] {
  return shellLines(page).flatMap(line => {
    const [, args] =
      /^(?:npm run -s wuxing -- |npx wuxing |npm start -- |wuxing )(.*)$/.exec(line) ?? []
    return args ?? []
  })
}

/** Commands of the tool that are named in running text: `wuxing profile --model pico-16`. */
export function namedCommands({ text }: Page): string[] {
  const prose = text.replace(/^ *```[\s\S]*?^ *```/gm, "")
  return [...prose.matchAll(/`(?:npx )?wuxing ([a-z][^`]*)`/g)].map(([, rest]) => rest)
}

/** What a command line on a page may leave open. */
const PLACEHOLDERS: Record<string, string> = {
  "<network>": "pico-16",
  "<preset>": "pico-16",
  "<name>": "pico-16",
  "<n>": "2",
  "<port>": "/dev/ttyACM0",
  "<shell>": "bash",
  "<image…>": "image.png",
  FILE: "file.wuxing",
}

/** A command with what the page leaves open filled in, and without what it says one may leave out. */
export function filled(args: string): string {
  return Object.entries(PLACEHOLDERS).reduce(
    (text, [open, value]) => text.replaceAll(open, value),
    args.replace(/ \[.*?\]/g, ""),
  )
}

/** As a shell splits a line, quotes included. */
export function words(line: string): string[] {
  return [...line.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(
    ([, single, double, plain]) => single ?? double ?? plain,
  )
}

/** As GitHub makes an anchor of a heading. */
export function anchorsOf(text: string): string[] {
  const headings = text.replace(/^```[\s\S]*?^```/gm, "").matchAll(/^#+ (.+)$/gm)
  return [...headings].map(([, title]) =>
    title
      .toLowerCase()
      .replace(/[^\p{Letter}\p{Number}\- ]/gu, "")
      .replaceAll(" ", "-"),
  )
}
