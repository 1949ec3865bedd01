/** Is this memory a sound shard? Run by a board before it trusts bytes that came over a wire. */
import { Header, LAYOUT_VERSION, MAGIC, Part, PartFlag } from "./layout"

/**
 * Checks that every address and count in the shard's descriptors stays inside it, and that each link
 * structure is sound, so that no later access can leave the memory.
 *
 * @param size bytes of memory available
 * @returns true if the shard can be run
 */
export function isSound(m: Buffer, size: number): boolean {
  if (m.getAt(Header.Magic, "u16") !== MAGIC || m.getAt(Header.Version, "u16") !== LAYOUT_VERSION)
    return false
  const used = m.getAt(Header.Size, "i32")
  const parts = m.getAt(Header.Parts, "u16")
  const slots = m.getAt(Header.Slots, "u16")
  const width = m.getAt(Header.Width, "u16")
  const steps = m.getAt(Header.Steps, "u16")
  const end = Header.Length + parts * Part.Length
  if (used > size || parts < 1 || slots < 1 || end > used) return false
  if (steps < 2 || steps > 16 || m.getAt(Header.LearnShift, "u16") > 16) return false
  if (m.getAt(Header.SignalShift, "u16") > 31 || m.getAt(Header.NetShift, "u16") > 31) return false
  if (!inside(m.getAt(Header.InputTable, "i32"), 512, end, used)) return false
  for (let part: number = Header.Length; part < end; part += Part.Length) {
    const flags = m.getAt(part + Part.Flags, "u16")
    const neurons = m.getAt(part + Part.Neurons, "u16")
    const inputs = m.getAt(part + Part.Inputs, "u16")
    const outputs = m.getAt(part + Part.Outputs, "u16")
    const sources = m.getAt(part + Part.Sources, "u16")
    const links = m.getAt(part + Part.Links, "i32")
    const busIn = m.getAt(part + Part.BusInWidth, "u16")
    const busOut = m.getAt(part + Part.BusOutWidth, "u16")
    const synapses = neurons * inputs
    const input = (flags & PartFlag.Input) !== 0
    const dense = (flags & PartFlag.Dense) !== 0
    if (neurons < 1 || inputs < 1 || inputs > 5 || synapses > 256 || links < 0 || sources < 1)
      return false
    if (m.getAt(part + Part.OutputFirst, "u16") + outputs > 5 || outputs < 1) return false
    if (m.getAt(part + Part.BusOutFirst, "u16") + neurons * outputs > busOut) return false
    if (input ? sources !== width : sources !== busIn) return false
    if (input && dense) return false
    if (dense && links !== synapses * sources) return false
    if (!inside(m.getAt(part + Part.Coefficient, "i32"), links * 2, end, used)) return false
    if (!inside(m.getAt(part + Part.Sum, "i32"), synapses * 4, end, used)) return false
    if (!inside(m.getAt(part + Part.State, "i32"), neurons * 10, end, used)) return false
    if (!inside(m.getAt(part + Part.Lambda, "i32"), synapses * 2, end, used)) return false
    if (!inside(m.getAt(part + Part.Noise, "i32"), synapses * 2, end, used)) return false
    if (!inside(m.getAt(part + Part.BusOut, "i32"), slots * busOut * 2, end, used)) return false
    if (!inside(m.getAt(part + Part.BackIn, "i32"), busOut * 4, end, used)) return false
    if (!input && !inside(m.getAt(part + Part.BusIn, "i32"), slots * busIn * 2, end, used))
      return false
    if (!input && !inside(m.getAt(part + Part.BackOut, "i32"), busIn * 4, end, used)) return false
    if (input && m.getAt(part + Part.BackOut, "i32") !== 0) return false
    if (!dense && !inside(m.getAt(part + Part.List, "i32"), 4 + sources * 4, end, used))
      return false
    if (
      m.getAt(part + Part.ChunkSources, "u16") < 1 ||
      m.getAt(part + Part.ChunkSynapses, "u16") < 1 ||
      m.getAt(part + Part.ChunkNeurons, "u16") < 1
    )
      return false
    if (!dense && !inside(m.getAt(part + Part.Start, "i32"), (sources + 1) * 2, end, used))
      return false
    if (!dense && !inside(m.getAt(part + Part.Target, "i32"), links, end, used)) return false
  }
  return true
}

/** Next source of a sparse part whose links are to be checked; −1 when all are sound, −2 if not. */
export function checkLinks(m: Buffer, part: number, from: number): number {
  if ((m.getAt(part + Part.Flags, "u16") & PartFlag.Dense) !== 0) return -1
  const sources = m.getAt(part + Part.Sources, "u16")
  const synapses = m.getAt(part + Part.Neurons, "u16") * m.getAt(part + Part.Inputs, "u16")
  const start = m.getAt(part + Part.Start, "i32")
  const target = m.getAt(part + Part.Target, "i32")
  const links = m.getAt(part + Part.Links, "i32")
  if (m.getAt(start, "u16") !== 0 || m.getAt(start + sources * 2, "u16") !== links) return -2
  const to = Math.min(sources, from + m.getAt(part + Part.ChunkSources, "u16"))
  for (let source = from; source < to; source++) {
    let link = m.getAt(start + source + source, "u16")
    const end = m.getAt(start + source + source + 2, "u16")
    if (link > end || end > links) return -2
    while (link < end) {
      if (m.getAt(target + link, "u8") >= synapses) return -2
      link = link + 1
    }
  }
  return to < sources ? to : -1
}

function inside(at: number, bytes: number, from: number, to: number): boolean {
  return at >= from && bytes >= 0 && at + bytes <= to
}
