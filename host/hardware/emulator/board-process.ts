/**
 * One emulated Pico in a process of its own: bytes of its serial port come and go as messages of the
 * process, with its emulated time. Started by emulated-boards.ts.
 */
import { openSync, readFileSync, writeFileSync, writeSync } from "node:fs"
import { UF2_PATH } from "./firmware-file"
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

/** What an erase takes; a program changes a page of it. */
const SECTOR_BYTES = 4096

const flash = readFlash()
let file: number | undefined
/** Where the chip is being changed. */
let sector: number | undefined

/** Puts the last change into the file: a process that is killed has lost no more than the one after it. */
function keepFlash(): void {
  if (sector === undefined) return
  if (file === undefined) {
    writeFileSync(flashPath, flash)
    file = openSync(flashPath, "r+")
  } else writeSync(file, flash, sector, SECTOR_BYTES, sector)
  sector = undefined
}

const pico = new EmulatedPico({
  uf2: readFileSync(UF2_PATH),
  flash,
  uniqueId: Buffer.from(idHex, "hex"),
  onFlashChange: ({ address }) => {
    // The chip asks before it changes.
    keepFlash()
    sector = address - (address % SECTOR_BYTES)
    setImmediate(keepFlash)
    return undefined
  },
})
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
  keepFlash()
  process.exit(status)
}
tell()
