/** Checkpoints: what the loaded shard has learnt, in the board's store of settings. */

import { readSlots, restoreSlot, SlotHead, type Slots, saveSlot, slotOf } from "../src/base/slots"
import { Header, Part } from "../src/core/layout"
import { partAt } from "../src/core/run"
import { resetSamples, updates } from "../src/service/samples"
import { Command, SavedField, Status } from "../src/wire/protocol"
import { arena } from "./arena"
import { isReady, refuse } from "./loader"
import { answer, report } from "./reports"
import { store } from "./value-store"

/** The numbers in a slot's head, as saveSlot takes them. */
enum Fact {
  Samples = 0,
  Updates = 1,
  LayoutHash = 2,
  Run = 3,
  Right = 4,
}

/** Read when they are first asked for: many boards never are. */
let slots: Slots | undefined
/** Of the last Save that was answered with Ok. A tag comes again after 65,536 others. */
let lastTag = -1
let lastSamples = 0
let lastGeneration = 0

async function knownSlots(): Promise<Slots> {
  if (slots === undefined) slots = await readSlots(store)
  return slots
}

/** Save, Saved or Restore; Internal where there is no store, or it does not answer. */
export async function keeper(command: number, p: Buffer): Promise<void> {
  try {
    if (command === Command.Save) await save(p)
    else if (command === Command.Saved) await saved(p)
    else await restore(p)
  } catch (e) {
    console.error(e)
    await refuse(command, p, Status.Internal)
  }
}

/** tag u16, samples u32, run u32, right u32 → reply + generation u32 */
async function save(p: Buffer): Promise<void> {
  if (p.length !== 14) return await refuse(Command.Save, p, Status.BadLength)
  if (!isReady()) return await refuse(Command.Save, p, Status.NoShard)
  const tag = p.getAt(0, "u16")
  const samples = p.getAt(2, "i32")
  // Asked again: the answer was lost.
  if (tag !== lastTag || samples !== lastSamples) {
    const facts = [
      samples,
      updates,
      arena.getAt(Header.LayoutHash, "i32"),
      p.getAt(6, "i32"),
      p.getAt(10, "i32"),
    ]
    const generation = await saveSlot(store, await knownSlots(), arena, learntAreas(), facts)
    if (generation === 0) return await refuse(Command.Save, p, Status.TooLarge)
    lastTag = tag
    lastSamples = samples
    lastGeneration = generation
  }
  const reply = Buffer.alloc(7)
  reply.setAt(0, "u16", tag)
  reply.setAt(3, "i32", lastGeneration)
  await report(Command.Save, reply)
}

/** tag u16, before u8 → reply + SavedField */
async function saved(p: Buffer): Promise<void> {
  if (p.length !== 3) return await refuse(Command.Saved, p, Status.BadLength)
  if (p.getAt(2, "u8") > 1) return await refuse(Command.Saved, p, Status.BadValue)
  const head = slotOf(await knownSlots(), p.getAt(2, "u8") === 1)
  if (head === undefined) return await refuse(Command.Saved, p, Status.NoShard)
  const reply = Buffer.alloc(SavedField.Length)
  reply.setAt(SavedField.Tag, "u16", p.getAt(0, "u16"))
  reply.blitAt(SavedField.Generation, head, SlotHead.Generation, 4)
  reply.blitAt(SavedField.Samples, head, SlotHead.Facts + (Fact.Samples << 2), 4)
  reply.blitAt(SavedField.Updates, head, SlotHead.Facts + (Fact.Updates << 2), 4)
  reply.blitAt(SavedField.LayoutHash, head, SlotHead.Facts + (Fact.LayoutHash << 2), 4)
  reply.blitAt(SavedField.Run, head, SlotHead.Facts + (Fact.Run << 2), 4)
  reply.blitAt(SavedField.Right, head, SlotHead.Facts + (Fact.Right << 2), 4)
  await report(Command.Saved, reply)
}

/** tag u16, generation u32 → reply. The loaded shard gets back what it had learnt then. */
async function restore(p: Buffer): Promise<void> {
  if (p.length !== 6) return await refuse(Command.Restore, p, Status.BadLength)
  if (!isReady()) return await refuse(Command.Restore, p, Status.NoShard)
  const generation = p.getAt(2, "i32")
  const known = await knownSlots()
  let head = slotOf(known, false)
  if (head !== undefined && head.getAt(SlotHead.Generation, "i32") !== generation)
    head = slotOf(known, true)
  if (head === undefined || head.getAt(SlotHead.Generation, "i32") !== generation)
    return await refuse(Command.Restore, p, Status.OutOfRange)
  const layoutHash = head.getAt(SlotHead.Facts + (Fact.LayoutHash << 2), "i32")
  if (layoutHash !== arena.getAt(Header.LayoutHash, "i32"))
    return await refuse(Command.Restore, p, Status.WrongShard)
  if (!(await restoreSlot(store, known, generation, arena, learntAreas())))
    return await refuse(Command.Restore, p, Status.BadChecksum)
  await store.pause()
  resetSamples(arena, 0)
  await answer(Command.Restore, p.getAt(0, "u16"), Status.Ok)
}

/** Coefficients, and K3 and fixed points of elements that learn: where and how many bytes, in turn. */
function learntAreas(): number[] {
  const areas: number[] = []
  const parts = arena.getAt(Header.Parts, "u16")
  for (let i = 0; i < parts; i++) {
    const part = partAt(i)
    areas.push(
      arena.getAt(part + Part.Coefficient, "i32"),
      arena.getAt(part + Part.Links, "i32") << 1,
    )
    const bytes = arena.getAt(part + Part.Neurons, "u16") * 10
    pushElements(areas, arena.getAt(part + Part.Inhibition, "i32"), bytes)
    pushElements(areas, arena.getAt(part + Part.Rest, "i32"), bytes)
    pushElements(areas, arena.getAt(part + Part.RestBack, "i32"), bytes)
  }
  return areas
}

function pushElements(areas: number[], at: number, bytes: number): void {
  if (at !== 0) areas.push(at, bytes)
}
