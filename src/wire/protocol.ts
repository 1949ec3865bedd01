/**
 * The words a host and a board speak: the payloads of the Jacdac service `wuxing`
 * (firmware/services/wuxing.md). Both sides import this file. All numbers are little-endian.
 *
 * A request of the *control* kind starts with a u16 tag that its reply repeats, followed by a status
 * byte. *Data* messages (image, signals, back) carry sample numbers instead; a report of signals or
 * of backward sums has the same form as the command, so a host relays it unread.
 */

export const SERVICE_CLASS = 0x1ddf2b61
/** What a board that runs the core as machine code announces in place of a DeviceScript manager. */
export const NATIVE_CLASS = 0x1f2bd9c5
/** The hardware such a board says it is (Jacdac product_identifier): a Pico. */
export const NATIVE_PICO_PRODUCT = 0x3d9a62f1
export const PROTOCOL_VERSION = 4
/** Largest payload of a Jacdac packet, bytes. */
export const MAX_PAYLOAD = 236

/** Bytes of a message, which may lie at any address: as C, numbers in it are read byte by byte. */
export type Payload = Buffer

export enum Command {
  /** tag u16, protocol u16, image bytes u32, checksum u32, layout hash u32 → reply */
  Begin = 0x80,
  /** offset u32, bytes; no reply. Slices come in order. */
  Slice = 0x81,
  /** tag u16 → reply + received u32, checksum u32 */
  Commit = 0x82,
  /** tag u16 → reply + StatusField, and TimesField behind it where a shard is loaded */
  Status = 0x83,
  /** tag u16, offset u32, length u16 → reply + bytes */
  Read = 0x84,
  /** tag u16, setting u8, value i32 → reply */
  Set = 0x85,
  /**
   * tag u16, samples learnt u32, run u32, right u32 → reply + generation u32: keeps in flash what was
   * learnt; TooLarge if the store does not hold two of it. Sent again under the same tag it is
   * answered again, and done once. Native boards keep the whole shard and have it again after a reset.
   */
  Save = 0x86,
  /** tag u16, before u8 (0: the newest, 1: the one before it) → reply + SavedField; NoShard: none */
  Saved = 0x87,
  /**
   * tag u16, generation u32 → reply: the loaded shard, which must be the one that was saved, gets back
   * what it had learnt then. Updates count from 0 again.
   */
  Restore = 0x88,
  /** ImageField, runs (src/core/image.ts) */
  Image = 0x90,
  /** SignalsField, i16[]: both ways */
  Signals = 0x91,
  /** BackField, i32[]: both ways */
  Back = 0x92,
  /** SumsField, i32[]: both ways; a report has one board's part of them, the command all boards' together. */
  Sums = 0x93,
  /** FaultField. Report only, for whatever is not answered by a reply. */
  Fault = 0x9f,
}

/** Every outcome a board reports; 0 is success. */
export enum Status {
  Ok = 0,
  /** The payload is shorter or longer than the command allows. */
  BadLength = 1,
  /** An offset or length outside the shard. */
  OutOfRange = 2,
  /** The command needs a shard and none is loaded. */
  NoShard = 3,
  /** Protocol or layout version the board does not know. */
  BadVersion = 4,
  /** The shard does not fit the board's memory. */
  TooLarge = 5,
  /** Bytes are missing or their checksum differs. */
  BadChecksum = 6,
  /** The loaded bytes are not a sound shard, or not the one announced. */
  BadShard = 7,
  /** Signals or backward sums for a layer this shard does not take. */
  WrongShard = 8,
  /** The sample is not the one in hand, was had already, or its updates do not follow on. */
  OutOfOrder = 9,
  /** The runs of an image are malformed. */
  BadImage = 10,
  /** More messages than the board can keep: `number` of them were lost. */
  Busy = 11,
  UnknownCommand = 12,
  /** A label, setting, size or sample number (2^31 or more) that means nothing. */
  BadValue = 13,
  /** A defect of the program; the message was not carried out. */
  Internal = 14,
}

/** Reply to Status, offsets from the start of the payload. */
export enum StatusField {
  Tag = 0,
  Status = 2,
  /** u8: 0 empty, 1 loading, 2 ready */
  State = 3,
  Protocol = 4,
  Layout = 6,
  /** u32 each */
  LayoutHash = 8,
  /** Bytes the shard uses of those set aside for it. */
  ShardBytes = 12,
  /** Bytes of heap the program holds, by its own account. */
  HeapBytes = 16,
  /** Learning steps applied since the shard was loaded. */
  Updates = 20,
  /** Messages handled, refused, and lost for want of room, since the program started. */
  Handled = 24,
  Refused = 28,
  Dropped = 32,
  /** Random number the program drew at its start: it differs after a restart. */
  Boot = 36,
  /** Bytes set aside for a shard and the reports it gathers. */
  ArenaBytes = 40,
  Length = 44,
}

/**
 * Behind StatusField in the reply of a board that holds a shard: for how long it has computed, by its own
 * clock. Offsets from StatusField.Length; u32 each unless said otherwise, counted since the program
 * started, modulo 2^32. Older boards end their reply before it.
 */
export enum TimesField {
  /** u16: µs of a tick, which is what its clock can tell apart */
  Tick = 0,
  /** u8: how many layers are told */
  Layers = 2,
  /** Samples whose image came in whole, and samples learnt. */
  Samples = 4,
  Learnt = 8,
  /** Ticks for images as they came, with the links that are summed as pixels come. */
  Images = 12,
  /** Ticks until the machine had taken reports, which it may hold back. */
  Reports = 16,
  /** From here on LayerTimes.Length for each layer from 1 on, of those in the shard. */
  OfLayers = 20,
}

/** Ticks of a layer's parts, those of one layer together. */
export enum LayerTimes {
  /** The links' sums, with the taking in of signals for them, and the settle. */
  Forward = 0,
  /** The settle of backward signals; in the last layer with the error. */
  Backward = 4,
  /** Backward sums of the links, and their update. */
  Learn = 8,
  Length = 12,
}

/** Layers of which the reply has room to tell. */
export const MOST_TIMED = 14

/** Reply to Saved, u32 each but tag and status. */
export enum SavedField {
  Tag = 0,
  Status = 2,
  /** Counts up with each checkpoint. */
  Generation = 3,
  /** As the host said. */
  Samples = 7,
  /** Learning steps applied when it was saved. */
  Updates = 11,
  LayoutHash = 15,
  /** As the host said: which training it belongs to, and how many of its epoch were right before. */
  Run = 19,
  Right = 23,
  Length = 27,
}

export enum ImageField {
  /** u32, below 2^31. A new first slice ends whatever sample was being received or learnt. */
  Sample = 0,
  /** u32: learning steps the board must have applied before this image. */
  Updates = 4,
  Flags = 8,
  Label = 9,
  /** u16: pixel the first skip counts from; must be where the slice before ended. */
  Pixel = 10,
  Length = 12,
}

export enum ImageFlag {
  First = 1,
  Last = 2,
  /** Learn from this sample. */
  Learn = 4,
  /** Report signals at once instead of gathering several samples. */
  Flush = 8,
}

/** One or more consecutive samples' signals of one layer: per sample `count` i16. */
export enum SignalsField {
  /** u32: the first sample */
  Sample = 0,
  Layer = 4,
  /** u8: signals per sample */
  Count = 5,
  /** u16: index in its layer of the first signal */
  First = 6,
  Length = 8,
}

/** Sums C·S of all synapses of the outputs for one sample, of a shard whose outputs are `Partial`. */
export enum SumsField {
  /** u32 */
  Sample = 0,
  /** The outputs' layer. */
  Layer = 4,
  /** u8: how many sums */
  Count = 5,
  /** u16: 0 */
  First = 6,
  Length = 8,
}

/** Backward sums of one layer's signals for one sample. */
export enum BackField {
  Sample = 0,
  Layer = 4,
  Flags = 5,
  First = 6,
  /** u8: in a report of a board with outputs, the class the network gave before learning; else 255 */
  Predicted = 8,
  /**
   * u8: in a command how many messages of this layer and sample went before, modulo 256. A board
   * takes them in that order alone, so that sums are neither lost nor added twice unnoticed.
   */
  Number = 9,
  Length = 10,
}

export enum BackFlag {
  /** Command: the last sums for this layer; learn now. Report: the last of this sample's. */
  Last = 1,
  /** Report: the sample taught something (otherwise no sums follow). */
  Learned = 2,
  /** Command: not a row of sums from `First` on, but each behind its signal: u16, i32. */
  Listed = 4,
}

/** What was refused, and why. */
export enum FaultField {
  /** u8, as in a reply */
  Status = 0,
  /** u8: the command that was refused */
  Command = 1,
  /** i32: the sample, offset or command refused, or how many messages were lost */
  Number = 2,
  /** i32: what the value that was compared should have been (−1: none), and what it was */
  Expected = 6,
  Got = 10,
  /** u8: which value that is */
  Compared = 14,
  Length = 15,
}

/** Which value of a refused message did not match. */
export enum Compared {
  Nothing = 0,
  /** The sample against the one in hand. */
  Sample = 1,
  /** Learning steps applied. */
  Updates = 2,
  /** The pixel a slice begins with. */
  Pixel = 3,
  /** The place of the first signal against the next one that is missing. */
  FirstSignal = 4,
  /** How many signals the layer would have had. */
  SignalCount = 5,
  /** The part that runs next: backward sums came before the forward pass was over. */
  NextPart = 6,
  /** The number of a message with backward sums among those of its layer. */
  Message = 7,
  /** The offset of a slice. */
  Offset = 8,
  /** A place past the end of the layer. */
  Place = 9,
  Label = 10,
  Layer = 11,
}

export enum Setting {
  LearnShift = 0,
  /** Signal format. */
  Margin = 1,
  /** Of elements that learn. */
  ElementShift = 2,
}

/**
 * Checksum of the bytes from…to−1 (an even count), continuing from `state`: two sums modulo 2^16
 * over u16 words (as Fletcher's), packed as high·65536 + low in an int32.
 */
export function checksum(m: Buffer, from: number, to: number, state: number): number {
  let a = state & 0xffff
  let b = (state >> 16) & 0xffff
  for (let at = from; at < to; at += 2) {
    a = (a + m.getAt(at, "u16")) & 0xffff
    b = (b + a) & 0xffff
  }
  return (b << 16) | a
}
