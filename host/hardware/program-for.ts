/** The one way to boards that were found: the program they are to run, compiled where they need one. */
import { buildFirmware } from "./firmware"
import { type FoundBoards, isOpened, type Location } from "./location"

interface ProgramOptions {
  /** What the program sets aside, if not the usual, bytes. */
  shardBytes?: number
  signal?: AbortSignal
  /** Told of what takes its time: compiling, and then that the boards are opened or started. */
  status?: (text: string) => void
}

/**
 * @returns the bytecode, empty for native boards, which have their own
 * @throws WuxingError as buildFirmware
 */
export async function programFor(
  { native, description }: FoundBoards,
  location: Location,
  { shardBytes, signal, status }: ProgramOptions,
): Promise<Uint8Array> {
  let bytecode: Uint8Array = Buffer.alloc(0)
  if (!native) {
    status?.("compiling the firmware")
    bytecode = (await buildFirmware({ quiet: true, signal, shardBytes })).bytecode
  }
  status?.(`${isOpened(location) ? "opening" : "starting"} ${description}`)
  return bytecode
}
