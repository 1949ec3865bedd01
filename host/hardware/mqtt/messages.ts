/**
 * What agents and users of their boards send each other through a broker. All topics begin with
 * `wuxing/ROOM/`:
 *
 *     agents/AGENT           retained: what the agent offers (JSON, `announcementSchema`); empty: it is gone
 *     agents/~USER           retained for a moment: what is heard last of what is retained
 *     users/USER             last will of a user of boards: any message means that it is gone
 *     to/AGENT/BOARD/USER    messages to a board
 *     from/AGENT/BOARD/USER  messages of a board
 *
 * A message to or from a board is
 *
 *     kind u8 | session u32 | number u32 | content
 *
 * little-endian. The user draws the session's number; messages of one direction are numbered from 0.
 * A broker may pass a message twice, so a number seen before is dropped; a number left out ends the
 * session, as a pulled cable would.
 */
import { z } from "zod"
import { read32, write32 } from "../../link/jacdac"

export enum MessageKind {
  /** user → agent; content: 1 where the board is to be started anew first, else 0 */
  Open = 1,
  /** agent → user: the board's port is open; no content */
  Opened = 2,
  /** both ways: bytes of the port */
  Data = 3,
  /** both ways: the session is over; content from an agent: why, UTF-8 */
  Closed = 4,
  /** agent → user: the port was not opened; content: JSON, `refusalSchema` */
  Refused = 5,
}

const HEADER_BYTES = 9
/** A serial port gives some kilobytes at once; more than this from outside is none of ours. */
export const MOST_CONTENT_BYTES = 16_384
/** An agent's announcement: 64 boards of 100 bytes. */
export const MOST_ANNOUNCEMENT_BYTES = 8_192
export const MOST_AGENT_BOARDS = 64

export interface BoardMessage {
  kind: MessageKind
  session: number
  number: number
  content: Uint8Array
}

export function encodeMessage({ kind, session, number, content }: BoardMessage): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES + content.length)
  bytes[0] = kind
  write32(bytes, 1, session)
  write32(bytes, 5, number)
  bytes.set(content, HEADER_BYTES)
  return bytes
}

/** @returns undefined for what is no such message */
export function decodeMessage(bytes: Uint8Array): BoardMessage | undefined {
  if (bytes.length < HEADER_BYTES || bytes.length > HEADER_BYTES + MOST_CONTENT_BYTES)
    return undefined
  const kind = bytes[0]
  if (kind < MessageKind.Open || kind > MessageKind.Refused) return undefined
  return {
    kind,
    session: read32(bytes, 1) >>> 0,
    number: read32(bytes, 5) >>> 0,
    content: Uint8Array.prototype.slice.call(bytes, HEADER_BYTES),
  }
}

export const announcementSchema = z.object({
  /** Of these messages. */
  version: z.literal(1),
  /** A profile for each board, "unknown" where the agent has not asked it. */
  boards: z.array(z.string().max(32)).max(MOST_AGENT_BOARDS),
  description: z.string().max(256),
  /** Their program is the native one. */
  native: z.boolean(),
  /** How long a board may take to come back, ms. */
  reconnectMs: z.number().int().min(0).max(600_000),
})
export type Announcement = z.infer<typeof announcementSchema>

export const refusalSchema = z.object({
  code: z.string().regex(/^[a-z0-9-]{1,64}$/),
  message: z.string().max(2_000),
  cause: z.string().max(1_000).optional(),
  help: z.string().max(1_000).optional(),
})

export const topics = {
  agents: (room: string) => `wuxing/${room}/agents/+`,
  agent: (room: string, agent: string) => `wuxing/${room}/agents/${agent}`,
  /** Is no agent's, by its name: what is retained last (subscribeToRetained). */
  last: (room: string, user: string) => `wuxing/${room}/agents/~${user}`,
  users: (room: string) => `wuxing/${room}/users/+`,
  user: (room: string, user: string) => `wuxing/${room}/users/${user}`,
  toAgent: (room: string, agent: string) => `wuxing/${room}/to/${agent}/+/+`,
  toBoard: (room: string, agent: string, board: number, user: string) =>
    `wuxing/${room}/to/${agent}/${board}/${user}`,
  fromBoards: (room: string, user: string) => `wuxing/${room}/from/+/+/${user}`,
  fromBoard: (room: string, agent: string, board: number, user: string) =>
    `wuxing/${room}/from/${agent}/${board}/${user}`,
}

/** The last parts of a topic: of `to/AGENT/BOARD/USER` agent, board and user. */
export function partsOfTopic(topic: string): { agent: string; board: number; user: string } {
  const [agent, board, user] = topic.split("/").slice(-3)
  return { agent, board: /^\d{1,3}$/.test(board) ? Number(board) : -1, user }
}
