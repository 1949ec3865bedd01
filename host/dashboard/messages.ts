/**
 * What goes between the dashboard's page and its server: JSON, one message a WebSocket frame, checked
 * on both sides. Events go one way, to the page; what the page asks for goes the other.
 */
import * as z from "zod/mini"
import { signalFromPage, signalToPage } from "./signal-messages"

/** Base64 of a picture for the widest network: 65,535 inputs, a byte each. */
const MOST_CHARACTERS = 4 * Math.ceil(65_535 / 3)
/** Bytes of a picture, base64, whole groups of four characters: what `atob` takes without an error. */
const bytes = z
  .string()
  .check(
    z.maxLength(MOST_CHARACTERS),
    z.regex(/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/),
  )
const whole = z.int()
const count = z.int().check(z.nonnegative())
/** −1: not known. */
const classNumber = z.int().check(z.minimum(-1), z.maximum(65535))

/** An image that was named or learnt: what it shows, what it was taken for. */
const sample = z.object({
  label: classNumber,
  named: classNumber,
  /** Whether there was an error at the outputs: learning has something to do. */
  error: z.boolean(),
})

const mistake = z.object({ image: bytes, label: classNumber, named: classNumber })

/** Samples so far; share classified correctly and share with an error, of the last 200 of them. */
const point = z.tuple([count, z.number(), z.number()])

const kind = z.enum(["learning", "naming"])
export type Kind = z.infer<typeof kind>

const tally = z.object({
  samples: count,
  right: count,
  curve: z.array(point),
  /** confusion[label][named] */
  confusion: z.array(z.array(count)),
  mistakes: z.array(mistake),
})

const boardFacts = z.object({
  title: z.string(),
  /** Whose it is: the agent's that offers it. */
  group: z.optional(z.string()),
  profile: z.string(),
  neurons: count,
  links: count,
  /** Of the neurons, 0…1. */
  share: z.number(),
  /** Heap of a board of its kind, bytes. */
  heapMost: count,
})

const hello = z.object({
  type: z.literal("hello"),
  network: z.object({
    name: z.string(),
    /** Pixels of a row and rows of the input. */
    columns: count,
    rows: count,
    /** Whether they are a picture: else nothing can be drawn for it. */
    picture: z.boolean(),
    links: count,
    steps: count,
    layers: z.array(
      z.object({
        neurons: count,
        inputs: count,
        outputFirst: count,
        outputs: count,
        outputStep: z.optional(count),
        links: count,
        /** Who computes which neurons: first, how many, board. */
        owners: z.array(z.tuple([count, count, count])),
      }),
    ),
  }),
  classes: z.array(z.string()),
  /** Whether there can be one class more. */
  addsClasses: z.boolean(),
  boards: z.array(boardFacts),
  /** Signals that go from board (row) to board (column) for a sample. */
  cut: z.array(z.array(count)),
  tallies: z.object({ learning: tally, naming: tally }),
  log: z.array(z.object({ board: whole, line: z.string() })),
})
export type Hello = z.infer<typeof hello>

/** How the run stands; sent with every update and whenever it changes. */
const control = z.object({
  kind: z.optional(kind),
  paused: z.boolean(),
  /** Bits by which learning is slower than planned, and the learning shift in force. */
  bits: whole,
  shift: whole,
  samplesPerSecond: z.number(),
  taught: count,
  /** Lessons that can be taken back. */
  undoable: count,
})
export type Control = z.infer<typeof control>

const update = z.object({
  type: z.literal("update"),
  kind,
  samples: z.array(sample),
  points: z.array(point),
  mistakes: z.array(mistake),
  /** The last image. */
  image: z.optional(bytes),
})

const liveBoard = z.object({
  state: z.enum(["loading", "running", "learning", "paused", "fault"]),
  samples: count,
  /** Messages of its program, of the host to it. */
  fromBoard: count,
  toBoard: count,
  errors: count,
  silentSeconds: z.number(),
  /** By the program's own account; absent before the first answer. */
  heapBytes: z.optional(count),
  handled: z.optional(count),
  refused: z.optional(count),
  dropped: z.optional(count),
  resets: count,
  /** By its own clock, which tells apart `tickMs`: parts of a sample, layer 0 where of none, mean ms. */
  times: z.optional(
    z.object({
      tickMs: z.number(),
      parts: z.array(
        z.object({
          kind: z.enum(["images", "forward", "backward", "learning", "reports"]),
          layer: count,
          ms: z.number(),
        }),
      ),
    }),
  ),
})
export type LiveBoard = z.infer<typeof liveBoard>

const fleet = z.object({
  type: z.literal("fleet"),
  boards: z.array(liveBoard),
  recoveries: count,
  /** Parts of a learnt sample as the host sees them, in order, mean ms over the last of them. */
  parts: z.array(z.object({ name: z.string(), ms: z.number() })),
})

const answer = z.object({
  type: z.literal("answer"),
  id: count,
  /** Displacements at the outputs, in units of 1. */
  outputs: z.array(z.number()),
  digit: count,
  /** 0…1 */
  confidence: z.number(),
  /** The class it had just been taught as. */
  taught: z.optional(classNumber),
})
export type Answer = z.infer<typeof answer>

const five = z.array(z.number()).check(z.length(5))

const inside = z.object({
  type: z.literal("inside"),
  layer: count,
  neuron: count,
  /** Samples after which the coefficients were read from the boards. */
  readAfter: count,
  image: z.optional(bytes),
  label: classNumber,
  /** Net input of each element, in units of 1. */
  inputs: five,
  fixedPoint: five,
  /** Elements after each step, the start first; backward signals after each step, absent without error. */
  forward: z.array(five),
  backward: z.optional(z.array(five)),
  /** Weight of each pixel, row by row; `direct`: its coefficients; else along all paths. */
  weights: z.array(z.number()),
  direct: z.boolean(),
  links: z.array(z.object({ element: count, links: count })),
  /** Coefficients of the layer, in units of 1: bins of equal width from `from` to `to`. */
  histogram: z.object({ from: z.number(), to: z.number(), bins: z.array(count) }),
  /** Mean |D| of each neuron of the layer for the image: what lights up. */
  activity: z.array(z.number()),
})
export type InsideView = z.infer<typeof inside>

const logLines = z.object({
  type: z.literal("log"),
  lines: z.array(z.object({ board: whole, line: z.string() })),
})

export const toPage = z.discriminatedUnion("type", [
  hello,
  update,
  z.object({ type: z.literal("control"), ...control.shape }),
  fleet,
  answer,
  inside,
  logLines,
  /** The boards are being started. */
  z.object({ type: z.literal("waiting") }),
  /** The run is over; the server goes too. */
  z.object({ type: z.literal("ended") }),
  z.object({ type: z.literal("refused"), what: z.string() }),
  ...signalToPage,
])
export type ToPage = z.infer<typeof toPage>
export type Update = z.infer<typeof update>
export type FleetView = z.infer<typeof fleet>
export type BoardFacts = z.infer<typeof boardFacts>

/** A drawing as the network takes it: one byte a pixel. */
const drawing = { id: count, image: bytes }

export const fromPage = z.discriminatedUnion("type", [
  z.object({ type: z.literal("name"), ...drawing }),
  z.object({ type: z.literal("teach"), ...drawing, label: count }),
  z.object({ type: z.literal("pause") }),
  z.object({ type: z.literal("resume") }),
  z.object({ type: z.literal("step") }),
  z.object({ type: z.literal("rate"), bits: z.int().check(z.minimum(-8), z.maximum(8)) }),
  z.object({ type: z.literal("read") }),
  /** Takes back the last lesson, and what was learnt after it; all that was learnt since the start. */
  z.object({ type: z.literal("undo") }),
  z.object({ type: z.literal("restart") }),
  /** Which neuron to show; `image`: for this drawing, else for the last image. */
  z.object({
    type: z.literal("look"),
    layer: count,
    neuron: count,
    image: z.optional(bytes),
    label: z.optional(count),
  }),
  ...signalFromPage,
])
export type FromPage = z.infer<typeof fromPage>

/** Base64 by what both browsers and Node have. */
export function encodeBytes(values: Uint8Array): string {
  let text = ""
  for (const value of values) text += String.fromCharCode(value)
  return btoa(text)
}

/** @param text base64, checked by the schema */
export function decodeBytes(text: string): Uint8Array {
  return Uint8Array.from(atob(text), character => character.charCodeAt(0))
}
