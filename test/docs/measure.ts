/**
 * Runs the README's demo on this machine and writes what it printed, how long it took, the date and the
 * machine into the README (`npm run figures`). Its counts are held by readme.test.ts and pages.test.ts; its
 * times are of the machine it names, which should have nothing else to do. The README's table of figures is
 * put together from those of the pages, which tests hold against the tool.
 */
import { readFileSync, writeFileSync } from "node:fs"
import { cpus } from "node:os"
import { pathToFileURL } from "node:url"
import { realClock } from "../../host/base/clock"
import { wuxingProcess } from "../host/cli/run-cli"
import { ROOT } from "../root"
import { tableOn } from "./pages"

const BLOCK = /(## What it prints\n\n```\n)[\s\S]*?(```\n)(?:\nMeasured on [^\n]*\n)?/

export interface Run {
  /** As the demo prints it. */
  stdout: string
  seconds: number
  date: string
  machine: string
}

/** The README with this run in place of the one it shows. */
export function withRun(readme: string, { stdout, seconds, date, machine }: Run): string {
  const measured = `Measured on ${date} by \`npm run figures\`: ${Math.round(seconds)} s in all, on ${machine}.\n`
  return readme.replace(
    BLOCK,
    (_, head: string, end: string) => `${head}${stdout.trimEnd()}\n${end}\n${measured}`,
  )
}

const TABLE = /(<!-- figures: npm run figures -->\n)[\s\S]*?(<!-- end -->)/
/** What the README shows of docs/networks.md, in its order. */
const SHOWN = [
  "model2",
  "pico-fast",
  "pico-16",
  "pico-32",
  "fleet-64",
  "fleet-deep",
  "mnist-windows",
  "mnist-kernels",
  "mnist-tiny",
]

const named = (rows: string[][], name: string) => rows.find(([cell]) => cell === `\`${name}\``)
const perSecond = (name?: string, learn?: string) => (name ? `${name} / ${learn}` : "–")

/** The README's table of figures, from the pages' own. */
function figures(): string {
  const networks = tableOn("docs/networks.md", "preset", "network", "links", "epochs")
  const stock = tableOn("docs/cost.md", "preset", "operations an inference")
  const native = tableOn("docs/native-boards.md", "on one RP2040 at 125 MHz")
  const fleets = tableOn("docs/several-boards.md", "network", "boards", "naming", "learning")
  const rows = SHOWN.map(name => {
    const [, , links, , accuracy] = named(networks, name)!
    const [, , , names, , , learns] = named(stock, name) ?? []
    const computed = native.find(([cell]) => cell.startsWith(`\`${name}\``)) ?? []
    const [, boards = "", naming = "", learning = ""] = named(fleets, name) ?? []
    const most = boards.split(" / ").at(-1)!
    const several =
      most && `${most} boards: ${naming.split(" / ").at(-1)} / ${learning.split(" / ").at(-1)}`
    return [
      ...[`\`${name}\``, links, accuracy, perSecond(names, learns)],
      ...[several || "–", perSecond(computed[1], computed[2])],
    ]
  })
  const head = [
    ...["network", "links", "accuracy", "DeviceScript: names / learns"],
    ...["several, DeviceScript", "native: names / learns"],
  ]
  return [head, head.map(() => "---"), ...rows].map(cells => `| ${cells.join(" | ")} |\n`).join("")
}

/** The README with the pages' figures in its table. */
export function withFigures(readme: string): string {
  return readme.replace(TABLE, (_, start: string, end: string) => start + figures() + end)
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const path = `${ROOT}README.md`
  const readme = withFigures(readFileSync(path, "utf8"))
  writeFileSync(path, process.argv.includes("--table") ? readme : withRun(readme, await run()))
}

async function run(): Promise<Run> {
  const start = realClock.now()
  const { status, stdout, stderr } = await wuxingProcess(["demo", "--seed", "1"])
  if (status !== 0) throw new Error(`the demo ended with status ${status}:\n${stderr}`)
  const [{ model }] = cpus()
  return {
    ...{ stdout, seconds: (realClock.now() - start) / 1000 },
    date: new Date().toISOString().slice(0, 10),
    machine: `${cpus().length} cores of ${model.trim()}, Node ${process.versions.node}`,
  }
}
