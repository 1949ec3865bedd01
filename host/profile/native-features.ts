/**
 * What features of a signal cost a Pico as machine code: cycles of the core's `features`, run in the
 * emulated chip from RAM. A native board is sent features by its host; a C library computes them so.
 */
import { RP2040 } from "rp2040js"
import { hash32 } from "../../src/base/random"
import { WuxingError } from "../base/errors"
import type { Features } from "../signals/description"
import { hostFeatures } from "../signals/host-features"
import { buildPlan, widthOf, workBytes } from "../signals/plan"
import { usualSamples } from "../signals/segment-cut"
import type { Images } from "../training/training-data"

/** What the build made of src/signals/ (host/codegen/build-firmware.ts). */
export interface FeaturesCode {
  code: string
  address: number
  entry: number
}

const RAM_BYTES = 264 * 1024
const RAM = 0x20000000
/** Bytes at the end for the stack, below the place to which the function returns. */
const STACK_BYTES = 4096
const ARGUMENTS = 16

/**
 * @param window i16 little-endian, channels interleaved, no shorter than the features need
 * @returns cycles from the call to the return
 * @throws WuxingError "sensor-too-large" (kind "capacity") if tables and window do not fit the memory;
 *   Error if the machine code does not give the host's bytes
 */
export function featureCycles(features: Features, built: FeaturesCode, window: Buffer): number {
  const { core, sram } = new RP2040()
  const width = widthOf(features)
  const areas = [
    ...[Buffer.from(built.code, "base64"), buildPlan(features)],
    ...[Buffer.alloc(workBytes(features)), window, Buffer.alloc(width)],
  ]
  let at = built.address - RAM
  const places = areas.map(bytes => {
    const here = at
    at = (here + bytes.length + 7) & ~7
    return here
  })
  if (at > RAM_BYTES - STACK_BYTES)
    throw new WuxingError({
      code: "sensor-too-large",
      kind: "capacity",
      message: `a window of ${window.length} bytes and its features take ${at} bytes of a Pico's ${RAM_BYTES}`,
      cause: "the window is too long, or its features too many",
      help: "train with shorter windows (--window) or a lower --rate",
    })
  for (const [i, bytes] of areas.entries()) sram.set(bytes, places[i])
  const [, plan, work, signal, out] = places.map(place => RAM + place)
  const stack = RAM_BYTES - 2 * ARGUMENTS
  const end = RAM + RAM_BYTES - ARGUMENTS
  const argument = new DataView(sram.buffer, sram.byteOffset + stack)
  const count = window.length / 2 / features.channels.length
  for (const [i, value] of [count, out, 0].entries()) argument.setUint32(4 * i, value, true)
  core.registers.set([plan, work, signal, 0])
  core.SP = RAM + stack
  core.LR = end | 1
  core.PC = built.entry
  const before = core.cycles
  while (core.PC !== end) core.executeInstruction()
  const bytes = sram.subarray(out - RAM, out - RAM + width)
  if (Buffer.compare(bytes, hostFeatures(features, window)!) !== 0)
    throw new Error("the emulated Pico computed other features than this computer")
  return core.cycles - before
}

/** Windows of a usual length in which tones of all kinds and noise go on throughout: nothing to trim. */
export function madeWindows(features: Features, count: number): Buffer[] {
  const channels = features.channels.length
  const samples = usualSamples(features)
  return Array.from({ length: count }, (_, n) => {
    const window = Buffer.alloc(2 * channels * samples)
    for (let i = 0; i < samples * channels; i++) {
      const noise = (hash32(n + 1, i) & 0xfff) - 0x800
      const tone = 6000 * Math.sin((2 + n + (i % channels)) * (i / 32))
      window.writeInt16LE(Math.round(tone + noise), 2 * i)
    }
    return window
  })
}

/** Features of windows as a network's samples, of its classes in turn. */
export function featureImages(features: Features, windows: Buffer[], classes: number): Images {
  const width = widthOf(features)
  const images = new Uint8Array(windows.length * width)
  for (const [i, window] of windows.entries())
    images.set(hostFeatures(features, window)!, i * width)
  return {
    ...{ width, height: 1, count: windows.length, images },
    labels: Uint8Array.from(windows, (_, i) => i % classes),
  }
}
