/** Measures the way to a board: round trip, throughput, and what the framing costs. */
import { realClock } from "../base/clock"
import { WuxingError } from "../base/errors"
import type { BoardLink } from "../link/board-link"
import { crc16 } from "../link/crc16"
import {
  buildPacket,
  deviceIdFromHex,
  JD_FRAME_FLAG_COMMAND,
  JD_FRAME_HEADER_SIZE,
  write32,
} from "../link/jacdac"
import { encodeFrame, JdUsbDecoder } from "../link/jdusb"
import type { Port } from "../link/port"
import { seconds, wait } from "../link/wait"

/** Size of the frames measured, bytes, with their header and CRC. */
export const FRAME_SIZE = 200
const PAYLOAD_SIZE = FRAME_SIZE - JD_FRAME_HEADER_SIZE - 4
/** Frames on their way at once when throughput is measured: a board keeps a few. */
const UNDER_WAY = 8
const DEADLINE_MS = 5_000
/** Turns of each way; an odd number has a median. */
const TURNS = 5
/** Rounds of the framing, of which the median counts: on a busy machine many are disturbed. */
const ROUNDS = 101
const FRAMES_A_ROUND = 1_000

export interface LinkFigures {
  /** One frame there and its acknowledgement back, µs. */
  roundTrip: { median: number; p99: number; count: number }
  /** Bytes of frames a second, several on their way at once, each acknowledged. */
  bytesPerSecond: number
}

/** Nanoseconds for each byte of a 200-byte frame. */
export interface FramingFigures {
  /** The sender's quoting. */
  encode: number
  /** The sender's checksum. */
  crc: number
  /** The receiver: finding the frame, its quotes, its own checksum, a copy. */
  decode: number
  /** All of it, both ends. */
  total: number
}

/** Sends a frame and resolves when its answer is here. */
export type Exchange = (payload: Uint8Array) => Promise<void>

export function boardExchange(link: BoardLink): Exchange {
  return payload => link.ping(payload)
}

/**
 * As many bytes as a frame has, with nothing done to them, on a port that sends all back.
 * The exchange throws WuxingError "echo-missing" (kind board).
 */
export function echoExchange(port: Port): Exchange {
  let returned = 0
  let sent = 0
  const waiting: { at: number; done: () => void }[] = []
  port.onData = bytes => {
    returned += bytes.length
    while (waiting.length > 0 && waiting[0].at <= returned) waiting.shift()!.done()
  }
  const frame = new Uint8Array(FRAME_SIZE)
  return () =>
    wait<void>({
      deadlineMs: DEADLINE_MS,
      what: `an echo on ${port.name}`,
      late: () =>
        new WuxingError({
          code: "echo-missing",
          kind: "board",
          message: `${port.name} did not send ${FRAME_SIZE} bytes back within ${seconds(DEADLINE_MS)}`,
          cause: "the machine is very busy",
          help: "try again",
        }),
      start: (resolve, reject) => {
        sent += FRAME_SIZE
        waiting.push({ at: sent, done: resolve })
        port.write(frame).catch(reject)
        return () => {}
      },
    })
}

/**
 * Measures several ways in turns, so that a slow moment of the machine meets all of them; of the
 * throughputs the median counts.
 *
 * @param secondsEach for each way and each of the two figures
 */
export async function benchWays(
  ways: readonly Exchange[],
  secondsEach: number,
): Promise<LinkFigures[]> {
  const trips: number[][] = ways.map(() => [])
  const rates: number[][] = ways.map(() => [])
  for (let turn = 0; turn < TURNS; turn++) {
    for (const [i, exchange] of ways.entries()) {
      trips[i].push(...(await roundTrips(exchange, secondsEach / TURNS)))
      rates[i].push(await throughput(exchange, secondsEach / TURNS))
    }
  }
  return ways.map((_, i) => {
    const times = trips[i].sort((a, b) => a - b)
    const sorted = rates[i].sort((a, b) => a - b)
    return {
      roundTrip: {
        median: times[times.length >> 1],
        p99: times[Math.floor(times.length * 0.99)],
        count: times.length,
      },
      bytesPerSecond: sorted[sorted.length >> 1],
    }
  })
}

let number = 0

/** Each frame differs, so that an acknowledgement cannot be that of another. */
function nextPayload(): Uint8Array {
  const payload = new Uint8Array(PAYLOAD_SIZE)
  write32(payload, 0, number++)
  return payload
}

/** µs each. */
async function roundTrips(exchange: Exchange, length: number): Promise<number[]> {
  const times: number[] = []
  for (const end = realClock.now() + length * 1000; realClock.now() < end; ) {
    const start = realClock.now()
    await exchange(nextPayload())
    times.push((realClock.now() - start) * 1000)
  }
  return times
}

/** Bytes a second. */
async function throughput(exchange: Exchange, length: number): Promise<number> {
  let frames = 0
  const start = realClock.now()
  const worker = async () => {
    while (realClock.now() < start + length * 1000) {
      await exchange(nextPayload())
      frames++
    }
  }
  await Promise.all(Array.from({ length: UNDER_WAY }, worker))
  return (frames * FRAME_SIZE) / ((realClock.now() - start) / 1000)
}

/** Frames of random bytes, as signals are: about half of them hold a byte that needs a quote. */
export function benchFraming(): FramingFigures {
  const device = deviceIdFromHex("0123456789abcdef")
  const frames: Uint8Array[] = []
  let random = 1
  for (let i = 0; i < FRAMES_A_ROUND; i++) {
    const payload = new Uint8Array(PAYLOAD_SIZE)
    for (let at = 0; at < payload.length; at++) {
      random = (Math.imul(random, 1664525) + 1013904223) >>> 0
      payload[at] = random >>> 24
    }
    frames.push(buildPacket(device, JD_FRAME_FLAG_COMMAND, 1, 0x80, payload))
  }
  const lines = frames.map(frame => encodeFrame(frame))
  let sink = 0
  const decoder = new JdUsbDecoder({ onFrame: frame => (sink += frame.length) })
  const each = (work: (i: number) => void) => () => {
    for (let i = 0; i < FRAMES_A_ROUND; i++) work(i)
  }
  const crc = each(i => (sink += crc16(frames[i], 2)))
  const encode = each(i => (sink += encodeFrame(frames[i]).length))
  const decode = each(i => decoder.push(lines[i]))
  const parts = [encode, crc, decode]
  const times = parts.map(() => [] as number[])
  for (let round = 0; round < ROUNDS; round++) {
    // In turns, so that a slow moment of the machine meets all of them.
    for (const [i, part] of parts.entries()) {
      const start = realClock.now()
      part()
      times[i].push(realClock.now() - start)
    }
  }
  if (sink === 0 || decoder.frames !== ROUNDS * FRAMES_A_ROUND) throw new Error("frames were lost")
  const [encodeNs, crcNs, decodeNs] = times.map(all => {
    all.sort((a, b) => a - b)
    return (all[all.length >> 1] * 1e6) / (FRAMES_A_ROUND * FRAME_SIZE)
  })
  return { encode: encodeNs, crc: crcNs, decode: decodeNs, total: encodeNs + crcNs + decodeNs }
}
