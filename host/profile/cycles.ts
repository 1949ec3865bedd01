/** What operations cost a board, in cycles. */
import type { BoardProfile } from "../hardware/board-profile"
import { type KindCounts, OPERATION_KINDS, type OperationKind } from "../hardware/program-functions"

/** A board's clock and the cycles of each kind of operation. */
export interface Cycles {
  clockHz: number
  perKind: Record<OperationKind, number>
}

/**
 * A call allocates its frame, which takes the longer the emptier the heap is, as the rest of the free
 * block is wiped: 50 µs on a Pico's nearly full heap, 200 on an empty one. With this program, which
 * leaves a third free, it is about 100 µs: half of it is counted for the call and half for its
 * return, in mixed operations of the board.
 */
const CALL_OPERATIONS = 16
const ALLOCATE_OPERATIONS = 32

/**
 * Cycles by a board's profile. Where it has no figure for a kind (logic, which works as addition does;
 * what is rare) that of mixed code stands for it.
 */
export function cyclesOf(
  profile: Pick<BoardProfile, "clockHz" | "cyclesPerOperation" | "operationCycles">,
): Cycles {
  const mixed = profile.cyclesPerOperation
  const known = profile.operationCycles
  const perKind = Object.fromEntries(OPERATION_KINDS.map(kind => [kind, mixed])) as Record<
    OperationKind,
    number
  >
  perKind.call = CALL_OPERATIONS * mixed
  perKind.allocate = ALLOCATE_OPERATIONS * mixed
  if (known) {
    const { mathField, namedField, ...same } = known
    Object.assign(perKind, same, { builtin: mathField, field: namedField, logic: known.add })
  }
  return { clockHz: profile.clockHz, perKind }
}

/** Milliseconds of so many operations. */
export function costOf(counts: KindCounts, { clockHz, perKind }: Cycles): number {
  const cycles = OPERATION_KINDS.reduce((sum, kind) => sum + counts[kind] * perKind[kind], 0)
  return (cycles / clockHz) * 1000
}
