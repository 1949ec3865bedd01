/** `wuxing profile` of a model that reads a signal: from the end of a segment or window to its class. */
import { boardIds, readBoardProfile } from "../hardware/board-profile"
import { buildFirmware } from "../hardware/firmware"
import { totalOf } from "../hardware/program-functions"
import type { Model } from "../models/model-file"
import { costOf, cyclesOf } from "../profile/cycles"
import { profileSensor, SENSOR_PARTS } from "../profile/sensor"
import type { Context, Outcome } from "./command"
import { usageError } from "./options/usage"

export async function profileSensorModel(
  { model: what, board: only, memory }: { model?: string; board?: string; memory?: boolean },
  model: Model,
  { output, signal }: Context,
): Promise<Outcome> {
  if (memory || (only !== undefined && readBoardProfile(only).deviceScriptBoard === null))
    throw usageError(
      `${memory ? "--memory" : `--board ${only}`} is not for a model that reads a signal`,
      "its time on boards with DeviceScript is counted, under the program of `wuxing deploy --sensor`; --board pico-native counts cycles of machine code",
    )
  output.status("compiling the program of a board with a sensor")
  const { bytecode } = await buildFirmware({ demo: "sensor", quiet: true, signal })
  const { samples, parts } = await profileSensor(model, bytecode)
  const boards = boardIds()
    .map(id => readBoardProfile(id))
    .filter(board => board.deviceScriptBoard !== null && (only ?? board.id) === board.id)
  const msOf = (part: (typeof SENSOR_PARTS)[number]) =>
    boards.map(board => costOf(parts[part], cyclesOf(board)))
  const times = Object.fromEntries(SENSOR_PARTS.map(part => [part, msOf(part)]))
  const all = boards.map((_, b) => SENSOR_PARTS.reduce((sum, part) => sum + times[part][b], 0))
  const round = (ms: number) => Math.round(10 * ms) / 10

  output.field("samples", `${samples}, as long as those it learnt`)
  output.table(
    ["from their last one on", "operations", ...boards.map(({ id }) => `ms, ${id}`)],
    [
      ...SENSOR_PARTS.map(part => [part, totalOf(parts[part]), ...times[part].map(round)]),
      [
        ...["to the class", SENSOR_PARTS.reduce((sum, part) => sum + totalOf(parts[part]), 0)],
        ...all.map(round),
      ],
    ],
  )
  return {
    document: {
      ...{ model: what, network: model.network.name, samples },
      operations: Object.fromEntries(SENSOR_PARTS.map(part => [part, totalOf(parts[part])])),
      msToClass: Object.fromEntries(boards.map(({ id }, b) => [id, round(all[b])])),
      parts: SENSOR_PARTS.map(part => ({
        part,
        ms: Object.fromEntries(boards.map(({ id }, b) => [id, round(times[part][b])])),
      })),
    },
  }
}
