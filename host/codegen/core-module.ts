/** The core as WebAssembly, made of src/. */
import { builtOnce } from "../base/built-once"
import { coreName, prebuilt } from "../base/prebuilt"
import { needWebAssembly } from "../base/webassembly"
import { keptCore } from "./kept-core"

/**
 * Shipped or kept, else compiled.
 *
 * @param batched the variant that gathers a batch's changes (src/core/batched.ts)
 * @param vectors the loops over neurons and links in their 128-bit form; the same bits
 * @param onCompile called where it must be compiled first, which takes up to a minute
 * @throws WuxingError "core-compile" (kind internal) with the compiler's own lines
 */
export async function coreBinary(
  batched: boolean,
  vectors = true,
  onCompile?: () => void,
): Promise<Uint8Array> {
  const ready = vectors ? (prebuilt(coreName(batched))?.bytes ?? keptCore(batched)) : undefined
  if (ready) return ready
  const { compileCore, coreSources } = await import("./core-compile")
  const files = coreSources(batched, vectors)
  const build = () => {
    onCompile?.()
    return compileCore(files)
  }
  return (await builtOnce("core.wasm", [...files], build)).bytes
}

const modules = new Map<boolean, WebAssembly.Module>()

/**
 * The same, ready to be run. Kept for the process: to make it costs more than to start an engine.
 *
 * @throws WuxingError as coreBinary; "webassembly-missing" (kind usage)
 */
export async function coreModule(
  batched: boolean,
  onCompile?: () => void,
): Promise<WebAssembly.Module> {
  let module = modules.get(batched)
  if (!module) {
    needWebAssembly("the core")
    module = new WebAssembly.Module(await coreBinary(batched, true, onCompile))
    modules.set(batched, module)
  }
  return module
}
