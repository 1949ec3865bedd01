/**
 * The demo "alone": a board is given a few images, then nobody asks it anything any more. What it does
 * is seen by its LED; what it is taught, it is taught by a button on its bus.
 */

import { Part } from "../../src/core/layout"
import {
  ALONE_CLASS,
  ALONE_SAMPLE_BYTES,
  AloneCommand,
  AloneLight,
  AloneRead,
  AloneState,
  LESSON_STEPS,
  SampleField,
} from "../../src/wire/demo-protocol"
import type { Chart } from "../base/chart"
import { realClock } from "../base/clock"
import { WuxingError } from "../base/errors"
import { type Dataset, imageAt } from "../data/mnist"
import { compareWithHost } from "../library/verify-on-host"
import type { HostNetwork } from "../network/host-network"
import { partsOf } from "../network/shard-parts"
import { ALONE_PRESET, aloneNetwork } from "./alone-network"
import { BusButton } from "./bus-button"
import { DemoBoard, type DemoBoardOptions, type PowerCut } from "./demo-board"

const ALONE_PROGRAM = { program: "alone", serviceClass: ALONE_CLASS }

/** What counts as ink for a board that sees black and white. */
const INK = 128
const ANSWER_MS = 30_000
/** A flash is two units, up to ten of them; listening ten more, a lesson of 30 steps on a Pico 20 s. */
const NAMING_UNITS = 60
const LESSON_MS = 40_000
/** Images that the network names wrongly as shipped, to be corrected by the button; at most half. */
const WRONG = 3

export interface AloneImage {
  /** Its number among the test images. */
  image: number
  label: number
  /** By flashes of the LED: after the first power cut, after the lessons, after the second. */
  before: number
  afterLessons: number
  afterPower: number
  /** What the host's core names it, with the shipped coefficients and with those learnt. */
  hostBefore: number
  hostAfter: number
  /** Was the button used for it? */
  taught: boolean
}

export interface AloneResult {
  board: string
  profile: string
  network: string
  paceMs: number
  powerCut: PowerCut
  images: AloneImage[]
  /** Learning steps, and times it was put in flash. */
  steps: number
  generation: number
  coefficientBytes: number
  coefficientsHash: string
  hostHash: string
  hostMatches: boolean
  /** What the LED did: seconds, 0xRRGGBB. */
  lights: { at: number; colour: number }[]
}

export interface AloneOptions extends Omit<DemoBoardOptions, "program" | "serviceClass"> {
  data: Dataset
  /** Numbers of images to choose from. */
  from: number[]
  /** How many are kept, 1…8. */
  images: number
  /** Of the LED, 20…2000 ms. */
  paceMs: number
}

/** An image in black and white as the board keeps it: runs without ink and with, u8 each. */
export function blackAndWhite(image: Uint8Array): Buffer {
  const runs: number[] = []
  let at = 0
  while (at < image.length) {
    const from = at
    while (at < image.length && image[at] < INK && at - from < 255) at++
    const skip = at - from
    const ink = at
    while (at < image.length && image[at] >= INK && at - ink < 255) at++
    runs.push(skip, at - ink)
  }
  // What is empty behind the last ink need not be said.
  while (runs.length > 2 && runs.at(-1) === 0) runs.splice(-2)
  return Buffer.from(runs)
}

/** The image as the board sees it: 255 where there is ink. */
function asSeen(image: Uint8Array): Uint8Array {
  return image.map(pixel => (pixel < INK ? 0 : 255))
}

/** Images the board has room for: some that the network classifies correctly as shipped, a few that it does not. */
function choose({ data, from, images }: AloneOptions, host: HostNetwork): number[] {
  const right: number[] = []
  const wrong: number[] = []
  const wrongs = Math.min(WRONG, images >> 1)
  for (const index of from) {
    const image = imageAt(data, index)
    if (blackAndWhite(image).length > ALONE_SAMPLE_BYTES) continue
    const named = host.predict(asSeen(image))
    if (named !== data.labels[index]) {
      if (wrong.length < wrongs) wrong.push(index)
    } else if (right.length < images - wrongs) right.push(index)
    if (right.length + wrong.length === images) break
  }
  return [...right, ...wrong]
}

/** @throws WuxingError as DemoBoard does; "board-confused" (kind board) if its LED makes no sense */
export async function runAlone(options: AloneOptions): Promise<AloneResult> {
  const board = await DemoBoard.open({ ...options, ...ALONE_PROGRAM })
  const eye = new Eye(board)
  let button: BusButton | undefined
  try {
    const { data, paceMs, status } = options
    const host = aloneNetwork()
    const chosen = choose(options, host)
    status?.(`${chosen.length} images go to the board`)
    const answer = await board.ask(AloneCommand.Forget, Buffer.alloc(0), ANSWER_MS)
    board.expectOk("forget", answer.readUInt8(0))
    for (const [place, index] of chosen.entries())
      await putSample(board, place, index, options, chosen.length)
    const before = await askState(board)
    status?.("the host asks nothing any more; power off, power on")
    const powerCut = await board.powerCycle()
    button = new BusButton(frame => board.sendFrame(frame))
    const images: AloneImage[] = chosen.map(index => {
      const label = data.labels[index]
      const seen = asSeen(imageAt(data, index))
      return {
        ...{ image: index, label, before: -1, afterLessons: -1, afterPower: -1 },
        ...{ hostBefore: host.predict(seen), hostAfter: -1, taught: false },
      }
    })
    status?.("it names its images; where it is wrong, the button says what they are")
    // Three rounds; a lesson takes about as long as a name.
    const lessons = images.filter(({ label, hostBefore }) => hostBefore !== label).length
    let done = 0
    const advance = () => options.onShare?.(++done / (3 * chosen.length + lessons))
    let steps = 0
    await eye.round(chosen.length, NAMING_UNITS * paceMs, async (i, named) => {
      images[i].before = named
      advance()
      const { label } = images[i]
      if (named === label) return
      status?.(`image ${i + 1} is a ${label}, and was named ${named}: the button`)
      images[i].taught = true
      await button?.press(label === 0 ? 10 : label)
      const learnt = await eye.answer(LESSON_MS + NAMING_UNITS * paceMs)
      advance()
      steps = teachHost(host, asSeen(imageAt(data, chosen[i])), label, steps)
      status?.(learnt ? "learnt, and kept in flash" : "not learnt")
    })
    for (const [i, index] of chosen.entries())
      images[i].hostAfter = host.predict(asSeen(imageAt(data, index)))
    status?.("it names them again")
    await eye.round(chosen.length, NAMING_UNITS * paceMs, async (i, named) => {
      images[i].afterLessons = named
      advance()
    })
    status?.("power off, power on")
    await board.powerCycle()
    status?.("and names them again")
    await eye.round(chosen.length, NAMING_UNITS * paceMs, async (i, named) => {
      images[i].afterPower = named
      advance()
    })

    const after = await askState(board)
    if (after.boot === before.boot) throw confused(board.id, "it did not start anew")
    const coefficients = await readCoefficients(board)
    const verified = compareWithHost(coefficients, host)
    return {
      board: board.id,
      profile: board.profile,
      network: ALONE_PRESET,
      ...{ paceMs, powerCut, images },
      steps: after.lessons,
      generation: after.generation,
      coefficientBytes: coefficients.length,
      ...verified,
      hostMatches: verified.hostMatches && after.lessons === steps,
      lights: eye.lights,
    }
  } finally {
    button?.close()
    await board.close()
  }
}

/** The same lesson on the host. @returns steps so far */
function teachHost(host: HostNetwork, image: Uint8Array, label: number, steps: number): number {
  let done = steps
  for (let k = 0; k < LESSON_STEPS && host.predict(image) !== label; k++)
    host.train(image, label, done++)
  return done
}

/** Watches the board's LED, and knows nothing else of it. */
class Eye {
  readonly lights: { at: number; colour: number }[] = []
  private readonly start = realClock.now()
  /** Lights from here on are not yet accounted for. */
  private at = 0

  constructor(private readonly board: DemoBoard) {
    board.onLed = (red, green, blue) => {
      const colour = (red << 16) | (green << 8) | blue
      this.lights.push({ at: (realClock.now() - this.start) / 1000, colour })
    }
  }

  /**
   * Sees a whole round from its next beginning on.
   *
   * @param onNamed is called while the board listens to its button
   */
  async round(
    images: number,
    deadlineMs: number,
    onNamed: (i: number, named: number) => Promise<void>,
  ): Promise<void> {
    this.at = this.lights.length
    await this.next([AloneLight.Round], images * deadlineMs)
    for (let i = 0; i < images; i++) {
      const { flashes } = await this.next([AloneLight.Listening], deadlineMs)
      if (flashes < 1 || flashes > 10) throw confused(this.board.id, `it flashed ${flashes} times`)
      await onNamed(i, flashes % 10)
    }
  }

  /** What it says to a lesson: learnt? */
  async answer(deadlineMs: number): Promise<boolean> {
    return (
      (await this.next([AloneLight.Learnt, AloneLight.Failed], deadlineMs)).colour ===
      AloneLight.Learnt
    )
  }

  /** Waits for the next light of one of these colours; counts the flashes before it. */
  private async next(
    colours: AloneLight[],
    deadlineMs: number,
  ): Promise<{ colour: number; flashes: number }> {
    let flashes = 0
    let found: number | undefined
    await this.board.until("its LED to go on", deadlineMs + ANSWER_MS, () => {
      while (this.at < this.lights.length && found === undefined) {
        const { colour } = this.lights[this.at++]
        if (colour === AloneLight.Flash) flashes++
        if (colours.includes(colour)) found = colour
      }
      return found !== undefined
    })
    return { colour: found!, flashes }
  }
}

async function putSample(
  board: DemoBoard,
  place: number,
  index: number,
  { data, paceMs }: AloneOptions,
  count: number,
): Promise<void> {
  const head = Buffer.alloc(SampleField.Runs)
  head.writeUInt8(place, SampleField.Place)
  head.writeUInt8(count, SampleField.Count)
  head.writeUInt16LE(paceMs, SampleField.Pace)
  const payload = Buffer.concat([head, blackAndWhite(imageAt(data, index))])
  const answer = await board.ask(AloneCommand.Sample, payload, ANSWER_MS)
  board.expectOk("sample", answer.readUInt8(0))
}

async function askState(board: DemoBoard) {
  const answer = await board.ask(AloneCommand.State, Buffer.alloc(0), ANSWER_MS)
  board.expectOk("state", answer.readUInt8(0))
  return {
    generation: answer.readInt32LE(AloneState.Generation),
    lessons: answer.readInt32LE(AloneState.Lessons),
    boot: answer.readInt32LE(AloneState.Boot),
  }
}

/** As the network orders them: in a board's memory they lie by the signals they come from. */
async function readCoefficients(board: DemoBoard): Promise<Buffer> {
  const shell = aloneNetwork()
  const { memory } = shell
  let done = 0
  for (const part of partsOf(memory)) {
    const from = memory.getAt(part + Part.Coefficient, "i32")
    const to = from + 2 * memory.getAt(part + Part.Links, "i32")
    for (let at = from; at < to; ) {
      const request = Buffer.alloc(2)
      request.writeUInt16LE(done)
      const answer = await board.ask(AloneCommand.Read, request, ANSWER_MS)
      board.expectOk("read", answer.readUInt8(0))
      const bytes = answer.subarray(AloneRead.Coefficients)
      bytes.copy(memory, at)
      at += bytes.length
      done += bytes.length
    }
  }
  return shell.coefficients()
}

function confused(id: string, what: string): WuxingError {
  return new WuxingError({
    code: "board-confused",
    kind: "board",
    message: `the board (${id}) did not do as it should: ${what}`,
    cause: "its power was not cut, or lights of its LED were lost on the way here",
    help: "run it again; if it repeats, run it with --verbose and report it",
  })
}

const COLOURS: [AloneLight, string][] = [
  [AloneLight.Flash, "flash"],
  [AloneLight.Round, "a round begins"],
  [AloneLight.Listening, "listening"],
  [AloneLight.Learnt, "learnt"],
]

/** The LED over time: each colour a line of its own. */
export function aloneChart({ lights }: AloneResult): Chart {
  return {
    title: "The board's LED: what it names, when it listens, what it has learnt",
    x: { label: "s" },
    y: { label: "LED", min: 0, max: COLOURS.length + 1, whole: true },
    series: COLOURS.map(([colour, name], row) => ({
      name,
      draw: "marks" as const,
      points: lights
        .filter(light => light.colour === colour)
        .map(({ at }) => [at, COLOURS.length - row] as const),
    })),
  }
}
