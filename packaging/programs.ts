/** The DeviceScript programs that are published compiled. */
import { readdirSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { demoName, firmwareName } from "../host/base/prebuilt"
import { boardIds, readBoardProfile } from "../host/hardware/board-profile"
import type { FirmwareOptions } from "../host/hardware/firmware"
import { mostRoom } from "../host/partition/room"
import { HEAP_BYTES, shardBytesOf } from "../src/base/heap"

const DEMOS = fileURLToPath(new URL("../firmware/demos", import.meta.url))

/** A program for each size of heap among the boards that run DeviceScript, and those of the demos. */
export function publishedPrograms(): { file: string; options: FirmwareOptions }[] {
  const heaps = boardIds()
    .map(id => readBoardProfile(id))
    .filter(({ deviceScriptBoard }) => deviceScriptBoard !== null)
    .map(({ heapBytes }) => heapBytes)
  // The last: what plans for Picos take where that is not enough.
  const sizes = new Set([
    ...[HEAP_BYTES, ...heaps].map(shardBytesOf),
    mostRoom(readBoardProfile("pico")),
  ])
  const demos = readdirSync(DEMOS, { withFileTypes: true }).filter(entry => entry.isDirectory())
  return [
    ...[...sizes].map(shardBytes => ({ file: firmwareName(shardBytes), options: { shardBytes } })),
    ...demos.map(({ name: demo }) => ({ file: demoName(demo), options: { demo } })),
  ]
}
