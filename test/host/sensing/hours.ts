/**
 * Recordings nobody made, for what is said of watching: gestures by several persons, and hours in which
 * none is made. The accelerometer is that of the demo "gesture".
 */
import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { GESTURE_HZ, GESTURES, performed, personOf, randomOf } from "../../../host/demos/gestures"

type Reading = [number, number, number]

const G = 9.81
/** Of a step, and how far a hand goes up and down with it, forth and back. */
const STEP_HZ = 1.9
const BOB_M = 0.025
const SWING_M = 0.05

/** Persons × repetitions of each gesture, a file each. */
export function writeGestures(folder: string, persons: number, repetitions: number): void {
  for (const [g, gesture] of GESTURES.entries()) {
    mkdirSync(join(folder, gesture), { recursive: true })
    for (let p = 0; p < persons; p++)
      for (let i = 0; i < repetitions; i++) {
        const seed = 7000 + 100 * p + 10 * i + g
        const readings = performed(gesture, personOf(500 + p), seed, 0.5)
        writeFileSync(join(folder, gesture, `${p}-${i}.csv`), csvOf(readings))
      }
  }
}

export function csvOf(readings: Reading[]): string {
  const rows = readings.map((r, i) =>
    [1000 * (i / GESTURE_HZ), ...r.map(v => v.toFixed(5))].join(","),
  )
  return `time (ms),x,y,z\n${rows.join("\n")}\n`
}

/** A hand that does nothing, and trembles. */
export function stillFor(seconds: number, seed: number): Reading[] {
  const found: Reading[] = []
  for (let i = 0; found.length < seconds * GESTURE_HZ; i++)
    found.push(...performed(undefined, personOf(seed), seed + i, 10))
  return found.slice(0, seconds * GESTURE_HZ)
}

/** Somebody walks, the module in the hand. */
export function walkingFor(seconds: number, seed: number): Reading[] {
  const random = randomOf(seed)
  const [pace, size] = [0.9 + 0.2 * random(), 0.8 + 0.4 * random()]
  const wave = 2 * Math.PI * STEP_HZ * pace
  return Array.from({ length: seconds * GESTURE_HZ }, (_, i) => {
    const t = i / GESTURE_HZ
    const noise = () => 0.06 * (random() + random() - 1)
    const up = -BOB_M * size * wave ** 2 * Math.sin(wave * t)
    const forth = -SWING_M * size * (wave / 2) ** 2 * Math.sin((wave * t) / 2)
    return [noise() + 0.1, forth / G + noise(), up / G - 1 + noise()]
  })
}

/** Somebody handles things: the hand goes from place to place and turns, every few seconds. */
export function handlingFor(seconds: number, seed: number): Reading[] {
  const random = randomOf(seed)
  const found: Reading[] = []
  let tilt = 0
  while (found.length < seconds * GESTURE_HZ) {
    const rest = 1 + 4 * random()
    const lasts = 0.4 + 0.8 * random()
    const far = [0, 1, 2].map(() => 0.6 * (random() - 0.5))
    const turn = 1.6 * (random() - 0.5)
    for (let i = 0; i < (rest + lasts) * GESTURE_HZ; i++) {
      const s = Math.min(1, Math.max(0, (i / GESTURE_HZ - rest) / lasts))
      // Second derivative of the minimum-jerk path t³ (10 − 15 t + 6 t²).
      const push = s > 0 && s < 1 ? (60 * s - 180 * s ** 2 + 120 * s ** 3) / lasts ** 2 : 0
      const angle = tilt + turn * s ** 3 * (10 - 15 * s + 6 * s * s)
      const [x, y, z] = far.map((m, k) => (m * push) / G - (k === 2 ? 1 : 0))
      const noise = () => 0.008 * (random() + random() - 1)
      found.push([
        x * Math.cos(angle) + z * Math.sin(angle) + noise(),
        y + noise(),
        z * Math.cos(angle) - x * Math.sin(angle) + noise(),
      ])
    }
    tilt = Math.max(-1, Math.min(1, tilt + turn))
  }
  return found.slice(0, seconds * GESTURE_HZ)
}
