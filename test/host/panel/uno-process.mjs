/**
 * An Arduino Uno in a process of its own: the chip (uno-chip.mjs) runs a compiled program, and its
 * UART is a serial port, a pseudo-terminal made by socat.
 *
 * Plain JavaScript so that it starts without a loader. The parent talks over Node's IPC: see uno.ts.
 * The chip's clock keeps to real time: after being held up it runs faster until it has caught up, in
 * slices so short that it still hears what comes in between.
 *
 * uno-process.mjs PROGRAM
 */
import { spawn } from "node:child_process"
import { setPriority } from "node:os"
import { CYCLES_PER_MS, UnoChip } from "./uno-chip.mjs"

const SLICE_MS = 2
const PAUSE_MS = 5
/** More than this behind real time is given up, ms. */
const MOST_DEBT_MS = 1_000
/** StandardFirmata blinks its version first, for 2 s in which nothing else happens: a hurry is no harm. */
const HURRY_MS = 2_000
const HURRY = 5

try {
  // Late, it would seem a slower chip; it needs a third of a core.
  setPriority(-10)
} catch {
  // Only for the administrator.
}

const chip = new UnoChip(process.argv[2])
let socat
chip.onByte = byte => socat?.stdin.write(Uint8Array.of(byte))

let wall = performance.now()
let debt = 0
function slice() {
  const now = performance.now()
  const starting = chip.now() < HURRY_MS && !chip.spoken
  debt = Math.min(debt + (now - wall) * (starting ? HURRY : 1), MOST_DEBT_MS)
  wall = now
  const ms = Math.min(debt, SLICE_MS)
  debt -= ms
  chip.run(chip.cpu.cycles + ms * CYCLES_PER_MS)
  if (debt > SLICE_MS) setImmediate(slice)
  else setTimeout(slice, PAUSE_MS)
}

const commands = {
  /** Makes the serial port at a path; an Uno restarts when its port is opened, this one when it appears. */
  plug: ({ path }) =>
    new Promise((resolve, reject) => {
      chip.incoming.length = 0
      chip.powerUp()
      socat = spawn("socat", ["-d", "-d", "STDIO", `pty,raw,echo=0,link=${path}`])
      const mine = socat
      socat.on("error", reject)
      socat.stdin.on("error", () => {})
      socat.stdout.on("data", bytes => {
        if (socat !== mine) return
        for (const byte of bytes) chip.incoming.push(byte)
      })
      socat.stderr.on("data", text => {
        if (String(text).includes("starting data transfer loop")) resolve()
      })
    }),
  unplug: () =>
    new Promise(resolve => {
      if (!socat) return resolve()
      const old = socat
      socat = undefined
      old.on("exit", () => resolve())
      old.kill("SIGTERM")
    }),
  button: ({ pin, at }) => chip.button(pin, at),
  volts: ({ channel, volts }) => chip.volts(channel, volts),
  edges: ({ pin }) => chip.edges(pin),
  levels: () => chip.levels(),
}

process.on("message", async ({ id, command, ...rest }) => {
  try {
    process.send({ id, result: await commands[command](rest) })
  } catch (error) {
    process.send({ id, error: String(error) })
  }
})
process.on("disconnect", () => process.exit())
process.on("exit", () => socat?.kill("SIGKILL"))

slice()
