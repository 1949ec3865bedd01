/** A part of the sweep of faults (test/faults), on emulated Picos: the same run, the same judgement. */
import { createHash } from "node:crypto"
import { expect, it } from "vitest"
import { VirtualClock } from "../../../host/base/clock"
import { faultyPorts } from "../../../host/faults/faulty-port"
import { FaultInjector } from "../../../host/faults/injector"
import { FAULT_KINDS, type FaultRule } from "../../../host/faults/spec"
import { Fleet } from "../../../host/fleet/fleet"
import type { BoardSet } from "../../../host/hardware/board-set"
import { EmulatedPico } from "../../../host/hardware/emulator/pico"
import { PicoPort } from "../../../host/hardware/emulator/pico-port"
import { BoardLink } from "../../../host/link/board-link"
import { splitEvenly } from "../../../host/partition/partition"
import { type Ended, hashOnHost, lesson, net, SAMPLES } from "../../host/faults/rig"
import { casesOf, sweep } from "../../host/faults/sweep"
import { uf2 } from "./benches"

const PAIRS = 4
/** Has no factor in common with the number of kinds: every kind comes. */
const EVERY = 201

/** Pairs of emulated Picos in this process; each run goes on with the boards of the run before. */
class Picos {
  readonly pairs = PAIRS
  private readonly boards = Array.from({ length: 2 * PAIRS }, () => new EmulatedPico({ uf2 }))
  /** Of the boards and their host: how busy the machine is says nothing. */
  private readonly clocks = Array.from({ length: PAIRS }, () => new VirtualClock())

  async renew(pair: number): Promise<void> {
    for (const i of [2 * pair, 2 * pair + 1]) this.boards[i] = new EmulatedPico({ uf2 })
  }

  run(pair: number, rules: FaultRule[]): Promise<Ended> {
    return this.clocks[pair].run(() => this.runInTime(pair, rules))
  }

  private async runInTime(pair: number, rules: FaultRule[]): Promise<Ended> {
    const clock = this.clocks[pair]
    const injector = new FaultInjector(rules, 1)
    const start = clock.now()
    const options = {
      ...{ network: net, boards: 2, bytecode: Buffer.alloc(0) },
      ...{ checkpointSamples: 4, sampleDeadlineMs: 1_000 },
    }
    const fleet = new Fleet(options, this.setOf(pair, injector), splitEvenly(net, 2))
    const ended = (rest: { hash?: string; error?: unknown }): Ended => ({
      ...{ recoveries: fleet.recoveries, seconds: (clock.now() - start) / 1000 },
      ...{ injector, ...rest },
    })
    try {
      await fleet.begin()
      await fleet.learn(lesson, SAMPLES)
      const hash = createHash("sha256").update(await fleet.coefficients())
      return ended({ hash: hash.digest("hex") })
    } catch (error) {
      return ended({ error })
    } finally {
      await fleet.close()
    }
  }

  private setOf(pair: number, injector: FaultInjector): BoardSet {
    const clock = this.clocks[pair]
    const wrap = faultyPorts(injector, clock)
    const boards: BoardSet = {
      clock,
      count: 2,
      reconnectMs: 5_000,
      profile: () => "pico-native",
      connect: (i, options) => {
        const at = 2 * pair + i
        const pico = this.boards[at]
        const port = new PicoPort(`pico-${at}`, pico, clock)
        const unplug = () => port.lose(new Error("its cable was pulled"))
        const kill = () => {
          unplug()
          const { flash, uniqueId } = pico
          this.boards[at] = new EmulatedPico({ flash, uniqueId })
        }
        return BoardLink.connect(wrap(i, port, { unplug, kill }), options)
      },
      reconnect: (i, link, options) => link.close().then(() => boards.connect(i, options)),
      stop: async () => {},
    }
    return boards
  }
}

it("a run with a fault at a frame ends with the host's hash or a named error", {
  timeout: 300_000,
}, async () => {
  const hash = hashOnHost()
  const picos = new Picos()
  const whole = await picos.run(0, [])
  expect(whole.hash).toBe(hash)
  const all = casesOf(new Map(), whole.injector.counts)
  const cases = all.filter((_, i) => i % EVERY === 7)
  expect(new Set(cases.map(({ rules }) => rules[0].kind)).size).toBe(
    Object.keys(FAULT_KINDS).length,
  )
  const figures = await sweep(picos, cases, hash)
  expect(figures.notes.filter(({ outcome }) => !outcome.startsWith("error"))).toEqual([])
  expect(figures.lost).toBe(0)
  expect(figures.survived).toBeGreaterThan(0.8 * cases.length)
})
