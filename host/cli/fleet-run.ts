/** Boards for a command: finds, starts and loads them, and shows what they do. */

import { setMaxListeners } from "node:events"
import { MultiBar, type SingleBar } from "cli-progress"
import { realClock } from "../base/clock"
import { grouped } from "../base/numbers"
import type { Fleet } from "../fleet/fleet"
import type { FleetOpening } from "../library/open-fleet"
import type { Messages } from "../session/reports"
import type { Context } from "./command"
import { openDashboard, type ViewOptions } from "./options/dashboard-option"
import { openDesk, type PanelOptions } from "./options/panel-option"
import { barLine, withoutControls } from "./terminal/fit"
import type { Output } from "./terminal/output"
import { duration, type Progress, startProgress } from "./terminal/progress"

const REDRAW_MS = 250
/** Less than an interrupted command has in all (main.ts), with the boards' end. */
const PATIENCE_MS = 4_000
/** Messages a second are those of the last so many ms. */
const RATE_MS = 2_000

/** Who is to look on. */
export interface WatchOptions extends PanelOptions, ViewOptions {}

/** What a command opens a fleet for. */
export interface FleetRun extends Omit<FleetOpening, "signal" | "log" | "status"> {
  /** A panel, a dashboard; closed with the fleet. */
  watchers?: WatchOptions
}

/** @throws WuxingError as findBoards, openDesk, openDashboard, buildFirmware and startFleet */
export async function openFleet(
  { watchers = {}, ...run }: FleetRun,
  { output, signal }: Context,
): Promise<Fleet> {
  // Ports that are not there are reported before the time is spent on compiling.
  const { findBoards } = await import("../hardware/location")
  const boards = run.boards ?? (await findBoards(run.location))
  const { network } = run
  const desk = await openDesk(watchers, network, { output, signal })
  const dashboard = await openDashboard(watchers, network, { output, signal }).catch(
    async error => {
      await desk?.close()
      throw error
    },
  )
  const { allOf } = await import("../session/watch")
  const watches = [run.watch, desk, dashboard].filter(one => one !== undefined)
  try {
    const { openFleet: open } = await import("../library/open-fleet")
    const fleet = await open({
      ...run,
      boards,
      signal,
      watch: watches.length > 0 ? allOf(watches) : undefined,
      log: line => output.log(line),
      status: text => output.status(text),
    })
    await dashboard?.attach(fleet)
    return fleet
  } catch (error) {
    await Promise.all(watches.map(one => one.close?.()))
    throw error
  }
}

/**
 * As openFleet, for work that is to be kept when it is stopped: once the boards are ready, the first
 * interruption leaves them time to end the sample in hand and to be read.
 */
export async function openPatientFleet(
  { watchers, ...run }: FleetRun,
  { output, signal }: Context,
): Promise<Fleet> {
  const end = new AbortController()
  // As the tool's own signal: every wait of every board listens to it.
  setMaxListeners(0, end.signal)
  let patienceMs = 0
  const interrupt = () => {
    realClock.after(patienceMs, () => end.abort(signal.reason), { background: true })
  }
  if (signal.aborted) end.abort(signal.reason)
  signal.addEventListener("abort", interrupt)
  const fleet = await openFleet(
    { ...run, watchers: { ...watchers, until: signal } },
    { output, signal: end.signal },
  )
  patienceMs = PATIENCE_MS
  return fleet
}

/** Messages of the boards and to them, for each sample. */
export function messagesPerSample(before: Messages, after: Messages, samples: number) {
  return {
    fromBoards: (after.fromBoards - before.fromBoards) / samples,
    toBoards: (after.toBoards - before.toBoards) / samples,
    busiestBoard: (after.busiestBoard - before.busiestBoard) / samples,
  }
}

/** What the boards' own clocks say of `samples` samples; nothing where boards live in our time. */
export function printEmulatedTime(
  output: Output,
  samples: number,
  before: number | undefined,
  after: number | undefined,
): { seconds: number; samplesPerSecond: number } | undefined {
  if (before === undefined || after === undefined) return undefined
  const seconds = after - before
  const samplesPerSecond = samples / seconds
  output.field(
    "emulated time",
    `${seconds.toFixed(2)} s awake on the busiest board: ${samplesPerSecond.toFixed(1)} samples a second`,
  )
  return { seconds, samplesPerSecond }
}

export async function printBoards(fleets: Fleet | Fleet[], output: Output) {
  const each = await Promise.all([fleets].flat().map(fleet => fleet.boards()))
  const shares = each.flat()
  output.table(
    ["board", "profile", "neurons", "links", "heap used (B)"],
    shares.map(b => [b.id, b.profile, b.neurons, b.links, b.heapBytes]),
  )
  return shares
}

/**
 * As startProgress; on a terminal with a line for each board: its share of the network, samples done,
 * messages a second, errors of its link, time since its program last said something.
 */
export function startFleetProgress(
  output: Output,
  title: string,
  total: number,
  fleet: Fleet,
): Progress {
  if (output.quiet || !output.stderr.isTTY) return startProgress(output, title, total)
  const bars = new MultiBar({
    ...{ stream: output.stderr as NodeJS.WriteStream, hideCursor: true, gracefulExit: false },
    ...{ barCompleteChar: "=", barIncompleteChar: " ", fps: 1000 / REDRAW_MS, forceRedraw: true },
    format: "{line}",
  })
  const start = realClock.now()
  let done = 0
  let correct = 0
  const all = bars.create(
    total,
    0,
    { right: "-", rate: "-", left: "?" },
    {
      format: (_, { progress, value }, { rate, right, left }) =>
        barLine(output.columns, title, progress, [
          ...[`${value}/${total}`, `${left} left`, `${rate}/s`, `${right} correct`],
        ]),
    },
  )
  const head = bars.create(1, 0, {
    line: row(output.columns, "board", "share", "samples", "msg/s", "errors", "silent"),
  })
  const lines: SingleBar[] = []
  const heard: { at: number; messages: number }[][] = []
  const draw = () => {
    const now = realClock.now()
    const rate = done / ((now - start) / 1000)
    all.update(done, {
      rate: rate.toFixed(rate < 10 ? 1 : 0),
      left: rate > 0 ? duration((total - done) / rate) : "?",
      right: done > 0 ? `${((100 * correct) / done).toFixed(1)} %` : "-",
    })
    for (const [i, b] of fleet.live().entries()) {
      heard[i] ??= []
      heard[i].push({ at: now, messages: b.messages })
      while (heard[i].length > 1 && heard[i][1].at < now - RATE_MS) heard[i].shift()
      const [oldest] = heard[i]
      const span = (now - oldest.at) / 1000
      const line = row(
        ...([output.columns, b.title] as const),
        ...[`${(100 * b.share).toFixed(0)} %`, grouped(b.samples)],
        span > 0 ? ((b.messages - oldest.messages) / span).toFixed(0) : "-",
        ...[grouped(b.errors), `${b.silentSeconds.toFixed(1)} s`],
      )
      if (lines[i]) lines[i].update({ line })
      else lines[i] = bars.create(1, 0, { line })
    }
  }
  head.update({})
  draw()
  const timer = realClock.every(REDRAW_MS, draw)
  return {
    sample(d, c) {
      done = d
      correct = c
    },
    stop() {
      timer.stop()
      draw()
      bars.stop()
    },
  }
}

/** Work of several parts, each under a title of its own: as each begins, its progress takes the place of the last. */
export function startFleetParts(output: Output, fleet: Fleet) {
  let progress: Progress | undefined
  let under: string | undefined
  const stop = () => {
    progress?.stop()
    progress = undefined
    under = undefined
  }
  const sample = (title: string, total: number, done: number, right: number) => {
    if (title !== under) {
      stop()
      progress = startFleetProgress(output, title, total, fleet)
      under = title
    }
    progress?.sample(done, right)
    // The same once more is shown anew.
    if (done === total) under = undefined
  }
  return { sample, stop }
}

/** Of share, samples, messages a second, errors and silence: with the board 74 characters. */
const CELL_WIDTHS = [6, 9, 7, 7, 8]

/** A line of a board: as many of its cells as there is room for. */
function row(columns: number, board: string, ...cells: string[]): string {
  const padded = cells.map((cell, i) => cell.padStart(CELL_WIDTHS[i]))
  return `  ${withoutControls(board).padEnd(35)}${padded.join("")}`.slice(0, columns - 1)
}
