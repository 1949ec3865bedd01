/**
 * `npm run soak`: boards learn for half an hour while faults befall their frames at a rate, and the
 * memory of host and boards is watched.
 *
 *     --minutes N     30
 *     --boards N      4
 *     --faults SPEC   as `demo --faults` takes them
 *     --seed N        of the faults (1)
 *     --json          one document on stdout
 *
 * The same samples are learnt on the host beside it: at every checkpoint the coefficients must be its.
 * Exit status 0 when they were, and no memory grew.
 */
import { readFileSync } from "node:fs"
import { parseArgs } from "node:util"
import { realClock } from "../../../host/base/clock"
import { sha256 } from "../../../host/base/sha256"
import { imageAt, readMnist } from "../../../host/data/mnist"
import { faultyPorts } from "../../../host/faults/faulty-port"
import { FaultInjector } from "../../../host/faults/injector"
import { parseFaults } from "../../../host/faults/spec"
import { Fleet } from "../../../host/fleet/fleet"
import { VirtualBoards } from "../../../host/hardware/virtual-boards"
import { HostNetwork } from "../../../host/network/host-network"
import { pico16 } from "../../../host/network/presets"
import { splitEvenly } from "../../../host/partition/partition"
import { firmware } from "../../firmware/compiled"
import { growth, type Sample } from "./growth"

/**
 * Every kind, some seven a minute in all. What ends a board's process is rare: a life of seconds would
 * not show whether it grows.
 */
const FAULTS =
  "drop@0.01%,repeat@0.01%,corrupt@0.01%,truncate@0.01%,delay@0.01%,reorder@0.01%,stall@0.001%,unplug@0.001%,reset@0.0005%,kill@0.0005%"
const SAMPLE_MS = 5_000
const CHECKPOINT = 200
/** Processes grow while they warm up: this share at the beginning does not count. */
const WARM_UP = 1 / 3
/** Growth that would be noise, bytes a minute: 1 MB in the ten minutes behind the warming up is less. */
const MOST_GROWTH = 100_000

const { values: options } = parseArgs({
  options: {
    ...{ minutes: { type: "string" }, boards: { type: "string" }, faults: { type: "string" } },
    ...{ seed: { type: "string" }, json: { type: "boolean" } },
  },
})
const minutes = Number(options.minutes ?? 30)
const count = Number(options.boards ?? 4)
const say = (line: string) => process.stderr.write(`${line}\n`)

const network = pico16(1)
const { train } = readMnist(process.env.WUXING_MNIST)
const bytecode = await firmware()
const injector = new FaultInjector(parseFaults(options.faults ?? FAULTS), Number(options.seed ?? 1))
const boards = await VirtualBoards.start(count, {
  wrap: faultyPorts(injector),
  // On a machine with much else to do.
  deadlineMs: 60_000,
})
const fleet = new Fleet(
  {
    ...{ network, boards: count, bytecode, checkpointSamples: CHECKPOINT },
    status: say,
  },
  boards,
  splitEvenly(network, count),
)

/** Resident bytes of a process; undefined while there is none. */
function resident(pid: number | undefined): number | undefined {
  try {
    const pages = readFileSync(`/proc/${pid}/statm`, "latin1").split(" ")[1]
    return Number(pages) * 4096
  } catch {
    return undefined
  }
}

const start = realClock.now()
const host: Sample[] = []
/** A board started anew begins a series of its own. */
const series = new Map<number, Sample[]>()
const look = () => {
  const at = (realClock.now() - start) / 60_000
  global.gc?.()
  host.push({ minutes: at, bytes: process.memoryUsage().rss })
  for (const { pid } of boards.info) {
    const bytes = resident(pid)
    if (pid === undefined || bytes === undefined) continue
    if (!series.has(pid)) series.set(pid, [])
    series.get(pid)!.push({ minutes: at, bytes })
  }
}

const reference = new HostNetwork(network)
let learnt = 0
let wrong = 0
let error: unknown
const timer = setInterval(look, SAMPLE_MS)
try {
  await fleet.begin()
  while ((realClock.now() - start) / 60_000 < minutes) {
    await fleet.learn(i => {
      const at = (learnt + i) % train.count
      return { image: imageAt(train, at), label: train.labels[at] }
    }, CHECKPOINT)
    for (let i = 0; i < CHECKPOINT; i++, learnt++) {
      const at = learnt % train.count
      reference.train(imageAt(train, at), train.labels[at])
    }
    if (!fleet.learnt.coefficients.equals(Buffer.from(reference.coefficients()))) wrong++
    const faults = injector.injected.length
    say(
      `${((realClock.now() - start) / 60_000).toFixed(1)} min, ${learnt} samples, ${faults} faults, ${fleet.recoveries} recoveries, host ${(host.at(-1)?.bytes ?? 0) >> 20} MiB${wrong ? `, ${wrong} WRONG` : ""}`,
    )
  }
} catch (reason) {
  error = reason
} finally {
  clearInterval(timer)
  await fleet.close()
}

const hostGrowth = growth(host, WARM_UP)
// The longest lives say most.
const lives = [...series.values()]
  .map(each => ({ minutes: each.at(-1)!.minutes - each[0].minutes, ...growth(each, WARM_UP) }))
  .sort((a, b) => b.minutes - a.minutes)
  .slice(0, count)
const document = {
  date: new Date().toISOString().slice(0, 10),
  minutes: (realClock.now() - start) / 60_000,
  boards: count,
  samples: learnt,
  faults: injector.totals,
  recoveries: fleet.recoveries,
  wrong,
  coefficients: sha256(fleet.learnt.coefficients),
  host: hostGrowth,
  longestLives: lives,
  ...(error ? { error: String(error) } : {}),
}
// A life of less than ten minutes is all warming up.
const grown = [hostGrowth, ...lives.filter(life => life.minutes > 10)].some(
  ({ bytesPerMinute, error }) => bytesPerMinute - 2 * error > MOST_GROWTH,
)
if (options.json) process.stdout.write(`${JSON.stringify(document, null, 2)}\n`)
else
  process.stdout.write(
    `${learnt} samples, ${injector.injected.length} faults, ${fleet.recoveries} recoveries, ${wrong} wrong; host ${(hostGrowth.bytesPerMinute / 1024).toFixed(0)} KiB a minute\n`,
  )
process.exitCode = wrong === 0 && !error && !grown ? 0 : 1
