/** What boards, or copies on the host, share of a training, and how many they are. */
import type { FoundBoards, Location } from "../../hardware/location"
import type { Network } from "../../network/network"
import { AVERAGE } from "../../partition/sharing"
import type { Sharing } from "../../training/training"
import type { TrainingData } from "../../training/training-data"
import type { Context } from "../command"
import { usageError } from "../options/usage"
import type { TrainOptions } from "./train-options"

/** Copies of a network on the host. */
const REPLICAS = 4

/** What boards share, and they, where that is to be known before a training is planned. */
export async function sharedBy(
  { on, share, average }: TrainOptions,
  network: Network,
  { output }: Context,
): Promise<{ share?: string; boards?: FoundBoards }> {
  if (on === undefined || (share !== "samples" && share !== "auto")) return { share }
  const boards = await boardsOf(on)
  if (share === "samples" || !boards) return { share, boards }
  const { readBoardProfile } = await import("../../hardware/board-profile")
  const { weighSharing } = await import("../../partition/sharing")
  const profile = readBoardProfile(boards.profile)
  const each = Array.from({ length: boards.count }, (_, i) => ({ id: `board ${i}`, profile }))
  const { faster } = weighSharing(network, each, average)
  output.status(`${boards.description} learn ${network.name} faster by sharing the ${faster}`)
  return { share: faster, boards }
}

export async function boardsOf(on: Location | undefined): Promise<FoundBoards | undefined> {
  if (on === undefined) return undefined
  const { findBoards } = await import("../../hardware/location")
  return await findBoards(on)
}

/** As many copies as there are boards, unless asked otherwise; or as there are folders for them. */
export function sharingOf(
  { average, replicas }: TrainOptions,
  boards: FoundBoards | undefined,
  data: TrainingData,
): Sharing {
  const { own } = data
  if (!own) return { replicas: replicas ?? boards?.count ?? REPLICAS, average: average ?? AVERAGE }
  if (boards) checkBoards(data, boards)
  const most = Math.max(...own.map(({ train }) => train.to - train.from))
  return { replicas: own.length, average: average ?? Math.min(AVERAGE, most), own: most }
}

/** Samples of an epoch: whole shares of every board, as many as the one with most data needs. */
export function ownSamples(sharing: Sharing | undefined): number | undefined {
  if (sharing?.own === undefined) return undefined
  const { replicas, average, own } = sharing
  return replicas * Math.ceil(own / average) * average
}

/** @throws WuxingError "usage" where there are not as many as folders */
export function checkBoards({ name, own = [] }: TrainingData, boards: FoundBoards): void {
  if (boards.count === own.length) return
  throw usageError(
    `${name} has folders for ${own.length} boards, and there are ${boards.count}: ${boards.description}`,
    "name as many boards as there are folders, or none to learn on the host",
  )
}
