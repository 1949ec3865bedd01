/** Every byte of a shard by its owner. */
import "../base/memory"
import { Header, Kernel, Part, PartFlag } from "../../src/core/layout"
import { Neuron } from "../../src/core/neuron"
import { partsOf } from "../network/shard-parts"

/** Bytes at…at+bytes−1 of a shard's memory. */
export interface Area {
  owner: string
  at: number
  bytes: number
  /** Whether the host loads it; the rest is working memory. */
  loaded: boolean
}

/** @returns areas in the order they lie, without gaps: what aligns the next one is an area too */
export function areasOf(m: Buffer): Area[] {
  const areas: Area[] = []
  const image = m.getAt(Header.Image, "i32")
  const put = (owner: string, at: number, bytes: number) => {
    // Address 0: not there. Several parts may share one.
    if (at !== 0 && bytes > 0 && !areas.some(area => area.at === at))
      areas.push({ owner, at, bytes, loaded: at < image })
  }
  const parts = partsOf(m)
  const slots = m.getAt(Header.Slots, "u16")
  areas.push({ owner: "header", at: 0, bytes: Header.Length, loaded: true })
  put("descriptors of the parts", Header.Length, parts.length * Part.Length)
  const inputSignals = m.getAt(Header.InputSignals, "u16")
  put("responses to pixel values", m.getAt(Header.InputTable, "i32"), 512 * inputSignals)
  put("neuron in hand", m.getAt(Header.Scratch, "i32"), Neuron.Length)
  for (const part of parts) {
    const u16 = (field: Part) => m.getAt(part + field, "u16")
    const at = (field: Part) => m.getAt(part + field, "i32")
    const layer = u16(Part.Layer)
    const of = `layer ${layer}, neurons ${u16(Part.First)}…${u16(Part.First) + u16(Part.Neurons) - 1}`
    const links = at(Part.Links)
    const synapses = u16(Part.Neurons) * u16(Part.Inputs)
    const elements = u16(Part.Neurons) * 5
    const sources = u16(Part.Sources)
    const input = (u16(Part.Flags) & PartFlag.Input) !== 0
    const shared = (u16(Part.Flags) & PartFlag.Shared) !== 0
    if (shared) put(`${of}: windows of the kernels`, at(Part.Start), Kernel.Length)
    else put(`${of}: where each source's links start`, at(Part.Start), (sources + 1) * 2)
    put(`${of}: coefficients`, at(Part.Coefficient), links * 2)
    put(`${of}: synapses of the links`, at(Part.Target), links)
    put(`${of}: K3 of the elements`, at(Part.Inhibition), elements * 2)
    put(`${of}: fixed points`, at(Part.Rest), elements * 2)
    put(`${of}: backward fixed points`, at(Part.RestBack), elements * 2)
    put(`${of}: sums of the synapses`, at(Part.Sum), synapses * 4)
    put(`${of}: backward signals`, at(Part.Lambda), synapses * 2)
    put(`${of}: noise of the rounding`, at(Part.Noise), synapses * 2)
    put(`${of}: end states`, at(Part.State), elements * 2)
    put(`${of}: displacements`, at(Part.Displacement), elements * 2)
    put(`${of}: PID terms of the links`, at(Part.LinkPid), links * 8)
    put(`${of}: PID terms of the elements`, at(Part.ElementPid), elements * 8)
    put(
      input ? "pixels in hand" : "signals in hand",
      at(Part.List),
      4 + 4 * (input ? m.getAt(Header.Width, "u16") * inputSignals : sources),
    )
    if (shared && input) put("signals of the pixels, laid out", at(Part.BusIn), sources * 2)
    put(`signals of layer ${layer - 1}`, at(Part.BusIn), slots * u16(Part.BusInWidth) * 2)
    put(`signals of layer ${layer}`, at(Part.BusOut), slots * u16(Part.BusOutWidth) * 2)
    put(`backward sums of layer ${layer - 1}`, at(Part.BackOut), u16(Part.BusInWidth) * 4)
    put(`backward sums of layer ${layer}`, at(Part.BackIn), u16(Part.BusOutWidth) * 4)
  }
  areas.sort((a, b) => a.at - b.at)
  const whole: Area[] = []
  let end = 0
  for (const area of [
    ...areas,
    { owner: "", at: m.getAt(Header.Size, "i32"), bytes: 0, loaded: false },
  ]) {
    if (area.at > end)
      whole.push({ owner: "alignment", at: end, bytes: area.at - end, loaded: end < image })
    if (area.bytes > 0) whole.push(area)
    end = area.at + area.bytes
  }
  return whole
}
