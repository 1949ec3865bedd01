/** In which order a board gets what is meant for it. */
import { expect, it } from "vitest"
import { VirtualClock } from "../../../host/base/clock"
import { type Message, Outbox } from "../../../host/fleet/outbox"
import { signalsMessages } from "../../../host/fleet/service-messages"
import { Command, SignalsField } from "../../../src/wire/protocol"
import { uniform } from "../../src/core/helpers"

/** As a board: it takes each sample's signals of a layer in the order of their places alone. */
class Taking {
  private readonly next = new Map<string, number>()

  take({ command, payload, layer }: Message): void {
    if (command !== Command.Signals) return
    const p = Buffer.from(payload)
    const count = p[SignalsField.Count]
    const first = p.readUInt16LE(SignalsField.First)
    const samples = (p.length - SignalsField.Length) / (2 * count)
    for (let i = 0; i < samples; i++) {
      const key = `${layer}/${p.readUInt32LE(SignalsField.Sample) + i}`
      expect(first, `sample ${key}`).toBe(this.next.get(key) ?? 0)
      this.next.set(key, first + count)
    }
  }
}

it("never puts a range of a sample's signals before an earlier one, images waiting between", async () => {
  const random = uniform(7)
  const failures: Error[] = []
  for (let round = 0; round < 300; round++) {
    const board = new Taking()
    const sent: Message[] = []
    const outbox = new Outbox(
      async message => {
        board.take(message)
        sent.push(message)
      },
      () => new Promise<void>(() => {}),
      reason => failures.push(reason),
      new VirtualClock(),
    )
    // So many images that the last of them wait.
    const images = 14 + Math.floor(random() * 10)
    for (let sample = 0; sample < images; sample++)
      outbox.push({ command: Command.Image, payload: new Uint8Array(), sample, layer: 0 })
    // Another board is further: its signals come for samples whose images still wait here.
    const widths = [1 + Math.floor(random() * 40), 1 + Math.floor(random() * 40)]
    const ranges = [
      { first: 0, end: widths[0] },
      { first: widths[0], end: widths[0] + widths[1] },
    ]
    const from = Math.floor(random() * (images - 4))
    const samples = Array.from({ length: 4 }, (_, i) => ({
      sample: from + i,
      values: new Int16Array(widths[0] + widths[1]),
    }))
    for (const layer of [1, 2])
      for (const message of signalsMessages(ranges, layer, samples))
        outbox.push({ command: Command.Signals, ...message, layer })
    for (let sample = 0; sample < images; sample++) outbox.heard(sample, 3)
    expect(sent.filter(({ layer }) => layer > 0).length).toBeGreaterThan(0)
  }
  await new Promise(resolve => setImmediate(resolve))
  expect(failures).toEqual([])
})
