/** That the engine's cost grows linearly with neurons, links and samples. */

import type { Chart } from "../base/chart"
import type { Layer, Network } from "../network/network"
import { linksOf } from "../network/network"
import { pico16 } from "../network/presets"
import type { Images } from "../training/training-data"
import { TrainingEngine } from "../training/training-engine"
import { type BenchOptions, inTurn } from "./engine-bench"

export interface ScalingPoint {
  /** What is varied: its number. */
  size: number
  seconds: number
}

export interface ScalingSeries {
  varied: "neurons" | "links" | "samples"
  /** What y is: learning one sample, or as many as x says. */
  points: ScalingPoint[]
  /** seconds = fixed + slope · size, least squares of relative errors. */
  fixed: number
  slope: number
  /** Largest deviation of a point from that line, as a share of it. */
  deviation: number
}

/** A hundredfold in five steps each. */
const STEPS = [1, 3, 10, 32, 100]

export async function benchScaling(
  images: Images,
  options: BenchOptions,
): Promise<ScalingSeries[]> {
  const series: ScalingSeries[] = []
  const learn = async (net: Network, count: number): Promise<number> => {
    options.onStep?.(`scaling: ${net.name}`)
    const engine = await TrainingEngine.start(net, { workers: 1 })
    try {
      const store = engine.store(images.images, images.labels)
      const fresh = engine.coefficients
      const order = (n: number) =>
        Int32Array.from({ length: n * count }, (_, i) => i % images.count)
      const work = (n: number) => engine.train(store, order(n), { signal: options.signal })
      const before = () => {
        engine.coefficients = fresh
        engine.samples = 0
      }
      const [{ rate }] = await inTurn(options.seconds, options.signal, [{ work, before }])
      return 1 / rate.samplesPerCpuSecond
    } finally {
      await engine.close()
    }
  }

  const byNeurons: ScalingPoint[] = []
  for (const times of STEPS) {
    const net = hidden(`${40 * times} neurons`, 40 * times, 8)
    byNeurons.push({ size: 40 * times + 10, seconds: await learn(net, 1) })
  }
  series.push(lineThrough("neurons", byNeurons))

  const byLinks: ScalingPoint[] = []
  for (const times of STEPS) {
    const net = hidden(`fan-in ${7 * times}`, 100, 7 * times)
    const links = linksOf(net, 1) + linksOf(net, 2)
    byLinks.push({ size: links, seconds: await learn(net, 1) })
  }
  series.push(lineThrough("links", byLinks))

  const bySamples: ScalingPoint[] = []
  for (const times of STEPS) {
    const net = { ...pico16(1), name: `${200 * times} samples` }
    bySamples.push({ size: 200 * times, seconds: await learn(net, 200 * times) })
  }
  series.push(lineThrough("samples", bySamples))
  return series
}

/** 784-n-10: the margin is so wide that every sample is learnt from. */
function hidden(name: string, neurons: number, fanIn: number): Network {
  const first: Layer = { neurons, inputs: 3, outputFirst: 3, outputs: 2, fanIn }
  const last: Layer = { neurons: 10, inputs: 4, outputFirst: 4, outputs: 1, fanIn: 16 }
  return { ...pico16(1), name, layers: [first, last], margin: 32767, learnShift: 16 }
}

/** A straight line through the points, such that relative errors are least. */
export function lineThrough(
  varied: ScalingSeries["varied"],
  points: ScalingPoint[],
): ScalingSeries {
  // Weighted least squares with weights 1/y².
  let [w, wx, wy, wxx, wxy] = [0, 0, 0, 0, 0]
  for (const { size: x, seconds: y } of points) {
    const weight = 1 / (y * y)
    w += weight
    wx += weight * x
    wy += weight * y
    wxx += weight * x * x
    wxy += weight * x * y
  }
  const slope = (w * wxy - wx * wy) / (w * wxx - wx * wx)
  const fixed = (wy - slope * wx) / w
  const deviations = points.map(({ size, seconds }) =>
    Math.abs(seconds / (fixed + slope * size) - 1),
  )
  return { varied, points, fixed, slope, deviation: Math.max(...deviations) }
}

/** Cost against size, each relative to the smallest, both logarithmic, with the fitted lines. */
export function scalingChart(series: ScalingSeries[]): Chart {
  return {
    title: "Cost of learning against size",
    x: { label: "size, relative to the smallest", log: true },
    y: { label: "CPU time, relative to the smallest", log: true },
    series: series.flatMap(({ varied, points, fixed, slope }) => {
      const [{ size, seconds }] = points
      return [
        {
          name: varied,
          points: points.map(p => [p.size / size, p.seconds / seconds] as const),
          draw: "marks" as const,
        },
        {
          name: `${varied}: fixed + slope · size`,
          points: STEPS.map(times => [times, (fixed + slope * times * size) / seconds] as const),
          ...{ draw: "line" as const, dashed: true },
        },
      ]
    }),
  }
}
