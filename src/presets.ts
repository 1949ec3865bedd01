/** Networks people start from, by name. */
import type { Network } from "./network"
import { q12 } from "./shard"

/** 784-16-10 with fan-in 64: learns on two boards in minutes, fits on one Pico. */
export function pico16(seed: number): Network {
  return {
    name: "pico-16",
    width: 784,
    layers: [
      { neurons: 16, inputs: 3, outputFirst: 3, outputs: 2, fanIn: 64 },
      { neurons: 10, inputs: 4, outputFirst: 4, outputs: 1, fanIn: 64 },
    ],
    seed,
    steps: 6,
    signalBits: 10,
    inputScale: q12(1),
    netMin: q12(-0.2),
    netMax: q12(1),
    elementMin: q12(0.3),
    elementMax: q12(3),
    lambdaMax: q12(1),
    learnShift: 12,
    margin: q12(0.1),
  }
}
