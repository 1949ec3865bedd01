/** The core for this machine, compiled where a checkout has not done so yet: that is said, as it takes a while. */
import type { Output } from "./output"

/** @param batched the variant for batches */
export async function readyCore(batched: boolean, output: Output): Promise<void> {
  const { coreModule } = await import("../../codegen/core-module")
  await coreModule(batched, () =>
    output.status("compiling the core for this machine: once in a checkout, up to a minute"),
  )
}
