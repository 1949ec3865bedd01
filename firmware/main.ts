/**
 * The DeviceScript program of a Wuxing board: the Jacdac service `wuxing` over the core in ../src.
 *
 * Messages are taken in the order they come and carried out one after the other, although the
 * program yields in between. Whatever the bytes, the answer is an error code, never an exception:
 * an exception would restart the program, and with it lose what it has learnt.
 */

import * as ds from "@devicescript/core"
import { Server, startServer } from "@devicescript/server"
import { Command, Status } from "../src/wire/protocol"
import { arena } from "./arena"
import { keeper } from "./keeper"
import { begin, commit, isReady, read, set, slice, status } from "./loader"
import { fault, reportAs } from "./reports"
import { samples } from "./samples"
import { startClock } from "./times"

/** Messages that may wait while one is carried out. A host keeps fewer under way. */
const MOST_WAITING = 16

type Dispatcher = typeof ds & { _onServerPacket(packet: ds.Packet): Promise<void> }

class WuxingServer extends Server {
  constructor() {
    super(ds.Wuxing.spec, {})
  }
}

const boot = Math.floor(Math.random() * 0x7fffffff)
const waiting: ds.Packet[] = []
let busy = false
let handled = 0
let dropped = 0
/** Dropped messages the host has not been told of. */
let untold = 0

async function carryOut(command: number, p: Buffer): Promise<void> {
  // First what comes with every sample.
  if (
    command === Command.Image ||
    command === Command.Signals ||
    command === Command.Back ||
    command === Command.Sums
  ) {
    if (!isReady()) return await fault(Status.NoShard, command, 0)
    startClock()
    return await samples(command, p)
  }
  if (command === Command.Begin) return await begin(p)
  if (command === Command.Slice) return await slice(p)
  if (command === Command.Commit) return await commit(p)
  if (command === Command.Status) return await status(p, boot, handled, dropped)
  if (command === Command.Read) return await read(p)
  if (command === Command.Set) return await set(p)
  if (command === Command.Save || command === Command.Saved || command === Command.Restore)
    return await keeper(command, p)
  return await fault(Status.UnknownCommand, command & 0xff, command)
}

async function accept(packet: ds.Packet): Promise<void> {
  if (waiting.length >= MOST_WAITING) {
    dropped++
    untold++
    return
  }
  waiting.push(packet)
  if (busy) return
  busy = true
  while (waiting.length > 0) {
    const next = waiting.shift()
    handled++
    await attempt(next.serviceCommand, next.payload)
    if (untold > 0) {
      const lost = untold
      untold = 0
      await fault(Status.Busy, 0, lost)
    }
  }
  busy = false
}

/** Whatever goes wrong in a message must not end the program. */
async function attempt(command: number, payload: Buffer): Promise<void> {
  try {
    await carryOut(command, payload)
  } catch (e) {
    console.error(e)
    await fault(Status.Internal, command & 0xff, 0)
  }
}

const server = new WuxingServer()
startServer(server)
reportAs(server.serviceIndex)

const others = (ds as Dispatcher)._onServerPacket

async function dispatch(packet: ds.Packet): Promise<void> {
  if (packet.isReport) return
  if (packet.serviceIndex === server.serviceIndex && packet.serviceCommand < 0x1000)
    await accept(packet)
  else {
    try {
      await others(packet)
    } catch (e) {
      console.error(e)
    }
  }
}

/**
 * The server library decodes fields before a handler can look at the length of a payload. Our
 * commands are taken as raw bytes instead; its own (control, registers) go on to it.
 *
 * A function, because the compiler moves such an assignment at top level ahead of `startServer`.
 */
function takeOver(): void {
  ;(ds as Dispatcher)._onServerPacket = dispatch
}
takeOver()
console.log(`wuxing: ready, ${arena.length} B set aside`)
