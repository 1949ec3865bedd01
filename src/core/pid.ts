/**
 * Distributed PID control of a parameter (papers 000, 001, and "A Neural Network Training Method
 * Based on Distributed PID Control"): the change follows G itself, its running mean and its change.
 *
 * A parameter's time goes by learning steps in which it has a signal of either direction: a link
 * that is silent in one stays as it is, so that it still costs nothing. Memory: 8 bytes a parameter.
 */
import { Header } from "./layout"

/**
 * The three terms for G = `g`, and the record's next state:
 *
 *     integral += (g − integral) / 2^memory
 *     change = P·g + I·integral + D·(g − last)
 *
 * @param record i32 integral, i32 last g, in the format of `g`
 * @param g |g| ≤ 2^28
 * @returns a quarter of the change, in the format of `g`
 */
export function controlled(m: Buffer, record: number, g: number): number {
  let integral = m.getAt(record, "i32")
  // |g − integral| ≤ 2^29.
  integral += (g - integral) >> m.getAt(Header.Memory, "u16")
  const step = g - m.getAt(record + 4, "i32")
  m.setAt(record, "i32", integral)
  m.setAt(record + 4, "i32", g)
  // Gains ≤ 64 (4 in Q4), the rest shifted right by 6: 2^28 + 2^28 + 2^29 = 2^30. Rounded to
  // nearest, since a floor would drift over many samples.
  return (
    ((g + 32) >> 6) * m.getAt(Header.Proportional, "u16") +
    ((integral + 32) >> 6) * m.getAt(Header.Integral, "u16") +
    ((step + 32) >> 6) * m.getAt(Header.Differential, "u16")
  )
}
