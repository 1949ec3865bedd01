/**
 * What a program of one's own has of a model's signal, behind the network in what `wuxing export --format
 * devicescript` writes (host/export/devicescript/model-module.ts). All little-endian.
 */
export enum SignalBlock {
  /** f64: what a reading is multiplied by to become the core's number. */
  Unit = 0,
  /** i32, µs: from one reading to the next. */
  IntervalUs = 8,
  /** i32: lead of the best output over the next below which a window is of no known class. */
  Unknown = 12,
  /** i32: windows in a row that must name a class before it is said; 0: each segment says its own. */
  Hold = 16,
  /** i32: bytes of working memory for the features. */
  WorkBytes = 20,
  /** The stream as it begins: Stream.Size bytes (segment.ts). */
  Stream = 24,
  /** The plan of the features (plan.ts), to the end. */
  Plan = 64,
}
