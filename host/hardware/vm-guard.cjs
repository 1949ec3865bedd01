// Loaded into every virtual board's process before the DeviceScript command (node --require).
//
// A VM runs on when its link closes, so a host that is killed outright (SIGKILL, out of memory)
// would leave it behind, with 200 MB and a busy loop. The host holds the other end of this
// process's standard input and never writes to it: the kernel closes it whenever the host ends,
// however it ends.

const { mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } = require("node:fs")

function hostIsGone() {
  const scratch = process.env.WUXING_VM_SCRATCH
  try {
    if (scratch) rmSync(scratch, { recursive: true, force: true })
  } catch {
    // Nobody is left to tell.
  }
  process.exit(0)
}

process.stdin.on("end", hostIsGone)
process.stdin.on("error", hostIsGone)
process.stdin.resume()

// The command dials 127.0.0.1:8082, whatever else runs on the machine. The host listens on a port of
// its own, so that runs do not get into each other's way.
const net = require("node:net")
const DIALLED = 8082
const port = Number(process.env.WUXING_VM_PORT)
const createConnection = net.createConnection
const redirected = target => {
  if (target === DIALLED) return port
  return target?.port === DIALLED ? { ...target, port } : target
}
net.createConnection = (...targets) => createConnection(...targets.map(redirected))

// Half of a virtual board's start is compiling the 28 MB of the DeviceScript command. What that gave
// is kept beside the installed packages, for boards started later; Node 22 would do so by itself.
const Module = require("node:module")
const { dirname, join } = require("node:path")
const { Script } = require("node:vm")

const COMMAND = /[\\/]@devicescript[\\/]cli[\\/]built[\\/]devicescript-cli\.cjs$/
/** By then all that a board runs has been compiled. */
const KEEP_AFTER_MS = 3_000

const compile = Module.prototype._compile
Module.prototype._compile = function (content, filename) {
  if (!COMMAND.test(filename)) return compile.call(this, content, filename)
  const kept = nameOfKept(filename)
  const cachedData = readKept(kept)
  // What is kept cannot import modules as it runs; the command would, to look for updates of itself.
  const source = content.replace('await import("update-notifier")', "{ default: () => undefined }")
  const script = new Script(Module.wrap(source), { filename, cachedData })
  if (kept && script.cachedDataRejected !== false)
    setTimeout(() => keep(kept, script), KEEP_AFTER_MS).unref()
  const folder = dirname(filename)
  const load = Module.createRequire(filename)
  load.main = process.mainModule
  return script.runInThisContext().call(this.exports, this.exports, load, this, filename, folder)
}

/** Of this very file, as this very Node compiles it. */
function nameOfKept(filename) {
  try {
    const { size, mtimeMs } = statSync(filename)
    const folder = join(dirname(filename), "../../../.cache/wuxing")
    return join(
      folder,
      `devs-${process.version}-${process.arch}-${size}-${Math.floor(mtimeMs)}.bin`,
    )
  } catch {
    return undefined
  }
}

function readKept(path) {
  try {
    return path && readFileSync(path)
  } catch {
    return undefined
  }
}

/** In one step: another board may be reading. Where packages may not be written, nothing is kept. */
function keep(path, script) {
  const fresh = `${path}.${process.pid}`
  try {
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(fresh, script.createCachedData())
    renameSync(fresh, path)
  } catch {
    rmSync(fresh, { force: true })
  }
}
