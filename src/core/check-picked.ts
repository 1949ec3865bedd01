/** Whether picked links (picked.ts) are sound; check.ts asks. */
import { Part } from "./layout"
import {
  MOST_OPERATIONS,
  MOST_PICKED_OPERATIONS,
  PICKED_LEARN_OPERATIONS,
  PICKED_LEARN_SYNAPSE_OPERATIONS,
  pickedOperations,
} from "./operations"
import { MOST_PICKED } from "./picked"

/**
 * Are a part's links in order, and no sum and no chunk of their learning too long for a board? All at
 * once, as there are at most 256 synapses.
 */
export function soundPicks(m: Buffer, part: number): boolean {
  const synapses = m.getAt(part + Part.Neurons, "u16") * m.getAt(part + Part.Inputs, "u16")
  const start = m.getAt(part + Part.Start, "i32")
  const links = m.getAt(part + Part.Links, "i32")
  // Past MOST_OPERATIONS the product might not fit 32 bits.
  if (links > MOST_OPERATIONS || pickedOperations(links, synapses) > MOST_PICKED_OPERATIONS)
    return false
  // A chunk may hold any of the synapses.
  const chunk = Math.min(synapses, m.getAt(part + Part.ChunkSynapses, "u16"))
  const room = Math.idiv(MOST_OPERATIONS, chunk) - PICKED_LEARN_SYNAPSE_OPERATIONS
  const most = Math.min(MOST_PICKED, Math.idiv(room, PICKED_LEARN_OPERATIONS))
  let link = m.getAt(start, "u16")
  if (link !== 0) return false
  for (let t = 1; t <= synapses; t++) {
    const end = m.getAt(start + t + t, "u16")
    if (end < link || end - link > most) return false
    link = end
  }
  return link === links
}
