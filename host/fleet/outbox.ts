/**
 * What is on its way to one board. A program keeps only so many messages waiting and drops the rest,
 * so no more are sent than it is known to have room for.
 *
 * Boards do not answer data messages. What they report of a sample shows that they have dealt with
 * the messages that led to it, and with all before; where nothing is reported in time, the board is
 * asked.
 */

import type { Clock, Timer } from "../base/clock"

/** Messages under way at most; a program keeps 16, and the question, which may come twice, is one of them. */
const MOST_UNDER_WAY = 14
/** Images among them leave room for the signals they wait for. */
export const MOST_IMAGES = 13
/** A board that has work reports before it need be asked. */
const ASK_MS = 50

export interface Message {
  command: number
  payload: Uint8Array
  /** Sample and layer (0: the image) the message is for; of several samples the last. */
  sample: number
  layer: number
}

export class Outbox {
  private queue: Message[] = []
  /** Messages sent, and those among them that the board is known to have dealt with. */
  private sent = 0
  private handled = 0
  private asking = false
  private timer?: Timer
  /** Has the board no room for some? */
  private held = false
  /** Called when the board has room for the last message that waited. */
  onEmpty?: () => void
  /** For each sample by layer the number of the last message sent for it. */
  private readonly last = new Map<number, number[]>()

  /**
   * @param send puts a message on the wire
   * @param ask resolves when the board has dealt with all that was sent before
   */
  constructor(
    private readonly send: (message: Message) => Promise<void>,
    private readonly ask: () => Promise<void>,
    private readonly failed: (reason: Error) => void,
    private readonly clock: Clock,
  ) {}

  /**
   * Signals go before the images of later samples: a sample under way is to come to its end. They go
   * before no signals of their own layer: a message may hold several samples, and boards take each
   * sample's signals in the order of their places alone.
   */
  push(message: Message): void {
    const later = ({ layer, sample }: Message) => layer === 0 && sample > message.sample
    const at = message.layer === 0 ? -1 : this.queue.findIndex(later)
    const behind = this.queue.findLastIndex(({ layer }) => layer === message.layer)
    if (at < 0) this.queue.push(message)
    else this.queue.splice(Math.max(at, behind + 1), 0, message)
    this.flow()
  }

  /** Are there messages that the board has no room for yet? */
  get waiting(): boolean {
    return this.queue.length > 0
  }

  /** Asks no more. */
  close(): void {
    this.timer?.stop()
    this.queue = []
  }

  /** A report about a sample shows that its image and its signals below `layer` were dealt with. */
  heard(sample: number, layer: number): void {
    const numbers = this.last.get(sample)
    if (!numbers) return
    for (let l = 0; l < Math.min(layer, numbers.length); l++)
      this.handled = Math.max(this.handled, numbers[l] ?? 0)
    this.flow()
  }

  /** The sample is over: nothing more will be reported of it. */
  forget(sample: number): void {
    this.last.delete(sample)
  }

  private flow(): void {
    for (let message = this.queue[0]; message; message = this.queue[0]) {
      const most = message.layer === 0 ? MOST_IMAGES : MOST_UNDER_WAY
      if (this.sent - this.handled >= most) break
      this.queue.shift()
      this.sent++
      const numbers = this.last.get(message.sample) ?? []
      numbers[message.layer] = this.sent
      this.last.set(message.sample, numbers)
      this.send(message).catch(this.failed)
    }
    this.timer?.stop()
    if (this.waiting && !this.asking) this.timer = this.clock.after(ASK_MS, () => this.askNow())
    if (this.held && !this.waiting) this.onEmpty?.()
    this.held = this.waiting
  }

  private askNow(): void {
    this.asking = true
    const upTo = this.sent
    this.ask().then(() => {
      this.asking = false
      this.handled = Math.max(this.handled, upTo)
      this.flow()
    }, this.failed)
  }
}
