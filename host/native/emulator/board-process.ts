/**
 * One emulated Pico in a process of its own: bytes of its serial port come and go as messages of the
 * process, with its emulated time. Started by emulated-boards.ts.
 */
import { readFileSync, writeFileSync } from "node:fs"
import { UF2_PATH } from "../firmware-file"
import { FLASH_BYTES } from "./flash-chip"
import { EmulatedPico } from "./pico"
import { PicoPort } from "./pico-port"

const [idHex, flashPath] = process.argv.slice(2)

/** What it had when it ran last; a new board's flash is empty. */
function readFlash(): Uint8Array {
  try {
    const bytes = new Uint8Array(readFileSync(flashPath))
    if (bytes.length === FLASH_BYTES) return bytes
  } catch {}
  return new Uint8Array(FLASH_BYTES).fill(0xff)
}

const flash = readFlash()
const pico = new EmulatedPico({
  uf2: readFileSync(UF2_PATH),
  flash,
  uniqueId: Buffer.from(idHex, "hex"),
  onFlashChange: () => {
    changed = true
    return undefined
  },
})
let changed = false
const port = new PicoPort(idHex, pico)
const tell = (bytes?: Uint8Array) =>
  process.send?.({ bytes, nanos: pico.nanos, busyNanos: pico.busyNanos, resets: pico.resets })
port.onData = bytes => tell(bytes)
// It reset itself: on a real board the port would go away, and so it does here.
port.onClose = () => end(3)

process.on("message", ({ bytes }: { bytes?: Uint8Array }) => {
  if (bytes) void port.write(bytes)
  else tell()
})
// The host is gone, or wants the board to end.
process.on("disconnect", () => {
  void port.close()
  end(0)
})

function end(status: number): void {
  if (changed) writeFileSync(flashPath, flash)
  process.exit(status)
}
tell()
