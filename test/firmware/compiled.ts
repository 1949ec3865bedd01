/** The firmware's bytecode, compiled once for all tests as long as nothing it is made of changes. */
import { buildFirmware } from "../../host/hardware/firmware"

/** @param shardBytes what it sets aside, if not what a heap of 64 KiB allows */
export async function firmware(shardBytes?: number): Promise<Uint8Array> {
  return (await buildFirmware({ quiet: true, shardBytes })).bytecode
}
