/**
 * Writes the tables of docs/faults.md anew (`npx tsx test/host/faults/page.ts`): what boards can keep, from
 * their profiles; figures of the last runs, from docs/figures/.
 */
import { readFileSync, writeFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { holdsTwoSlots, learntAreas, mostKept } from "../../../host/fleet/keeping"
import { boardIds, readBoardProfile } from "../../../host/hardware/board-profile"
import { hasKernels, type Network } from "../../../host/network/network"
import { totalLinks } from "../../../host/network/network-schema"
import { preset, presetNames } from "../../../host/network/presets"
import { buildShard } from "../../../host/network/shard"
import type { Slice } from "../../../host/network/slices"
import { splitEvenly } from "../../../host/partition/partition"
import { Header } from "../../../src/core/layout"

const PAGE = fileURLToPath(new URL("../../../docs/faults.md", import.meta.url))
const FIGURES = fileURLToPath(new URL("../../../docs/figures/", import.meta.url))
const MOST_BOARDS = 8

const grouped = (n: number) => Math.round(n).toLocaleString("en-GB")
const row = (cells: (string | number)[]) => `| ${cells.join(" | ")} |`
const table = (head: string[], rows: (string | number)[][]) =>
  [row(head), row(head.map(() => "---")), ...rows.map(row)].join("\n")

/** Bytes each board has learnt where the hidden layers are split evenly. */
function learntOf(net: Network, boards: number): number[] {
  return splitEvenly(net, boards).map((slices: Slice[]) =>
    learntAreas(buildShard(net, slices, 1)).reduce((sum, { bytes }) => sum + bytes, 0),
  )
}

/** With shared kernels a board has a whole layer at least. */
function mostBoards(net: Network): number {
  return hasKernels(net) ? net.layers.length : MOST_BOARDS
}

/** Fewest boards whose stores hold a network's coefficients twice, and what the largest share is. */
function fewest(net: Network, storeBytes: number): string {
  const learnt = totalLinks(net) * 2
  const most = mostBoards(net)
  if (learnt / most <= mostKept(storeBytes))
    for (let boards = 1; boards <= most; boards++) {
      // A board with all outputs has no less than an even share.
      if (learnt / boards > mostKept(storeBytes)) continue
      const largest = Math.max(...learntOf(net, boards))
      if (holdsTwoSlots(storeBytes, largest))
        return `${boards} (${grouped(largest)} B each at most)`
    }
  return "on the host alone"
}

/** A native board keeps its whole shard. */
function native(net: Network, slotBytes: number, heapBytes: number): string {
  const largest = (boards: number) =>
    Math.max(
      ...splitEvenly(net, boards).map((slices: Slice[]) =>
        buildShard(net, slices, 1).getAt(Header.Size, "i32"),
      ),
    )
  for (let boards = 1; boards <= mostBoards(net); boards++) {
    const bytes = largest(boards)
    if (bytes <= Math.min(slotBytes, heapBytes)) return `${boards} (${grouped(bytes)} B)`
  }
  return "on the host alone"
}

function whatBoardsKeep(): string {
  const profiles = boardIds()
    .map(id => readBoardProfile(id))
    .filter(({ id }) => id !== "host")
  const stores = [
    ...new Set(profiles.filter(p => p.operationCycles).map(p => p.flashStoreBytes)),
  ].sort((a, b) => a - b)
  const nativeProfiles = profiles.filter(p => !p.operationCycles)
  const namesOf = (bytes: number) =>
    profiles
      .filter(p => p.operationCycles && p.flashStoreBytes === bytes)
      .map(({ id }) => `\`${id}\``)
      .join(", ")
  const head = [
    "network",
    "learnt",
    ...stores.map(
      bytes => `${namesOf(bytes)}: ${grouped(bytes)} B, at most ${grouped(mostKept(bytes))} B`,
    ),
    ...nativeProfiles.map(
      ({ id, flashValueBytes }) => `\`${id}\`: ${grouped(flashValueBytes)} B a slot`,
    ),
  ]
  const rows = presetNames.map(name => {
    const net = preset(name, 1)!
    return [
      `\`${name}\``,
      `${grouped(totalLinks(net) * 2)} B`,
      ...stores.map(bytes => fewest(net, bytes)),
      ...nativeProfiles.map(({ flashValueBytes, heapBytes }) =>
        native(net, flashValueBytes, heapBytes),
      ),
    ]
  })
  return table(head, rows)
}

function figures(name: string): Record<string, never> | undefined {
  try {
    return JSON.parse(readFileSync(`${FIGURES}${name}.json`, "utf8"))
  } catch {
    return undefined
  }
}

function lastRuns(): string {
  const rows: string[][] = []
  const sweep = figures("faults") as unknown as Record<string, number | string> | undefined
  if (sweep)
    rows.push([
      `\`npm run faults\`, ${sweep.date}`,
      `${grouped(Number(sweep.runs))} of ${grouped(Number(sweep.cases))} runs, ${grouped(Number(sweep.faults))} frames hit: ${grouped(Number(sweep.survived))} ended with the same hash, ${sweep.namedErrors} with an error by name, **${sweep.lost} lost**`,
      String(sweep.how),
    ])
  const soak = figures("soak") as unknown as
    | {
        date: string
        minutes: number
        boards: number
        samples: number
        recoveries: number
        wrong: number
        faults: Record<string, number>
        host: { meanBytes: number; bytesPerMinute: number; error: number }
        longestLives: {
          minutes: number
          meanBytes: number
          bytesPerMinute: number
          error: number
        }[]
        how: string
      }
    | undefined
  if (soak) {
    const mib = (bytes: number) => `${(bytes / 2 ** 20).toFixed(0)} MiB`
    const slope = (g: { bytesPerMinute: number; error: number }) =>
      `${(g.bytesPerMinute / 1024).toFixed(0)} ± ${((2 * g.error) / 1024).toFixed(0)} KiB a minute`
    const faults = Object.values(soak.faults).reduce((sum, n) => sum + n, 0)
    rows.push([
      `\`npm run soak\`, ${soak.date}`,
      `${soak.minutes.toFixed(0)} minutes, ${soak.boards} boards, ${grouped(soak.samples)} samples, ${faults} faults, ${soak.recoveries} recoveries; coefficients compared with the host's at every 200th sample: ${soak.wrong} differed. Host: ${mib(soak.host.meanBytes)}, ${slope(soak.host)}; boards' processes: ${soak.longestLives.map(life => `${mib(life.meanBytes)} over ${life.minutes.toFixed(0)} minutes, ${slope(life)}`).join("; ")}`,
      soak.how,
    ])
  }
  for (const each of (figures("fuzz") as unknown as { runs: Record<string, string>[] })?.runs ?? [])
    rows.push([`\`npm run fuzz\`, ${each.date}`, each.result, each.how])
  return table(["run", "result", "how"], rows)
}

/** The page with its tables as they are to be. */
export function pageOf(text: string): string {
  const blocks = { "what boards keep": whatBoardsKeep, "last runs": lastRuns }
  let page = text
  for (const [name, make] of Object.entries(blocks)) {
    const begin = `<!-- ${name}: by test/host/faults/page.ts -->\n`
    const end = "\n<!-- end -->"
    const from = page.indexOf(begin)
    const to = page.indexOf(end, from)
    if (from < 0 || to < 0) throw new Error(`docs/faults.md has no place for "${name}"`)
    page = page.slice(0, from + begin.length) + make() + page.slice(to)
  }
  return page
}

export function readPage(): string {
  return readFileSync(PAGE, "utf8")
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(PAGE, pageOf(readPage()))
