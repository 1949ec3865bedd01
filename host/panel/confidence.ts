/** How sure the network is, and the light or needle that shows it. */
import five from "johnny-five"
import type { Network } from "../../src/network"
import type { Connection } from "./connection"
import type { ConfidenceLayout } from "./layout"

/** Gain of the softmax for networks that were taught by margins: that of the presets' recipes. */
const GAIN = 10

/**
 * The softmax of the outputs at their largest: 1/outputs when all are equal, 1 when one is far ahead.
 * Its gain is the one the network was taught with (Network.softmaxGain, Q4 times log2 e).
 *
 * @param outputs in the network's signal format (Q signalBits)
 */
export function confidenceOf(outputs: ArrayLike<number>, network: Network): number {
  const bits = network.softmaxGain ? network.softmaxGain / 16 : GAIN * Math.LOG2E
  const values = Array.from(outputs)
  const best = Math.max(...values)
  const sum = values.reduce(
    (total, value) => total + 2 ** ((bits * (value - best)) / 2 ** network.signalBits),
    0,
  )
  return 1 / sum
}

export interface ConfidenceDisplay {
  /** @param confidence 0…1 */
  show(confidence: number): void
  stop(): void
}

export function confidenceDisplay(
  connection: Connection,
  layout: ConfidenceLayout,
): ConfidenceDisplay {
  const { board } = connection
  const pin = connection.pin(layout.pin)
  if (layout.kind === "pwm") {
    const led = new five.Led({ board, pin })
    return {
      show: confidence => led.brightness(Math.round(confidence * 255)),
      stop: () => led.stop(),
    }
  }
  const { from, to, pulsesUs } = layout
  const servo = new five.Servo({ board, pin, pwmRange: pulsesUs, startAt: from })
  return {
    show: confidence => servo.to(from + (to - from) * confidence),
    stop: () => servo.stop(),
  }
}
