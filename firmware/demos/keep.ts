/** Keeping values in the board's flash, where a power cut does not take them. */
import { store } from "../value-store"

/**
 * @param name up to 13 characters
 * @returns whether it is there when it is read back: a store that is full takes nothing, silently
 */
export async function keep(name: string, value: Buffer): Promise<boolean> {
  await store.set(name, value)
  const kept = await store.get(name)
  if (kept.length !== value.length) return false
  for (let i = 0; i < value.length; i++)
    if (kept.getAt(i, "u8") !== value.getAt(i, "u8")) return false
  return true
}
