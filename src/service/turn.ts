/** What a step of the samples' machine (samples.ts) asks of the program around it. */
import { Compared } from "../wire/protocol"

/** What the program has to do before the next step. Whatever it is but Done or Refuse, lap() follows it. */
export enum Turn {
  /** Nothing: the message is carried out. */
  Done = 0,
  /** Refuse the message: see refusedStatus. There is no next step. */
  Refuse = 1,
  /** Let other work of the board have its turn. */
  Pause = 2,
  /** Pause until reports that were sent are on their way: other boards wait for them. */
  Rest = 3,
  /** Send the report that is announced (outgoing.ts). */
  Send = 4,
  /** Send it, then rest: this board's next layer, up to a quarter of a second of work, comes after. */
  SendAndRest = 5,
  /** Send it; the message is then carried out, and there is no next step. */
  SendLast = 6,
}

/** Of {@link Turn.Refuse}: the status, and FaultField's number, compared, got and expected. */
export let refusedStatus = 0
export let refusedNumber = 0
export let refusedCompared = 0
export let refusedGot = 0
export let refusedExpected = 0

/** Refuses a message for a value in it. */
export function refuseValue(
  status: number,
  subject: number,
  compared: number,
  got: number,
  expected: number,
): number {
  refusedStatus = status
  refusedNumber = subject
  refusedCompared = compared
  refusedGot = got
  refusedExpected = expected
  return Turn.Refuse
}

/** Refuses a message for its form. */
export function refuseForm(status: number, subject: number): number {
  return refuseValue(status, subject, Compared.Nothing, 0, 0)
}
