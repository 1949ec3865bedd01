/** What a fleet is taught, what it has learnt, and what it says of its boards. */
import type { BoardTimes } from "./board-times"

/** What a board got of a network. */
export interface BoardReport {
  /** 16 hex digits, the board's own. */
  id: string
  /** Its kind: "virtual", "pico". */
  profile: string
  /** Neurons it computes. */
  neurons: number
  /** Links it holds the coefficients of. */
  links: number
  /** By the program's own account, bytes. */
  heapBytes: number
}

/** How a board is, by its program's own account. */
export interface BoardHealth {
  heapBytes: number
  /** Messages dealt with, refused, and lost for want of room since the program started. */
  handled: number
  refused: number
  dropped: number
  /** Differs after a restart. */
  boot: number
  /** For how long it has computed what, by its own clock; absent where its program does not tell. */
  times?: BoardTimes
}

export interface Messages {
  fromBoards: number
  toBoards: number
  /** From the board that has sent most. */
  busiestBoard: number
}

/** A board at work. */
export interface LiveBoard {
  title: string
  /** Whose it is: the agent's that offers it. */
  group?: string
  /** Of the neurons, 0…1. */
  share: number
  /** Samples it has reported on since it was loaded. */
  samples: number
  /** Frames from and to it since it was connected, and errors among them. */
  messages: number
  /** Of the service: reports of its program, and frames to it. */
  fromBoard: number
  toBoard: number
  errors: number
  /** Since its program last said something. */
  silentSeconds: number
}

/** State to go on from: all that was learnt after `samples` samples. */
export interface Checkpoint {
  samples: number
  /** In the network's order, int16, Q13. */
  coefficients: Buffer
  /** What elements that learn have of their own (exchangeElements); else empty. */
  elements: Buffer
}

/** An image and the class it shows. */
export interface Lesson {
  /** A byte a pixel, row by row, 0 = background. */
  image: Uint8Array
  /** Number of the output that should be largest. */
  label: number
}
