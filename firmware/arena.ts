/**
 * The one large piece of memory of the program. It is allocated before anything else: every later
 * allocation, a call's frame included, wipes the rest of its free block, so a nearly full heap makes
 * calls up to four times faster; and a board can never run out of memory half-way through a sample.
 */
export const ARENA_BYTES = 40960
export const arena = Buffer.alloc(ARENA_BYTES)

/** Heap the rest of the program holds while idle, bytes: measured, see test/firmware/heap.test.ts. */
export const PROGRAM_BYTES = 6000
