/**
 * Recordings varied: slower and faster, larger and smaller, turned, noisier. A few examples of a movement or
 * a word are then learnt as the many that a person would make of it.
 *
 * A variant is a function of the recording's place among those learnt and of its own number alone, in the
 * four rules of arithmetic, so that it has the same bits on every machine.
 */
import { z } from "zod"
import { hash32 } from "../../src/base/random"
import { WuxingError } from "../base/errors"
import { lengthOf, type Recording, valueAt } from "./recording"

/** The most of each; a variant gets anything up to it, evenly. */
export type Variation = {
  /** Variants of each recording, which are learnt beside it. */
  copies: number
  /** Parts by which it is slower or faster. */
  speed: number
  /** Parts by which each quarter of it is slower or faster by itself. */
  warp: number
  /** Parts by which it is larger or smaller. */
  size: number
  /** Parts by which each channel is larger or smaller by itself. */
  stretch: number
  /** Radians by which each pair of channels is turned, of the first three. */
  turn: number
  /** Noise, in parts of the recording's own deviation. */
  noise: number
  /** Sound duller or brighter: parts of a sample that the next one gets. */
  tilt: number
}

/** By name: the most it may be. */
const AMOUNTS = {
  speed: 0.5,
  warp: 0.5,
  size: 0.9,
  stretch: 0.9,
  turn: 0.8,
  noise: 1,
  tilt: 0.9,
} as const
const MOST_COPIES = 50
const DEFAULT_COPIES = 4
type Amount = keyof typeof AMOUNTS
const NAMES = Object.keys(AMOUNTS) as Amount[]

const amount = (name: Amount) => z.number().min(0).max(AMOUNTS[name])

export const variationSchema: z.ZodType<Variation> = z.strictObject({
  copies: z.int().min(1).max(MOST_COPIES),
  speed: amount("speed"),
  warp: amount("warp"),
  size: amount("size"),
  stretch: amount("stretch"),
  turn: amount("turn"),
  noise: amount("noise"),
  tilt: amount("tilt"),
})

/** The spelling of the command line. @throws WuxingError "usage" */
export function parseVariation(text: string): Variation {
  const made: Variation = {
    ...{ copies: DEFAULT_COPIES, speed: 0, warp: 0, size: 0 },
    ...{ stretch: 0, turn: 0, noise: 0, tilt: 0 },
  }
  const given = new Set<string>()
  for (const word of text.split(",")) {
    const [name, value = ""] = word.split("=")
    if (given.has(name)) throw unknown(text, `${name} is given twice`)
    given.add(name)
    const known = name === "copies" ? name : NAMES.find(other => other === name)
    if (!known) throw unknown(text, `"${word}" is none of copies, ${NAMES.join(", ")}`)
    const most = known === "copies" ? MOST_COPIES : AMOUNTS[known]
    const least = known === "copies" ? 1 : 0
    const number = Number(value)
    const wrong = known === "copies" ? !/^\d+$/.test(value) : !/^\d*\.?\d+$/.test(value)
    if (wrong || number < least || number > most)
      throw unknown(
        text,
        `${name} is ${value || "missing"}, expected ${known === "copies" ? "a whole number, " : ""}${least} to ${most}`,
      )
    made[known] = number
  }
  if (NAMES.every(name => made[name] === 0))
    throw unknown(text, "nothing in it varies, so all variants would be the recording itself")
  return made
}

/** As {@link parseVariation} reads it. */
export function variationText(variation: Variation): string {
  const varies = NAMES.filter(name => variation[name] > 0)
  return [`copies=${variation.copies}`, ...varies.map(name => `${name}=${variation[name]}`)].join()
}

function unknown(text: string, what: string): WuxingError {
  return new WuxingError({
    code: "usage",
    kind: "usage",
    message: `--vary ${text}: ${what}`,
    cause: "an amount is misspelt, missing or out of range; they have commas between them",
    help: "for example --vary copies=4,speed=0.1,stretch=0.1,turn=0.1",
  })
}

/** Stretches of a recording that are slower or faster by themselves. */
const STRETCHES = 4
const SEED = 0x7661

/**
 * One variant.
 *
 * @param place of the recording among those that are learnt, from 0
 * @param copy from 0
 * @param least samples it has at least: after the recording's end it stays at the last one
 */
export function varied(
  recording: Recording,
  variation: Variation,
  place: number,
  copy: number,
  least = 1,
): Recording {
  let drawn = 0
  const base = hash32(hash32(SEED, place), copy)
  /** −1 … 1, evenly. */
  const draw = () => (hash32(base, drawn++) >>> 0) / 2 ** 31 - 1
  /** 1 + most, or the inverse of it, and all between. */
  const factor = (most: number) => {
    const by = most * draw()
    return by < 0 ? 1 / (1 - by) : 1 + by
  }
  const speed = factor(variation.speed)
  const speeds = Array.from({ length: STRETCHES }, () => speed * factor(variation.warp))
  const size = factor(variation.size)
  const sizes = recording.values.map(() => size * factor(variation.stretch))
  const angles = [draw(), draw(), draw()].map(by => by * variation.turn)
  const tilt = variation.tilt * draw()
  const noise = variation.noise * Math.abs(draw())
  const places = timesOf(lengthOf(recording), speeds)
  while (places.length < least) places.push(lengthOf(recording))
  let values: Float64Array[] = recording.values.map((from, channel) =>
    Float64Array.from(places, at => sizes[channel] * valueAt(from, at)),
  )
  if (variation.turn > 0) values = turned(values, angles)
  if (tilt !== 0)
    // Divided, so that it stays within the range it had.
    for (const channel of values)
      for (let i = channel.length - 1; i >= 0; i--)
        channel[i] = (channel[i] + tilt * channel[Math.max(0, i - 1)]) / (1 + Math.abs(tilt))
  if (noise > 0)
    for (const channel of values) {
      const most = noise * deviationOf(channel)
      for (let i = 0; i < channel.length; i++) channel[i] += most * draw()
    }
  return { ...recording, values }
}

/** Where the samples of a variant lie in the recording, whose stretches pass at these speeds. */
function timesOf(length: number, speeds: number[]): number[] {
  const places: number[] = []
  const last = length - 1
  let at = 0
  while (at <= last) {
    places.push(at)
    at += speeds[Math.min(STRETCHES - 1, Math.floor((at * STRETCHES) / length))]
  }
  return places
}

/** The first two or three channels turned about each other, pair by pair. */
function turned(values: Float64Array[], angles: number[]): Float64Array[] {
  const made = values.map(channel => channel.slice())
  const pairs: [number, number, number][] = [[0, 1, angles[0]]]
  if (values.length > 2) pairs.push([1, 2, angles[1]], [0, 2, angles[2]])
  if (values.length < 2) return made
  for (const [a, b, angle] of pairs) {
    // By the tangent of half the angle, which is within 1 % of half of it where the angle is below a third.
    const half = angle / 2
    const whole = 1 + half * half
    const [cosine, sine] = [(1 - half * half) / whole, (2 * half) / whole]
    for (let i = 0; i < made[a].length; i++) {
      const [x, y] = [made[a][i], made[b][i]]
      made[a][i] = cosine * x - sine * y
      made[b][i] = sine * x + cosine * y
    }
  }
  return made
}

function deviationOf(values: Float64Array): number {
  const mean = values.reduce((sum, v) => sum + v, 0) / values.length
  return Math.sqrt(values.reduce((sum, v) => sum + (v - mean) * (v - mean), 0) / values.length)
}
