// DeviceScript's command, run again and again in one process (one-compiler.ts): `devs build` of one folder
// after the other. The second program takes a third of the first's time: the compiler's code is warm by then.

const { createRequire } = require("node:module")
const { dirname, join } = require("node:path")

const manifest = createRequire(__filename).resolve("@devicescript/cli/package.json")
const { mainCli } = require(join(dirname(manifest), "built/devicescript-cli.cjs"))
const command = join(dirname(manifest), "devicescript")

/** The program under way: what the command would have ended with, and what it said. */
let job

for (const stream of [process.stdout, process.stderr])
  stream.write = text => {
    if (job) job.output += text
    return true
  }
const exit = process.exit
process.exit = status => {
  if (job) job.status = status ?? 0
  else exit(status)
}
process.on("disconnect", () => exit(1))

process.on("message", ({ folder, file }) => {
  job = { status: 0, output: "" }
  // Then the process has nothing left to do when the command has not.
  process.channel.unref()
  process.chdir(folder)
  process.argv = [process.argv[0], command, "--no-colors", "--ci", "--quiet", "build", file]
  mainCli().catch(error => {
    job.status = 1
    job.output += `exception: ${error.message}\n`
  })
})
process.on("beforeExit", () => {
  if (!job) return
  process.channel.ref()
  process.send(job)
  job = undefined
})
