/** `wuxing deploy`: puts the compiled program on boards that run DeviceScript. */
import type { Command } from "commander"
import { WuxingError } from "../base/errors"
import type { Deployed, DeployOptions as Sending } from "../hardware/deploy"
import { buildFirmware } from "../hardware/firmware"
import { findPorts } from "../hardware/location"
import type { BrokerAddress } from "../hardware/mqtt/broker-address"
import type { Model } from "../models/model-file"
import type { Context, Outcome, Run } from "./command"
import { type BoardOption, shardBytesFor } from "./options/board-option"
import {
  AGENTS,
  type AgentsLocation,
  agentsOption,
  checkPlaces,
  pathOption,
  usageError,
} from "./options/usage"
import { startBoardProgress } from "./terminal/board-progress"
import type { Output } from "./terminal/output"

interface DeployOptions extends BoardOption {
  port?: string[]
  on?: AgentsLocation
  model?: string
  sensor?: string
}

export function addDeploy(program: Command, run: Run): void {
  program
    .command("deploy")
    .description("put the program on boards, unless they hold it already")
    .option(
      "--port <names...>",
      "serial ports, by path, serial number or pattern (default: $WUXING_PORTS, else every board's)",
    )
    .option("--on <where>", AGENTS, agentsOption)
    .option(
      "--model <file>",
      "with --sensor: the program of a board that reads a sensor by itself, with this model in it",
      pathOption("--model"),
    )
    .option(
      "--sensor <name>",
      "accelerometer, gyroscope, light-level, sound-level or potentiometer",
    )
    .option("--board <profile>", "for boards of this profile's heap (default: 64 KiB)")
    .action(run(deploy))
}

async function deploy(
  { port, on, board, model, sensor }: DeployOptions,
  { output, signal }: Context,
): Promise<Outcome> {
  checkPlaces(port, on)
  if ((model === undefined) !== (sensor === undefined))
    throw usageError(
      `--${model === undefined ? "model" : "sensor"} is missing`,
      "give --model and --sensor together, or neither",
    )
  const sensing = model === undefined ? undefined : await sensingOf(model, sensor!)
  const shardBytes = shardBytesFor({ board })
  const paths = on ? [] : await findPorts(port ?? [])
  output.status("compiling the firmware")
  const built = await buildFirmware({
    ...{ quiet: output.quiet, signal },
    ...(sensing ? { demo: "sensor" } : { shardBytes }),
  })
  const { bytecode, hash } = sensing
    ? await withModel(built.bytecode, sensing)
    : { bytecode: built.bytecode, hash: built.sha256 }
  const context = { output, signal }
  const boards = on
    ? await deployBehindAgents(on.address, bytecode, context)
    : await deployWithProgress(paths, bytecode, context)
  printDeployed(output, boards)
  return { document: { sha256: hash, bytes: bytecode.length, boards }, error: deployError(boards) }
}

/** @throws WuxingError as sensorImage, sensorNamed and readModel */
async function sensingOf(path: string, sensor: string): Promise<{ model: Model; image: Buffer }> {
  const { readModel } = await import("../models/model-source")
  const { sensorImage } = await import("../models/sensor-image")
  const { sensorNamed } = await import("../signals/sensors")
  const model = readModel(path, 1)
  return { model, image: sensorImage(model, sensorNamed(sensor)) }
}

/** @throws WuxingError as withImage and checkTurns */
async function withModel(program: Uint8Array, { model, image }: { model: Model; image: Buffer }) {
  const { withImage } = await import("../models/sensor-image")
  const { checkTurns } = await import("../profile/sensor")
  const { sha256 } = await import("../base/sha256")
  await checkTurns(model, program)
  const bytecode = withImage(program, image)
  return { bytecode, hash: sha256(bytecode) }
}

export async function deployWithProgress(
  paths: readonly string[],
  bytecode: Uint8Array,
  context: Context,
  appearMs?: number,
): Promise<Deployed[]> {
  const { deployToPorts } = await import("../hardware/deploy")
  return await withProgress(paths, context, sending =>
    deployToPorts(paths, bytecode, { ...sending, appearMs }),
  )
}

async function deployBehindAgents(
  address: BrokerAddress,
  bytecode: Uint8Array,
  context: Context,
): Promise<Deployed[]> {
  const { MqttBoards, nameOf } = await import("../hardware/mqtt/mqtt-boards")
  const { deployTo } = await import("../hardware/deploy")
  const all = await MqttBoards.start(address, { signal: context.signal })
  try {
    const sites = all.boards.map((board, i) => ({
      name: nameOf(board),
      profile: board.profile,
      open: () => all.openPort(i, false),
    }))
    const names = sites.map(({ name }) => name)
    return await withProgress(names, context, sending => deployTo(sites, bytecode, sending))
  } finally {
    await all.stop()
  }
}

async function withProgress(
  names: readonly string[],
  { output, signal }: Context,
  deploy: (sending: Sending) => Promise<Deployed[]>,
): Promise<Deployed[]> {
  const progress = startBoardProgress(output, names)
  try {
    return await deploy({
      signal,
      onProgress: (name, share) => progress.update(name, share),
      onLog: (name, line) => output.log(`${name}: ${line}`),
    })
  } finally {
    progress.stop()
  }
}

const RESULTS = {
  deployed: "deployed, running",
  same: "held it already, running",
  failed: "failed",
}

export function printDeployed(output: Output, boards: readonly Deployed[]): void {
  output.table(
    ["port", "board", "profile", "program"],
    boards.map(({ port, id, profile, result }) => [
      port,
      id ?? "?",
      profile ?? "?",
      RESULTS[result],
    ]),
    // What became of each port before what it is.
    [0, 3, 1],
  )
}

/** The first board's failure, with how many there were; each stands in the document too. */
export function deployError(boards: readonly Deployed[]): WuxingError | undefined {
  const failed = boards.filter(board => board.error)
  const first = failed[0]?.error
  if (!first || failed.length === 1) return first
  const others = failed.slice(1).map(({ error }) => `\n  ${error!.message}`)
  return new WuxingError({
    code: first.code,
    kind: first.kind,
    message: `${first.message}; ${others.length} more of ${boards.length} boards failed:${others.join("")}`,
    cause: first.likely,
    help: first.help,
  })
}
