/** Joins a fleet and its panel: shows what the boards do, hands them what the panel's user teaches. */

import { confidenceOf } from "../network/confidence"
import type { Network } from "../network/network"
import type { Lesson } from "../session/reports"
import type { BoardState, FleetWatch, Request } from "../session/watch"
import type { Panel } from "./panel"

/** Presses that may wait for the boards: more would come as a surprise later. */
const MOST_WAITING = 4

export interface Answer {
  /** As the boards gave them; `scale` is 1. */
  outputs: Int16Array
  scale: number
  digit: number
  /** 0…1 */
  confidence: number
}

export class Desk implements FleetWatch {
  /** How often somebody said that an answer was right. */
  confirmed = 0
  /** What the boards last gave for an image. */
  answer?: Answer
  onTeach?: () => void
  onRight?: () => void

  private image?: Uint8Array
  private readonly waiting: Lesson[] = []
  private wake?: () => void

  constructor(
    private readonly network: Network,
    private readonly panel: Panel,
    private readonly status: (text: string) => void,
  ) {
    panel.onTeach = () => this.teach()
    panel.onRight = () => {
      if (!this.image) return
      this.confirmed++
      this.onRight?.()
    }
  }

  state(board: number, state: BoardState): void {
    this.panel.showBoard(board, state)
  }

  async hung(board: number): Promise<void> {
    if (await this.panel.reset(board))
      this.status(`board ${board} does not answer; the panel has reset it`)
  }

  classified(image: Uint8Array, outputs: Int16Array): void {
    const digit = outputs.indexOf(Math.max(...outputs))
    const confidence = confidenceOf(outputs, this.network)
    this.answer = { outputs, scale: 2 ** this.network.signalBits, digit, confidence }
    this.image = image
    this.panel.show(digit, confidence)
  }

  learnt(image: Uint8Array, predicted: number): void {
    this.image = image
    this.panel.show(predicted)
  }

  request(): Request | undefined {
    const lesson = this.waiting.shift()
    return lesson && { do: "teach", lesson }
  }

  /** Somebody else holds the run; what is taught here is learnt all the same. */
  changed(): Promise<void> {
    return new Promise(resolve => {
      this.wake = resolve
    })
  }

  async close(): Promise<void> {
    await this.panel.close()
  }

  private teach(): void {
    const { label } = this.panel
    if (!this.image || label === undefined || this.waiting.length >= MOST_WAITING) return
    this.waiting.push({ image: this.image, label })
    this.wake?.()
    this.onTeach?.()
  }
}
