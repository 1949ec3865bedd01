/** What the page knows, and who is to be drawn anew when it changes: once a frame at most. */
import { useEffect, useState } from "preact/hooks"
import type { Answer, Control, FleetView, Hello, InsideView, ToPage } from "../messages"
import { applySignal, type SignalTopic } from "./signal-store"

/** Points of a curve kept; beyond it every other goes. */
const MOST_POINTS = 2_000
const MOST_MISTAKES = 24
const MOST_LINES = 200

export type Link = "connecting" | "waiting" | "live" | "lost" | "refused" | "ended"
export type Topic =
  | "link"
  | "hello"
  | "tally"
  | "control"
  | "fleet"
  | "answer"
  | "inside"
  | "log"
  | SignalTopic

export type Tally = Hello["tallies"]["learning"]

/** A board's messages a second, from the board and to it. */
export interface Rate {
  from: number
  to: number
}

interface State {
  link: Link
  hello?: Hello
  tallies?: Hello["tallies"]
  /** The sample last named or learnt: its picture, base64, what it shows and what it was taken for. */
  last?: { image?: string; label: number; named: number }
  control?: Control
  fleet?: FleetView
  rates: Rate[]
  answer?: Answer
  /** What had been learnt when it came. */
  answeredAt: number
  refusal?: string
  inside?: InsideView
  log: Hello["log"]
}

export const state: State = { link: "connecting", log: [], rates: [], answeredAt: 0 }

interface Listener {
  topics: Topic[]
  draw(): void
  /** Drawn no more often than this, ms, and when last. */
  everyMs: number
  last: number
  due: boolean
}

const listeners = new Set<Listener>()
let frame = 0

export function touch(...topics: Topic[]): void {
  for (const listener of listeners)
    if (topics.some(topic => listener.topics.includes(topic))) listener.due = true
  if (frame === 0) frame = requestAnimationFrame(drawDue)
}

function drawDue(now: number): void {
  frame = 0
  let later = false
  for (const listener of [...listeners]) {
    if (!listener.due) continue
    if (now - listener.last < listener.everyMs) {
      later = true
      continue
    }
    listener.due = false
    listener.last = now
    listener.draw()
  }
  if (later && frame === 0) frame = requestAnimationFrame(drawDue)
}

/** Draws a component anew when one of the topics has changed. */
export function useTopics(...topics: Topic[]): State {
  return useTopicsEvery(0, ...topics)
}

/** As useTopics; for what costs much to draw, or nobody could read more often. */
export function useTopicsEvery(everyMs: number, ...topics: Topic[]): State {
  const [, set] = useState(0)
  useEffect(() => {
    const draw = () => set(n => n + 1)
    const listener = { topics, draw, everyMs, last: 0, due: false }
    listeners.add(listener)
    return () => {
      listeners.delete(listener)
    }
  }, [])
  return state
}

export function setLink(link: Link): void {
  // A run that has ended is not missed; another may come.
  if (state.link === "ended" && (link === "lost" || link === "connecting")) return
  state.link = link
  touch("link")
}

let fleetAt = 0

export function apply(message: ToPage): void {
  const { type } = message
  const ofSignal = applySignal(message)
  if (ofSignal) {
    if (type === "signal") setLink("live")
    touch(...ofSignal)
  } else if (type === "waiting" || type === "ended") setLink(type)
  else if (type === "update") update(message)
  else if (type === "fleet") fleet(message)
  else if (type === "hello") {
    const { tallies, log } = message
    Object.assign(state, { hello: message, tallies, log, inside: undefined, rates: [] })
    state.refusal = undefined
    setLink("live")
    touch("hello", "tally", "log", "inside", "answer")
  } else if (type === "control") {
    state.control = message
    touch("control")
  } else if (type === "answer") {
    Object.assign(state, { answer: message, refusal: undefined, answeredAt: learntSoFar() })
    touch("answer")
  } else if (type === "refused") {
    state.refusal = message.what
    touch("answer")
  } else if (type === "inside") {
    state.inside = message
    touch("inside")
  } else if (type === "log") {
    state.log = [...state.log, ...message.lines].slice(-MOST_LINES)
    touch("log")
  }
}

/** Samples learnt and lessons taught: how often the network has changed. */
export function learntSoFar(): number {
  return (state.tallies?.learning.samples ?? 0) + (state.control?.taught ?? 0)
}

function update(message: Extract<ToPage, { type: "update" }>): void {
  const tally = state.tallies?.[message.kind]
  if (!tally) return
  for (const { label, named } of message.samples) {
    tally.samples++
    if (label === named) tally.right++
    if (tally.confusion[label]?.[named] !== undefined) tally.confusion[label][named]++
  }
  tally.curve.push(...message.points)
  if (tally.curve.length > MOST_POINTS) tally.curve = tally.curve.filter((_, i) => i % 2 === 1)
  tally.mistakes = [...message.mistakes.toReversed(), ...tally.mistakes].slice(0, MOST_MISTAKES)
  // One message has both: a picture is never shown with another sample's caption.
  const last = message.samples.at(-1)
  if (last) state.last = { ...last, image: message.image }
  if (state.control) state.control.kind = message.kind
  touch("tally")
}

function fleet(message: FleetView): void {
  const now = performance.now()
  const seconds = (now - fleetAt) / 1000
  const before = state.fleet?.boards
  state.rates = message.boards.map(({ fromBoard, toBoard }, i) =>
    before?.[i] && fleetAt > 0
      ? {
          from: Math.max(0, fromBoard - before[i].fromBoard) / seconds,
          to: Math.max(0, toBoard - before[i].toBoard) / seconds,
        }
      : { from: 0, to: 0 },
  )
  fleetAt = now
  state.fleet = message
  touch("fleet")
}
