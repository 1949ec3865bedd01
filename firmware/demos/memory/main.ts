/**
 * The program of the demo "memory" (paper 000 §3.2, fig. 2): one neuron stores five values as its fixed
 * point by adjusting K1 or K3. Its parameters, and nothing else, are kept in flash; the values come
 * back because the neuron settles at them.
 */
import * as ds from "@devicescript/core"
import { Server, startServer } from "@devicescript/server"
import { step } from "../../../src/ring/heun"
import {
  element,
  makeRing,
  Parameter,
  parameter,
  ringBytes,
  Side,
  setElement,
  setParameter,
} from "../../../src/ring/ring"
import { Refusal, storeFixedPoint } from "../../../src/ring/store"
import {
  DemoStatus,
  ELEMENTS,
  FoundReply,
  RecallField,
  RoundField,
  RoundRecord,
  StoreField,
  StoreReply,
  TraceField,
} from "../../../src/wire/demo-protocol"
import { store as flash } from "../../value-store"
import { keep } from "../keep"

/** A report holds so many rounds or states. */
const ROUNDS = 7
const STATES = 20
/** Steps between two pauses: 24 of about 3,000 operations are well below what a run may take. */
const STEPS = 24
const VALUES = 3 * ELEMENTS

const ring = Buffer.alloc(ringBytes(ELEMENTS, 1))
const boot = Math.floor(Math.random() * 0x7fffffff)
/** What flash held when the program started: by K1, then by K3. Empty where it held nothing. */
const found: Buffer[] = [Buffer.alloc(0), Buffer.alloc(0)]

function nameOf(set: Parameter): string {
  return set === Parameter.K1 ? "wx-mem-k1" : "wx-mem-k3"
}

function isStorable(set: number): boolean {
  return set === Parameter.K1 || set === Parameter.K3
}

class MemoryServer extends Server {
  constructor() {
    super(ds.RingMemory.spec, {})
  }

  async store(p: Buffer) {
    const reply = Buffer.alloc(StoreReply.Length)
    if (p.length !== StoreField.Length) return answer(reply, DemoStatus.BadLength)
    const set = p.getAt(StoreField.Set, "u8")
    const rounds = p.getAt(StoreField.Rounds, "u8")
    const gain = p.getAt(StoreField.Gain, "u16")
    const dt = p.getAt(StoreField.Step, "u16")
    const hold = p.getAt(StoreField.Hold, "u16")
    if (!isStorable(set) || rounds < 1 || rounds > 100 || gain < 1 || gain > 256)
      return answer(reply, DemoStatus.BadValue)
    if (dt < 1 || dt > 256 || hold > 16) return answer(reply, DemoStatus.BadValue)
    makeRing(ring, 0, ELEMENTS, 1, dt)
    const targets: number[] = []
    for (let i = 0; i < ELEMENTS; i++) targets.push(p.getAt(StoreField.Targets + i + i, "i16"))
    for (let first = 0; first < rounds; first += ROUNDS) {
      const count = Math.min(ROUNDS, rounds - first)
      const report = Buffer.alloc(RoundField.Records + count * RoundRecord.Length)
      report.setAt(RoundField.First, "u16", first)
      for (let k = 0; k < count; k++) {
        // One round at a time: all of them would take longer than a run may without a pause.
        const stored = storeFixedPoint(ring, 0, targets, set, gain, 1, hold)
        if (stored.refusal !== Refusal.None) {
          reply.setAt(StoreReply.Refusal, "u8", stored.refusal)
          reply.setAt(StoreReply.Element, "u8", stored.element)
          return answer(reply, DemoStatus.Refused)
        }
        const at = RoundField.Records + k * RoundRecord.Length
        for (let i = 0; i < ELEMENTS; i++) {
          report.setAt(at + RoundRecord.Errors + i + i, "i16", stored.errors[i])
          report.setAt(at + RoundRecord.Parameters + i + i, "i16", stored.parameters[i])
          report.setAt(at + RoundRecord.Ends + i + i, "i16", stored.ends[i])
        }
        await ds.sleep(0)
      }
      await this._send(this.spec.lookup("rounds").response.encode(report))
    }
    const kept = await keep(nameOf(set), parametersOf())
    return answer(reply, kept ? DemoStatus.Ok : DemoStatus.NotKept)
  }

  async recall(p: Buffer) {
    const reply = Buffer.alloc(1)
    if (p.length !== RecallField.Length) return answer(reply, DemoStatus.BadLength)
    const set = p.getAt(RecallField.Set, "u8")
    const every = p.getAt(RecallField.Every, "u8")
    const states = p.getAt(RecallField.States, "u16")
    const dt = p.getAt(RecallField.Step, "u16")
    if (!isStorable(set) || every < 1 || states < 1 || states > 1000 || dt < 1 || dt > 256)
      return answer(reply, DemoStatus.BadValue)
    const memory = found[set === Parameter.K1 ? 0 : 1]
    if (memory.length === 0) return answer(reply, DemoStatus.Nothing)
    makeRing(ring, 0, ELEMENTS, 1, dt)
    for (let k = 0; k < VALUES; k++)
      setParameter(ring, 0, Math.idiv(k, ELEMENTS), k % ELEMENTS, memory.getAt(k + k, "i16"))
    for (let i = 0; i < ELEMENTS; i++)
      setElement(ring, 0, Side.Forward, i, p.getAt(RecallField.Start + i + i, "i16"))
    let sincePause = 0
    for (let first = 0; first < states; first += STATES) {
      const count = Math.min(STATES, states - first)
      const report = Buffer.alloc(TraceField.States + count * ELEMENTS * 2)
      report.setAt(TraceField.First, "u16", first)
      for (let k = 0; k < count; k++) {
        for (let s = 0; s < every; s++) {
          step(ring, 0, Side.Forward)
          sincePause++
          if (sincePause === STEPS) {
            sincePause = 0
            await ds.sleep(0)
          }
        }
        for (let i = 0; i < ELEMENTS; i++)
          report.setAt(
            TraceField.States + (k * ELEMENTS + i) * 2,
            "i16",
            element(ring, 0, Side.Forward, i),
          )
      }
      await this._send(this.spec.lookup("trace").response.encode(report))
    }
    return answer(reply, DemoStatus.Ok)
  }

  async found(_p: Buffer) {
    const reply = Buffer.alloc(FoundReply.Length)
    let sets = 0
    for (let m = 0; m < 2; m++) {
      if (found[m].length === 0) continue
      sets += 1 << (m === 0 ? Parameter.K1 : Parameter.K3)
      reply.blitAt(FoundReply.Parameters + m * VALUES * 2, found[m], 0, VALUES * 2)
    }
    reply.setAt(FoundReply.Sets, "u8", sets)
    reply.setAt(FoundReply.Boot, "u32", boot)
    return answer(reply, DemoStatus.Ok)
  }
}

function answer(reply: Buffer, status: DemoStatus): Buffer {
  reply.setAt(0, "u8", status)
  return reply
}

/** K1, K2 and K3 of every element, i16 each: at most 16384. */
function parametersOf(): Buffer {
  const all = Buffer.alloc(VALUES * 2)
  for (let k = 0; k < VALUES; k++)
    all.setAt(k + k, "i16", parameter(ring, 0, Math.idiv(k, ELEMENTS), k % ELEMENTS))
  return all
}

/** A memory is `VALUES` parameters in their range; anything else counts as none. */
async function lookUp(set: Parameter): Promise<Buffer> {
  const memory = await flash.get(nameOf(set))
  if (memory.length !== VALUES * 2) return Buffer.alloc(0)
  for (let k = 0; k < VALUES; k++) {
    const value = memory.getAt(k + k, "i16")
    if (value < 1 || value > 16384) return Buffer.alloc(0)
  }
  return memory
}

found[0] = await lookUp(Parameter.K1)
found[1] = await lookUp(Parameter.K3)
startServer(new MemoryServer())
console.log(`memory: ready, found ${found[0].length + found[1].length} B`)
