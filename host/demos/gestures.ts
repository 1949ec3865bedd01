/**
 * Recordings of gestures that nobody made: a hand moves an accelerometer along a path, turns it, and
 * trembles; persons differ in tempo, reach and how they hold it, repetitions of one person in all of
 * these a little. What the sensor says is the acceleration of the path and gravity, turned with the hand.
 */
import { hash32 } from "../../src/base/random"

export const GESTURES = ["wave", "circle", "lift", "push", "twist"] as const
export type Gesture = (typeof GESTURES)[number]

/** Readings a second, and of how many steps each the path's acceleration is found. */
export const GESTURE_HZ = 50
const FINE = 8
const G = 9.81

export interface Person {
  /** 1: as long and as far as the model says. */
  tempo: number
  reach: number
  /** How the module is held: turned about x and y, radians. */
  roll: number
  pitch: number
  /** Of tremor, m/s². */
  tremor: number
}

type Random = () => number

/** Uniform numbers 0…1, a sequence for each seed. */
export function randomOf(seed: number): Random {
  let at = 0
  return () => (hash32(seed, at++) >>> 0) / 2 ** 32
}

/** Between −1 and 1, most near 0. */
function spread(random: Random): number {
  return random() + random() - 1
}

export function personOf(seed: number): Person {
  const random = randomOf(seed ^ 0x7065)
  return {
    tempo: 1 + 0.25 * spread(random),
    reach: 1 + 0.3 * spread(random),
    roll: 0.35 * spread(random),
    pitch: 0.35 * spread(random),
    tremor: 0.04 + 0.04 * random(),
  }
}

/** 0…1 with a smooth start and end: the minimum-jerk path of a hand. */
function smooth(s: number): number {
  const t = Math.min(1, Math.max(0, s))
  return t ** 3 * (10 - 15 * t + 6 * t * t)
}

/** Seconds of a gesture; place (m) and further turn about y (radians) at s = 0…1. */
const PATHS: Record<
  Gesture,
  { seconds: number; at: (s: number) => [number, number, number, number] }
> = {
  wave: {
    seconds: 1.2,
    at: s => [
      0.1 * Math.sin(6 * Math.PI * s) * smooth(4 * s) * smooth(4 - 4 * s),
      0,
      0,
      0.1 * Math.sin(6 * Math.PI * s),
    ],
  },
  circle: {
    seconds: 1.0,
    at: s => [
      0.16 * (Math.cos(2 * Math.PI * smooth(s)) - 1),
      0.16 * Math.sin(2 * Math.PI * smooth(s)),
      0,
      0,
    ],
  },
  lift: { seconds: 1.1, at: s => [0, 0, 0.22 * (smooth(2 * s) - smooth(2 * s - 1)), 0] },
  push: { seconds: 0.8, at: s => [0, 0.2 * (smooth(2.5 * s) - smooth(2.5 * s - 1.5)), 0, 0] },
  twist: {
    seconds: 0.9,
    at: s => [0.02 * smooth(s), 0, 0, 1.3 * (smooth(2 * s) - smooth(2 * s - 1))],
  },
}

/**
 * Readings in g, x, y and z, as a Jacdac accelerometer has them (lying flat: 0, 0, −1), of one
 * repetition with stillness before and after it.
 *
 * @param gesture undefined: the hand is held still
 */
export function performed(
  gesture: Gesture | undefined,
  person: Person,
  seed: number,
  still = 0.8,
): [number, number, number][] {
  const random = randomOf(seed ^ 0x6765)
  const { seconds, at } = PATHS[gesture ?? "wave"]
  const lasts = (seconds * (1 + 0.1 * spread(random))) / person.tempo
  const reach = gesture ? person.reach * (1 + 0.15 * spread(random)) : 0
  const [roll, pitch, yaw] = [
    person.roll + 0.1 * spread(random),
    person.pitch + 0.1 * spread(random),
    0.15 * spread(random),
  ]
  const [phase, rate] = [6.3 * random(), 8 + 2 * random()]
  const step = 1 / (GESTURE_HZ * FINE)
  const place = (t: number) => at(Math.min(1, Math.max(0, (t - still) / lasts))).map(x => reach * x)
  const count = Math.round((lasts + 2 * still) * GESTURE_HZ)
  return Array.from({ length: count }, (_, i) => {
    const t = i / GESTURE_HZ
    const [before, now, after] = [place(t - step), place(t), place(t + step)]
    const tremble = (axis: number) =>
      person.tremor * Math.sin(2 * Math.PI * rate * t + phase + 2 * axis)
    const force = [0, 1, 2].map(
      k => (before[k] - 2 * now[k] + after[k]) / step ** 2 / G + tremble(k) / G - (k === 2 ? 1 : 0),
    )
    // Into the module's own axes: about z, then x, then y.
    const turned = turn(turn(turn(force, 0, 1, yaw), 1, 2, roll), 2, 0, pitch + now[3])
    return turned.map(value => value + 0.008 * spread(random)) as [number, number, number]
  })
}

function turn(v: number[], a: number, b: number, angle: number): number[] {
  const turned = [...v]
  turned[a] = v[a] * Math.cos(angle) - v[b] * Math.sin(angle)
  turned[b] = v[a] * Math.sin(angle) + v[b] * Math.cos(angle)
  return turned
}
