/**
 * What must be true before a release (`npm run release:check`): says each point as it is found, writes
 * nothing, and ends with status 1 if one is not met. Publishing itself is `npm publish`, by hand.
 */
import { execFileSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath, pathToFileURL } from "node:url"

const ROOT = fileURLToPath(new URL("..", import.meta.url))
const MOST_BYTES = 3_000_000
const MOST_SUBJECT = 72

export interface Found {
  what: string
  /** What is wrong; undefined if nothing is. */
  fault?: string
}

interface Sources {
  manifest: { version: string }
  lock: { version: string; packages: Record<string, { version?: string }> }
  changelog: string
  /** `git status --porcelain`. */
  changed: string
  /** Subjects of the commits since the last version's tag, or all. */
  subjects: string[]
  /** Tags there are. */
  tags: string[]
  /** Of the packed tool, bytes. */
  packed: number
}

/** The check-list, in the order in which its points are mended. */
export function check(sources: Sources): Found[] {
  const { manifest, lock, changelog, changed, subjects, tags, packed } = sources
  const { version } = manifest
  const [newest] = [...changelog.matchAll(/^## \[([^\]]+)\]/gm)].map(([, title]) => title)
  const heading = new RegExp(
    `^## \\[${version.replaceAll(".", "\\.")}\\] - \\d{4}-\\d\\d-\\d\\d$`,
    "m",
  )
  const long = subjects.filter(subject => subject.length > MOST_SUBJECT)
  const faultIf = (wrong: boolean, fault: string) => (wrong ? fault : undefined)
  return [
    { what: "nothing is uncommitted", fault: faultIf(changed !== "", `changed:\n${changed}`) },
    {
      what: "package-lock.json has the version of package.json",
      fault: faultIf(
        lock.version !== version || lock.packages[""].version !== version,
        `package.json says ${version}, the lock ${lock.version} and ${lock.packages[""].version}`,
      ),
    },
    {
      what: "CHANGELOG.md begins with this version and its date",
      fault: faultIf(
        newest !== version || !heading.test(changelog),
        `it begins with [${newest}], expected "## [${version}] - YYYY-MM-DD"`,
      ),
    },
    {
      what: "this version has no tag yet",
      fault: faultIf(tags.includes(`v${version}`), `v${version} is a tag`),
    },
    {
      what: `subjects of commits have at most ${MOST_SUBJECT} characters`,
      fault: faultIf(long.length > 0, long.join("\n")),
    },
    {
      what: `the package has at most ${MOST_BYTES} bytes`,
      fault: faultIf(packed > MOST_BYTES, `it has ${packed}`),
    },
  ]
}

/** To be looked at by people, as no program can. */
const BY_HAND = [
  "CI passed on this commit (.ci/run)",
  "README, docs/troubleshooting.md and the changelog were read by somebody who did not write them",
  "npm run figures was run on a quiet machine, and npm run docs without a warning",
]

const git = (...args: string[]) => execFileSync("git", args, { cwd: ROOT, encoding: "utf8" }).trim()
const lines = (text: string) => (text === "" ? [] : text.split("\n"))
const json = (file: string) => JSON.parse(readFileSync(join(ROOT, file), "utf8"))

function sources(): Sources {
  const tags = lines(git("tag", "--sort=-creatordate"))
  const [last] = tags
  const packed = JSON.parse(
    execFileSync("npm", ["pack", "--dry-run", "--json", "--silent"], {
      cwd: ROOT,
      encoding: "utf8",
    }),
  )
  const manifest = json("package.json")
  const [entry] = Array.isArray(packed) ? packed : [packed[manifest.name]]
  return {
    ...{ manifest, lock: json("package-lock.json"), tags },
    changelog: readFileSync(join(ROOT, "CHANGELOG.md"), "utf8"),
    changed: git("status", "--porcelain"),
    subjects: lines(git("log", "--format=%s", ...(last ? [`${last}..HEAD`] : []))),
    packed: entry.size,
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const found = check(sources())
  for (const { what, fault } of found)
    console.log(
      fault === undefined
        ? `yes  ${what}`
        : `NO   ${what}\n     ${fault.replaceAll("\n", "\n     ")}`,
    )
  for (const what of BY_HAND) console.log(`?    ${what}`)
  process.exitCode = found.some(({ fault }) => fault !== undefined) ? 1 : 0
}
