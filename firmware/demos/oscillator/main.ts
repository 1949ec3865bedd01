/**
 * The program of the demo "oscillator": one neuron runs step by step in real time, host or no host.
 * Past its threshold of stability (src/ring/stability.ts) it swings by itself, and the board's LED with it.
 */
import * as ds from "@devicescript/core"
import { Server, startServer } from "@devicescript/server"
import { step } from "../../../src/ring/heun"
import {
  EXTRA_BITS,
  element,
  Field,
  fieldAt,
  makeRing,
  Parameter,
  Ring,
  ringBytes,
  Side,
  setInput,
  setUniform,
} from "../../../src/ring/ring"
import {
  CycleField,
  DemoStatus,
  ELEMENTS,
  InputField,
  StateReply,
  TuneField,
} from "../../../src/wire/demo-protocol"

/** The mean of J forgets by 1/64 a step: at dt = 1/4 over about a cycle. */
const MEAN_SHIFT = 6
/** J is lit from 0.02 above its mean on, Q20: a neuron at rest is dark, whatever the rounding does. */
const LIT = 20972
/** Steps made up at once where the machine was late, before others get their turn. */
const MOST_LATE = 8
const DIM = 0
const BRIGHT = 255

const ring = Buffer.alloc(ringBytes(ELEMENTS, 1))
makeRing(ring, 0, ELEMENTS, 1, 64)
// Net inputs of both signs, as wide as the elements' clamps leave room for.
ring.setAt(Ring.InputMin, "i16", -4096)
const elementJ = fieldAt(ring, 0, Side.Forward, Field.Element)
/** The board's own control service has the LED. */
const control = new ds.Control("control[int:0]")

let pace = 25
let steps = 0
/** Steps until the inputs are taken away; −1: they stay. */
let inputLeft = -1
/** Q20. */
let mean = ring.getAt(elementJ, "i32")
let before = 0
let high = 0
let low = 0
let lit = false

class OscillatorServer extends Server {
  constructor() {
    super(ds.RingOscillator.spec, {})
  }

  tune(p: Buffer) {
    if (p.length !== TuneField.Length) return status(DemoStatus.BadLength)
    const dt = p.getAt(TuneField.Step, "u16")
    const ms = p.getAt(TuneField.Pace, "u16")
    if (dt < 1 || dt > 256 || ms < 1 || ms > 1000) return status(DemoStatus.BadValue)
    setUniform(ring, 0, Parameter.K1, p.getAt(TuneField.K1, "i16"))
    setUniform(ring, 0, Parameter.K2, p.getAt(TuneField.K2, "i16"))
    setUniform(ring, 0, Parameter.K3, p.getAt(TuneField.K3, "i16"))
    ring.setAt(Ring.Step, "u16", dt)
    pace = ms
    return status(DemoStatus.Ok)
  }

  input(p: Buffer) {
    if (p.length !== InputField.Length) return status(DemoStatus.BadLength)
    const count = p.getAt(InputField.Steps, "u16")
    for (let i = 0; i < ELEMENTS; i++)
      setInput(ring, 0, Side.Forward, i, p.getAt(InputField.Inputs + i + i, "i16"))
    inputLeft = count === 0 ? -1 : count
    return status(DemoStatus.Ok)
  }

  state(_p: Buffer) {
    const reply = Buffer.alloc(StateReply.Length)
    reply.setAt(StateReply.Led, "u8", lit ? 1 : 0)
    reply.setAt(StateReply.Steps, "u32", steps)
    for (let i = 0; i < ELEMENTS; i++)
      reply.setAt(StateReply.Elements + i + i, "i16", element(ring, 0, Side.Forward, i))
    return reply
  }

  async risen(below: number) {
    const report = Buffer.alloc(CycleField.Length)
    report.setAt(CycleField.Step, "u32", steps)
    report.setAt(CycleField.Below, "u16", below)
    report.setAt(CycleField.High, "i16", high >> EXTRA_BITS)
    report.setAt(CycleField.Low, "i16", low >> EXTRA_BITS)
    await this._send(this.spec.lookup("cycle").response.encode(report))
  }
}

function status(of: DemoStatus): Buffer {
  const reply = Buffer.alloc(1)
  reply.setAt(0, "u8", of)
  return reply
}

/** One step of the neuron, and what is to be seen of it. */
async function advance(): Promise<void> {
  step(ring, 0, Side.Forward)
  // Its sums are of no use here, and hold only so many steps.
  ring.fillAt(fieldAt(ring, 0, Side.Forward, Field.Sum), ELEMENTS << 2, 0)
  steps++
  if (inputLeft > 0) {
    inputLeft--
    if (inputLeft === 0) {
      inputLeft = -1
      for (let i = 0; i < ELEMENTS; i++) setInput(ring, 0, Side.Forward, i, 0)
    }
  }
  const e = ring.getAt(elementJ, "i32")
  mean += (e - mean) >> MEAN_SHIFT
  const d = e - mean
  if (d > high) high = d
  if (d < low) low = d
  if (before < 0 && d >= 0) {
    // A share of a step as a fraction: both are below 2^23, and only this division is not of integers.
    if (high > LIT)
      await server.risen(Math.min(65535, Math.round((-before / (d - before)) * 65536)))
    high = 0
    low = 0
  }
  before = d
  const now = d > LIT
  if (now === lit) return
  lit = now
  const level = lit ? BRIGHT : DIM
  await control.setStatusLight(level, level, level, 0)
}

const server = new OscillatorServer()
startServer(server)
await control.setStatusLight(DIM, DIM, DIM, 0)
console.log("oscillator: ready")
let due = ds.millis()
while (true) {
  let late = 0
  while (due <= ds.millis() && late < MOST_LATE) {
    await advance()
    due += pace
    late++
  }
  // The clock moves only while a program sleeps.
  await ds.sleep(Math.max(1, due - ds.millis()))
}
