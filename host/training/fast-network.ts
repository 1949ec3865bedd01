/** The whole network in WebAssembly: the core's own source, at the speed of the machine. */
import "../device-script-buffer"
import { Header } from "../../src/layout"
import type { Network } from "../../src/network"
import { buildShard, exchangeCoefficients } from "../../src/shard"
import { encodeRuns } from "../data/runs"
import { coefficientsOf, wholeNetwork } from "../engine"
import { compileCore } from "./compile"

interface CoreExports {
  predictWhole(m: number, runs: number, from: number, to: number, pixel: number): number
  learnWhole(
    m: number,
    runs: number,
    from: number,
    to: number,
    pixel: number,
    label: number,
    sample: number,
  ): number
}

const PAGE = 65536

export class ImageStore {
  constructor(
    readonly starts: Int32Array,
    readonly labels: Uint8Array,
  ) {}
}

export class FastNetwork {
  private readonly core: CoreExports
  private readonly memory: WebAssembly.Memory
  private readonly base = PAGE
  private readonly size: number
  private top: number
  samples = 0

  static async create(network: Network): Promise<FastNetwork> {
    return new FastNetwork(network, new WebAssembly.Module(await compileCore()))
  }

  private constructor(
    readonly network: Network,
    module: WebAssembly.Module,
  ) {
    const shard = buildShard(network, wholeNetwork(network), 1)
    this.size = shard.length
    this.top = (this.base + shard.length + 15) & ~15
    this.memory = new WebAssembly.Memory({
      initial: Math.ceil(this.top / PAGE) + 1,
      maximum: 65536,
      shared: true,
    })
    shard.copy(this.bytes(this.base, shard.length))
    const instance = new WebAssembly.Instance(module, { env: { memory: this.memory } })
    this.core = instance.exports as unknown as CoreExports
  }

  private bytes(at: number, length: number): Buffer {
    return Buffer.from(this.memory.buffer, at, length)
  }

  private reserve(length: number): number {
    const at = this.top
    this.top = (at + length + 15) & ~15
    const missing = Math.ceil((this.top - this.memory.buffer.byteLength) / PAGE)
    if (missing > 0) this.memory.grow(missing)
    return at
  }

  /** Copies images (one byte a pixel) into the engine's memory as runs. */
  store(images: Uint8Array, labels: Uint8Array, pixels: number): ImageStore {
    const count = labels.length
    const runs: Buffer[] = []
    const starts = new Int32Array(count + 1)
    let length = 0
    for (let i = 0; i < count; i++) {
      const r = encodeRuns(images.subarray(i * pixels, (i + 1) * pixels))
      runs.push(r)
      starts[i] = length
      length += r.length
    }
    starts[count] = length
    const at = this.reserve(length)
    const target = this.bytes(at, length)
    for (let i = 0; i < count; i++) runs[i].copy(target, starts[i])
    for (let i = 0; i <= count; i++) starts[i] += at
    return new ImageStore(starts, labels)
  }

  predict(store: ImageStore, index: number): number {
    return this.core.predictWhole(this.base, 0, store.starts[index], store.starts[index + 1], 0)
  }

  /** @param shift pixels to move the image by (rows · width + columns); if it leaves, it stays put */
  train(store: ImageStore, index: number, shift = 0): number {
    const label = store.labels[index]
    const from = store.starts[index]
    const to = store.starts[index + 1]
    const predicted = this.core.learnWhole(this.base, 0, from, to, shift, label, this.samples++)
    if (predicted >= 0) return predicted
    return this.core.learnWhole(this.base, 0, from, to, 0, label, this.samples - 1)
  }

  setLearnShift(bits: number): void {
    this.bytes(this.base, this.size).setAt(Header.LearnShift, "u16", bits)
  }

  coefficients(): Buffer {
    return coefficientsOf(this.network, [Buffer.from(this.bytes(this.base, this.size))])
  }

  load(coefficients: Buffer): void {
    exchangeCoefficients(this.bytes(this.base, this.size), this.network, coefficients, true)
  }
}
