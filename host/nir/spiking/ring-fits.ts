/** The fits that are kept in the repository (ring-fits.json), by the shape of the ring. */
import { readFileSync } from "node:fs"
import { preset } from "../../network/presets"
import { fitRing, type RingFit, type RingShape, shapeOf } from "./ring-fit"

export interface KeptFit {
  shape: RingShape
  /** Is a part in proportion to the net inputs? See ring-fit.ts. */
  direct: boolean
  fit: RingFit
}

export const FITS_FILE = new URL("./ring-fits.json", import.meta.url)
/** Networks whose rings are fitted. */
const FITTED = ["pico-fast", "pico-16", "pico-32", "fleet-64", "fleet-deep"]
/** Pieces by synapses of the ring: where all must go through them, and beside a direct part. */
const PIECES = [0, 8, 8, 16, 16, 16]
const BESIDE = [0, 2, 4, 12, 16, 16]

let kept: KeptFit[] | undefined

/** @returns undefined where no ring of that shape has been fitted */
export function keptFit(shape: RingShape, direct: boolean): RingFit | undefined {
  kept ??= JSON.parse(readFileSync(FITS_FILE, "utf8")) as KeptFit[]
  return kept.find(each => keyOf(each) === keyOf({ shape, direct }))?.fit
}

function keyOf({ shape, direct }: Pick<KeptFit, "shape" | "direct">): string {
  const { inputs, outputFirst, outputs, steps, netMin, netMax, elementMin, elementMax } = shape
  const clamps = [netMin, netMax, elementMin, elementMax]
  const apart = [shape.inputStep ?? 1, shape.outputStep ?? 1]
  return JSON.stringify([inputs, outputFirst, outputs, steps, ...clamps, ...apart, direct])
}

/** Fits the rings of all presets that have such rings; each shape once. */
export function fitPresets(say: (kept: KeptFit) => void): KeptFit[] {
  const fits = new Map<string, KeptFit>()
  for (const name of FITTED) {
    const network = preset(name, 1)
    if (!network) throw new Error(`there is no preset ${name}`)
    for (const [i, layer] of network.layers.entries()) {
      const wanted = { shape: shapeOf(network, layer), direct: i > 0 }
      if (fits.has(keyOf(wanted))) continue
      const pieces = (wanted.direct ? BESIDE : PIECES)[layer.inputs]
      const one = { ...wanted, fit: fitRing(wanted.shape, pieces, wanted.direct) }
      fits.set(keyOf(wanted), one)
      say(one)
    }
  }
  return [...fits.values()]
}
