/**
 * The one large piece of memory of the program. It is allocated before anything else: every later
 * allocation, a call's frame included, wipes the rest of its free block, so a nearly full heap makes
 * calls up to four times faster; and a board can never run out of memory half-way through a sample.
 */
import { HEAP_BYTES, shardBytesOf } from "../src/base/heap"

export const ARENA_BYTES = shardBytesOf(HEAP_BYTES)
export const arena = Buffer.alloc(ARENA_BYTES)
