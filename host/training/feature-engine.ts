/** Features of many windows at once: the core's (src/signals/) as WebAssembly, with the same bits. */
import "../base/memory"
import { coreModule } from "../codegen/core-module"
import type { Features } from "../signals/description"
import { buildPlan, leastOf, widthOf, workBytes } from "../signals/plan"

const PAGE = 65_536
/** As the module was compiled with. */
const MOST_PAGES = 32_768

type Core = Record<
  "features",
  (...addresses: [number, number, number, number, number, number, number]) => number
>

export class FeatureEngine {
  /** Bytes of one window's features. */
  readonly width: number
  private readonly core: Core
  private readonly memory: WebAssembly.Memory
  private readonly work: number
  private readonly out: number
  private readonly signal: number

  private constructor(
    readonly description: Features,
    module: WebAssembly.Module,
  ) {
    const plan = buildPlan(description)
    this.width = widthOf(description)
    this.work = PAGE + align(plan.length)
    this.out = this.work + align(workBytes(description))
    this.signal = this.out + align(this.width)
    this.memory = new WebAssembly.Memory({
      initial: Math.ceil(this.signal / PAGE) + 1,
      maximum: MOST_PAGES,
      shared: true,
    })
    this.core = new WebAssembly.Instance(module, { env: { memory: this.memory } }).exports as Core
    plan.copy(Buffer.from(this.memory.buffer, PAGE, plan.length))
  }

  /** @throws RangeError if the description contradicts itself; as coreModule */
  static async start(description: Features): Promise<FeatureEngine> {
    return new FeatureEngine(description, await coreModule(false))
  }

  /**
   * @param samples i16 little-endian, channels interleaved: a window
   * @returns its features, a byte each; undefined if it is too short for any
   */
  of(samples: Uint8Array): Uint8Array | undefined {
    const count = Math.floor(samples.length / 2 / this.description.channels.length)
    if (count < leastOf(this.description) || count > 65_535) return undefined
    const more = Math.ceil((this.signal + samples.length - this.memory.buffer.byteLength) / PAGE)
    if (more > 0) this.memory.grow(more)
    Buffer.from(this.memory.buffer, this.signal, samples.length).set(samples)
    this.core.features(PAGE, this.work, this.signal, 0, count, this.out, 0)
    return Uint8Array.from(Buffer.from(this.memory.buffer, this.out, this.width))
  }
}

function align(at: number): number {
  return (at + 15) & ~15
}
