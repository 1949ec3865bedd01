/**
 * The demo "oscillator": one neuron on a board, below its threshold of stability and past it, as the
 * linear theory (src/ring/stability.ts) and a stop-watch see it. What blinks is the board's LED.
 */
import { realClock, type Timer } from "../base/clock"
import "../base/memory"
import { leadingMode, modeAngle, modeGrowth, oscillationThreshold } from "../../src/ring/stability"
import {
  CycleField,
  DemoStatus,
  ELEMENTS,
  InputField,
  OSCILLATOR_CLASS,
  OscillatorCommand,
  StateReply,
  TuneField,
} from "../../src/wire/demo-protocol"
import type { Chart } from "../base/chart"
import { WuxingError } from "../base/errors"
import { DemoBoard, type DemoBoardOptions } from "./demo-board"

const OSCILLATOR_PROGRAM = { program: "oscillator", serviceClass: OSCILLATOR_CLASS }

const Q12 = 4096
/** dt = 1/4: improved Euler is off by 0.2 % of the period. */
const STEP = 64
const STEPS_PER_UNIT = 256 / STEP
/** A step each 25 ms at speed 1: a Pico needs about 10 ms for one. */
const PACE_MS = 25
/** r below the threshold of 0.854, and past it. */
const R_BELOW = 0.8
const R_PAST = 0.87
/** A push on element J that displaces it by 0.05: small enough for a linear theory. */
const PUSH = 0.1
/** Below the threshold a larger one, to be seen. */
const PUSH_BELOW = 0.5
const PUSH_STEPS = 2
/** On J alone: it makes the neuron rest elsewhere, where even a full swing dies away, in two cycles. */
const QUIETING = 0.8
/** Small still: nothing but the linear terms counts. */
const SMALL = 0.25
/** Full: the clamp of the elements ends what began to grow. */
const FULL = 0.95
const FULL_CYCLES = 5
const ANSWER_MS = 10_000
/** Dark for as long as two and a half cycles: quiet. */
const DARK_UNITS = 36

/** How long each part takes: the neuron's own time units, always the same. */
const PARTS = { below: 66, growth: 261, full: 108, quiet: 52, again: 54 }
const ALL_UNITS = Object.values(PARTS).reduce((sum, units) => sum + units)
const SHARE_MS = 250

/** What a run takes once its program is on the board, in seconds. */
export function oscillatorSeconds(speed: number): number {
  return (ALL_UNITS * STEPS_PER_UNIT * PACE_MS) / speed / 1000
}

/** What is known from outside of a cycle: when J rose through its mean, and how far it went before. */
export interface Cycle {
  /** Time units since the board's start, of the neuron's own. */
  at: number
  /** Half of highest less lowest of J since the last one. */
  amplitude: number
}

export interface OscillatorResult {
  board: string
  profile: string
  /** Milliseconds of a time unit of the neuron. */
  unitMs: number
  /** r from which the neuron swings by itself, by linear theory. */
  threshold: number
  below: { r: number; blinks: number; dark: boolean }
  past: {
    r: number
    /** Time units. */
    theoryPeriod: number
    period: number
    /** Hz, by theory, and by the host's clock between commands to the board's LED. */
    theoryHertz: number
    ledHertz: number
    /** Growth of the amplitude a time unit, e-fold. */
    theoryGrowth: number
    growth: number
    cycles: number
  }
  full: { period: number; ledHertz: number; amplitude: number }
  /** From and to: seconds since the board was tuned past the threshold. */
  quieted: {
    input: number
    dark: boolean
    blinks: number
    units: number
    from: number
    to: number
  }
  again: { blinks: number }
  /** Past the threshold, until the input came. */
  cycles: Cycle[]
  /** Each change of the LED: seconds since the board was tuned past the threshold, lit or not. */
  led: { at: number; lit: boolean }[]
}

export interface OscillatorOptions extends Omit<DemoBoardOptions, "program" | "serviceClass"> {
  /** 1…8 times as fast as two cycles in three seconds. */
  speed: number
  /** Another light that is to go with the board's. */
  onLight?: (lit: boolean) => void
}

/** @throws WuxingError as DemoBoard does */
export async function runOscillator(options: OscillatorOptions): Promise<OscillatorResult> {
  const board = await DemoBoard.open({ ...options, ...OSCILLATOR_PROGRAM })
  let session: Session | undefined
  try {
    session = new Session(board, options)
    return await session.run()
  } finally {
    session?.close()
    await board.close()
  }
}

class Session {
  private readonly cycles: Cycle[] = []
  private readonly led: { at: number; lit: boolean }[] = []
  private readonly pace: number
  private readonly unitMs: number
  /** Time units of the parts before, and what is going on since when. */
  private doneUnits = 0
  private under = { units: 0, since: 0 }
  private readonly ticker: Timer

  constructor(
    private readonly board: DemoBoard,
    private readonly options: OscillatorOptions,
  ) {
    this.ticker = realClock.every(SHARE_MS, () => this.tell(), { background: true })
    this.pace = Math.round(PACE_MS / options.speed)
    this.unitMs = this.pace * STEPS_PER_UNIT
    board.onReport = (command, p) => {
      if (command !== OscillatorCommand.Cycle || p.length !== CycleField.Length) return
      // A share of the step in which J rose was still before the crossing.
      const step = p.readUInt32LE(CycleField.Step) - 1 + p.readUInt16LE(CycleField.Below) / 65536
      const swing = p.readInt16LE(CycleField.High) - p.readInt16LE(CycleField.Low)
      this.cycles.push({ at: step / STEPS_PER_UNIT, amplitude: swing / 2 / Q12 })
    }
    board.onLed = (...levels) => {
      const lit = Math.max(...levels) > 0
      this.led.push({ at: realClock.now() / 1000, lit })
      options.onLight?.(lit)
    }
  }

  close(): void {
    this.ticker.stop()
  }

  /** The next part of the run. */
  private begin(part: keyof typeof PARTS, what: string): void {
    this.doneUnits += this.under.units
    this.under = { units: PARTS[part], since: realClock.now() }
    this.options.status?.(what)
    this.tell()
  }

  private tell(): void {
    const { units, since } = this.under
    const passed = Math.min(units, (realClock.now() - since) / this.unitMs)
    this.options.onShare?.((this.doneUnits + passed) / ALL_UNITS)
  }

  async run(): Promise<OscillatorResult> {
    const { board, options, unitMs } = this
    this.begin("below", `r = ${R_BELOW}, below the threshold: a push dies away`)
    await this.tune(R_BELOW)
    await this.input(PUSH_BELOW, PUSH_STEPS)
    const { blinks, dark } = await this.goDark()
    const below = { r: R_BELOW, blinks, dark }

    this.begin("growth", `r = ${R_PAST}, past the threshold: a push grows`)
    this.cycles.length = 0
    this.led.length = 0
    const start = realClock.now() / 1000
    await this.tune(R_PAST)
    await this.input(PUSH, PUSH_STEPS)
    await this.untilCycle("its swing to be full", 400, ({ amplitude }) => amplitude >= FULL)
    const small = this.smallCycles()
    const from = this.cycles.length
    this.begin("full", "full swing")
    await this.untilCycle(`${FULL_CYCLES} cycles of full swing`, 40 * FULL_CYCLES, () => {
      return this.cycles.length > from + FULL_CYCLES
    })
    const full = this.cycles.slice(from)
    const cycles = this.cycles.slice()

    this.begin("quiet", `an input of ${QUIETING} on element J`)
    const quietFrom = realClock.now() / 1000 - start
    await this.input(QUIETING, 0)
    const quiet = await this.goDark()
    const quietTo = realClock.now() / 1000 - start
    this.begin("again", "the input is taken away")
    const rests = this.led.length
    await this.input(0, 0)
    await board.until("its LED to blink again", 200 * unitMs + ANSWER_MS, () => {
      return this.led.length >= rests + 6
    })

    options.onShare?.(1)
    const r = Math.round(R_PAST * Q12)
    const mode = leadingMode(ELEMENTS, r)
    const theoryPeriod = (2 * Math.PI * 32768) / Math.abs(modeAngle(ELEMENTS, mode, r))
    const hertz = (period: number) => 1000 / (period * unitMs)
    return {
      board: board.id,
      profile: board.profile,
      unitMs,
      threshold: oscillationThreshold(ELEMENTS) / Q12,
      below,
      past: {
        r: R_PAST,
        theoryPeriod,
        period: periodOf(small),
        theoryHertz: hertz(theoryPeriod),
        ledHertz: this.ledHertz(small),
        theoryGrowth: modeGrowth(ELEMENTS, mode, r) / 32768,
        growth: growthOf(small),
        cycles: small.length - 1,
      },
      full: {
        period: periodOf(full),
        ledHertz: this.ledHertz(full),
        amplitude: full.at(-1)!.amplitude,
      },
      quieted: { input: QUIETING, ...quiet, from: quietFrom, to: quietTo },
      again: { blinks: this.led.slice(rests).filter(({ lit }) => lit).length },
      cycles,
      led: this.led.map(({ at, lit }) => ({ at: at - start, lit })),
    }
  }

  /** Cycles while the swing is small: without the first, whose amplitude is the push's own. */
  private smallCycles(): Cycle[] {
    const end = this.cycles.findIndex(({ amplitude }) => amplitude > SMALL)
    return this.cycles.slice(1, end)
  }

  /** By the host's clock, over as many blinks as there were cycles. */
  private ledHertz(cycles: Cycle[]): number {
    const first = this.cycles.indexOf(cycles[0])
    // A blink begins the sooner after J rose through its mean the larger the swing is, and ends the
    // later: its middle does not move.
    const middles: number[] = []
    for (const [i, { at, lit }] of this.led.entries())
      if (!lit && i > 0) middles.push((at + this.led[i - 1].at) / 2)
    const times = middles.slice(first, first + cycles.length)
    return (times.length - 1) / (times.at(-1)! - times[0])
  }

  private async tune(r: number): Promise<void> {
    const p = Buffer.alloc(TuneField.Length)
    const rate = Math.round(r * Q12)
    p.writeInt16LE(Q12, TuneField.K1)
    p.writeInt16LE(Q12 - rate, TuneField.K2)
    // K3 = K1 − K2 makes the point of rest 1.
    p.writeInt16LE(rate, TuneField.K3)
    p.writeUInt16LE(STEP, TuneField.Step)
    p.writeUInt16LE(this.pace, TuneField.Pace)
    this.expectOk(await this.board.ask(OscillatorCommand.Tune, p, ANSWER_MS))
  }

  /** @param steps 0: for good */
  private async input(onJ: number, steps: number): Promise<void> {
    const p = Buffer.alloc(InputField.Length)
    p.writeUInt16LE(steps, InputField.Steps)
    p.writeInt16LE(Math.round(onJ * Q12), InputField.Inputs)
    this.expectOk(await this.board.ask(OscillatorCommand.Input, p, ANSWER_MS))
  }

  private async units(): Promise<number> {
    const answer = await this.board.ask(OscillatorCommand.State, Buffer.alloc(0), ANSWER_MS)
    this.expectOk(answer)
    return answer.readUInt32LE(StateReply.Steps) / STEPS_PER_UNIT
  }

  /** Waits until the LED has been dark for a while, at most 400 time units. */
  private async goDark(): Promise<{ dark: boolean; blinks: number; units: number }> {
    const { unitMs, board } = this
    const begin = await this.units()
    const from = this.led.length
    let dark = begin
    let seen = from
    for (;;) {
      const now = await this.units()
      if (this.led.length > seen) {
        seen = this.led.length
        dark = now
      }
      const blinks = this.led.slice(from).filter(({ lit }) => lit).length
      const isDark = !(this.led.at(-1)?.lit ?? false)
      if (isDark && now - dark >= DARK_UNITS) return { dark: true, blinks, units: dark - begin }
      if (now - begin > 400) return { dark: false, blinks, units: now - begin }
      await board.pause(unitMs)
    }
  }

  private async untilCycle(what: string, units: number, isSo: (last: Cycle) => boolean) {
    // Three times what it should take: a busy machine is late.
    await this.board.until(what, 3 * units * this.unitMs + ANSWER_MS, () => {
      const last = this.cycles.at(-1)
      return last !== undefined && isSo(last)
    })
  }

  private expectOk(answer: Buffer): void {
    if (answer.readUInt8(0) === DemoStatus.Ok) return
    throw new WuxingError({
      code: "board-refused",
      kind: "board",
      message: `the board (${this.board.id}) refused a setting: status ${answer.readUInt8(0)}`,
      cause: "its program is older or newer than this tool",
      help: "run it again; if it repeats, report it",
    })
  }
}

function periodOf(cycles: Cycle[]): number {
  return (cycles.at(-1)!.at - cycles[0].at) / (cycles.length - 1)
}

/** e-fold growth a time unit, by the amplitudes of the first and the last cycle. */
function growthOf(cycles: Cycle[]): number {
  const [first, last] = [cycles[0], cycles.at(-1)!]
  return Math.log(last.amplitude / first.amplitude) / (last.at - first.at)
}

export function oscillatorCharts({ past, cycles, led, quieted }: OscillatorResult): Chart[] {
  // The first cycle is the push's own.
  const periods = cycles.slice(2).map((c, i) => [c.amplitude, c.at - cycles[i + 1].at] as const)
  return [
    {
      title: `Past the threshold (r = ${past.r}): the LED, as commanded on the bus`,
      x: { label: "s" },
      y: { label: "LED", min: 0, max: 1, whole: true },
      series: [
        {
          name: "LED",
          draw: "line",
          points: led.flatMap(({ at, lit }) => [
            [at, lit ? 0 : 1],
            [at, lit ? 1 : 0],
          ]),
        },
        {
          name: `input of ${quieted.input} on element J`,
          draw: "line",
          points: [
            [quieted.from, 0.5],
            [quieted.to, 0.5],
          ],
        },
      ],
    },
    {
      title: "A small swing keeps the period of the linear theory",
      x: { label: "amplitude of element J", min: 0 },
      y: { label: "period (time units)" },
      series: [
        { name: "measured, cycle by cycle", draw: "marks", points: periods },
        {
          name: "linear theory",
          draw: "line",
          dashed: true,
          points: [
            [0, past.theoryPeriod],
            [Math.max(...periods.map(([a]) => a)), past.theoryPeriod],
          ],
        },
      ],
    },
  ]
}
