/**
 * Models in the board's settings, by name: values of up to CHUNK bytes, and a head, which is written
 * last and taken out first, so that a model is there whole or not at all.
 */
import * as ds from "@devicescript/core"
import { crc32 } from "./base/crc32"
import { store } from "./value-store"

/** With the longest name, an answer the runtime can give: 232 bytes (src/base/slots.ts). */
const CHUNK = 208
const LONGEST_NAME = 12
/** Length of the model, its CRC-32. */
const HEAD_BYTES = 8
/** So many chunks have names, a character each. */
const MOST_BYTES = 75 * CHUNK

function keyOf(name: string): string {
  if (name.length === 0 || name.length > LONGEST_NAME)
    throw new Error(`wuxing: "${name}" has not 1 to ${LONGEST_NAME} letters`)
  return `wm${name}`
}

function chunkOf(key: string, at: number): string {
  // No name ends so: ":" is not among their letters.
  return `${key}:${String.fromCharCode(48 + Math.idiv(at, CHUNK))}`
}

async function crcOf(model: Buffer): Promise<number> {
  let crc = 0
  for (let at = 0; at < model.length; at += 1024) {
    crc = crc32(model, at, Math.min(model.length, at + 1024), crc)
    await ds.sleep(0)
  }
  return crc
}

/**
 * @returns the model
 * @throws Error if there is none of this name, or it is not whole
 */
export async function storedModel(name: string): Promise<Buffer> {
  const key = keyOf(name)
  const head = await store.get(key)
  if (head.length !== HEAD_BYTES) throw new Error(`wuxing: the settings have no model "${name}"`)
  const model = Buffer.alloc(head.getAt(0, "i32"))
  for (let at = 0; at < model.length; at += CHUNK) {
    const chunk = await store.get(chunkOf(key, at))
    if (chunk.length !== Math.min(CHUNK, model.length - at))
      throw new Error(`wuxing: the model "${name}" is damaged`)
    model.blitAt(at, chunk, 0, chunk.length)
  }
  if ((await crcOf(model)) !== head.getAt(4, "i32"))
    throw new Error(`wuxing: the model "${name}" is damaged`)
  return model
}

/**
 * Keeps a model; an empty one takes out what was there.
 *
 * @throws Error if there is no room for it: then there is none of this name
 */
export async function storeModel(name: string, model: Buffer): Promise<void> {
  const key = keyOf(name)
  const before = await store.get(key)
  const nothing = Buffer.alloc(0)
  await store.set(key, nothing)
  if (before.length === HEAD_BYTES)
    for (let at = 0; at < before.getAt(0, "i32"); at += CHUNK)
      await store.set(chunkOf(key, at), nothing)
  if (model.length === 0) return
  let kept = model.length <= MOST_BYTES
  for (let at = 0; at < model.length && kept; at += CHUNK) {
    const chunk = model.slice(at, Math.min(model.length, at + CHUNK))
    await store.set(chunkOf(key, at), chunk)
    // A store without room says nothing.
    kept = (await store.get(chunkOf(key, at))).length === chunk.length
  }
  const head = Buffer.alloc(HEAD_BYTES)
  head.setAt(0, "i32", model.length)
  head.setAt(4, "i32", await crcOf(model))
  if (kept) {
    await store.set(key, head)
    kept = (await store.get(key)).length === HEAD_BYTES
  }
  if (kept) return
  for (let at = 0; at < Math.min(model.length, MOST_BYTES); at += CHUNK)
    await store.set(chunkOf(key, at), nothing)
  throw new Error(`wuxing: the settings have no room for the model "${name}"`)
}
