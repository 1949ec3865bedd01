/**
 * Messages of the program of a board that reads a sensor by itself (firmware/demos/sensor), and the image
 * that a host writes into it: features, stream and network of one model. All little-endian.
 */

/** Class of the service `wuxing sensor`. */
export const SENSOR_CLASS = 0x1d83e7b2

/** Bytes set aside in the program for an image, which is there at its beginning. */
export const SENSOR_IMAGE_BYTES = 24576
/** What the set-aside bytes begin with in a program that has no image yet: "WXSENSOR". */
export const SENSOR_MARK = "575853454e534f52"

/** Of an image: its head, then the plan of the features, then the shard. */
export enum SensorImage {
  /** 8 bytes: the mark. */
  Mark = 0,
  /** u16: `SensorKind`. */
  Kind = 8,
  /** i16: bits by which a reading is shifted right (negative: left) to be the core's number. */
  Shift = 10,
  /** u16, ms: between two readings. */
  Interval = 12,
  /** u16: classes. */
  Classes = 14,
  /** i32: lead of the best output below which a window is of no known class. */
  Unknown = 16,
  /** The stream as it begins: Stream.Size bytes (src/signals/segment.ts). */
  Stream = 20,
  /** i32: bytes of the plan, of its working memory, of the shard's image. */
  PlanBytes = 60,
  WorkBytes = 64,
  ShardBytes = 68,
  Length = 72,
}

export enum SensorKind {
  None = 0,
  Accelerometer = 1,
  Gyroscope = 2,
  LightLevel = 3,
  SoundLevel = 4,
  Potentiometer = 5,
}

/**
 * An accelerometer that DeviceScript 2.16.4's own drivers serve sends sixteenths of a g, as that runtime
 * puts a point of 20 bits at 4. Such readings are told by their size: to this number, 32 g, while in 2^-20 g
 * it is 0.0005 g, which no accelerometer keeps below in all its channels, as gravity alone is 1 g.
 */
export const MOST_SIXTEENTHS = 512
/** Bits by which such readings are shifted left to be 2^-20 g. */
export const SIXTEENTHS_SHIFT = 16

export enum SensorCommand {
  Teach = 0x80,
  State = 0x81,
  Read = 0x82,
  Forget = 0x83,
  Found = 0x84,
}

/** Command teach: what the last window was. */
export enum TeachField {
  /** u8: the class. */
  Class = 0,
  /** u8: times all examples taught so far are gone through, 1…50. */
  Passes = 1,
  Length = 2,
}

/** Its answer: status u8, examples u8, i32 learning steps so far, i32 generation of what is in flash. */
export enum TeachReply {
  Status = 0,
  Examples = 1,
  Steps = 2,
  Generation = 6,
  Length = 10,
}

/** Examples a board keeps in memory to go through again; the oldest goes first. */
export const SENSOR_EXAMPLES = 40

/** Answer to state. */
export enum SensorState {
  Status = 0,
  /** u8: is a sensor there? */
  Bound = 1,
  /** i32: readings taken, windows found, learning steps, generation in flash; drawn at the start. */
  Readings = 2,
  Windows = 6,
  Steps = 10,
  Generation = 14,
  Boot = 18,
  Length = 22,
}

/** Report found, of each window: also an event of the service, with the class alone. */
export enum FoundField {
  /** u16: its number since the start. */
  Number = 0,
  /** u8: its class; 255: none it knows. */
  Class = 2,
  /** u8: class of the largest output, known or not. */
  Best = 3,
  /** i16: its lead over the next. */
  Lead = 4,
  /** u16: samples of the window. */
  Samples = 6,
  /** i32: hash of the features (src/signals/runs.ts). */
  Hash = 8,
  Length = 12,
}
export const UNKNOWN_CLASS = 255
