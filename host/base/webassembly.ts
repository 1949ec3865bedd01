/** What runs WebAssembly says so first: Node may have been started without it. */
import { WuxingError } from "./errors"

/**
 * @param what needs it
 * @throws WuxingError "webassembly-missing" (kind "usage")
 */
export function needWebAssembly(what: string): void {
  if ("WebAssembly" in globalThis) return
  throw new WuxingError({
    code: "webassembly-missing",
    kind: "usage",
    message: `${what} needs WebAssembly, which this Node does not have`,
    cause: "it was started with --jitless, by its command line or by NODE_OPTIONS",
    help: "start it without --jitless",
  })
}
