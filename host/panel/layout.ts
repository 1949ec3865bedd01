/**
 * What is wired to which pin of the panel: a JSON file, checked before anything is switched.
 *
 * The checks follow from StandardFirmata: it talks on pins 0 and 1, and as it starts it drives every
 * pin that has no analog input low.
 */
import { existsSync, readdirSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { z } from "zod"
import { messageOf, WuxingError } from "../base/errors"
import { readBytes } from "../base/input-file"
import { parseJson } from "../base/json-text"

const FOLDER = fileURLToPath(new URL("layouts", import.meta.url))
export const DEFAULT_LAYOUT = "leds"
/** Far above any layout: bounds of the file and of what it says. */
const MOST_BYTES = 64 * 1024
const JSON_BOUNDS = { values: 4096, depth: 8 }

/** I2C of boards in the Uno's shape. */
const I2C_PINS = ["A4", "A5"]

const pin = z.union([
  z
    .int()
    .max(127)
    .refine(n => n > 1, "pins 0 and 1 carry the serial port; use 2 and up"),
  z.string().regex(/^A(1[0-5]|[0-9])$/, "a number, or A0 to A15"),
])

/** A pin as printed on the board: 13, "A0". */
export type PinName = z.infer<typeof pin>

const degrees = z.number().min(0).max(180)
const microseconds = z.int().min(544).max(2400)

const leds = z.strictObject({
  kind: z.literal("leds"),
  /** One LED for each digit, from 0. */
  pins: z.array(pin).min(2).max(16),
})

const sevenSegment = z.strictObject({
  kind: z.literal("seven-segment"),
  pins: z.strictObject({ a: pin, b: pin, c: pin, d: pin, e: pin, f: pin, g: pin }),
  /** Which side of the segments is joined. */
  common: z.enum(["cathode", "anode"]),
})

const lcd = z.strictObject({
  kind: z.literal("lcd"),
  pins: z.strictObject({ rs: pin, en: pin, d4: pin, d5: pin, d6: pin, d7: pin }),
})

const i2cLcd = z.strictObject({
  kind: z.literal("i2c-lcd"),
  /** Of its PCF8574: 0x20…0x27, or 0x38…0x3F for a PCF8574A. */
  address: z.int().min(0x20).max(0x3f),
})

const layoutSchema = z
  .strictObject({
    digit: z.discriminatedUnion("kind", [leds, sevenSegment, lcd, i2cLcd]).optional(),
    confidence: z
      .discriminatedUnion("kind", [
        z.strictObject({ kind: z.literal("pwm"), pin }),
        z.strictObject({
          kind: z.literal("servo"),
          pin,
          /** Degrees of the needle at no and at full confidence. */
          from: degrees.default(0),
          to: degrees.default(180),
          /** Pulse widths at 0° and 180°. */
          pulsesUs: z.tuple([microseconds, microseconds]).default([600, 2400]),
        }),
      ])
      .optional(),
    /** In the order of the fleet's boards; a fleet may have more or fewer. */
    boards: z
      .array(z.strictObject({ status: pin.optional(), reset: pin.optional() }))
      .max(16)
      .default([]),
    /** How long a reset line is pulled low, ms. */
    resetMs: z.int().min(10).max(5000).default(200),
    /** A potentiometer between 5 V and ground, its wiper on an analog pin. */
    label: z.strictObject({ pin }).optional(),
    /** Buttons to ground. */
    teach: z.strictObject({ pin }).optional(),
    right: z.strictObject({ pin }).optional(),
  })
  .check(({ value, issues }) => {
    const problem = (path: PropertyKey[], message: string) =>
      issues.push({ code: "custom", input: value, path, message })
    const owner = new Map<PinName, string>()
    for (const { name, pin } of pinsOf(value as Layout)) {
      const other = owner.get(pin)
      if (other) problem([name], `pin ${pin} is already taken by ${other}`)
      owner.set(pin, name)
    }
    if (value.label && !isAnalog(value.label.pin))
      problem(["label", "pin"], `pin ${value.label.pin} reads no voltage; use an analog pin, A0 up`)
    for (const [i, { reset }] of value.boards.entries())
      if (reset !== undefined && !isAnalog(reset))
        problem(
          ["boards", i, "reset"],
          `StandardFirmata drives pin ${reset} low as it starts, which would hold the board in reset; use an analog pin, A0 up`,
        )
    if (value.teach && !value.label)
      problem(["teach"], "the teach button needs the potentiometer that chooses a label (label)")
  })

export type Layout = z.output<typeof layoutSchema>
export type DigitLayout = NonNullable<Layout["digit"]>
export type ConfidenceLayout = NonNullable<Layout["confidence"]>

export interface UsedPin {
  /** What it is for: "digit 3", "reset of board 0". */
  name: string
  pin: PinName
  needs: "output" | "pwm" | "servo" | "analog" | "input" | "i2c"
}

/** Every pin a layout uses. */
export function pinsOf({ digit, confidence, boards, label, teach, right }: Layout): UsedPin[] {
  const used: UsedPin[] = []
  if (digit?.kind === "leds")
    digit.pins.forEach((pin, i) => {
      used.push({ name: `digit ${i}`, pin, needs: "output" })
    })
  if (digit?.kind === "seven-segment" || digit?.kind === "lcd")
    for (const [name, pin] of Object.entries(digit.pins))
      used.push({
        name: digit.kind === "lcd" ? `LCD ${name.toUpperCase()}` : `segment ${name}`,
        pin,
        needs: "output",
      })
  if (digit?.kind === "i2c-lcd")
    I2C_PINS.forEach((pin, i) => {
      used.push({ name: `LCD ${["SDA", "SCL"][i]}`, pin, needs: "i2c" })
    })
  if (confidence) used.push({ name: "confidence", pin: confidence.pin, needs: confidence.kind })
  boards.forEach(({ status, reset }, i) => {
    if (status !== undefined)
      used.push({ name: `status of board ${i}`, pin: status, needs: "output" })
    if (reset !== undefined) used.push({ name: `reset of board ${i}`, pin: reset, needs: "input" })
  })
  if (label) used.push({ name: "label", pin: label.pin, needs: "analog" })
  if (teach) used.push({ name: "teach button", pin: teach.pin, needs: "input" })
  if (right) used.push({ name: "right button", pin: right.pin, needs: "input" })
  return used
}

export function isAnalog(pin: PinName): pin is string {
  return typeof pin === "string"
}

/** The layouts that come with the tool, by name. */
export function layoutNames(): string[] {
  return readdirSync(FOLDER)
    .filter(name => name.endsWith(".json"))
    .map(name => name.slice(0, -".json".length))
    .sort()
}

/**
 * @param what name of a layout that comes with the tool, or path of a JSON file
 * @throws WuxingError "layout-missing", "layout" (kind "data")
 */
export function readLayout(what: string): Layout {
  const path = layoutNames().includes(what) ? join(FOLDER, `${what}.json`) : what
  if (!existsSync(path))
    throw new WuxingError({
      code: "layout-missing",
      kind: "data",
      message: `there is no panel layout "${what}": neither a file, nor one of ${layoutNames().join(", ")}`,
      cause: "the name is misspelt, or the file lies in another folder",
      help: `name a file, or one of: ${layoutNames().join(", ")}`,
    })
  let json: unknown
  try {
    json = parseJson(readBytes(path, MOST_BYTES), JSON_BOUNDS)
  } catch (error) {
    throw badLayout(what, messageOf(error))
  }
  return parseLayout(json, what)
}

/** @throws WuxingError "layout" (kind "data") */
export function parseLayout(json: unknown, name: string): Layout {
  const parsed = layoutSchema.safeParse(json)
  if (!parsed.success) throw badLayout(name, z.prettifyError(parsed.error))
  return parsed.data
}

function badLayout(name: string, what: string): WuxingError {
  return new WuxingError({
    code: "layout",
    kind: "data",
    message: `panel layout ${name} is not valid: ${what}`,
    cause: "a member is missing, misspelt or out of range, or a pin cannot do what it is for",
    help: "compare it with those in host/panel/layouts",
  })
}
