/** How a board's heap is shared out: the program, the memory of a shard, and what stays free. */

/** The machine's heap on RP2040, ESP32, -S3, -C3 and Linux. A build for another board changes it. */
export const HEAP_BYTES = 65536

/**
 * Heap the program and the machine hold beside the shard's memory while a network runs and learns,
 * bytes. Measured: the heap less that memory and the largest further Buffer with which the program
 * still ran; test/firmware/heap.test.ts repeats it.
 */
export const PROGRAM_BYTES = 7000

/**
 * Kept free: 4,700 B for as many messages as may wait, 8 KiB to spare, and what a heap in pieces
 * cannot use.
 */
const FREE_BYTES = 17576

/** Memory set aside for a shard, and for the reports it gathers, on a board of so large a heap. */
export function shardBytesOf(heapBytes: number): number {
  return heapBytes - PROGRAM_BYTES - FREE_BYTES
}
