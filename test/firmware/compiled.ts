/** The firmware's bytecode, compiled once for all tests as long as nothing it is made of changes. */
import { buildFirmware } from "../../host/hardware/firmware"
import { compileIn } from "../devs-compiler"

/** @param shardBytes what it sets aside, if not what a heap of 64 KiB allows */
export async function firmware(shardBytes?: number): Promise<Uint8Array> {
  return (await buildFirmware({ quiet: true, shardBytes, compile: compileIn })).bytecode
}
