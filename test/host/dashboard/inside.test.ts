/** A look inside: the traces end where the network's own kernels end, and follow the equations. */
import { describe, expect, it } from "vitest"
import { Inside } from "../../../host/dashboard/inside"
import { imageAt, readMnist } from "../../../host/data/mnist"
import { checkpointOf } from "../../../host/fleet/checkpoint-of"
import { readModel } from "../../../host/models/model-source"
import { trainedPath } from "../../../host/models/trained"
import { HostNetwork, wholeNetwork } from "../../../host/network/host-network"
import { isFine, type Network, sourcesOf } from "../../../host/network/network"
import { Part } from "../../../src/core/layout"
import { partAt } from "../../../src/core/run"

const mnist = readMnist(process.env.WUXING_MNIST)
const load = (file: string) => {
  const model = readModel(trainedPath(file), 1)
  const inside = new Inside(model.network)
  const checkpoint = checkpointOf(model)
  inside.load(checkpoint)
  return { network: model.network, inside, checkpoint }
}
const mean = (values: number[]) => values.reduce((sum, v) => sum + v, 0) / values.length

/** One Heun step of 3/4 of the papers' ring, K1 = 1, K2 = K3 = ½, in float64. */
function heun(E: number[], u: number[]): number[] {
  const rate = (X: number[]) =>
    X.map((x, i) => X[(i + 4) % 5] - 0.5 * x - 0.5 * x * X[(i + 3) % 5] + u[i])
  const first = rate(E)
  const second = rate(E.map((x, i) => x + 0.75 * first[i]))
  return E.map((x, i) => x + 0.375 * (first[i] + second[i]))
}

/** The linear backward system at X, from zero; λ of an element on a clamp stays there. */
function adjoint(X: number[], into: number[], held: boolean[], steps: number): number[][] {
  const rate = (L: number[]) =>
    L.map((l, i) =>
      held[i]
        ? 0
        : L[(i + 1) % 5] -
          (0.5 + 0.5 * X[(i + 3) % 5]) * l -
          0.5 * X[(i + 2) % 5] * L[(i + 2) % 5] +
          into[i],
    )
  const states = [[0, 0, 0, 0, 0]]
  for (let s = 0; s < steps; s++) {
    const L = states[s]
    const first = rate(L)
    const second = rate(L.map((l, i) => l + 0.75 * first[i]))
    states.push(L.map((l, i) => l + 0.375 * (first[i] + second[i])))
  }
  return states
}

/** The whole network's memory after it learnt from an image, and where a neuron is in it. */
function learntMemory(network: Network, checkpoint: ReturnType<typeof checkpointOf>) {
  const host = new HostNetwork(network)
  host.load(checkpoint.coefficients, checkpoint.elements)
  const slices = wholeNetwork(network)
  const at = (layer: number, neuron: number) => {
    const i = slices.findIndex(
      s => s.layer === layer && neuron >= s.first && neuron < s.first + s.count,
    )
    return { part: partAt(i), index: neuron - slices[i].first }
  }
  return { host, at }
}

describe.each(["model1", "pico-16", "fleet-64", "model1-method-1"])("inside %s", file => {
  const { network, inside, checkpoint } = load(file)
  const { host, at } = learntMemory(network, checkpoint)
  // One that it gets wrong, so that there is an error to go backward.
  const wrong = Array.from({ length: 500 }, (_, i) => i).find(i => {
    const image = imageAt(mnist.test, i)
    return host.predict(image) !== mnist.test.labels[i]
  })!
  const image = imageAt(mnist.test, wrong)
  const label = mnist.test.labels[wrong]
  host.train(image, label, 0)
  const m = host.memory
  const clamped = (e: number) =>
    Math.min(network.elementMax / 4096, Math.max(network.elementMin / 4096, e))
  const places = network.layers.flatMap(({ neurons }, i) => [
    [i + 1, 0],
    [i + 1, neurons - 1],
    [i + 1, neurons >> 1],
  ])

  it("shows displacements whose mean is the signal that the network hands on", () => {
    const scale = 2 ** network.signalBits
    let moved = 0
    for (const [layer, neuron] of places) {
      const { part, index } = at(layer, neuron)
      const { outputs, outputFirst } = network.layers[layer - 1]
      const view = inside.view(layer, neuron, image, label)
      for (let o = 0; o < outputs; o++) {
        const e = outputFirst + o
        const D = view.forward.slice(1).map(E => E[e] - view.fixedPoint[e])
        const bus =
          m.getAt(part + Part.BusOut, "i32") +
          (m.getAt(part + Part.BusOutFirst, "u16") + index * outputs + o) * 2
        const signal = m.getAt(bus, "i16") / scale
        // Rounded once to the signal format; the finer kernels store Q14.
        expect(Math.abs(mean(D) - signal)).toBeLessThan(1 / scale + 2 ** -12)
        if (signal !== 0) moved++
      }
    }
    expect(moved).toBeGreaterThan(0)
  })

  it("shows backward signals whose mean is what links learn from", () => {
    let driven = 0
    for (const [layer, neuron] of places) {
      const { part, index } = at(layer, neuron)
      const { inputs } = network.layers[layer - 1]
      const { netMin, netMax } = network
      const view = inside.view(layer, neuron, image, label)
      for (let i = 0; i < inputs; i++) {
        const stored = m.getAt(m.getAt(part + Part.Lambda, "i32") + (index * inputs + i) * 2, "i16")
        const lambda = stored / (isFine(network) ? 2 ** 14 : 2 ** 12)
        // A net input on its clamp passes no λ on, whatever the ring has.
        const u = view.inputs[i] * 4096
        if (u < netMin + 1 || u > netMax - 1) continue
        const shown = view.backward ? mean(view.backward.slice(1).map(L => L[i])) : 0
        expect(Math.abs(shown - lambda)).toBeLessThan(2 ** -11)
        if (lambda !== 0) driven++
      }
    }
    expect(driven).toBeGreaterThan(0)
  })

  // Elements that learn have K3 of their own: rings of any K3 are test/src/core/neuron.test.ts's.
  const follows = () => {
    for (const [layer, neuron] of places) {
      const view = inside.view(layer, neuron, image, label)
      expect(view.forward[0]).toEqual([1, 1, 1, 1, 1])
      expect(view.forward.length).toBe(network.steps + 1)
      for (const [s, E] of view.forward.slice(1).entries())
        for (const [i, e] of heun(view.forward[s], view.inputs).entries())
          expect(Math.abs(E[i] - clamped(e))).toBeLessThan(0.002)
      if (!view.backward) continue
      const X = view.forward[network.steps]
      const { outputFirst, outputs } = network.layers[layer - 1]
      const { part, index } = at(layer, neuron)
      const into = [0, 0, 0, 0, 0]
      for (let o = 0; o < outputs; o++) {
        const back =
          m.getAt(part + Part.BackIn, "i32") +
          4 * (m.getAt(part + Part.BusOutFirst, "u16") + index * outputs + o)
        // Errors at the outputs are Q25, sums of C·λ Q25, or Q27 where λ is finer.
        const bits = isFine(network) && layer < network.layers.length ? 27 : 25
        into[outputFirst + o] = Math.max(-1, Math.min(1, m.getAt(back, "i32") / 2 ** bits))
      }
      const { elementMin, elementMax } = network
      const held = X.map(x => x * 4096 < elementMin + 2 || x * 4096 > elementMax - 2)
      for (const [s, L] of adjoint(X, into, held, network.steps).entries())
        for (const [i, l] of L.entries())
          if (L.every(v => Math.abs(v) < 1))
            expect(Math.abs(view.backward[s][i] - l)).toBeLessThan(0.01)
    }
  }
  if (!network.elements) it("follows the papers' equations from step to step", follows)

  it("leaves the network as it was", () => {
    const [layer, neuron] = places[0]
    const before = inside.view(layer, neuron, image, label)
    expect(inside.view(layer, neuron, image, label)).toEqual(before)
  })

  it("shows a first-layer neuron's own coefficients by pixel, and its layer's in the histogram", () => {
    const neuron = network.layers[0].neurons >> 1
    const { weights, histogram } = inside.view(1, neuron, image, label)
    const each = network.inputSignals ?? 1
    const { inputs } = network.layers[0]
    const read = new Set<number>()
    for (let i = 0; i < inputs; i++)
      for (const source of sourcesOf(network, 1, neuron * inputs + i))
        read.add(Math.floor(source / each))
    for (const [pixel, w] of weights.entries()) if (!read.has(pixel)) expect(w).toBe(0)
    expect(weights.filter(w => w !== 0).length).toBeGreaterThan(read.size / 2)
    const links = inside.view(1, 0, image, label).histogram.bins.reduce((sum, n) => sum + n, 0)
    expect(histogram.bins.reduce((sum, n) => sum + n, 0)).toBe(links)
  })
})
