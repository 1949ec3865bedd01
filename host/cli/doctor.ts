/** `wuxing doctor`: what may be wrong with this machine, and what to do about it. */
import type { Command } from "commander"
import { realClock } from "../base/clock"
import type { WuxingError } from "../base/errors"
import { packageVersion } from "../base/package-version"
import type { BoardRun } from "../doctor/report"
import type { Location } from "../hardware/location"
import { hostsVerdict, mismatchOf } from "../library/host-mismatch"
import type { Context, Outcome, Run } from "./command"
import { FORCE, outputFile } from "./options/output-file"
import { onOption, pathOption } from "./options/usage"

/** Enough for a rate, and for every link to have learnt. */
const LEARNT = 100
const NAMED = 100
const SEED = 1

interface DoctorOptions {
  on?: Location
  report?: string
  force?: boolean
}

export function addDoctor(program: Command, run: Run): void {
  program
    .command("doctor")
    .description("look for what is wrong with this machine and its boards; say how to mend it")
    .option(
      "--on <where>",
      `let these boards learn ${LEARNT} images and compare with the host: serial:PORT,PORT,…, serial, sim:N or emu:N`,
      onOption(),
    )
    .option(
      "--report <file>",
      "write all of it to a file, to attach to a bug or to send as a run on hardware",
      pathOption("--report"),
    )
    .option(...FORCE)
    .action(run(doctor))
}

async function doctor(options: DoctorOptions, context: Context): Promise<Outcome> {
  const { on, report: path, force } = options
  const file =
    path === undefined
      ? undefined
      : outputFile(path, { code: "report-unwritable", what: "report" }, force)
  const { examine } = await import("../doctor/examine")
  const { reportOf, toMarkdown } = await import("../doctor/report")
  const { output, signal } = context
  output.status("looking")
  const findings = await examine(signal)
  const width = Math.max(...findings.map(({ check }) => check.length))
  for (const { verdict, check, found, fix } of findings) {
    output.print(`${verdict.padEnd(7)}  ${check.padEnd(width)}  ${found}`)
    if (fix) output.print(`${" ".repeat(9 + width)}  → ${fix}`)
  }
  const problems = findings.filter(({ verdict }) => verdict === "problem").length
  if (problems === 0) output.print("nothing is wrong")

  const tried = on && (await tryBoards(on, context))
  const document = reportOf(packageVersion(), findings, tried?.run)
  if (file) {
    file.write(toMarkdown(document))
    output.status(`report written to ${path}; it names ports and boards, look through it first`)
  }
  return {
    document: { ...document, problems, ...(path !== undefined && { report: path }) },
    ...(tried?.error && { error: tried.error }),
  }
}

/** The network of the demo on these boards, a short while, and the same on the host. */
async function tryBoards(
  location: Location,
  context: Context,
): Promise<{ run: BoardRun; error?: WuxingError }> {
  const { readMnist, imageAt } = await import("../data/mnist")
  const { drawSamples } = await import("../data/samples")
  const { pico16 } = await import("../network/presets")
  const { openFleet, printBoards } = await import("./fleet-run")
  const { verifyOnHost } = await import("../library/verify-on-host")
  const { train } = readMnist()
  const network = pico16(SEED)
  const learning = drawSamples(train.count, LEARNT, SEED, SEED)
  const fleet = await openFleet({ location, network, goal: "learning" }, context)
  try {
    const boards = await printBoards(fleet, context.output)
    const { output } = context
    let start = realClock.now()
    const rate = (count: number) => {
      const perSecond = count / ((realClock.now() - start) / 1000)
      start = realClock.now()
      return perSecond
    }
    output.status(`learning ${LEARNT} images`)
    await fleet.train(train, learning)
    const learntPerSecond = rate(LEARNT)
    output.status(`naming ${NAMED} images`)
    await fleet.classify(i => imageAt(train, i), NAMED)
    const namedPerSecond = rate(NAMED)
    const verified = await verifyOnHost(await fleet.coefficients(), {
      network,
      lessons: i => ({ image: imageAt(train, learning[i]), label: train.labels[learning[i]] }),
      count: LEARNT,
      signal: context.signal,
    })
    output.field("learnt a second", learntPerSecond.toFixed(1))
    output.field("named a second", namedPerSecond.toFixed(1))
    output.field("host's own run", hostsVerdict(verified))
    const { hostMatches, coefficientsHash } = verified
    return {
      run: {
        network: network.name,
        boards,
        learnt: LEARNT,
        named: NAMED,
        learntPerSecond,
        namedPerSecond,
        recoveries: fleet.recoveries,
        hostMatches,
        coefficientsHash,
      },
      error: mismatchOf(verified, LEARNT),
    }
  } finally {
    await fleet.close()
  }
}
