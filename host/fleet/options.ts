/** What a fleet is made of. */
import type { BoardSet, OpenOptions, WrapPort } from "../hardware/board-set"
import type { Network } from "../network/network"
import type { Slice } from "../network/slices"
import type { Checkpoint } from "../session/reports"
import type { FleetWatch } from "../session/watch"

export interface FleetOptions {
  network: Network
  /** Number of boards. */
  boards: number
  /** Opens as many boards; virtual ones unless given. */
  open?: (options: OpenOptions) => Promise<BoardSet>
  bytecode: Uint8Array
  signal?: AbortSignal
  log?: (line: string) => void
  /** What the user should know: what is being done, and every recovery. */
  status?: (text: string) => void
  /** Learnt samples between two checkpoints. */
  checkpointSamples?: number
  watch?: FleetWatch
  /** Which board gets what; absent: every hidden layer split evenly. */
  shares?: Slice[][]
  /** How long a sample may take, ms; absent: by what it costs the boards. */
  sampleDeadlineMs?: number
  /** Where learning begins; absent: the network as its seed draws it. */
  start?: Checkpoint
  /** Put between the boards and the host. */
  wrap?: WrapPort
  /** Repeat everything on the host and compare; default: true. */
  verify?: boolean
}
