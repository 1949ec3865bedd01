/**
 * Bounds one message of MQTT as it comes: the protocol lets one have 256 MB, and parsers hold it until
 * it is whole. Every message begins with a byte of its kind and its length, seven bits a byte, the
 * lowest first (MQTT 3.1.1, 2.2).
 */

/** Far above any of ours, which have 16 KiB; of the same order as what waits for a board. */
export const MOST_MESSAGE_BYTES = 2 ** 20

const MOST_LENGTH_BYTES = 4

export class MessageBound {
  /** Bytes still to come of the message in hand; its length, as far as it was read. */
  private left = 0
  private length = 0
  private lengthBytes = -1

  constructor(private readonly most = MOST_MESSAGE_BYTES) {}

  /** @returns false where a message begins that is too large, or whose length is none */
  take(bytes: Uint8Array): boolean {
    for (let at = 0; at < bytes.length; ) {
      if (this.left > 0) {
        const part = Math.min(this.left, bytes.length - at)
        this.left -= part
        at += part
      } else if (this.lengthBytes < 0) {
        this.length = 0
        this.lengthBytes = 0
        at++
      } else {
        const byte = bytes[at++]
        this.length += (byte & 0x7f) * 2 ** (7 * this.lengthBytes++)
        if (this.length > this.most) return false
        if (byte < 0x80) {
          this.left = this.length
          this.lengthBytes = -1
        } else if (this.lengthBytes === MOST_LENGTH_BYTES) return false
      }
    }
    return true
  }
}
