/** What goes between a page and the signal that it shows: as messages.ts, which has them all. */
import * as z from "zod/mini"

const count = z.int().check(z.nonnegative())
/** A sample: a value a channel. */
const row = z.array(z.number())

/** A window or segment, by the numbers of its samples, and what it was taken for. */
const mark = z.object({
  /** Samples before its first, and until its last one. */
  from: count,
  to: count,
  /** Of its class; absent: none that the network knows. */
  name: z.optional(z.string()),
  /** Of the best output over the next, in units of 1. */
  lead: z.number(),
})
export type Mark = z.infer<typeof mark>

const recording = z.object({
  id: count,
  label: z.string(),
  /** Of its file, without folders. */
  file: z.string(),
  /** Of what was recorded here. */
  samples: z.optional(count),
  /** Recorded here: it can be deleted. */
  own: z.boolean(),
})

/** Samples, one of every `stride`, from number `from` on. */
const trace = { from: count, stride: count, rows: z.array(row) }

const signal = z.object({
  type: z.literal("signal"),
  source: z.string(),
  channels: z.array(z.string()),
  /** Samples a second, as asked for; absent: whatever comes. */
  rate: z.optional(z.number()),
  /** Of a recording. */
  seconds: z.number(),
  folder: z.string(),
  /** What the page may have recorded: names of classes, or what the command says, or nothing. */
  records: z.enum(["asked", "command", "lessons"]),
  /** Classes of the network that names what is seen; absent: there is none. */
  classes: z.optional(z.array(z.string())),
  trace: z.object(trace),
  marks: z.array(mark),
  recordings: z.array(recording),
})
export type SignalView = z.infer<typeof signal>

/** How things stand. */
const state = z.object({
  type: z.literal("signal-state"),
  /** Samples a second that come. */
  rate: z.number(),
  silentSeconds: z.number(),
  /** What is being recorded, and for how long yet. */
  recording: z.optional(z.object({ label: z.string(), seconds: z.number() })),
  /** The class that the next movement is learnt as. */
  armed: z.optional(z.string()),
  /** Lessons taught, and those that can be taken back. */
  taught: count,
  undoable: count,
  /** What was last to be said of a recording. */
  note: z.optional(z.string()),
  /** Why the sensor is gone. */
  gone: z.optional(z.string()),
})
export type SignalState = z.infer<typeof state>

const played = z.object({
  type: z.literal("played"),
  id: count,
  label: z.string(),
  file: z.string(),
  channels: z.array(z.string()),
  /** Samples a second. */
  rate: z.number(),
  ...trace,
  marks: z.array(mark),
})
export type Played = z.infer<typeof played>

export const signalToPage = [
  signal,
  state,
  z.object({ type: z.literal("trace"), ...trace }),
  z.object({ type: z.literal("mark"), ...mark.shape }),
  z.object({ type: z.literal("recordings"), recordings: z.array(recording) }),
  played,
] as const

/** Characters of a class's name; what a folder can be called is looked at by who makes it. */
const label = z.string().check(z.minLength(1), z.maxLength(200))

export const signalFromPage = [
  /** Records so. */
  z.object({ type: z.literal("record"), label }),
  /** Ends the recording under way; what there is of it is kept. */
  z.object({ type: z.literal("cut") }),
  /** The movement that is made now is of this class: learn it. */
  z.object({ type: z.literal("lesson"), label: count }),
  /** There is one more class. */
  z.object({ type: z.literal("add-class"), name: label }),
  z.object({ type: z.literal("play"), recording: count }),
  z.object({ type: z.literal("delete"), recording: count }),
] as const

const askedOfSignal = z.discriminatedUnion("type", signalFromPage)
export type AskedOfSignal = z.infer<typeof askedOfSignal>
