/** Who looks on while a fleet works, and may put in a word: a panel, say. */
import type { Lesson } from "./fleet"

export type BoardState = "loading" | "running" | "learning" | "fault"

export interface FleetWatch {
  /** What a board does from now on. */
  state?(board: number, state: BoardState): void
  /** A board does not answer. It is connected to anew when this resolves; it must not reject. */
  hung?(board: number): Promise<unknown>
  /** What the boards gave for an image, in the signal format. */
  named?(image: Uint8Array, outputs: Int16Array): void
  /** What the boards took an image for before they learnt it. */
  learnt?(image: Uint8Array, predicted: number): void
  /** Asked between samples: a lesson that is to be learnt beside those of the run, if any. */
  lesson?(): Lesson | undefined
  /** The fleet has ended. */
  close?(): Promise<void>
}

/** A lesson learnt beside the run: so it can be repeated elsewhere to the same bits. */
export interface Taught {
  lesson: Lesson
  /** Samples of the run learnt before it. */
  after: number
  /** Its own number, which decides the rounding; out of the way of those of the run. */
  sample: number
}
