/**
 * Features of sound and vibration: the logarithm of the amplitude in bands of frequency, in a fixed
 * number of frames spread evenly over the window, each the mean of some neighbouring ones. The work is
 * the same however long the window is. Fixed kernels may be laid on what comes of it.
 */
import { kernelFeatures } from "./fixed-kernels"
import { amplitudes, loadFrame } from "./fourier"
import { Plan, Scaling } from "./plan"
import { spreadBands } from "./spread"
import { logOf } from "./whole-math"

/**
 * Takes samples from…from+count−1 of the first channel.
 *
 * @param count at least a frame
 * @param out gets a byte a frame and band, frame by frame, from `outAt` on; else as `kernelFeatures` says
 */
export function bandFeatures(
  plan: Buffer,
  work: Buffer,
  signal: Buffer,
  from: number,
  count: number,
  out: Buffer,
  outAt: number,
): void {
  const size = 1 << plan.getAt(Plan.FrameBits, "u16")
  const bands = plan.getAt(Plan.Bands, "u16")
  const average = plan.getAt(Plan.Average, "u16")
  const frames = plan.getAt(Plan.Points, "u16") * average
  const spectrum = size << 2
  // N/2 + 1 amplitudes after the frame, then the sums of logarithms.
  const sums = spectrum + (size << 1) + 4
  const values = plan.getAt(Plan.Points, "u16") * bands
  work.fillAt(sums, values << 2, 0)
  let row = sums
  for (let f = 0; f < frames; f++) {
    // 2^16 · 2^12.
    const start = frames > 1 ? Math.idiv(f * (count - size), frames - 1) : 0
    const exponent = loadFrame(plan, work, signal, from + start)
    if (exponent > -1000) {
      const halved = amplitudes(plan, work, spectrum)
      addLogs(plan, work, spectrum, row, exponent - halved)
    }
    if (Math.idiv(f + 1, average) * average === f + 1) row = row + (bands << 2)
  }
  if (plan.getAt(Plan.Kernels, "u16") === 0) bandsToBytes(plan, work, sums, average, out, outAt)
  else {
    // The sums are no longer needed then.
    const picture = sums + (values << 2)
    bandsToBytes(plan, work, sums, average, work, picture)
    kernelFeatures(plan, work, picture, (picture + values + 3) & ~3, out, outAt)
  }
}

/** Adds the logarithm of each band's amplitude, Q8; what is below the signal's last digit counts as 0. */
function addLogs(
  plan: Buffer,
  work: Buffer,
  spectrum: number,
  row: number,
  exponent: number,
): void {
  const bands = plan.getAt(Plan.Bands, "u16")
  let mel = plan.getAt(Plan.Mel, "i32")
  for (let b = 0; b < bands; b++) {
    const first = plan.getAt(mel, "u16")
    const bins = plan.getAt(mel + 2, "u16")
    mel = mel + 4
    let sum = 0
    // The host sees to it that a band's weights sum to less than 2^14: 2^17 · 2^14.
    let at = spectrum + (first << 2)
    for (let i = 0; i < bins; i++) {
      sum = sum + work.getAt(at, "i32") * plan.getAt(mel + i, "u8")
      at = at + 4
    }
    mel = mel + bins + (bins & 1)
    const log = sum > 0 ? logOf(sum) - (exponent << 8) : 0
    const to = row + (b << 2)
    if (log > 0) work.setAt(to, "i32", work.getAt(to, "i32") + log)
  }
}

function bandsToBytes(
  plan: Buffer,
  work: Buffer,
  sums: number,
  average: number,
  out: Buffer,
  outAt: number,
): void {
  const width = plan.getAt(Plan.Points, "u16") * plan.getAt(Plan.Bands, "u16")
  let low = work.getAt(sums, "i32")
  let high = low
  for (let at = sums; at < sums + (width << 2); at += 4) {
    low = Math.min(low, work.getAt(at, "i32"))
    high = Math.max(high, work.getAt(at, "i32"))
  }
  // Sums of up to 8 logarithms in Q8 below 2^13: below 2^16.
  const floor = plan.getAt(Plan.Floor, "i32") * average
  const scaling = plan.getAt(Plan.Scaling, "u16")
  if (scaling === Scaling.Spread) {
    spreadBands(plan, work, sums, high - floor, out, outAt)
    return
  }
  if (scaling === Scaling.Range) {
    low = plan.getAt(Plan.Low, "i32") * average
    high = plan.getAt(Plan.High, "i32") * average
  } else if (scaling === Scaling.Peak || high - low < floor) low = high - floor
  // Silence is nothing.
  if (high === 0) low = 0
  const range = high - low
  for (let i = 0; i < width; i++) {
    const above = Math.min(Math.max(work.getAt(sums + (i << 2), "i32") - low, 0), range)
    out.setAt(outAt + i, "u8", range > 0 ? Math.idiv(above * 255 + (range >> 1), range) : 0)
  }
}
