/**
 * `npm run faults`: a run of deploy, load, 12 learned samples and read-back on two boards, again with
 * each fault at every frame.
 *
 *     --json        one document on stdout
 *     --quick       a fixed subset
 *     --every N     each Nth case;  --from N  beginning with the Nth
 *     --pairs N     pairs of boards at once (6)
 *     --minutes N   no run begins after so many
 *     --case SPEC   these faults alone, as `demo --faults` takes them
 *
 * Exit status 0 when nothing was lost.
 */
import { parseArgs } from "node:util"
import { parseFaults } from "../../../host/faults/spec"
import { firmware } from "../../firmware/compiled"
import { hashOnHost, Rig } from "./rig"
import { isDeploying, mixed, QUICK_EVERY, recorded, sweep } from "./sweep"

const { values: options } = parseArgs({
  options: {
    ...{ json: { type: "boolean" }, quick: { type: "boolean" }, every: { type: "string" } },
    ...{ from: { type: "string" }, pairs: { type: "string" }, case: { type: "string" } },
    minutes: { type: "string" },
  },
})
const say = (line: string) => process.stderr.write(`${line}\n`)
const pairs = options.case ? 1 : Number(options.pairs ?? 6)
const hash = hashOnHost()
const bytecode = await firmware()
const rig = Rig.start(pairs, bytecode)
const stop = () => void rig.stop().then(() => process.exit(130))
process.once("SIGINT", stop)
process.once("SIGTERM", stop)
try {
  const all = await recorded(rig, hash)
  const every = options.quick ? QUICK_EVERY : Number(options.every ?? 1)
  const rules = options.case ? parseFaults(options.case) : []
  const cases = options.case
    ? [{ rules, deploys: isDeploying(rules) }]
    : all.filter((_, i) => i % every === Number(options.from ?? 0) % every)
  say(`${cases.length} of ${all.length} runs, ${pairs} at once`)
  const onCase = (done: number, name: string, outcome: string) => {
    const quiet = outcome.startsWith("same") && cases.length > 1
    if (!quiet || done % 50 === 0) say(`${done}/${cases.length}  ${name}: ${outcome}`)
  }
  const until = options.minutes ? Number(options.minutes) * 60_000 : undefined
  const figures = await sweep(rig, mixed(cases), hash, onCase, until)
  const { runs, survived, namedErrors, lost } = figures
  if (options.json) process.stdout.write(`${JSON.stringify(figures, null, 2)}\n`)
  else
    process.stdout.write(
      `${runs} of ${cases.length} runs: ${survived} survived, ${namedErrors} named errors, ${lost} lost (${figures.seconds.toFixed(0)} s)\n`,
    )
  process.exitCode = lost === 0 && figures.runs > 0 ? 0 : 1
} finally {
  await rig.stop()
}
