/** One direction and the other of a session: numbers what is sent, checks what comes. */
import type { MqttClient } from "mqtt"
import { type BoardMessage, encodeMessage, MessageKind, MOST_CONTENT_BYTES } from "./messages"

/** Messages the broker has not acknowledged, after which a sender waits. */
const WINDOW = 32

export class Session {
  private sent = 0
  private expected = 0
  private unacknowledged = 0
  private waiting: (() => void)[] = []
  private failed?: Error

  constructor(
    private readonly client: MqttClient,
    private readonly topic: string,
    readonly id: number,
  ) {}

  /** Sends bytes of the port. Resolves when there is room for more on the way. */
  async sendData(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; at += MOST_CONTENT_BYTES) {
      this.send(MessageKind.Data, bytes.subarray(at, at + MOST_CONTENT_BYTES))
      while (this.unacknowledged >= WINDOW && !this.failed)
        await new Promise<void>(resolve => this.waiting.push(resolve))
      if (this.failed) throw this.failed
    }
  }

  send(kind: MessageKind, content: Uint8Array = new Uint8Array(0)): void {
    const message = encodeMessage({ kind, session: this.id, number: this.sent++, content })
    this.unacknowledged++
    this.client.publish(this.topic, message, { qos: 1 }, error => {
      this.unacknowledged--
      if (error) this.fail(error)
      for (const resolve of this.waiting.splice(0)) resolve()
    })
  }

  /** Senders that wait are told. */
  fail(reason: Error): void {
    this.failed ??= reason
    for (const resolve of this.waiting.splice(0)) resolve()
  }

  /** What to do with a message of this session: it is the next one, was here before, or one is missing. */
  order({ number }: BoardMessage): "next" | "before" | "missing" {
    if (number < this.expected) return "before"
    if (number > this.expected) return "missing"
    this.expected++
    return "next"
  }
}
