/** Answers: packets of the wuxing service on their way to the host. */
import * as ds from "@devicescript/core"
import { Command, Compared, FaultField, Status } from "../src/wire/protocol"

type Sender = typeof ds & {
  _serverSend(serviceIndex: number, packet: ds.Packet): Promise<void>
}

let serviceIndex = 0
/** Messages refused since the start. */
export let refused = 0

export function countRefusal(): void {
  refused++
}

/** Tells which service the reports belong to. */
export function reportAs(index: number): void {
  serviceIndex = index
}

function specOf(command: number): ds.PacketSpec {
  const spec = ds.Wuxing.spec
  if (command === Command.Signals) return spec.lookup("signals")
  if (command === Command.Back) return spec.lookup("back")
  if (command === Command.Sums) return spec.lookup("sums")
  if (command === Command.Begin) return spec.lookup("begin")
  if (command === Command.Commit) return spec.lookup("commit")
  if (command === Command.Status) return spec.lookup("status")
  if (command === Command.Read) return spec.lookup("read")
  if (command === Command.Set) return spec.lookup("set")
  if (command === Command.Save) return spec.lookup("save")
  if (command === Command.Saved) return spec.lookup("saved")
  if (command === Command.Restore) return spec.lookup("restore")
  return spec.lookup("fault")
}

/** Sends a report; the runtime lets a burst of five through, then one per 20 ms. */
export async function report(command: number, payload: Buffer): Promise<void> {
  await (ds as Sender)._serverSend(serviceIndex, specOf(command).response.encode(payload))
}

/** Answers a control command: its tag, a status, and nothing more. */
export async function answer(command: number, tag: number, status: Status): Promise<void> {
  const payload = Buffer.alloc(3)
  payload.setAt(0, "u16", tag)
  payload.setAt(2, "u8", status)
  if (status !== Status.Ok) refused++
  await report(command, payload)
}

/** Refuses a data message for its form: which one, and why. */
export async function fault(status: Status, command: number, number: number): Promise<void> {
  await mismatch(status, command, number, Compared.Nothing, 0, 0)
}

/** Refuses a data message for a value in it: which one, why, and what was compared with what. */
export async function mismatch(
  status: Status,
  command: number,
  number: number,
  compared: Compared,
  got: number,
  expected: number,
): Promise<void> {
  const payload = Buffer.alloc(FaultField.Length)
  payload.setAt(FaultField.Status, "u8", status)
  payload.setAt(FaultField.Command, "u8", command)
  // Signed: the machine stores a negative number as 0 where the format is unsigned.
  payload.setAt(FaultField.Number, "i32", number)
  payload.setAt(FaultField.Got, "i32", got)
  payload.setAt(FaultField.Expected, "i32", expected)
  payload.setAt(FaultField.Compared, "u8", compared)
  refused++
  await report(Command.Fault, payload)
}
