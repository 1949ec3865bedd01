/**
 * One neuron of a network on the host, settled step by step by the core: the same kernels that run on
 * boards are asked for one step, for two, and so on, so that the last step is the boards' own.
 */
import "../base/memory"
import { FIXED_POINT, Header, Part, PartFlag } from "../../src/core/layout"
import { loadAdjoint, loadNeuron, Neuron, settleAdjoint, settleNeuron } from "../../src/core/neuron"
import { loadRingAdjoint, settleRingAdjoint, settleRingNeuron } from "../../src/core/ring-neuron"
import { partAt } from "../../src/core/run"
import { settleBackwardFine, settleForwardFine } from "../../src/core/settle-fine"
import { elementsLearn, isFine, type Network } from "../network/network"

const ELEMENTS = [0, 1, 2, 3, 4]

/** Where things are in the small memory, behind a header and one descriptor. */
const SCRATCH = partAt(1)
const SUM = SCRATCH + Neuron.Length
const BACK = SUM + 20
const STATE = BACK + 20
const BUS = STATE + 10
const LAMBDA = BUS + 10
const INHIBITION = LAMBDA + 10
const REST = INHIBITION + 10
const REST_BACK = REST + 10
const LENGTH = REST_BACK + 10

/** Values of the five elements, in units of 1. */
export type Five = number[]

export interface RingTrace {
  /** Net input of each element, as clamped. */
  inputs: Five
  fixedPoint: Five
  /** E at the start and after each step. */
  forward: Five[]
  /** λ (Bsp: D̂) at the start and after each step; absent where nothing comes in from behind. */
  backward?: Five[]
}

export class RingTracer {
  private readonly m = Buffer.alloc(LENGTH)

  constructor(private readonly network: Network) {
    const { m } = this
    const part = partAt(0)
    // A neuron with a synapse and a signal on every element; those it lacks stay at zero.
    m.setAt(part + Part.Neurons, "u16", 1)
    m.setAt(part + Part.Inputs, "u16", 5)
    m.setAt(part + Part.Outputs, "u16", 5)
    m.setAt(part + Part.BusOutWidth, "u16", 5)
    m.setAt(part + Part.Sum, "i32", SUM)
    m.setAt(part + Part.State, "i32", STATE)
    m.setAt(part + Part.BusOut, "i32", BUS)
    m.setAt(part + Part.BackIn, "i32", BACK)
    m.setAt(part + Part.Lambda, "i32", LAMBDA)
  }

  /** From what came back to Q12. */
  private backShift = 13

  /**
   * Takes neuron `index` of a part of a shard that has just run forward: what drives it, and what it
   * has of its own.
   */
  take(shard: Buffer, part: number, index: number): void {
    const { m, network } = this
    m.fillAt(SCRATCH, LENGTH - SCRATCH, 0)
    shard.copy(m, 0, 0, Header.Length)
    m.setAt(partAt(0) + Part.Flags, "u16", shard.getAt(part + Part.Flags, "u16") & PartFlag.Output)
    const inputs = shard.getAt(part + Part.Inputs, "u16")
    const sum = shard.getAt(part + Part.Sum, "i32") + index * inputs * 4
    const step = shard.getAt(part + Part.InputStep, "u8")
    for (let k = 0; k < inputs; k++)
      m.setAt(SUM + k * step * 4, "i32", shard.getAt(sum + k * 4, "i32"))
    // What came back is seen in Q12, however fine the layer's own is.
    this.backShift =
      shard.getAt(part + Part.BackShift, "u16") + shard.getAt(part + Part.Finer, "u16")
    if (!elementsLearn(network)) return
    for (const [field, to] of [
      [Part.Inhibition, INHIBITION],
      [Part.Rest, REST],
      [Part.RestBack, REST_BACK],
    ]) {
      const from = shard.getAt(part + field, "i32")
      if (from !== 0) shard.copy(m, to, from + index * 10, from + index * 10 + 10)
    }
  }

  /** Takes what came back to the same neuron, when the shard has learnt. */
  takeBack(shard: Buffer, part: number, index: number): void {
    const outputs = shard.getAt(part + Part.Outputs, "u16")
    const first = shard.getAt(part + Part.OutputFirst, "u16")
    const bus = shard.getAt(part + Part.BusOutFirst, "u16") + index * outputs
    const back = shard.getAt(part + Part.BackIn, "i32") + bus * 4
    const step = shard.getAt(part + Part.OutputStep, "u8")
    for (let k = 0; k < outputs; k++)
      this.m.setAt(BACK + (first + k * step) * 4, "i32", shard.getAt(back + k * 4, "i32"))
  }

  trace(): RingTrace {
    return isFine(this.network) ? this.traceFine() : this.traceOwn()
  }

  /** Mean displacement of each element for a small constant input on one, per unit of it. */
  response(shard: Buffer, element: number): Five {
    const { m, network } = this
    m.fillAt(SCRATCH, LENGTH - SCRATCH, 0)
    shard.copy(m, 0, 0, Header.Length)
    const shift = shard.getAt(Header.NetShift, "u16")
    const u = network.netMax >> 3
    // As a sum of links, before it is shifted to a net input.
    m.setAt(SUM + element * 4, "i32", (isFine(network) ? u << 4 : u) << shift)
    const { forward, fixedPoint, inputs } = this.trace()
    const mean = (e: number) =>
      forward.slice(1).reduce((sum, E) => sum + E[e] - fixedPoint[e], 0) / network.steps
    return ELEMENTS.map(e => mean(e) / inputs[element])
  }

  private get driven(): boolean {
    return ELEMENTS.some(e => this.m.getAt(BACK + e * 4, "i32") !== 0)
  }

  private traceOwn(): RingTrace {
    const { m, network } = this
    const { steps, netMin, netMax } = network
    const own = elementsLearn(network)
    const inhibition = own ? INHIBITION : 0
    const shift = m.getAt(Header.NetShift, "u16")
    const inputs = ELEMENTS.map(e =>
      Math.max(netMin, Math.min(netMax, m.getAt(SUM + e * 4, "i32") >> shift)),
    )
    const rest = (at: number) => ELEMENTS.map(e => (own ? m.getAt(at + e * 2, "i16") : FIXED_POINT))
    const b = rest(REST)
    const forward = [b]
    for (let s = 1; s <= steps; s++) {
      for (const e of ELEMENTS) m.setAt(SCRATCH + Neuron.Input + e * 4, "i32", inputs[e])
      loadNeuron(m, SCRATCH, inhibition, own ? REST : 0, false)
      this.settle(s)
      forward.push(ELEMENTS.map(e => m.getAt(SCRATCH + Neuron.Element + e * 4, "i32")))
    }
    const inUnits = (of: number[]) => of.map(v => v / FIXED_POINT)
    const trace = {
      ...{ inputs: inUnits(inputs), fixedPoint: inUnits(b) },
      forward: forward.map(inUnits),
    }
    if (!this.driven) return trace
    const backward = network.backward === "bsp" ? this.mirrored() : this.adjoint(forward[steps])
    return { ...trace, backward: backward.map(inUnits) }
  }

  /** The neuron in the scratch record. */
  private settle(steps: number): void {
    if (this.network.ring) settleRingNeuron(this.m, SCRATCH, steps)
    else settleNeuron(this.m, SCRATCH, steps)
  }

  /** λ after each step of the linear system at the end state (settle.ts), Q12. */
  private adjoint(state: Five): Five[] {
    const { m, network } = this
    const limit = network.lambdaMax
    for (const e of ELEMENTS) {
      m.setAt(STATE + e * 2, "i16", state[e])
      const v = m.getAt(BACK + e * 4, "i32") >> this.backShift
      m.setAt(
        ...([SCRATCH + Neuron.Input + e * 4, "i32"] as const),
        Math.max(-limit, Math.min(limit, v)),
      )
    }
    const inhibition = elementsLearn(network) ? INHIBITION : 0
    if (network.ring) loadRingAdjoint(m, SCRATCH, STATE, true)
    else loadAdjoint(m, SCRATCH, inhibition, STATE, true)
    return this.differences(s => {
      if (network.ring) settleRingAdjoint(m, SCRATCH, s)
      else settleAdjoint(m, SCRATCH, s)
      return ELEMENTS.map(e => m.getAt(SCRATCH + Neuron.Sum + e * 4, "i32"))
    })
  }

  /** D̂ after each step of the backward equation (paper 001 eq. 2.5), Q12. */
  private mirrored(): Five[] {
    const { m, network } = this
    const own = elementsLearn(network)
    const { netMin, netMax, steps } = network
    const place = (e: number) => (e === 0 ? 0 : 5 - e)
    const result = [ELEMENTS.map(() => 0)]
    for (let s = 1; s <= steps; s++) {
      for (const e of ELEMENTS) {
        const v = m.getAt(BACK + e * 4, "i32") >> 13
        const at = SCRATCH + Neuron.Input + place(e) * 4
        m.setAt(at, "i32", Math.max(netMin, Math.min(netMax, v)))
      }
      loadNeuron(...([m, SCRATCH, own ? INHIBITION : 0, own ? REST_BACK : 0] as const), true)
      this.settle(s)
      result.push(
        ELEMENTS.map(
          e =>
            m.getAt(SCRATCH + Neuron.Element + place(e) * 4, "i32") -
            (own ? m.getAt(REST_BACK + e * 2, "i16") : FIXED_POINT),
        ),
      )
    }
    return result
  }

  /** The finer kernels know sums and end states only: steps are told apart by asking for fewer. */
  private traceFine(): RingTrace {
    const { m, network } = this
    const { steps } = network
    const [inQ14, inQ16] = [(v: number) => v / 2 ** 14, (v: number) => v / 2 ** 16]
    const shift = m.getAt(Header.NetShift, "u16")
    const inputs = ELEMENTS.map(e => {
      const u = m.getAt(SUM + e * 4, "i32") >> shift
      return inQ16(Math.max(network.netMin << 4, Math.min(network.netMax << 4, u)))
    })
    const state = () => ELEMENTS.map(e => 1 + inQ14(m.getAt(STATE + e * 2, "i16")))
    const forward = [ELEMENTS.map(() => 1)]
    for (let s = 1; s <= steps; s++) {
      m.setAt(Header.Steps, "u16", s)
      settleForwardFine(m, partAt(0), 0, 0, 1)
      forward.push(state())
    }
    const trace = { inputs, fixedPoint: ELEMENTS.map(() => 1), forward }
    if (!this.driven) return trace
    // A net input on its clamp passes no λ on, but the ring has it all the same.
    m.fillAt(SUM, 20, 0)
    const backward = this.differences(s => {
      m.setAt(Header.Steps, "u16", s)
      settleBackwardFine(m, partAt(0), 0, 1)
      // The reciprocal stays that of all steps: so this is the sum so far, by their number.
      return ELEMENTS.map(e => inQ14(m.getAt(LAMBDA + e * 2, "i16") * steps))
    })
    return { ...trace, backward }
  }

  private differences(sumAfter: (steps: number) => Five): Five[] {
    const result = [ELEMENTS.map(() => 0)]
    let before = ELEMENTS.map(() => 0)
    for (let s = 1; s <= this.network.steps; s++) {
      const sum = sumAfter(s)
      result.push(sum.map((v, e) => v - before[e]))
      before = sum
    }
    return result
  }
}
