/** `wuxing profile`: what a network costs one board, in operations, milliseconds and bytes. */
import type { Command } from "commander"
import { grouped, percent } from "../base/numbers"
import type { Context, Outcome, Run } from "./command"
import { addNetworkOptions, type NetworkOptions, networkNamed } from "./options/network-option"
import { integerOption, NETWORKS, usageError } from "./options/usage"
import { startProgress } from "./terminal/progress"

/** Least heap a board should keep for its messages, bytes. */
const RESERVE_BYTES = 8192

interface ProfileOptions extends NetworkOptions {
  model?: string
  images: number
  memory?: boolean
  board?: string
}

export function addProfile(program: Command, run: Run): void {
  const command = program
    .command("profile")
    .description("operations, time and memory a network costs a board")
    .option("--model <network>", NETWORKS)
    .option(
      "--images <n>",
      "MNIST test images to answer, and as many again to learn; of a signal, made windows",
      integerOption("--images", 1, 5000),
      100,
    )
    .option(
      "--board <kind>",
      "that board alone; pico-native: cycles, counted in an emulated Pico (default: all with DeviceScript)",
    )
    .option("--memory", "where every byte of the board's memory goes")
  addNetworkOptions(command).action(run(profileNetwork))
}

async function profileNetwork(options: ProfileOptions, context: Context): Promise<Outcome> {
  if (options.model === undefined)
    throw usageError("--model is missing", "for example --model pico-16")
  const { buildFirmware } = await import("../hardware/firmware")
  const { readBoardProfile } = await import("../hardware/board-profile")
  const { NATIVE_BOARD, profileNativeBoard } = await import("./profile-native")
  if (options.board !== undefined && options.board !== NATIVE_BOARD)
    if (readBoardProfile(options.board).deviceScriptBoard === null)
      throw usageError(
        `--board ${options.board} runs neither DeviceScript nor the native program`,
        `name a board that does, or ${NATIVE_BOARD}`,
      )
  const model = await networkNamed(options.model, options)
  if (model.signal && options.board !== NATIVE_BOARD) {
    const { profileSensorModel } = await import("./profile-sensor")
    return await profileSensorModel(options, model, context)
  }
  if (options.board === NATIVE_BOARD) return await profileNativeBoard(options, model, context)
  context.output.status("compiling the firmware")
  const { bytecode } = await buildFirmware({ quiet: true, signal: context.signal })
  return options.memory
    ? await memoryOf(options, model, bytecode, context)
    : await speedOf(options, model, bytecode, context)
}

type Model = import("../models/model-file").Model

async function speedOf(
  { model: what, images, board: only }: ProfileOptions,
  model: Model,
  bytecode: Uint8Array,
  { output, signal }: Context,
): Promise<Outcome> {
  const { readTrainingData, usualData } = await import("../training/training-data")
  const { checkImages } = await import("../training/training")
  const { milliseconds, profileModel } = await import("../profile/profile")
  const { cyclesOf } = await import("../profile/cycles")
  const { boardIds, readBoardProfile } = await import("../hardware/board-profile")
  const { energyMillijoules } = await import("../partition/energy")
  const { recipeOf } = await import("../training/recipes")
  const data = await readTrainingData(usualData(model), model.network)
  checkImages(model.network, data.name, data.test)
  // `train` teaches by the recipe's softmax; `demo`, `panel` and the page by the network's own error.
  const { softmaxGain } = recipeOf(model.network)
  const another = softmaxGain > 0 && softmaxGain !== model.network.softmaxGain
  const progress = startProgress(output, "counting", (another ? 3 : 2) * images)
  const count = (gain?: number) =>
    profileModel(model, bytecode, data.test, images, {
      onProgress: (done, right) =>
        progress.sample(gain === undefined ? done : images + done, right),
      signal,
      softmaxGain: gain,
    })
  const { profile, trained: byTrain } = await count()
    .then(async own => ({ profile: own, trained: another ? await count(softmaxGain) : own }))
    .finally(() => progress.stop())

  const boards = boardIds()
    .map(id => readBoardProfile(id))
    .filter(board => board.deviceScriptBoard !== null && (only ?? board.id) === board.id)
  const times = boards.map(board => {
    const cycles = cyclesOf(board)
    const inference = milliseconds(profile, cycles, "inference")
    const learn = milliseconds(profile, cycles, "learn")
    const train = milliseconds(byTrain, cycles, "learn")
    return {
      id: board.id,
      ...{ inference, learn, train },
      energy: energyMillijoules(board, inference),
      learnEnergy: energyMillijoules(board, learn),
      compute: milliseconds(profile, cycles, "inference", ["service"]),
      computeLearn: milliseconds(profile, cycles, "learn", ["service"]),
    }
  })
  const msOf = (kind: "inference" | "learn" | "train" | "compute" | "computeLearn") =>
    Object.fromEntries(times.map(time => [time.id, round(time[kind])]))

  const energyOf = (kind: "energy" | "learnEnergy") =>
    Object.fromEntries(times.map(time => [time.id, time[kind] ?? null]))

  output.field(
    "images",
    `${grouped(profile.inferred)} answered, ${grouped(profile.learned)} learnt`,
  )
  output.table(
    ["part", "operations an inference", "a learnt image", "by train's softmax"],
    [
      ...profile.parts.map((p, i) => [
        ...[p.part, Math.round(p.opsPerInference), Math.round(p.opsPerLearn)],
        Math.round(byTrain.parts[i].opsPerLearn),
      ]),
      [
        ...["all", Math.round(profile.opsPerInference), Math.round(profile.opsPerLearn)],
        Math.round(byTrain.opsPerLearn),
      ],
    ],
  )
  output.table(
    [
      ...["board", "ms an inference", "a second", "≈ mJ", "ms a learnt image", "a second", "≈ mJ"],
      ...["ms by train's softmax", "a second"],
    ],
    times.map(time => [
      time.id,
      ...[round(time.inference), rate(time.inference), millijoules(time.energy)],
      ...[round(time.learn), rate(time.learn), millijoules(time.learnEnergy)],
      ...[round(time.train), rate(time.train)],
    ]),
    // Times and rates before energies.
    [0, 1, 2, 4, 5, 7, 8],
  )
  output.print("≈ mJ: estimated from the time and the profile's supply; not measured")
  if (profile.learned === 0) output.print("no image taught it anything: it named all by the margin")
  return {
    document: {
      model: what,
      trained: model.training !== null,
      network: model.network.name,
      images: profile.inferred,
      learned: profile.learned,
      passed: profile.passed,
      opsPerInference: Math.round(profile.opsPerInference),
      opsPerLearn: Math.round(profile.opsPerLearn),
      // By the error `train` teaches with, where it is another than the network's own.
      opsPerTrained: Math.round(byTrain.opsPerLearn),
      computeOpsPerInference: Math.round(profile.computeOpsPerInference),
      computeOpsPerLearn: Math.round(profile.computeOpsPerLearn),
      opsPerPassed: Math.round(profile.opsPerPassed),
      msPerInference: msOf("inference"),
      msPerLearn: msOf("learn"),
      msPerTrained: msOf("train"),
      // Estimates: time times the profile's supply; null where it knows none.
      estimatedMillijoulesPerInference: energyOf("energy"),
      estimatedMillijoulesPerLearn: energyOf("learnEnergy"),
      computeMsPerInference: msOf("compute"),
      computeMsPerLearn: msOf("computeLearn"),
      parts: profile.parts.map(p => ({
        part: p.part,
        opsPerInference: Math.round(p.opsPerInference),
        opsPerLearn: Math.round(p.opsPerLearn),
        msPerInference: partMs(p.part, "inference"),
        msPerLearn: partMs(p.part, "learn"),
        kinds: { inference: rounded(p.inference), learn: rounded(p.learn) },
      })),
    },
  }

  function partMs(part: string, kind: "inference" | "learn") {
    const others = profile.parts.map(p => p.part).filter(p => p !== part)
    return Object.fromEntries(
      boards.map(board => [board.id, round(milliseconds(profile, cyclesOf(board), kind, others))]),
    )
  }
}

async function memoryOf(
  { model: what, board: only }: ProfileOptions,
  model: Model,
  bytecode: Uint8Array,
  { output }: Context,
): Promise<Outcome> {
  const { areasOf } = await import("../profile/memory")
  const { CountedBoard } = await import("../profile/counted-board")
  const { buildShard } = await import("../network/shard")
  const { wholeNetwork } = await import("../network/host-network")
  const { boardIds, readBoardProfile } = await import("../hardware/board-profile")
  const { refuseFeedback } = await import("../network/refuse-feedback")
  refuseFeedback(model.network)
  const shard = buildShard(model.network, wholeNetwork(model.network), 1)
  const areas = areasOf(shard)
  const used = areas.reduce((sum, area) => sum + area.bytes, 0)
  const board = await CountedBoard.start(bytecode)
  await board.load(shard)
  const heapBytes = await board.heapBytes()
  const arenaBytes = board.arenaBytes
  const programBytes = heapBytes - arenaBytes

  output.table(
    ["bytes", "owner", ""],
    [
      ...areas.map(area => [area.bytes, area.owner, area.loaded ? "loaded" : "working"]),
      [arenaBytes - used, "reports being gathered, and free", "set aside"],
      [programBytes, "the program: objects, frames, messages", "program"],
    ],
  )
  const ids = boardIds().filter(id => (only ?? id) === id)
  const boards = ids.map(id => {
    const { heapBytes: heap } = readBoardProfile(id)
    const free = heap - programBytes - used
    return { id, heapBytes: heap, freeBytes: free, fits: free >= RESERVE_BYTES }
  })
  output.table(
    ["board", "heap", "left beside the network and the program", "share"],
    boards.map(b => [b.id, b.heapBytes, b.freeBytes, percent(b.freeBytes / b.heapBytes)]),
  )
  return {
    document: {
      model: what,
      trained: model.training !== null,
      network: model.network.name,
      shardBytes: used,
      arenaBytes,
      programBytes,
      heapBytes,
      flashBytes: bytecode.length,
      areas,
      boards,
    },
  }
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}

function millijoules(value: number | undefined): number | string {
  return value === undefined ? "–" : Number(value.toPrecision(2))
}

function rate(ms: number): number {
  return ms === 0 ? 0 : Math.round(10_000 / ms) / 10
}

function rounded(counts: Record<string, number>): Record<string, number> {
  return Object.fromEntries(Object.entries(counts).map(([kind, n]) => [kind, Math.round(n)]))
}
