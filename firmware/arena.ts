/**
 * The one large piece of memory of the program. It is allocated before anything else: every later
 * allocation, a call's frame included, wipes the rest of its free block, so a nearly full heap makes
 * calls up to four times faster; and a board can never run out of memory half-way through a sample.
 *
 * Of a heap of 65,536 B, 17,600 B are left while a network runs and learns, and 12,900 B while as
 * many messages wait as may: so up to 45,000 B could be set aside with 8 KiB to spare.
 */
export const ARENA_BYTES = 40960
export const arena = Buffer.alloc(ARENA_BYTES)

/**
 * Heap the rest of the program and the machine hold while a network runs and learns, bytes.
 * Measured: 65,536 B less the arena and the largest further Buffer (17,500 B always, 18,100 B never)
 * with which the program still ran; test/firmware/heap.test.ts repeats it.
 */
export const PROGRAM_BYTES = 7000
