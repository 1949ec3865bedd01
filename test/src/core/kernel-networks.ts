/** Networks with shared kernels, at random. */
import fc from "fast-check"
import type { Layer, Network } from "../../../host/network/network"
import { faultOf } from "../../../host/network/validate"
import { fitted, network } from "./helpers"

/** One or two layers of kernels over a picture of side × side. */
export const kernelNetworks: fc.Arbitrary<Network> = fc
  .record({
    side: fc.integer({ min: 4, max: 9 }),
    inputSignals: fc.integer({ min: 1, max: 3 }),
    layers: fc.array(
      fc
        .record({
          channels: fc.integer({ min: 1, max: 4 }),
          width: fc.integer({ min: 1, max: 4 }),
          height: fc.integer({ min: 1, max: 4 }),
          stride: fc.integer({ min: 1, max: 3 }),
          inputs: fc.integer({ min: 1, max: 4 }),
          outputFirst: fc.integer({ min: 0, max: 4 }),
          outputs: fc.integer({ min: 1, max: 3 }),
          inputStep: fc.constantFrom(undefined, 2),
          outputStep: fc.constantFrom(undefined, 2),
          finer: fc.constantFrom(undefined, 1, 4),
        })
        .map(fitted),
      { minLength: 1, maxLength: 2 },
    ),
    classes: fc.integer({ min: 2, max: 6 }),
    seed: fc.integer({ min: 0, max: 2 ** 31 - 1 }),
    steps: fc.integer({ min: 2, max: 6 }),
    learnShift: fc.integer({ min: 4, max: 12 }),
    softmaxGain: fc.constantFrom(0, 231),
  })
  .map(({ side, layers, classes, ...fields }) => kernelNetwork(side, layers, classes, fields))
  .filter(net => faultOf(net) === "")

/** Of a layer of kernels: the rings at each window, and which windows. */
interface Shape extends Omit<Layer, "neurons" | "fanIn" | "window"> {
  channels: number
  width: number
  height: number
  stride: number
}

/** @param picture pixels of a row and rows: of a square one its side */
export function kernelNetwork(
  picture: number | [across: number, down: number],
  shapes: Shape[],
  classes: number,
  fields: Partial<Network>,
): Network {
  let [across, down] = typeof picture === "number" ? [picture, picture] : picture
  const pixels = across * down
  let signals = fields.inputSignals ?? 1
  const layers: Partial<Layer>[] = []
  for (const { channels, width, height, stride, ...shape } of shapes) {
    const columns = Math.floor((across - width) / stride) + 1
    const rows = Math.floor((down - height) / stride) + 1
    layers.push({
      ...shape,
      neurons: Math.max(1, channels * columns * rows),
      fanIn: width * height * signals,
      window: { across, down, width, height, stride, shared: true },
    })
    across = columns
    down = rows
    signals = channels * shape.outputs
  }
  layers.push({ neurons: classes, inputs: 2, outputFirst: 1, outputs: 1, fanIn: 65535 })
  return network(layers, {
    ...fields,
    width: pixels,
    elementMax: 9216,
    lambdaMax: 2048,
  })
}
