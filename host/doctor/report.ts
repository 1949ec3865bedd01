/** The report to attach to a bug, or to send as a run on real hardware. */

import { createRequire } from "node:module"
import { arch, cpus, homedir, release, totalmem, type } from "node:os"
import { timeOfDay } from "../base/clock"
import type { Finding } from "./finding"

/** A short run on boards: what they are, how fast, and whether they compute what the host does. */
export interface BoardRun {
  network: string
  boards: { id: string; profile: string; neurons: number; links: number; heapBytes: number }[]
  learnt: number
  named: number
  learntPerSecond: number
  namedPerSecond: number
  recoveries: number
  /** Are the coefficients the host's, bit for bit? */
  hostMatches: boolean
  coefficientsHash: string
}

export interface Report {
  /** ISO 8601, UTC. */
  date: string
  versions: Record<string, string>
  machine: Record<string, string>
  findings: Finding[]
  run?: BoardRun
}

const PACKAGES = ["@devicescript/cli", "serialport"]

/** Ids of boards and names of ports are in it; the home folder is written as "~". */
export function reportOf(version: string, findings: Finding[], run?: BoardRun): Report {
  const require = createRequire(import.meta.url)
  const versionOf = (name: string) => {
    try {
      return String(require(`${name}/package.json`).version)
    } catch {
      return "missing"
    }
  }
  return {
    date: timeOfDay().toISOString(),
    versions: {
      wuxing: version,
      node: process.versions.node,
      ...Object.fromEntries(PACKAGES.map(name => [name, versionOf(name)])),
    },
    machine: {
      system: `${type()} ${release()}`,
      processor: `${arch()}, ${cpus().length} × ${cpus()[0]?.model.trim() ?? "unknown"}`,
      memory: `${Math.round(totalmem() / 2 ** 20)} MiB`,
    },
    findings: findings.map(finding => ({
      ...finding,
      found: finding.found.replaceAll(homedir(), "~"),
    })),
    ...(run && { run }),
  }
}

/** For people and for GitHub; the document itself at its end. */
export function toMarkdown(report: Report): string {
  const { date, versions, machine, findings, run } = report
  const about = { date, ...versions, ...machine }
  return [
    "# wuxing doctor",
    "",
    "What happened, and what was expected:",
    "",
    "(please write it here)",
    "",
    ...Object.entries(about).map(([name, value]) => `- ${name}: ${value}`),
    "",
    "| check | verdict | found | fix |",
    "| --- | --- | --- | --- |",
    ...findings.map(f => `| ${[f.check, f.verdict, f.found, f.fix ?? ""].map(cell).join(" | ")} |`),
    "",
    ...(run
      ? [
          `${run.learnt} images learnt and ${run.named} named by ${run.network} on ${run.boards.length} board(s): ${run.learntPerSecond.toFixed(1)} and ${run.namedPerSecond.toFixed(1)} a second, coefficients ${run.hostMatches ? "the host's, bit for bit" : "DIFFERENT from the host's"}.`,
          "",
        ]
      : []),
    "```json",
    JSON.stringify(report, null, 2),
    "```",
    "",
  ].join("\n")
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|").replace(/\s*\n\s*/g, " ")
}
