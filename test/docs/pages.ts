/** The pages people read, and what stands in them. */
import { readdirSync, readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"

export const ROOT = fileURLToPath(new URL("../..", import.meta.url))

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

/** Commands of the tool that are named in running text: `wuxing profile --model pico-16`. */
export function namedCommands({ text }: Page): string[] {
  const prose = text.replace(/^ *```[\s\S]*?^ *```/gm, "")
  return [...prose.matchAll(/`(?:npx )?wuxing ([a-z][^`]*)`/g)].map(([, rest]) => rest)
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
