/**
 * `npm run faults`: a run of deploy, load, 12 learned samples and read-back on two boards, again with
 * each fault at every frame; and behind an agent and a broker, with what may happen to those.
 *
 *     --json        one document on stdout
 *     --quick       a fixed subset
 *     --every N     each Nth case;  --from N  beginning with the Nth
 *     --pairs N     pairs of boards at once (6)
 *     --minutes N   no run begins after so many
 *     --behind      behind a broker alone
 *     --case SPEC   these faults alone, as `demo --faults` takes them
 *
 * Exit status 0 when nothing was lost.
 */
import { parseArgs } from "node:util"
import { isBrokerKind, parseFaults } from "../../../host/faults/spec"
import { firmware } from "../../firmware/compiled"
import { BrokerRig } from "./broker-rig"
import { hashOnHost, Rig } from "./rig"
import {
  type Case,
  isDeploying,
  mixed,
  QUICK_EVERY,
  recorded,
  recordedBehind,
  sweep,
  together,
} from "./sweep"

const { values: options } = parseArgs({
  options: {
    ...{ json: { type: "boolean" }, quick: { type: "boolean" }, every: { type: "string" } },
    ...{ from: { type: "string" }, pairs: { type: "string" }, case: { type: "string" } },
    ...{ minutes: { type: "string" }, behind: { type: "boolean" } },
  },
})
const say = (line: string) => process.stderr.write(`${line}\n`)
const pairs = options.case ? 1 : Number(options.pairs ?? 6)
const hash = hashOnHost()
const bytecode = await firmware()
const rig = Rig.start(pairs, bytecode)
const behind = new BrokerRig(bytecode)
const stop = () => void Promise.all([rig.stop(), behind.stop()]).then(() => process.exit(130))
process.once("SIGINT", stop)
process.once("SIGTERM", stop)
try {
  const all = await recorded(rig, hash)
  const allBehind = await recordedBehind(behind, hash)
  const every = options.quick ? QUICK_EVERY : Number(options.every ?? 1)
  const rules = options.case ? parseFaults(options.case, true) : []
  const one = { rules, deploys: isDeploying(rules) }
  const some = (cases: Case[], ours: boolean) => {
    if (options.case) return ours ? [one] : []
    return cases.filter((_, i) => i % every === Number(options.from ?? 0) % every)
  }
  const isBehind = rules.some(({ kind }) => isBrokerKind(kind))
  const cases = options.behind ? [] : some(all, !isBehind)
  const casesBehind = some(allBehind, isBehind)
  const total = cases.length + casesBehind.length
  say(`${total} of ${all.length + allBehind.length} runs, ${pairs} at once`)
  const onCase = (done: number, name: string, outcome: string) => {
    const quiet = outcome.startsWith("same") && total > 1
    if (!quiet || done % 50 === 0) say(`${done}/${total}  ${name}: ${outcome}`)
  }
  const until = options.minutes ? Number(options.minutes) * 60_000 : Number.POSITIVE_INFINITY
  // Of the time there is, as much as it has of the cases.
  const shareBehind = total > 0 ? casesBehind.length / total : 0
  const first = await sweep(behind, mixed(casesBehind), hash, onCase, until * shareBehind)
  const rest = await sweep(
    rig,
    mixed(cases),
    hash,
    (done, ...said) => onCase(first.runs + done, ...said),
    until - first.seconds * 1000,
  )
  const figures = together(first, rest)
  const { runs, survived, namedErrors, lost } = figures
  if (options.json) process.stdout.write(`${JSON.stringify(figures, null, 2)}\n`)
  else
    process.stdout.write(
      `${runs} of ${total} runs: ${survived} survived, ${namedErrors} named errors, ${lost} lost (${figures.seconds.toFixed(0)} s)\n`,
    )
  process.exitCode = lost === 0 && figures.runs > 0 ? 0 : 1
} finally {
  await rig.stop()
  await behind.stop()
}
// After thousands of brokers some handle may be left, which would keep this process; output has been written.
process.exit()
