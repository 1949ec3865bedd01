/** The parts of a model as `wuxing export --format devicescript` writes it. */
import * as ds from "@devicescript/core"
import { crc32 } from "./base/crc32"
import { Header } from "./core/layout"

/** "WXD1": a network; "WXD2": the signal it reads behind it. */
const MAGIC = 0x31445857
const MAGIC_SIGNAL = 0x32445857
/** Magic, CRC-32 of all that follows it, bytes of labels. Labels and network come next. */
export const HEAD_BYTES = 12

/**
 * Checks head and checksum.
 *
 * @throws Error if they are wrong
 */
export async function verifyModel(model: Buffer): Promise<void> {
  if (
    model.length < HEAD_BYTES + Header.Length ||
    (!hasSignal(model) && model.getAt(0, "i32") !== MAGIC)
  )
    throw new Error("wuxing: this is no model")
  let crc = 0
  for (let at = 8; at < model.length; at += 1024) {
    crc = crc32(model, at, Math.min(model.length, at + 1024), crc)
    await ds.sleep(0)
  }
  if (crc !== model.getAt(4, "i32")) throw new Error("wuxing: the model is damaged")
}

export function hasSignal(model: Buffer): boolean {
  return model.getAt(0, "i32") === MAGIC_SIGNAL
}

/** Where the network begins. */
export function networkAt(model: Buffer): number {
  return HEAD_BYTES + model.getAt(8, "i32")
}

/** Where it ends, and its signal begins. */
export function networkEnd(model: Buffer): number {
  const at = networkAt(model)
  return at + model.getAt(at + Header.Image, "i32")
}
