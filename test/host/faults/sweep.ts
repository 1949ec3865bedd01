/** Every kind of fault at every frame of one recorded run, each in a run of its own. */
import { realClock } from "../../../host/base/clock"
import { TIMED_STREAMS } from "../../../host/faults/frame-streams"
import {
  BROKER_KINDS,
  type BrokerKind,
  FAULT_KINDS,
  type FaultKind,
  type FaultRule,
  formatFault,
  usualMs,
} from "../../../host/faults/spec"
import { type Ended, isNamed, type Rig } from "./rig"

/** Streams of a board before its program runs; they are swept in runs that deploy. */
const DEPLOYING = [
  ...["deploy", "pipe", "ack", "hash", "autostart", "running"],
  ...["bridge", "announce", "event"],
]

export interface Case {
  /** One fault, or the same at both boards' frames: deploying, they know nothing of each other. */
  rules: FaultRule[]
  deploys: boolean
}

export interface Figures {
  /** Cases there are; fewer have been run where time was up. */
  cases: number
  runs: number
  /** Frames at which a fault was put: up to two in a run. */
  faults: number
  /** Ended with the same hash. */
  survived: number
  /** Ended with an error that says what happened, and the next run with the same hash. */
  namedErrors: number
  /** Hung, ended with another hash, or with an error of ours. Must be none. */
  lost: number
  /** The frame did not come: announces go by the clock. Not among the others. */
  unreached: number
  /** Longest run, s. */
  longest: number
  seconds: number
  /** For each run that is lost or ended with an error. */
  notes: { case: string; outcome: string; replay: string }[]
}

export function nameOf({ rules }: Case): string {
  return rules.map(formatFault).join(",")
}

/** @param counts frames of each stream, from runs without faults */
export function casesOf(deploying: Map<string, number>, running: Map<string, number>): Case[] {
  const cases: Case[] = []
  const kinds = Object.keys(FAULT_KINDS) as FaultKind[]
  const add = (streams: string[], counts: Map<string, number>, deploys: boolean) => {
    const most = Math.max(...streams.map(stream => counts.get(stream) ?? 0))
    for (let index = 0; index < most; index++)
      for (const kind of kinds) {
        const rules = streams
          .filter(stream => index < (counts.get(stream) ?? 0))
          .map(stream => ({ kind, ms: usualMs(kind), stream, index }))
        cases.push({ rules, deploys })
      }
  }
  for (const stream of [...deploying.keys()].sort()) {
    const [board, ...name] = stream.split(".")
    if (board === "0" && DEPLOYING.includes(name[1]))
      add([stream, `1.${name.join(".")}`], deploying, true)
  }
  for (const stream of [...running.keys()].sort())
    if (!DEPLOYING.includes(stream.split(".")[2])) add([stream], running, false)
  return cases
}

/** Every kind of fault between a run and an agent, at every frame of a run behind a broker. */
export function brokerCasesOf(running: Map<string, number>): Case[] {
  const kinds = Object.keys(BROKER_KINDS) as BrokerKind[]
  return [...running.keys()]
    .sort()
    .filter(stream => !DEPLOYING.includes(stream.split(".")[2]))
    .flatMap(stream =>
      Array.from({ length: running.get(stream)! }, (_, index) => ({ stream, index })),
    )
    .flatMap(at => kinds.map(kind => ({ rules: [{ kind, ms: 0, ...at }], deploys: false })))
}

/** The same of boards behind a broker. @throws as `recorded` */
export async function recordedBehind(rig: Pick<Rig, "run">, hash: string): Promise<Case[]> {
  // The first one puts the program on the boards.
  await rig.run(0, [], false)
  const { hash: same, error, injector } = await rig.run(0, [], false)
  if (same !== hash)
    throw new Error("behind a broker the run does not end with the host's hash", { cause: error })
  return brokerCasesOf(injector.counts)
}

/** Of all cases, those of `--quick`: has no factor in common with the number of kinds, so that all kinds come. */
export const QUICK_EVERY = 41

/**
 * All cases of the run that the rig's boards make, recorded without any fault.
 *
 * @throws Error if even that does not end with the host's hash
 */
export async function recorded(rig: Pick<Rig, "run">, hash: string): Promise<Case[]> {
  const deploying = await rig.run(0, [], true)
  const running = await rig.run(0, [], false)
  if (deploying.hash !== hash || running.hash !== hash)
    throw new Error("without any fault the run does not end with the host's hash", {
      cause: deploying.error ?? running.error,
    })
  return casesOf(deploying.injector.counts, running.injector.counts)
}

/** The same cases in an order of which any beginning is an even choice of all. */
export function mixed(cases: Case[]): Case[] {
  // Prime, so it has no factor in common with any number of cases below it.
  const stride = 10_007
  return cases.map((_, i) => cases[(i * stride) % cases.length])
}

export function isDeploying(rules: FaultRule[]): boolean {
  return rules.some(({ stream }) => DEPLOYING.includes(stream?.split(".")[2] ?? ""))
}

/**
 * Runs the cases, as many at once as the rig has pairs of boards.
 *
 * @param until ms after which no run begins any more
 */
export async function sweep(
  rig: Pick<Rig, "pairs" | "run" | "renew">,
  cases: Case[],
  hash: string,
  onCase?: (done: number, name: string, outcome: string) => void,
  until = Number.POSITIVE_INFINITY,
): Promise<Figures> {
  const figures: Figures = {
    ...{
      cases: cases.length,
      runs: 0,
      faults: 0,
      survived: 0,
      namedErrors: 0,
      lost: 0,
      unreached: 0,
      longest: 0,
    },
    ...{ seconds: 0, notes: [] },
  }
  const start = realClock.now()
  let next = 0
  const worker = async (pair: number) => {
    while (next < cases.length && realClock.now() - start < until) {
      const each = cases[next++]
      const ended = await rig.run(pair, each.rules, each.deploys)
      const outcome = await judge(rig, pair, each, ended, hash, figures)
      onCase?.(figures.runs + figures.unreached, nameOf(each), outcome)
    }
  }
  await Promise.all(Array.from({ length: rig.pairs }, (_, pair) => worker(pair)))
  figures.seconds = (realClock.now() - start) / 1000
  return figures
}

/** Of two sweeps one after the other. */
export function together(one: Figures, other: Figures): Figures {
  const sum = (
    name:
      | "cases"
      | "runs"
      | "faults"
      | "survived"
      | "namedErrors"
      | "lost"
      | "unreached"
      | "seconds",
  ) => one[name] + other[name]
  return {
    ...{ cases: sum("cases"), runs: sum("runs"), faults: sum("faults"), survived: sum("survived") },
    ...{ namedErrors: sum("namedErrors"), lost: sum("lost"), unreached: sum("unreached") },
    longest: Math.max(one.longest, other.longest),
    seconds: sum("seconds"),
    notes: [...one.notes, ...other.notes],
  }
}

async function judge(
  rig: Pick<Rig, "pairs" | "run" | "renew">,
  pair: number,
  each: Case,
  ended: Ended,
  hash: string,
  figures: Figures,
): Promise<string> {
  const { injected } = ended.injector
  figures.longest = Math.max(figures.longest, ended.seconds)
  const name = nameOf(each)
  const note = (outcome: string) => {
    figures.notes.push({ case: name, outcome, replay: `npm run faults -- --case '${name}'` })
    return outcome
  }
  if (injected.length === 0 && ended.hash === hash) {
    figures.unreached++
    // Only what goes by the clock may be missing.
    const timed = each.rules.every(r => TIMED_STREAMS.includes(r.stream?.split(".")[2] ?? ""))
    if (timed) return "unreached"
    return note("unreached, though it does not go by the clock")
  }
  figures.runs++
  figures.faults += injected.length
  if (ended.hash === hash) {
    figures.survived++
    return `same hash, ${ended.recoveries} recoveries`
  }
  const error = ended.error instanceof Error ? ended.error : undefined
  const said = error ? `${(error as { code?: string }).code ?? error.name}: ${error.message}` : ""
  // Whatever stopped the run, the next one has to go as if nothing had been.
  await rig.renew(pair)
  const after = await rig.run(pair, [], true)
  const sound = after.hash === hash
  if (ended.hash === undefined && isNamed(ended.error) && sound) {
    figures.namedErrors++
    return note(`error ${said}`)
  }
  figures.lost++
  if (ended.hash !== undefined) return note(`LOST: another hash, ${ended.hash}`)
  return note(`LOST: ${said}${sound ? "" : "; and the run after it failed"}`)
}
