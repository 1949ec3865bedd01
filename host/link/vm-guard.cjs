// Loaded into every virtual board's process before the DeviceScript command (node --require).
//
// A VM runs on when its link closes, so a host that is killed outright (SIGKILL, out of memory)
// would leave it behind, with 200 MB and a busy loop. The host holds the other end of this
// process's standard input and never writes to it: the kernel closes it whenever the host ends,
// however it ends.
const { rmSync } = require("node:fs")

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
