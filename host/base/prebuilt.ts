/**
 * What a published package brings compiled, so that whoever installs it needs no compiler and no
 * folder that can be written: packaging/build.ts puts it beside the compiled host/. A checkout has
 * none of it, and compiles from its sources.
 */
import { existsSync, readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"

/** DeviceScript bytecode that sets aside so many bytes for a shard. */
export function firmwareName(shardBytes: number): string {
  return `firmware-${shardBytes}.devs`
}

/** DeviceScript bytecode of a demo's own program. */
export function demoName(demo: string): string {
  return `demo-${demo}.devs`
}

/** The core as WebAssembly. */
export function coreName(batched: boolean): string {
  return `core${batched ? "-batched" : ""}.wasm`
}

/** Path and bytes; nothing in a checkout. */
export function prebuilt(name: string): { path: string; bytes: Uint8Array } | undefined {
  const path = fileURLToPath(new URL(`../../prebuilt/${name}`, import.meta.url))
  return existsSync(path) ? { path, bytes: readFileSync(path) } : undefined
}
