/**
 * The board's own store of settings: a service of its runtime, asked over Jacdac like any other, but
 * without leaving the board.
 */
import * as ds from "@devicescript/core"
import type { ValueStore } from "../src/base/slots"

/** A service on the board itself answers within a millisecond; asked again, it may have been busy. */
const ANSWER_MS = 500
const TRIES = 4
/**
 * The time frames that wait are given after each value: the runtime keeps 2,048 B of them while a
 * program does not yield, and drops the rest, settings to be written among them.
 */
const YIELD_MS = 2

const settings = new ds.Settings()
const GET = settings.spec.lookup("get").code

let asked = ""
let answer: Buffer | undefined
let listening = false

async function get(name: string): Promise<Buffer> {
  if (!listening) {
    listening = true
    settings.report().subscribe(packet => {
      if (packet.serviceCommand !== GET) return
      const p = packet.payload
      // The name, a zero, the value.
      if (p.length > asked.length && p.slice(0, asked.length).toString() === asked)
        answer = p.slice(asked.length + 1)
    })
  }
  for (let i = 0; i < TRIES; i++) {
    asked = name
    answer = undefined
    await settings.get(name)
    for (let waited = 0; waited < ANSWER_MS && answer === undefined; waited++) await ds.sleep(1)
    if (answer !== undefined) return answer
  }
  throw new Error("no settings")
}

async function set(name: string, value: Buffer): Promise<void> {
  await settings.set(name, value)
  await ds.sleep(YIELD_MS)
}

async function pause(): Promise<void> {
  await ds.sleep(1)
}

export const store: ValueStore = { get, set, pause }
