/** A layout as a drawing: the board's pins, and what goes to each, with the parts it needs. */
import { isAnalog, type Layout, type PinName, pinsOf, type UsedPin } from "./layout"

const ROW = 34
const TOP = 92
const WIDTH = 760
const BOARD = { left: 300, width: 160 }
const REACH = 70
const COLOURS: Record<UsedPin["needs"], string> = {
  output: "#d55e00",
  pwm: "#cc79a7",
  servo: "#8c6d00",
  analog: "#0072b2",
  input: "#009e73",
  i2c: "#56b4e9",
}

/** @param name of the layout, for the title */
export function drawLayout(layout: Layout, name: string): string {
  const used = pinsOf(layout).sort((a, b) => place(a.pin) - place(b.pin))
  const sides = {
    left: used.filter(p => isAnalog(p.pin)),
    right: used.filter(p => !isAnalog(p.pin)),
  }
  const rows = Math.max(sides.left.length, sides.right.length, 3)
  const notes = notesOf(layout)
  const boardHeight = rows * ROW + 20
  const height = TOP + boardHeight + 30 + notes.length * 20
  const title = `Panel "${name}": what to connect to which pin`
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" font-family="Helvetica, Arial, sans-serif" font-size="13" fill="#222222">`,
    `<title>${escaped(title)}</title>`,
    `<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>`,
    `<text x="20" y="30" font-size="16" font-weight="bold">${escaped(title)}</text>`,
    `<text x="20" y="52">An Arduino Uno (or another board with these pins) with StandardFirmata, on USB.</text>`,
    `<rect x="${BOARD.left}" y="${TOP - 10}" width="${BOARD.width}" height="${boardHeight}" rx="8" fill="#e8f1f5" stroke="#222222"/>`,
    `<text x="${BOARD.left + BOARD.width / 2}" y="${TOP - 20}" text-anchor="middle" font-weight="bold">Firmata board</text>`,
    ...sides.left.flatMap((pin, row) => wire(layout, pin, row, "left")),
    ...sides.right.flatMap((pin, row) => wire(layout, pin, row, "right")),
    ...notes.map(
      (note, i) => `<text x="20" y="${TOP + boardHeight + 18 + i * 20}">${escaped(note)}</text>`,
    ),
    "</svg>",
  ].join("\n")}\n`
}

function wire(layout: Layout, used: UsedPin, row: number, side: "left" | "right"): string[] {
  const y = TOP + row * ROW + ROW / 2
  const right = side === "right"
  const edge = right ? BOARD.left + BOARD.width : BOARD.left
  const end = edge + (right ? REACH : -REACH)
  const colour = COLOURS[used.needs]
  const anchor = right ? "start" : "end"
  const text = end + (right ? 12 : -12)
  return [
    `<g data-pin="${used.pin}">`,
    `<line x1="${edge}" y1="${y}" x2="${end}" y2="${y}" stroke="${colour}" stroke-width="2"/>`,
    `<circle cx="${edge}" cy="${y}" r="4" fill="#222222"/>`,
    `<circle cx="${end}" cy="${y}" r="6" fill="${colour}"/>`,
    `<text x="${edge + (right ? -10 : 10)}" y="${y + 4}" text-anchor="${right ? "end" : "start"}" font-weight="bold">${used.pin}</text>`,
    `<text x="${text}" y="${y - 1}" text-anchor="${anchor}" font-weight="bold">${escaped(used.name)}</text>`,
    `<text x="${text}" y="${y + 13}" text-anchor="${anchor}" font-size="11" fill="#555555">${escaped(partOf(layout, used))}</text>`,
    "</g>",
  ]
}

/** What sits between the pin and ground or supply. */
function partOf({ digit, confidence }: Layout, { name, needs }: UsedPin): string {
  if (needs === "analog") return "wiper; ends to 5V and GND, 10 kΩ"
  if (needs === "i2c") return "of the display; VCC 5V, GND"
  if (needs === "servo") return "signal; servo on 5V and GND"
  if (name.startsWith("reset")) return "the board's reset pin; join GND"
  if (needs === "input") return "button to GND"
  if (name.startsWith("LCD")) return "HD44780 display, R/W to GND"
  if (name.startsWith("segment"))
    return digit?.kind === "seven-segment" && digit.common === "anode"
      ? "220 Ω, segment; anode to 5V"
      : "220 Ω, segment; cathode to GND"
  if (needs === "pwm" && confidence) return "220 Ω, LED, GND (brightness)"
  return "220 Ω, LED, GND"
}

function notesOf({ boards, resetMs, label }: Layout): string[] {
  const notes: string[] = []
  if (boards.some(({ reset }) => reset !== undefined))
    notes.push(
      `Reset lines are only let go of or pulled low (${resetMs} ms), never driven high: boards of 3.3 V are safe.`,
    )
  if (boards.some(({ status }) => status !== undefined))
    notes.push(
      "Status: slow blinking loads, steady runs, quick blinking learns, flickering is a fault.",
    )
  if (label) notes.push("The label is what the teach button teaches the last image as.")
  return notes
}

/** Digital pins first, by number. */
function place(pin: PinName): number {
  return isAnalog(pin) ? 1000 + Number(pin.slice(1)) : pin
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;")
}
