/** Recordings from WAV files. */
import wavefile from "wavefile"
import { messageOf } from "../base/errors"
import { damagedRecording, MOST_CHANNELS, MOST_VALUES, type Recording, tooLarge } from "./recording"

/** Of a WAV file's sample formats (RFC 2361): whole numbers, floating point, and any by a code of 16 bytes. */
const PCM = 1
const FLOAT = 3
const EXTENSIBLE = 0xfffe
/** Compressed ones are unpacked by the library, which takes some 30 times the memory. */
const MOST_COMPRESSED = 4 * 2 ** 20

interface Format {
  audioFormat: number
  numChannels: number
  sampleRate: number
  bitsPerSample: number
  subformat: number[]
}

/** @throws WuxingError "recording-damaged" (kind "data") */
export function readWav(bytes: Buffer, path: string): Recording[] {
  refuseOthers(bytes, path)
  let wav: InstanceType<typeof wavefile.WaveFile>
  try {
    wav = new wavefile.WaveFile(bytes)
  } catch (error) {
    throw damaged(path, messageOf(error))
  }
  const { audioFormat, numChannels, sampleRate, bitsPerSample, subformat } = wav.fmt as Format
  if (numChannels < 1 || numChannels > MOST_CHANNELS)
    throw damaged(path, `it has ${numChannels} channels, expected 1 to ${MOST_CHANNELS}`)
  const data = (wav.data as { samples: Uint8Array }).samples
  const kind = audioFormat === EXTENSIBLE ? subformat[0] : audioFormat
  const sampleAt = readerOf(kind, bitsPerSample)
  let values: Float64Array[]
  if (sampleAt) {
    const width = bitsPerSample / 8
    const count = Math.floor(data.length / width / numChannels)
    if (count * numChannels > MOST_VALUES) throw tooLarge(path)
    const view = new DataView(data.buffer, data.byteOffset, data.byteLength)
    values = Array.from({ length: numChannels }, (_, c) => {
      const channel = new Float64Array(count)
      for (let i = 0; i < count; i++) channel[i] = sampleAt(view, (i * numChannels + c) * width)
      return channel
    })
  } else values = unpacked(wav, data, numChannels, path)
  if (values.some(channel => channel.some(value => !Number.isFinite(value))))
    throw damaged(path, "it holds what is no number")
  const channels = numChannels === 1 ? ["audio"] : values.map((_, i) => `audio${i + 1}`)
  return [{ name: path, channels, rate: sampleRate, values }]
}

/** Sound of other formats, by how their files begin (from a byte on). */
const OTHERS: [format: string, at: number, begins: RegExp][] = [
  ["MP3", 0, /^ID3|^\xff[\xe2-\xe7\xf2-\xf7\xfa-\xff]/],
  ["AAC", 0, /^\xff[\xf0\xf1\xf8\xf9]/],
  ["MP4 (m4a)", 4, /^ftyp/],
  ["Ogg (Vorbis or Opus)", 0, /^OggS/],
  ["FLAC", 0, /^fLaC/],
  ["AIFF", 0, /^FORM....AIF/s],
  ["CAF", 0, /^caff/],
  ["AMR", 0, /^#!AMR/],
  ["WebM or Matroska", 0, /^.E\xdf\xa3/s],
  ["WMA", 0, /^0&\xb2u/],
]
const BEGINS_WAV = /^(?:RIFF|RIFX|RF64)....WAVE/s

function refuseOthers(bytes: Buffer, path: string): void {
  if (bytes.length === 0)
    throw damagedRecording(
      path,
      "it is empty (0 bytes)",
      "it was never written, or its copy was broken off",
    )
  const head = bytes.toString("latin1", 0, 16)
  if (BEGINS_WAV.test(head)) return
  const other = OTHERS.find(([, at, begins]) => begins.test(head.slice(at)))
  throw damagedRecording(
    path,
    other ? `it is ${other[0]}, not WAV` : "it does not begin as a WAV file does (RIFF, WAVE)",
    other
      ? "it was renamed, or a program gave it the name of a WAV file"
      : "it is damaged, or another kind of file",
    "convert it, for example with ffmpeg -i x.wav -ar 8000 -ac 1 y.wav, and keep only y.wav",
  )
}

/** Reads a sample as a number of 16 bits; undefined: the format is not one of plain numbers. */
function readerOf(
  kind: number,
  bits: number,
): ((view: DataView, at: number) => number) | undefined {
  if (kind === FLOAT && bits === 32) return (view, at) => clamped(view.getFloat32(at, true) * 32768)
  if (kind === FLOAT && bits === 64) return (view, at) => clamped(view.getFloat64(at, true) * 32768)
  if (kind !== PCM) return undefined
  if (bits === 8) return (view, at) => (view.getUint8(at) - 128) * 256
  if (bits === 16) return (view, at) => view.getInt16(at, true)
  if (bits === 24)
    return (view, at) => clamped((view.getInt16(at + 1, true) * 256 + view.getUint8(at)) / 256)
  if (bits === 32) return (view, at) => clamped(view.getInt32(at, true) / 65536)
  return undefined
}

function clamped(value: number): number {
  return Math.max(-32768, Math.min(32767, Math.round(value)))
}

function unpacked(
  wav: InstanceType<typeof wavefile.WaveFile>,
  data: Uint8Array,
  numChannels: number,
  path: string,
): Float64Array[] {
  if (data.length > MOST_COMPRESSED)
    throw damaged(
      path,
      `it is compressed and has ${data.length} bytes, at most ${MOST_COMPRESSED} are read`,
    )
  try {
    if (wav.bitDepth !== "16") wav.toBitDepth("16")
    const samples = wav.getSamples(false) as unknown as Float64Array | Float64Array[]
    return (numChannels === 1 ? [samples] : samples) as Float64Array[]
  } catch (error) {
    throw damaged(path, messageOf(error))
  }
}

function damaged(path: string, what: string) {
  return damagedRecording(path, what, "it is damaged, or compressed in a way that is not read")
}
