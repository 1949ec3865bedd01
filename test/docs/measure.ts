/**
 * Runs the README's demo on this machine and writes what it printed, how long it took, the date and the
 * machine into the README (`npm run figures`). Its counts are held by readme.test.ts and pages.test.ts; its
 * times are of the machine it names, which should have nothing else to do.
 */
import { readFileSync, writeFileSync } from "node:fs"
import { cpus } from "node:os"
import { pathToFileURL } from "node:url"
import { realClock } from "../../host/base/clock"
import { wuxingProcess } from "../host/cli/run-cli"
import { ROOT } from "../root"

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

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const start = realClock.now()
  const { status, stdout, stderr } = await wuxingProcess(["demo", "--seed", "1"])
  if (status !== 0) throw new Error(`the demo ended with status ${status}:\n${stderr}`)
  const [{ model }] = cpus()
  const path = `${ROOT}README.md`
  const run = {
    ...{ stdout, seconds: (realClock.now() - start) / 1000 },
    date: new Date().toISOString().slice(0, 10),
    machine: `${cpus().length} cores of ${model.trim()}, Node ${process.versions.node}`,
  }
  writeFileSync(path, withRun(readFileSync(path, "utf8"), run))
}
