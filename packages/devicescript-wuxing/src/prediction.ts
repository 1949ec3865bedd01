/** What a network makes of its inputs. */
export interface Prediction {
  /** Of the largest output; its name is in `labels`. */
  class: number
  /**
   * The share of that class among all, 0…100: a softmax of the outputs, with the gain the network was
   * taught with, or, of networks taught by margins, 10 · log2 e. It orders answers by how sure the
   * network is; it is no measured probability of being right.
   */
  confidence: number
  /** Signed, with `signalBits` bits after the point. */
  outputs: number[]
}
