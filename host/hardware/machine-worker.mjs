/**
 * A virtual board's thread: DeviceScript's machine in real time. Plain JavaScript, since a thread
 * starts without the tool's TypeScript loader. It never returns to an event loop: it waits for the
 * host's word or for the time the machine has something to do, whichever comes first.
 */
import { mkdirSync, renameSync, writeFileSync } from "node:fs"
import { dirname } from "node:path"
import { parentPort, receiveMessageOnPort, workerData } from "node:worker_threads"
import { MachineEnded, startMachine } from "./machine-core.mjs"

/** Words shared with machine-boards.ts. */
const WAKE = 0
const HUNG = 1
const TAKEN = 2

const { module, id, control, inbox, file, gcStress } = workerData
let { flash } = workerData
let machine
let news = []

/** Frames of the host the machine had no room for yet. */
let waiting = []

function start() {
  machine = startMachine(module, id, {
    now: () => performance.timeOrigin + performance.now(),
    flash: () => flash,
    onSync: kept => {
      flash = kept()
      if (file) keep(flash)
      news.push({ flash })
    },
    onFrame: frame => news.push({ frame }),
    onLog: line => news.push({ line }),
  })
  if (gcStress) machine.gcStress(true)
}

/** In one step: this thread may be ended at any time. */
function keep(bytes) {
  const fresh = `${file}.new`
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(fresh, bytes)
  renameSync(fresh, file)
}

function report() {
  if (news.length === 0) return
  parentPort.postMessage(news)
  news = []
}

start()
report()
for (;;) {
  Atomics.store(control, WAKE, 0)
  for (let m = receiveMessageOnPort(inbox); m; m = receiveMessageOnPort(inbox))
    waiting.push(m.message)
  if (Atomics.load(control, HUNG) === 1) {
    Atomics.wait(control, HUNG, 1)
    continue
  }
  // One at a time: a machine that gets more than it has room for drops the rest, a port waits.
  if (waiting.length > 0 && machine.receive(waiting[0]) === 0) {
    waiting.shift()
    Atomics.add(control, TAKEN, 1)
    news.push({ taken: true })
  }
  let idle = 0
  try {
    idle = machine.process()
  } catch (error) {
    if (!(error instanceof MachineEnded) || error.status !== 0) {
      report()
      throw error
    }
    // It was told to reset: it starts anew with the flash it has.
    waiting = []
    news.push({ reset: true })
    start()
  }
  report()
  if (waiting.length === 0 && idle > 0) Atomics.wait(control, WAKE, 0, idle / 1000)
}
