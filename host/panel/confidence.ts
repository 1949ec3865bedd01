/** The light or needle that shows how sure the network is. */
import five from "johnny-five"
import type { Connection } from "./connection"
import type { ConfidenceLayout } from "./layout"

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
