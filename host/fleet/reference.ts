/**
 * The host's own run of what boards do, beside them: the same core, so the same bits. What a board
 * reports can pass every check of its form and still be wrong; here it shows.
 */
import "../base/memory"
import { Header, Part } from "../../src/core/layout"
import { partAt } from "../../src/core/run"
import { HostNetwork } from "../network/host-network"
import { type Network, signalsOf } from "../network/network"
import type { Shifts } from "../session/rate"
import type { Checkpoint, Lesson } from "../session/reports"

export class Reference {
  private readonly host: HostNetwork
  private readonly outputs: number

  constructor(network: Network) {
    this.host = new HostNetwork(network)
    this.outputs = signalsOf(network, network.layers.length)
  }

  /** Goes on from what boards were loaded with. */
  load({ coefficients, elements }: Checkpoint): void {
    this.host.load(coefficients, elements)
  }

  set shifts({ links, elements }: Shifts) {
    this.host.learnShift = links
    if (elements !== undefined) this.host.memory.setAt(Header.ElementShift, "u16", elements)
  }

  /** @returns what the network says before it learns */
  learn({ image, label }: Lesson, sample: number): number {
    return this.host.train(image, label, sample)
  }

  /** Are these the outputs for the image (signal format)? */
  gives(image: Uint8Array, outputs: Int16Array): boolean {
    this.host.predict(image)
    const m = this.host.memory
    const bus = m.getAt(partAt(m.getAt(Header.Parts, "u16") - 1) + Part.BusOut, "i32")
    for (let o = 0; o < this.outputs; o++)
      if (m.getAt(bus + 2 * o, "i16") !== outputs[o]) return false
    return true
  }

  /** Is this what was learnt? */
  holds({ coefficients, elements }: Checkpoint): boolean {
    return this.host.coefficients().equals(coefficients) && this.host.elements().equals(elements)
  }
}
