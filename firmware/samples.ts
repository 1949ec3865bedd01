/** Samples on their way through the shard (src/service/samples.ts): pauses and reports of this machine. */
import * as ds from "@devicescript/core"
import { reportBytes, reportCommand, writeReport } from "../src/service/outgoing"
import { lapAt, step, takeBack, takeImage, takeSignals, takeSums } from "../src/service/samples"
import {
  refusedCompared,
  refusedExpected,
  refusedGot,
  refusedNumber,
  refusedStatus,
  Turn,
} from "../src/service/turn"
import { Command } from "../src/wire/protocol"
import { arena } from "./arena"
import { mismatch, report } from "./reports"
import { lap } from "./times"

/** Carries out a message of samples: command image, signals, sums or back. */
export async function samples(command: number, p: Buffer): Promise<void> {
  let turn: number = Turn.Done
  if (command === Command.Image) turn = takeImage(arena, p, p.length)
  else if (command === Command.Signals) turn = takeSignals(arena, p, p.length)
  else if (command === Command.Sums) turn = takeSums(arena, p, p.length)
  else turn = takeBack(arena, p, p.length)
  while (turn !== Turn.Done) {
    if (turn === Turn.Pause) await ds.sleep(0)
    else {
      if (turn === Turn.Refuse)
        return await mismatch(
          refusedStatus,
          command,
          refusedNumber,
          refusedCompared,
          refusedGot,
          refusedExpected,
        )
      if (turn >= Turn.Send) {
        const payload = Buffer.alloc(reportBytes)
        writeReport(arena, payload)
        await report(reportCommand, payload)
      }
      // The machine sends when the program pauses for longer than 0 ms.
      if (turn === Turn.Rest || turn === Turn.SendAndRest) await ds.sleep(1)
      if (turn === Turn.SendLast) return lap(lapAt)
    }
    if (lapAt >= 0) lap(lapAt)
    turn = step(arena, p)
  }
}
