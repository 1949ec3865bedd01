/** Pseudo-terminals for the tests: socat's, with what the test wants at the far end. */
import { execFileSync } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { type PtyBridge, startPtyBridge } from "../../../host/hardware/pty-bridge"
import type { Port } from "../../../host/link/port"

/** False where the Debian package socat is missing: its tests then skip, and say so by their name. */
export const hasSocat = (() => {
  try {
    execFileSync("socat", ["-V"], { stdio: "ignore" })
    return true
  } catch {
    return false
  }
})()

/** A folder of pseudo-terminals that all go away together. */
export class Terminals {
  readonly folder = mkdtempSync(join(tmpdir(), "wuxing-test-ports-"))
  private readonly bridges = new Map<string, PtyBridge>()

  path(name: string): string {
    return join(this.folder, name)
  }

  async plug(name: string, port: Port): Promise<string> {
    this.bridges.set(name, await startPtyBridge(this.path(name), port))
    return this.path(name)
  }

  async unplug(name: string): Promise<void> {
    await this.bridges.get(name)?.stop()
    this.bridges.delete(name)
  }

  /** A port whose far end does as told with what it gets; `say` sends. */
  async plugFake(name: string, hear: (bytes: Uint8Array, say: (text: Uint8Array) => void) => void) {
    const far: Port = { name, write: async bytes => hear(bytes, say), close: async () => {} }
    const say = (bytes: Uint8Array) => far.onData?.(bytes)
    await this.plug(name, far)
    return { path: this.path(name), say }
  }

  async close(): Promise<void> {
    await Promise.all([...this.bridges.keys()].map(name => this.unplug(name)))
    rmSync(this.folder, { recursive: true, force: true })
  }
}
