/** What is sent to one page: bounded, however slowly the page reads. */
import type { WebSocket } from "ws"
import type { ToPage } from "./messages"

/** Above this a page gets no more of what the next message of its kind makes obsolete, bytes. */
const MOST_BEHIND_BYTES = 512 * 1024
/** Above this a page is disconnected: it can connect again and gets everything. */
export const MOST_QUEUED_BYTES = 4 * 1024 * 1024

/** A page that missed one of these must have everything again, or it would count wrongly. */
const COUNTED = new Set<ToPage["type"]>(["update", "log", "mark", "recordings"])
/** The next one replaces it, or what is missing can be seen. */
const REPLACED = new Set<ToPage["type"]>(["inside", "fleet", "control", "signal-state", "trace"])

export class Outgoing {
  private missed = false

  /** @param renew sends the page all that it must know, after it has missed something */
  constructor(
    private readonly ws: Pick<
      WebSocket,
      "bufferedAmount" | "readyState" | "OPEN" | "send" | "terminate"
    >,
    private readonly renew: () => void,
  ) {}

  send(message: ToPage): void {
    const { ws } = this
    if (ws.readyState !== ws.OPEN) return
    const behind = ws.bufferedAmount
    if (behind > MOST_BEHIND_BYTES && REPLACED.has(message.type)) return
    if (COUNTED.has(message.type) && (behind > MOST_BEHIND_BYTES || this.missed)) {
      // Not before the queue is empty: the renewal is large itself.
      this.missed = behind > 0
      if (!this.missed) this.renew()
      return
    }
    if (behind > MOST_QUEUED_BYTES) {
      ws.terminate()
      return
    }
    ws.send(JSON.stringify(message), error => {
      if (error) ws.terminate()
    })
  }
}
