/**
 * Faults as a user or a test names them: "drop@0.5%,reset@1.out.image#7".
 *
 *     KIND[:MS]@PERCENT%            any frame, with that probability
 *     KIND[:MS]@STREAM:PERCENT%     frames of one stream or of the streams that begin with it
 *     KIND[:MS]@STREAM#INDEX        the frame with that number in the stream, from 0; once
 *
 * Streams are named in frame-streams.ts. A frame's number counts within its own stream, because
 * boards announce themselves by the clock: between two runs only that differs.
 */
import { WuxingError } from "../base/errors"

interface Kind {
  does: string
  /** Its usual time, where it has one. */
  ms?: number
}

/** What each does. */
export const FAULT_KINDS = {
  drop: { does: "the frame is lost" },
  repeat: { does: "it comes twice" },
  corrupt: { does: "one bit of it is flipped on the wire" },
  truncate: { does: "only its first half comes" },
  delay: { does: "it and all behind it are held back", ms: 300 },
  reorder: { does: "it comes behind the next one" },
  stall: { does: "the port is dead in both directions for a time, then all comes", ms: 1_500 },
  unplug: { does: "the port goes away, and may be opened again; the board runs on" },
  reset: { does: "the board is told to reset" },
  kill: { does: "the board loses its power: a virtual board's process is killed" },
} satisfies Record<string, Kind>

/** What happens between a run and the boards of an agent; the sweep alone can do it. */
export const BROKER_KINDS = {
  broker: {
    does: "the broker loses all connections and is back a moment later, without its memory",
  },
  line: { does: "the run loses its connection to the broker" },
  agentline: { does: "the agent loses its connection to the broker" },
  agentkill: { does: "the agent goes without a word, and is started again under its name" },
  agentgone: { does: "the agent goes without a word, and does not come back" },
} satisfies Record<string, Kind>

export type FaultKind = keyof typeof FAULT_KINDS
export type BrokerKind = keyof typeof BROKER_KINDS

export interface FaultRule {
  kind: FaultKind | BrokerKind
  /** How long a delay or stall takes. */
  ms: number
  /** "1.out.image", or a beginning of it up to a point; absent: every frame. */
  stream?: string
  /** Number of the frame in the stream; the fault then comes once. */
  index?: number
  /** 0…1, where there is no index. */
  rate?: number
}

const MOST_MS = 600_000
const ITEM = /^([a-z]+)(?::(\d{1,6}))?@(?:([0-9a-z.-]+)#(\d{1,9})|(?:([0-9a-z.-]+):)?([0-9.]+)%)$/

/**
 * @param all kinds of brokers and agents too
 * @throws WuxingError "usage" (kind usage) that quotes what is wrong
 */
export function parseFaults(text: string, all = false): FaultRule[] {
  return text.split(",").map(item => {
    const found = ITEM.exec(item.trim())
    if (!found) throw wrong(item, "is no fault")
    const [, kind, ms, indexed, index, rated, percent] = found
    if (!isKind(kind) && !(all && isBrokerKind(kind)))
      throw wrong(item, `names no kind of fault ("${kind}")`)
    const usual = usualMs(kind)
    if (ms !== undefined && usual === 0) throw wrong(item, `gives a time, and a ${kind} takes none`)
    const time = ms === undefined ? usual : Number(ms)
    if (time > MOST_MS) throw wrong(item, `takes longer than ${MOST_MS} ms`)
    if (index !== undefined) return { kind, ms: time, stream: indexed, index: Number(index) }
    const rate = /^\d{1,3}(\.\d{1,6})?$/.test(percent) ? Number(percent) / 100 : Number.NaN
    if (!(rate >= 0 && rate <= 1)) throw wrong(item, "has a rate that is not within 0 % and 100 %")
    return { kind, ms: time, ...(rated === undefined ? {} : { stream: rated }), rate }
  })
}

/** As `parseFaults` reads it. */
export function formatFault({ kind, ms, stream, index, rate }: FaultRule): string {
  const head = ms === usualMs(kind) ? kind : `${kind}:${ms}`
  if (index !== undefined) return `${head}@${stream}#${index}`
  const percent = `${Number(((rate ?? 0) * 100).toFixed(6))}%`
  return stream === undefined ? `${head}@${percent}` : `${head}@${stream}:${percent}`
}

/** How long it takes where nothing else is said; 0: it takes no time. */
export function usualMs(kind: FaultKind | BrokerKind): number {
  const { ms = 0 }: Kind = isBrokerKind(kind) ? BROKER_KINDS[kind] : FAULT_KINDS[kind]
  return ms
}

export function isBrokerKind(text: string): text is BrokerKind {
  return Object.hasOwn(BROKER_KINDS, text)
}

function isKind(text: string): text is FaultKind {
  return Object.hasOwn(FAULT_KINDS, text)
}

function wrong(item: string, what: string): WuxingError {
  return new WuxingError({
    code: "usage",
    kind: "usage",
    message: `"${item.trim()}" ${what}`,
    cause: `kinds are ${Object.keys(FAULT_KINDS).join(", ")}`,
    help: "for example drop@0.5% for one frame in 200, or reset@1.out.image#7 for a certain one",
  })
}
