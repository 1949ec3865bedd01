/** `wuxing bench --fleet --share …`: what more boards bring a network, by what they share. */
import type { Share, ShareRow } from "../bench/share-bench"
import type { Context } from "./command"
import { usageError } from "./options/usage"

const NETWORK = "pico-16"
const BOARDS = [1, 2, 4, 8]
const MOST = 32
const AVERAGE = 50
const ROUNDS = 2
/** Images each board names. */
const NAMED = 48
const SEED = 1

interface Options {
  share: Share
  model?: string
  boards?: number[]
  board?: string
  average?: number
}

export async function benchSharesOf(
  { share, model = NETWORK, boards, board = "pico", average }: Options,
  { output, signal }: Context,
) {
  if (average !== undefined && share !== "samples")
    throw usageError("--average is about copies of a network", "give it with --share samples")
  const { readMnist } = await import("../data/mnist")
  const { buildFirmware } = await import("../hardware/firmware")
  const { benchShares } = await import("../bench/share-bench")
  const { checkImages } = await import("../training/training")
  const { modelNamed } = await import("../models/trained")
  const { recipeOf } = await import("../training/recipes")
  const { network } = modelNamed(model, { seed: SEED })
  const { train } = readMnist()
  checkImages(network, "mnist", { ...train, count: train.labels.length })
  // As `train` has it: then every sample teaches.
  const { softmaxGain } = recipeOf(network)
  const taught = softmaxGain > 0 ? { ...network, softmaxGain } : network
  const rows = await benchShares(taught, train, {
    ...{ share, board, rounds: ROUNDS, named: NAMED, signal },
    average: average ?? AVERAGE,
    boards: boards ?? (share === "samples" ? [...BOARDS, MOST] : BOARDS),
    program: async shardBytes =>
      (await buildFirmware({ quiet: output.quiet, signal, shardBytes })).bytecode,
    onStep: what => output.status(what),
  })
  output.table(
    ["network", "boards", "learnt/s", "times one board's", "named/s", "times one board's"],
    rows.map(cells),
    [0, 1, 3, 5],
  )
  for (const { network: name, boards: count, unfit } of rows)
    if (unfit) output.print(`${name} on ${count} board${count === 1 ? "" : "s"}: ${unfit}`)
  return {
    ...{ rows, share, board, named: NAMED, seed: SEED },
    ...{ average: average ?? AVERAGE, rounds: ROUNDS },
  }
}

function cells(row: ShareRow): (string | number)[] {
  const figure = (value: number | undefined) => value?.toPrecision(3) ?? "-"
  return [
    ...[row.network, row.boards],
    ...[figure(row.learnPerSecond), figure(row.learnSpeedup)],
    ...[figure(row.inferPerSecond), figure(row.inferSpeedup)],
  ]
}
