/**
 * A fixed part of the sweep behind an agent and a broker, all on one virtual clock (`npm run faults` runs
 * it all): what happens to those at a frame ends as a pulled cable does.
 */
import { expect, it } from "vitest"
import { BROKER_KINDS, parseFaults } from "../../../host/faults/spec"
import { firmware } from "../../firmware/compiled"
import { BrokerRig } from "./broker-rig"
import { hashOnHost } from "./rig"
import { mixed, recordedBehind, sweep } from "./sweep"

/** Nothing of it goes by this machine's clock. */
const PATIENCE_MS = 900_000
/** Has no factor in common with the number of kinds: every kind comes. */
const EVERY = 17

it(
  "behind a broker: a fault at a frame ends with the host's hash, or names the agent that is gone",
  async () => {
    const hash = hashOnHost()
    const rig = new BrokerRig(await firmware())
    try {
      const all = await recordedBehind(rig, hash)
      const cases = mixed(all.filter((_, i) => i % EVERY === 0))
      const kinds = new Set(cases.map(({ rules: [{ kind }] }) => kind))
      expect([...kinds].sort()).toEqual(Object.keys(BROKER_KINDS).sort())
      const figures = await sweep(rig, cases, hash)
      expect(figures.lost).toBe(0)
      const gone = cases.filter(({ rules: [{ kind }] }) => kind === "agentgone").length
      for (const { case: name, outcome } of figures.notes) {
        expect(parseFaults(name, true)[0].kind).toBe("agentgone")
        expect(outcome).toMatch(/^error (agent-gone|board-lost): .*agent lab/)
      }
      // Frames that go by the clock may come too late to be met.
      expect(figures.unreached).toBeLessThan(3)
      expect(figures.runs + figures.unreached).toBe(cases.length)
      expect(figures.survived + figures.namedErrors).toBe(figures.runs)
      expect(figures.namedErrors).toBeGreaterThan(0.8 * gone)
    } finally {
      await rig.stop()
    }
  },
  PATIENCE_MS,
)
