/**
 * Messages of the programs of the demos (firmware/memory.ts and its neighbours), for both sides.
 * All little-endian; Q12 unless a comment says otherwise.
 */

/** Class of the service `ring memory`. */
export const MEMORY_CLASS = 0x1a6e2c4d

/** A neuron here has the papers' five elements. */
export const ELEMENTS = 5

export enum MemoryCommand {
  Store = 0x80,
  Rounds = 0x81,
  Recall = 0x82,
  Trace = 0x83,
  Found = 0x84,
}

/** What a demo's program answers first, u8. */
export enum DemoStatus {
  Ok = 0,
  /** The payload is not as long as its command wants it. */
  BadLength = 1,
  BadValue = 2,
  /** The targets cannot be stored: `StoreReply` says why. */
  Refused = 3,
  /** The value read back from flash is not the one written. */
  NotKept = 4,
  /** Nothing was found in flash. */
  Nothing = 5,
}

/** Command store. */
export enum StoreField {
  /** u8: `Parameter.K1` or `Parameter.K3`. */
  Set = 0,
  /** u8: rounds, 1…100. */
  Rounds = 1,
  /** u16, Q8: see `storeRound`. */
  Gain = 2,
  /** u16, Q8: dt of the steps that are run on in each round, 1…256. */
  Step = 4,
  /** u16: how many of them, 0…16. */
  Hold = 6,
  /** i16 each. */
  Targets = 8,
  Length = 18,
}

/** Its answer. */
export enum StoreReply {
  Status = 0,
  /** u8: why the targets were refused (`Refusal`), and for which element. */
  Refusal = 1,
  Element = 2,
  Length = 4,
}

/** Report rounds: u16 the first round's number (from 0), then a record a round. */
export enum RoundField {
  First = 0,
  Records = 2,
}

/** Of a record, i16 for each element: the error found, the parameter after it, the element after `Hold` steps. */
export enum RoundRecord {
  Errors = 0,
  Parameters = 10,
  Ends = 20,
  Length = 30,
}

/** Command recall. */
export enum RecallField {
  /** u8 */
  Set = 0,
  /** u8: a state is reported after so many steps, 1…255. */
  Every = 1,
  /** u16: reports of a state in all, 1…1000. */
  States = 2,
  /** u16, Q8: dt. */
  Step = 4,
  /** i16 each: where the elements begin. */
  Start = 6,
  Length = 16,
}

/** Report trace: u16 the first state's number, then i16 for each element, state by state. */
export enum TraceField {
  First = 0,
  States = 2,
}

/** Answer to found: status u8, u8 bits by `Parameter` of what was found, u32 a number drawn at the start. */
export enum FoundReply {
  Status = 0,
  Sets = 1,
  Boot = 2,
  /** i16: K1, K2 and K3 of each element, of the memory by K1, then of that by K3; zeros where none was. */
  Parameters = 6,
  Length = 66,
}

/** Class of the service `ring oscillator`. */
export const OSCILLATOR_CLASS = 0x1b39d0e6

export enum OscillatorCommand {
  Tune = 0x80,
  Input = 0x81,
  Cycle = 0x82,
  State = 0x83,
}

/** Command tune; its answer is a status, u8. */
export enum TuneField {
  /** i16 each, the same for all elements. */
  K1 = 0,
  K2 = 2,
  K3 = 4,
  /** u16, Q8: dt, 1…256. */
  Step = 6,
  /** u16, ms: a step is made so often; 1…1000. */
  Pace = 8,
  Length = 10,
}

/** Command input; its answer is a status, u8. */
export enum InputField {
  /** u16: steps after which the inputs are zero again; 0: never. */
  Steps = 0,
  /** i16 each. */
  Inputs = 2,
  Length = 12,
}

/**
 * Report cycle: u32 the step after which J was above its mean; u16 the share of that step, of 65536, in
 * which it still was below; i16 its highest and its lowest displacement from the mean since the last
 * report.
 */
export enum CycleField {
  Step = 0,
  Below = 4,
  High = 6,
  Low = 8,
  Length = 10,
}

/** Answer to state: status u8, LED u8 (0 or 1), u32 steps so far, i16 each element. */
export enum StateReply {
  Status = 0,
  Led = 1,
  Steps = 2,
  Elements = 6,
  Length = 16,
}

/** Class of the service `wuxing alone`. */
export const ALONE_CLASS = 0x1c52ae97

export enum AloneCommand {
  Forget = 0x80,
  Sample = 0x81,
  State = 0x82,
  Read = 0x83,
}

/** Images a board keeps at most, and bytes of one: see `SampleField`. */
export const ALONE_SAMPLES = 8
export const ALONE_SAMPLE_BYTES = 96

/** Command sample; its answer is a status, u8. */
export enum SampleField {
  /** u8: its place, below `ALONE_SAMPLES`. */
  Place = 0,
  /** u8: how many there are in all: what is kept in later places is passed over. */
  Count = 1,
  /** u16, ms: the pace of the LED, 20…2000. */
  Pace = 2,
  /** Black and white: pixels without ink and pixels with, u8 each, in turn. */
  Runs = 4,
}

/** Answer to state: status u8, images u8, i32 generation of what is in flash, i32 learning steps so far. */
export enum AloneState {
  Status = 0,
  Samples = 1,
  Generation = 2,
  Lessons = 6,
  /** i32: drawn at the start of the program. */
  Boot = 10,
  Length = 14,
}

/** Command read: offset u16 in the coefficients; answered by status u8, 0, and up to 200 of them. */
export enum AloneRead {
  Status = 0,
  Coefficients = 2,
}
export const ALONE_READ_BYTES = 200

/** Steps of one lesson at most: they end when the image is named as it is to be. */
export const LESSON_STEPS = 30

/** What the LED of a board alone means, as 0xRRGGBB. */
export enum AloneLight {
  Dark = 0,
  /** A round begins. */
  Round = 0x0000ff,
  /** One flash for each of the class's number; ten for class 0. */
  Flash = 0xffffff,
  /** Faint: now the button is heard. */
  Listening = 0x181000,
  /** It was learnt, and is in flash. */
  Learnt = 0x00ff00,
  /** It could not be learnt or kept. */
  Failed = 0xff0000,
}
