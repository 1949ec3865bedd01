/** Whether a part with shared kernels (kernels.ts) is sound; check.ts asks. */
import { Header, Kernel, Part, PartFlag } from "./layout"
import {
  ENTRY_OPERATIONS,
  MOST_OPERATIONS,
  sharedLinkOperations,
  sharedSourceOperations,
} from "./operations"
import { inside } from "./ranges"

/** What a part with shared kernels may be beside that. */
const MAY_BE = PartFlag.Input | PartFlag.Report | PartFlag.Await

/** What a cursor over the coefficients holds (run.ts). */
const MOST_SHARED_LINKS = 65535

/**
 * End of the kernels and their coefficients, which must lie between `from` and `to` and reach no signal
 * and no synapse that is not there; −1 if they do not. Each product is of numbers of which it is known
 * that it fits 32 bits.
 *
 * @param links of the part, at least 0
 * @param synapses of the part, at least 1
 */
export function kernelsEnd(
  m: Buffer,
  part: number,
  links: number,
  synapses: number,
  from: number,
  to: number,
): number {
  const kernel = m.getAt(part + Part.Start, "i32")
  // Read at once, which native boards do at even addresses only; those of the descriptor they look at later.
  if ((kernel & 1) !== 0 || !inside(kernel, Kernel.Length, from, to)) return -1
  const sources = m.getAt(part + Part.Sources, "u16")
  const across = m.getAt(kernel + Kernel.Across, "u16")
  const down = m.getAt(kernel + Kernel.Down, "u16")
  const signals = m.getAt(kernel + Kernel.Signals, "u16")
  if (across < 1 || across > sources || down < 1 || down > Math.idiv(sources, across)) return -1
  // So far at most as many places as sources.
  if (signals < 1 || signals > Math.idiv(sources, across * down)) return -1
  if (across * down * signals !== sources) return -1
  const width = m.getAt(kernel + Kernel.Width, "u16")
  const height = m.getAt(kernel + Kernel.Height, "u16")
  const stride = m.getAt(kernel + Kernel.Stride, "u16")
  const columns = m.getAt(kernel + Kernel.Columns, "u16")
  const rows = m.getAt(kernel + Kernel.Rows, "u16")
  if (width < 1 || width > across || height < 1 || height > down) return -1
  if (stride < 1 || columns < 1 || rows < 1) return -1
  // The last window ends where the places do, or before.
  if (columns - 1 > Math.idiv(across - width, stride)) return -1
  if (rows - 1 > Math.idiv(down - height, stride)) return -1
  const each = m.getAt(kernel + Kernel.Synapses, "u16")
  const places = columns * rows
  if (each < 1 || each > Math.idiv(synapses, places) || each * places !== synapses) return -1
  // A window has at most as many sources as the layer before.
  const fanIn = width * height * signals
  if (each > Math.idiv(MOST_SHARED_LINKS, fanIn) || each * fanIn !== links) return -1
  if (m.getAt(kernel + Kernel.CoefficientMax, "u16") > 32767) return -1
  const coefficient = m.getAt(part + Part.Coefficient, "i32")
  if (!inside(coefficient, links * 2, kernel + Kernel.Length, to)) return -1
  return coefficient + links * 2
}

/** Is the part a whole layer by itself that learns plainly? Other boards may have the layers below and above. */
export function kernelsAgree(m: Buffer, part: number): boolean {
  // At most 2^16 · 5.
  const signals = m.getAt(part + Part.Neurons, "u16") * m.getAt(part + Part.Outputs, "u16")
  return (
    (m.getAt(part + Part.Flags, "u16") & ~MAY_BE) === PartFlag.Shared &&
    m.getAt(Header.Rule, "u16") === 0 &&
    signals === m.getAt(part + Part.BusOutWidth, "u16") &&
    m.getAt(part + Part.BusOutFirst, "u16") === 0
  )
}

/** Does every chunk of a part whose kernels are sound end in time? */
export function kernelsInTime(m: Buffer, part: number): boolean {
  const sources = m.getAt(part + Part.Sources, "u16")
  let room = MOST_OPERATIONS
  // Pixels are laid out in the same run as the first chunk.
  if ((m.getAt(part + Part.Flags, "u16") & PartFlag.Input) !== 0) room -= sources * ENTRY_OPERATIONS
  if (room < 0) return false
  const summed = Math.min(sources, m.getAt(part + Part.ChunkSources, "u16"))
  const learnt = Math.min(
    m.getAt(part + Part.Links, "i32"),
    m.getAt(part + Part.ChunkSynapses, "u16"),
  )
  // As quotients, since the products might not fit 32 bits.
  return (
    sharedSourceOperations(m, part) <= Math.idiv(room, summed) &&
    sharedLinkOperations(m, part) <= Math.idiv(MOST_OPERATIONS, learnt)
  )
}
