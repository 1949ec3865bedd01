/**
 * A board that reads a sensor on its bus: it cuts the stream, computes features, classifies each window by
 * its LED and an event, and learns what a button or a host says the last one was. Network, features and
 * stream are in the image that was deployed with it; what it learns is in flash. It needs no host.
 */
import * as ds from "@devicescript/core"
import { Server, startServer } from "@devicescript/server"
import { readSlots, restoreSlot, SlotHead, saveSlot, slotOf } from "../../../src/base/slots"
import { activateRuns, clearImage } from "../../../src/core/image"
import { Header, Part } from "../../../src/core/layout"
import {
  backward,
  beginLearning,
  forward,
  outputError,
  partAt,
  readout,
} from "../../../src/core/run"
import { features } from "../../../src/signals/features"
import { FeatureKind, Plan } from "../../../src/signals/plan"
import { beginSequence, endSequence, stepRings, takeMoment } from "../../../src/signals/reservoir"
import { hashOf, mostRuns, paddedWidth, writeAll, writeRuns } from "../../../src/signals/runs"
import {
  clearStream,
  followStream,
  nextStream,
  Stream,
  streamReady,
  streamSamples,
} from "../../../src/signals/segment"
import { DemoStatus } from "../../../src/wire/demo-protocol"
import {
  FoundField,
  MOST_SIXTEENTHS,
  SENSOR_EXAMPLES,
  SensorImage,
  SensorKind,
  SensorState,
  SIXTEENTHS_SHIFT,
  TeachField,
  TeachReply,
  UNKNOWN_CLASS,
} from "../../../src/wire/sensor-protocol"
import { store } from "../../value-store"
import { image } from "./image"

/** A register's reading, as a report to a get. */
const READING = 0x1101
const READ_BYTES = 200
/** A sensor streams for so many readings, then wants to be asked again. */
const STREAMED = 255
const ASK_EVERY_MS = 1_000
/**
 * Bytes of a network that is run without a pause, together with the features before it: the runtime ends
 * what takes more than 131,072 operations, and a link (4 bytes) takes 33, features of a trace some 35,000.
 */
const MOST_AT_ONCE = 8_000
/** Moments of a sequence that are made up for with each reading, where they wait for it to be sure. */
const MOMENTS_A_READING = 2
const PRESSES_WITHIN_MS = 1_200
/** As a host teaches unless it says otherwise. */
const BUTTON_PASSES = 5
const COLOURS = [0xff0000, 0x00ff00, 0x0000ff, 0xffff00, 0xff00ff, 0x00ffff]

const planBytes = image.getAt(SensorImage.PlanBytes, "i32")
const shardBytes = image.getAt(SensorImage.ShardBytes, "i32")
const plan = Buffer.alloc(planBytes)
plan.blitAt(0, image, SensorImage.Length, planBytes)
const state = Buffer.alloc(Stream.Size)
state.blitAt(0, image, SensorImage.Stream, Stream.Size)
const shardAt = SensorImage.Length + planBytes
const arena = Buffer.alloc(image.getAt(shardAt + Header.Size, "i32"))
const channels = state.getAt(Stream.Channels, "i32")
const signal = Buffer.alloc(2 * channels * streamSamples(state))
const work = Buffer.alloc(image.getAt(SensorImage.WorkBytes, "i32"))
const width = plan.getAt(Plan.Width, "u16")
const latest = Buffer.alloc(paddedWidth(width))
/** Features of bands alone are zero often enough to be looked at one by one. */
const traced = plan.getAt(Plan.Kind, "u16") !== FeatureKind.Bands
const sequence = plan.getAt(Plan.Kind, "u16") === FeatureKind.Reservoir
const streamed = sequence && plan.getAt(Plan.Points, "u16") === 0
const runs = Buffer.alloc(mostRuns(width))
const kind = image.getAt(SensorImage.Kind, "u16")
let shift = image.getAt(SensorImage.Shift, "i16")
const interval = image.getAt(SensorImage.Interval, "u16")
const classes = image.getAt(SensorImage.Classes, "u16")
const unknown = image.getAt(SensorImage.Unknown, "i32")
const parts = image.getAt(shardAt + Header.Parts, "u16")
/** Where the coefficients are, and how many bytes, part by part. */
const areas: number[] = []
const examples: Buffer[] = []
const labels: number[] = []
const boot = Math.floor(Math.random() * 0x7fffffff)
const control = new ds.Control("control[int:0]")
const button = new ds.Button()

let bound = false
let readings = 0
let windows = 0
let steps = 0
let generation = 0
/** There was a window to teach. */
let found = false
let presses = 0
let pressedAt = 0
/** The arena is in use by one at a time; readings are passed over meanwhile. */
let busy = true
/** Moments of the sequence under way; −1: it has not begun. */
let moments = -1

function sensorOf(which: SensorKind): ds.Sensor {
  if (which === SensorKind.Gyroscope) return new ds.Gyroscope()
  if (which === SensorKind.LightLevel) return new ds.LightLevel()
  if (which === SensorKind.SoundLevel) return new ds.SoundLevel()
  if (which === SensorKind.Potentiometer) return new ds.Potentiometer()
  return new ds.Accelerometer()
}

/** One of the two sizes that readings come in: i12.20 a channel, or u0.16. */
const readingBytes = kind === SensorKind.Accelerometer || kind === SensorKind.Gyroscope ? 4 : 2
/** What a reading's numbers are in is known: at the first that is not all 0. */
let scaled = kind !== SensorKind.Accelerometer
const sensor = sensorOf(kind)
const heard: ds.Role = sensor

class SensorServer extends Server {
  constructor() {
    super(ds.WuxingSensor.spec, {})
  }

  async teach(p: Buffer) {
    if (p.length !== TeachField.Length) return status(DemoStatus.BadLength)
    const label = p.getAt(TeachField.Class, "u8")
    const passes = p.getAt(TeachField.Passes, "u8")
    if (label >= classes || passes < 1 || passes > 50) return status(DemoStatus.BadValue)
    if (!found) return status(DemoStatus.Nothing)
    const kept = await lesson(label, passes)
    const reply = Buffer.alloc(TeachReply.Length)
    reply.setAt(TeachReply.Status, "u8", kept ? DemoStatus.Ok : DemoStatus.NotKept)
    reply.setAt(TeachReply.Examples, "u8", examples.length)
    reply.setAt(TeachReply.Steps, "i32", steps)
    reply.setAt(TeachReply.Generation, "i32", generation)
    return reply
  }

  state(_p: Buffer) {
    const reply = Buffer.alloc(SensorState.Length)
    reply.setAt(SensorState.Bound, "u8", sensor.isBound ? 1 : 0)
    reply.setAt(SensorState.Readings, "i32", readings)
    reply.setAt(SensorState.Windows, "i32", windows)
    reply.setAt(SensorState.Steps, "i32", steps)
    reply.setAt(SensorState.Generation, "i32", generation)
    reply.setAt(SensorState.Boot, "i32", boot)
    return reply
  }

  async read(p: Buffer) {
    if (p.length !== 2) return status(DemoStatus.BadLength)
    while (busy) await ds.sleep(5)
    let skip = p.getAt(0, "u16")
    for (let i = 0; i < areas.length; i += 2) {
      if (skip >= areas[i + 1]) {
        skip -= areas[i + 1]
        continue
      }
      const n = Math.min(READ_BYTES, areas[i + 1] - skip)
      const reply = Buffer.alloc(2 + n)
      reply.blitAt(2, arena, areas[i] + skip, n)
      return reply
    }
    return status(DemoStatus.BadValue)
  }

  async forget(_p: Buffer) {
    while (busy) await ds.sleep(5)
    busy = true
    // An empty head is no slot.
    await store.set("wa", Buffer.alloc(0))
    await store.set("wb", Buffer.alloc(0))
    await load()
    busy = false
    return status(DemoStatus.Ok)
  }

  found(_p: Buffer) {
    return status(DemoStatus.Ok)
  }
}

type Sender = typeof ds & {
  _serverSend(serviceIndex: number, packet: ds.Packet): Promise<void>
}

function status(of: DemoStatus): Buffer {
  const reply = Buffer.alloc(2)
  reply.setAt(0, "u8", of)
  return reply
}

/** The network as it was deployed, then what flash has of it. */
async function load(): Promise<void> {
  arena.fillAt(0, arena.length, 0)
  arena.blitAt(0, image, shardAt, shardBytes)
  while (areas.length > 0) areas.pop()
  for (let i = 0; i < parts; i++) {
    areas.push(arena.getAt(partAt(i) + Part.Coefficient, "i32"))
    areas.push(arena.getAt(partAt(i) + Part.Links, "i32") << 1)
  }
  while (examples.length > 0) {
    examples.pop()
    labels.pop()
  }
  steps = 0
  generation = 0
  found = false
  const slots = await readSlots(store)
  const head = slotOf(slots, false)
  if (head === undefined || head.getAt(SlotHead.Facts, "i32") !== facts()) return
  const kept = head.getAt(SlotHead.Generation, "i32")
  if (await restoreSlot(store, slots, kept, arena, areas)) {
    generation = kept
    steps = head.getAt(SlotHead.Facts + 4, "i32")
  }
}

function facts(): number {
  return arena.getAt(Header.LayoutHash, "i32")
}

/**
 * @param patient yields between pieces, as a run of more than 131,072 operations is ended by the runtime;
 *   readings that come meanwhile are passed over
 * @returns the best class; all outputs are in the arena then
 */
async function look(bytes: Buffer, brief: boolean, patient: boolean): Promise<number> {
  const length = traced ? writeAll(bytes, width, runs) : writeRuns(bytes, width, runs)
  arena.setAt(Header.Brief, "u16", brief ? 1 : 0)
  clearImage(arena, partAt(0))
  activateRuns(arena, partAt(0), runs, 0, length, 0)
  for (let i = 0; i < parts; i++) {
    let at = 0
    while (at >= 0) {
      if (patient) await ds.sleep(0)
      at = forward(arena, partAt(i), 0, at)
    }
  }
  return readout(arena, partAt(parts - 1), 0)
}

/** How far the best output is ahead of the next. */
function leadOf(best: number): number {
  const bus = arena.getAt(partAt(parts - 1) + Part.BusOut, "i32")
  let next = -32768
  for (let o = 0; o < classes; o++)
    if (o !== best) next = Math.max(next, arena.getAt(bus + o + o, "i16"))
  return arena.getAt(bus + best + best, "i16") - next
}

async function learn(bytes: Buffer, label: number): Promise<void> {
  await look(bytes, false, true)
  beginLearning(arena, steps)
  steps++
  if (!outputError(arena, partAt(parts - 1), 0, label)) return
  for (let i = parts - 1; i >= 0; i--) {
    let at = 0
    while (at >= 0) {
      await ds.sleep(0)
      at = backward(arena, partAt(i), 0, at)
    }
  }
}

/** The last window joins the examples, all of which are gone through; what came of it goes to flash. */
async function lesson(label: number, passes: number): Promise<boolean> {
  while (busy) await ds.sleep(5)
  busy = true
  if (examples.length >= SENSOR_EXAMPLES) {
    for (let i = 1; i < examples.length; i++) {
      examples[i - 1] = examples[i]
      labels[i - 1] = labels[i]
    }
    examples.pop()
    labels.pop()
  }
  const example = Buffer.alloc(width)
  example.blitAt(0, latest, 0, width)
  examples.push(example)
  labels.push(label)
  for (let p = 0; p < passes; p++)
    for (let i = 0; i < examples.length; i++) await learn(examples[i], labels[i])
  const kept = await saveSlot(store, await readSlots(store), arena, areas, [
    facts(),
    steps,
    0,
    0,
    0,
  ])
  if (kept !== 0) generation = kept
  // What moved meanwhile was not heard whole.
  clearStream(state)
  busy = false
  return kept !== 0
}

async function light(colour: number): Promise<void> {
  await control.setStatusLight((colour >> 16) & 255, (colour >> 8) & 255, colour & 255, 0)
}

/** Of a sequence whose moments are samples: as many as may be taken already. */
function follow(): void {
  const ready = streamReady(state)
  if (ready === 0 || ready < moments) {
    moments = -1
    return
  }
  if (moments < 0) {
    beginSequence(plan, work, signal, 0, 0)
    moments = 0
  }
  for (let i = 0; i < MOMENTS_A_READING && moments < ready; i++) {
    takeMoment(plan, work, signal, moments)
    stepRings(plan, work)
    moments++
  }
}

/** Features of a sequence; what is left of it with pauses, as the runtime ends what takes long. */
async function finish(count: number): Promise<number> {
  if (count < plan.getAt(Plan.Least, "u16")) return 0
  let all = count
  if (!streamed || moments < 0 || moments > count) {
    all = beginSequence(plan, work, signal, 0, count)
    moments = 0
  }
  while (moments < all) {
    await ds.sleep(0)
    takeMoment(plan, work, signal, moments)
    stepRings(plan, work)
    moments++
  }
  endSequence(plan, work, latest, 0)
  moments = -1
  return width
}

/** A window: features, class, LED, event. */
async function classify(count: number): Promise<void> {
  busy = true
  const made = sequence ? await finish(count) : features(plan, work, signal, 0, count, latest, 0)
  nextStream(state, signal)
  if (made === 0) {
    busy = false
    return
  }
  // Bands take a turn of their own; the host refuses what takes more than one.
  const patient = sequence || shardBytes > MOST_AT_ONCE || !traced
  if (patient) await ds.sleep(0)
  const best = await look(latest, true, patient)
  const lead = leadOf(best)
  const known = lead >= unknown
  found = true
  const report = Buffer.alloc(FoundField.Length)
  report.setAt(FoundField.Number, "u16", windows & 0xffff)
  report.setAt(FoundField.Class, "u8", known ? best : UNKNOWN_CLASS)
  report.setAt(FoundField.Best, "u8", best)
  report.setAt(FoundField.Lead, "i16", lead)
  report.setAt(FoundField.Samples, "u16", count)
  report.setAt(FoundField.Hash, "i32", hashOf(latest, width))
  windows++
  busy = false
  await (ds as Sender)._serverSend(
    server.serviceIndex,
    ds.WuxingSensor.spec.lookup("found").response.encode(report),
  )
  await light(known ? COLOURS[best % COLOURS.length] : 0)
  if (known) await server.sendEvent(ds.WuxingSensor.spec.lookup("named").encode(best))
}

/** By a reading of an accelerometer, as its bytes come. */
function scale(payload: Buffer): void {
  let most = 0
  for (let c = 0; c < channels; c++) most = Math.max(most, Math.abs(payload.getAt(c << 2, "i32")))
  if (most === 0) return
  scaled = true
  if (most <= MOST_SIXTEENTHS) shift -= SIXTEENTHS_SHIFT
}

function reading(payload: Buffer, channel: number): number {
  const raw =
    readingBytes === 4 ? payload.getAt(channel << 2, "i32") : payload.getAt(channel << 1, "u16")
  const value = shift >= 0 ? raw >> shift : raw << -shift
  return Math.max(-32768, Math.min(32767, value))
}

async function hear(payload: Buffer): Promise<void> {
  if (busy || payload.length < channels * readingBytes) return
  readings++
  if (!scaled) scale(payload)
  const at = state.getAt(Stream.Fill, "i32") * channels
  for (let c = 0; c < channels; c++) signal.setAt((at + c) << 1, "i16", reading(payload, c))
  const count = followStream(state, signal)
  if (count > 0) await classify(count)
  else if (streamed) follow()
}

const server = new SensorServer()
await load()
startServer(server)

/** What the runtime keeps of a role (its jacdac.ts). */
interface RoleData extends ds.Role {
  _binding: ds.ClientRegister<boolean>
  _eventHandlers: Record<string, ds.Emitter<unknown>>
  _report: ds.Emitter<ds.Packet>
}
/**
 * Readings are taken packet by packet: an emitter would pass over what comes while its handler has not
 * run. A method that is taken from where it stands is bound to it, so what the runtime does for other
 * roles, as far as this program needs it, is done here.
 */
ds.Role.prototype._onPacket = async function (this: RoleData, packet: ds.Packet) {
  const changed = !packet || packet.serviceCommand === 0
  if ((this as ds.Role) === heard) {
    // It also comes with every announcement, so only a change counts.
    if (sensor.isBound !== bound) {
      bound = sensor.isBound
      clearStream(state)
    }
    if (!changed && packet.isReport && packet.serviceCommand === READING) await hear(packet.payload)
    return
  }
  if (changed) this._binding?.emit(this.isBound)
  if (!packet?.spec || !packet.isReport) return
  this._report?.emit(packet)
  if (packet.isEvent && this._eventHandlers)
    this._eventHandlers[packet.spec.name]?.emit(packet.decode())
}
button.down.subscribe(() => {
  presses++
  pressedAt = ds.millis()
})
busy = kind === SensorKind.None
console.log(`sensor: kind ${kind}, ${classes} classes, ${steps} steps, generation ${generation}`)
let askedAt = -ASK_EVERY_MS
while (true) {
  await ds.sleep(50)
  if (kind === SensorKind.None) continue
  if (sensor.isBound && ds.millis() - askedAt >= ASK_EVERY_MS) {
    if (askedAt < 0) await sensor.streamingInterval.write(interval)
    await sensor.streamingSamples.write(STREAMED)
    askedAt = ds.millis()
  }
  if (presses > 0 && ds.millis() - pressedAt > PRESSES_WITHIN_MS) {
    const label = presses - 1
    presses = 0
    if (found && label < classes) await lesson(label, BUTTON_PASSES)
  }
}
