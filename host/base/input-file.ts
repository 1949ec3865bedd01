/**
 * The one way to open what a user named: regular files only, of a stated size at most, packed by gzip
 * or not. A pipe or a device would be waited for without an end, or never stop giving.
 */
import { closeSync, constants, createReadStream, fstatSync, openSync, readSync } from "node:fs"
import type { Readable } from "node:stream"
import { createGunzip, gunzipSync } from "node:zlib"
import { messageOf } from "./errors"
import { heard } from "./heard"

/** gzip (RFC 1952) begins with these. */
const GZIP = [0x1f, 0x8b]

export interface OpenFile {
  file: number
  /** Bytes in the file. */
  size: number
  packed: boolean
}

/**
 * The caller closes `file`.
 *
 * @param most bytes a file may have
 * @throws Error that says what is wrong, or the system's own
 */
export function openFile(path: string, most: number): OpenFile {
  // Without blocking: opening a FIFO would wait for a writer.
  const file = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0))
  try {
    const stat = fstatSync(file)
    if (stat.isDirectory()) throw new Error("it is a folder")
    if (!stat.isFile()) throw new Error("it is a pipe or a device, not a regular file")
    if (stat.size > most) throw new Error(`it has ${stat.size} bytes, at most ${most} are read`)
    const head = Buffer.alloc(2)
    readSync(file, head, 0, 2, 0)
    return { file, size: stat.size, packed: head[0] === GZIP[0] && head[1] === GZIP[1] }
  } catch (error) {
    closeSync(file)
    throw error
  }
}

/** How many times its packed size a file may have unpacked; MNIST's images have 4.7 times. */
const MOST_PACKING = 5
/** What a small file may have unpacked, whatever it claims, bytes. */
const MOST_OF_SMALL = 64 * 2 ** 20

/**
 * A file as a whole, unpacked: in memory once, also where it was packed.
 *
 * @param most bytes, as it is and unpacked
 * @throws Error that says what is wrong, or the system's own
 */
export function readWholeFile(path: string, most: number): Buffer {
  const { bytes, packed } = read(path, most)
  return packed ? unpack(bytes, most) : bytes
}

/**
 * A file as a whole, as it is.
 *
 * @param most bytes
 * @throws Error that says what is wrong, or the system's own
 */
export function readBytes(path: string, most: number): Buffer {
  return read(path, most).bytes
}

/** The first bytes of a file, however large it is; fewer where it ends before. @throws as openFile */
export function readHead(path: string, count: number): Buffer {
  const { file } = openFile(path, Number.POSITIVE_INFINITY)
  try {
    return readOpen(file, count)
  } finally {
    closeSync(file)
  }
}

function read(path: string, most: number): { bytes: Buffer; packed: boolean } {
  const { file, size, packed } = openFile(path, most)
  try {
    return { bytes: readOpen(file, size), packed }
  } finally {
    closeSync(file)
  }
}

function readOpen(file: number, size: number): Buffer {
  const bytes = Buffer.alloc(size)
  let done = 0
  while (done < size) {
    const got = readSync(file, bytes, done, size - done, done)
    if (got === 0) break
    done += got
  }
  return bytes.subarray(0, done)
}

/** A file's bytes as they come, unpacked; errors as `openFile` at once, others on the stream. */
export function streamFile(path: string, most: number): Readable {
  const { file, packed } = openFile(path, most)
  const stream = heard(createReadStream(path, { fd: file, start: 0, highWaterMark: 256 * 1024 }))
  if (!packed) return stream
  const unpacked = heard(createGunzip())
  stream.on("error", error => unpacked.destroy(error))
  unpacked.on("close", () => stream.destroy())
  return stream.pipe(unpacked)
}

function unpack(bytes: Buffer, most: number): Buffer {
  // gzip ends with the unpacked size: a claim, checked before anything is allocated for it.
  const claimed = bytes.length >= 18 ? bytes.readUInt32LE(bytes.length - 4) : 0
  const bound = Math.min(most, Math.max(MOST_OF_SMALL, MOST_PACKING * bytes.length))
  if (claimed > bound)
    throw new Error(
      `unpacked it has ${claimed} bytes, at most ${bound} are read of ${bytes.length}`,
    )
  try {
    // A buffer of that size at once: Node would otherwise join pieces, and need twice the memory.
    return gunzipSync(bytes, { maxOutputLength: bound, chunkSize: Math.max(1024, claimed + 1) })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE")
      throw new Error(`unpacked it has more than ${bound} bytes`)
    throw new Error(`it is damaged gzip (${messageOf(error)})`)
  }
}
