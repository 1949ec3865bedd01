/** Messages that are lost, repeated, late or out of order while boards classify. */
import { describe, expect, it } from "vitest"
import { VirtualClock } from "../../../host/base/clock"
import { faultyPorts } from "../../../host/faults/faulty-port"
import { FaultInjector } from "../../../host/faults/injector"
import { type FaultRule, parseFaults } from "../../../host/faults/spec"
import { Fleet } from "../../../host/fleet/fleet"
import { readBoardProfile } from "../../../host/hardware/board-profile"
import { TimedBoards } from "../../../host/hardware/timed-boards"
import { HostNetwork } from "../../../host/network/host-network"
import { splitEvenly } from "../../../host/partition/partition"
import { firmware } from "../../firmware/compiled"
import { lesson, net } from "../faults/rig"
import { forOneRun } from "../hardware/for-one-run"
import { byLinks } from "../partition/by-links"

const IMAGES = 12
const SEEDS = 10
const host = new HostNetwork(net)
const right = Array.from({ length: IMAGES }, (_, i) => host.predict(lesson(i).image))

/** Boards of one number, for one run after the other. */
class Bench {
  private injector = new FaultInjector([], 0)
  private readonly clock = new VirtualClock({ promisesAlone: true })
  private readonly set: TimedBoards

  constructor(
    private readonly boards: number,
    private readonly shares = splitEvenly(net, boards),
    private readonly network = net,
  ) {
    const { clock } = this
    this.set = new TimedBoards(boards, {
      clock,
      profile: readBoardProfile("virtual"),
      wrap: (i, port, hands) => faultyPorts(this.injector, clock)(i, port, hands),
    })
  }

  /** @param faults what goes wrong once the boards hold the network */
  async run<T>(faults: FaultRule[], seed: number, work: (fleet: Fleet) => Promise<T>) {
    const { boards, clock, shares, network } = this
    const bytecode = await firmware()
    const rules: FaultRule[] = []
    this.injector = new FaultInjector(rules, seed)
    const options = { network, boards, bytecode, sampleDeadlineMs: 1_000 }
    const fleet = new Fleet(options, forOneRun(this.set), shares)
    return await clock.run(async () => {
      try {
        await fleet.begin()
        rules.push(...faults)
        const result = await work(fleet)
        return { result, fleet, faults: this.injector.injected.length }
      } finally {
        await fleet.close()
      }
    })
  }

  async classify(faults: FaultRule[], seed: number) {
    const { result, ...rest } = await this.run(faults, seed, fleet =>
      fleet.classify(i => lesson(i).image, IMAGES),
    )
    return { classes: [...result], ...rest }
  }
}

describe("a fleet classifies as the host", () => {
  for (const boards of [1, 2, 4]) {
    const bench = new Bench(boards)
    for (const kind of ["drop", "repeat", "delay", "reorder"])
      it(`on ${boards} boards, however many frames meet with ${kind}`, async () => {
        let met = 0
        for (const rate of [0.1, 0.5, 2])
          for (let seed = 1; seed <= SEEDS; seed++) {
            const { classes, faults } = await bench.classify(parseFaults(`${kind}@${rate}%`), seed)
            expect(classes, `${kind}@${rate}%, seed ${seed}`).toEqual(right)
            met += faults
          }
        // One board has few frames: some must have been met, or nothing was tried.
        expect(met).toBeGreaterThan(0)
      }, 300_000)
  }
})

/** Every output reads all 8 signals of the layer before: only such sums can be shared by links. */
const full = {
  ...net,
  layers: net.layers.map((layer, i) => (i === 2 ? { ...layer, fanIn: 8 } : layer)),
}

describe("a fleet that shares the outputs by their links learns and classifies as the host", () => {
  const learnt = new HostNetwork(full)
  for (let i = 0; i < IMAGES; i++) learnt.train(lesson(i).image, lesson(i).label)
  const after = Array.from({ length: IMAGES }, (_, i) => learnt.predict(lesson(i).image))
  for (const boards of [2, 4]) {
    const bench = new Bench(boards, byLinks(full, boards), full)
    for (const kind of ["drop", "repeat", "delay", "reorder"])
      it(`on ${boards} boards, however many frames meet with ${kind}`, async () => {
        let met = 0
        for (const rate of [0.1, 0.2])
          for (let seed = 1; seed <= SEEDS / 4; seed++) {
            const rules = parseFaults(`${kind}@${rate}%`)
            const { result, faults } = await bench.run(rules, seed, async fleet => {
              await fleet.learn(lesson, IMAGES)
              const classes = await fleet.classify(i => lesson(i).image, IMAGES)
              return { classes: [...classes], coefficients: await fleet.coefficients() }
            })
            const which = `${kind}@${rate}%, seed ${seed}`
            expect(learnt.coefficients().equals(result.coefficients), which).toBe(true)
            expect(result.classes, which).toEqual(after)
            met += faults
          }
        expect(met).toBeGreaterThan(0)
      }, 300_000)
  }
})
