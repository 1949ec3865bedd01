/**
 * A network that is taught windows of a signal as a board is (firmware/demos/sensor): after each example
 * some passes through the last ones, by the same core, so that host and board learn the same bits.
 */
import { SENSOR_EXAMPLES } from "../../src/wire/sensor-protocol"
import type { HostNetwork } from "../network/host-network"

/** Passes through the examples after each. */
export const PASSES = 3
/** States kept to go back to, bytes in all. */
const MOST_KEPT_BYTES = 16 * 2 ** 20

interface State {
  coefficients: Buffer
  elements: Buffer
  steps: number
  examples: number
}

export class Learner {
  /** Learning steps so far: the number of the next one decides its rounding. */
  steps = 0
  private readonly examples: { bytes: Uint8Array; label: number }[] = []
  /** As it was before each lesson that can be taken back. */
  private readonly before: State[] = []

  /** @param host holds what is learnt */
  constructor(public host: HostNetwork) {}

  /** Goes on with another network; what it was taught is gone through with the next lesson. */
  goOnWith(host: HostNetwork): void {
    this.host = host
    this.before.length = 0
  }

  /** Examples it was taught. */
  get taught(): number {
    return this.examples.length
  }

  /** Lessons that can be taken back. */
  get undoable(): number {
    return this.before.length
  }

  /** @param bytes features of a window */
  teach(bytes: Uint8Array, label: number): void {
    this.before.push(this.state())
    while (this.before.length > 1 && this.keptBytes() > MOST_KEPT_BYTES) this.before.shift()
    this.examples.push({ bytes, label })
    for (let pass = 0; pass < PASSES; pass++)
      for (const example of this.examples.slice(-SENSOR_EXAMPLES))
        this.host.train(example.bytes, example.label, this.steps++)
  }

  /** All as it was before the last lesson; false: there is none to take back. */
  undo(): boolean {
    const state = this.before.pop()
    if (!state) return false
    this.host.load(state.coefficients, state.elements)
    this.steps = state.steps
    this.examples.length = state.examples
    return true
  }

  /** Goes on from another state of the network, with nothing taught; it cannot be taken back. */
  load({ coefficients, elements }: Pick<State, "coefficients" | "elements">): void {
    this.host.load(coefficients, elements)
    this.steps = 0
    this.examples.length = 0
    this.before.length = 0
  }

  /** What it has learnt, in the network's own order. */
  get learnt(): Pick<State, "coefficients" | "elements"> {
    return { coefficients: this.host.coefficients(), elements: this.host.elements() }
  }

  private state(): State {
    return { ...this.learnt, steps: this.steps, examples: this.examples.length }
  }

  private keptBytes(): number {
    return this.before.reduce((sum, s) => sum + s.coefficients.length + s.elements.length, 0)
  }
}
