/** An emulated Arduino Uno for tests, behind a real serial port and in real time: see uno-process.mjs. */
import { type ChildProcess, fork, spawnSync } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { createRequire } from "node:module"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import type { Edge, PinLevel } from "./uno-chip.mjs"

const PACKAGE = dirname(createRequire(import.meta.url).resolve("avrgirl-arduino/package.json"))
/** StandardFirmata as the Arduino IDE compiled it. */
export const STANDARD_FIRMATA = join(PACKAGE, "junk/hex/uno/StandardFirmata.cpp.hex")
/** A program that talks to nobody: it blinks an LED. */
export const BLINK = join(PACKAGE, "junk/hex/uno/Blink.cpp.hex")

/** For `describe.skipIf`: the pseudo-terminal is socat's (a Debian package). */
export const noSocat = spawnSync("socat", ["-V"]).status !== 0

export class Uno {
  private readonly process: ChildProcess
  private readonly folder = mkdtempSync(join(tmpdir(), "wuxing-uno-"))
  private readonly waiting = new Map<
    number,
    (answer: { result?: unknown; error?: string }) => void
  >()
  private asked = 0
  /** Where it is plugged in. */
  readonly path = join(this.folder, "port")

  constructor() {
    const program = fileURLToPath(new URL("uno-process.mjs", import.meta.url))
    this.process = fork(program, [STANDARD_FIRMATA], {
      // The loader of the tests is not for it.
      execArgv: [],
      env: { ...process.env, NODE_OPTIONS: "" },
    })
    this.process.on("message", (answer: { id: number; result?: unknown; error?: string }) => {
      this.waiting.get(answer.id)?.(answer)
      this.waiting.delete(answer.id)
    })
    this.process.on("exit", () => {
      for (const answer of this.waiting.values()) answer({ error: "the emulator ended" })
    })
  }

  plug() {
    return this.ask<void>("plug", { path: this.path })
  }
  unplug() {
    return this.ask<void>("unplug")
  }
  /** Arduino's pin numbers: A0 is 14. A pressed button joins its pin to ground, for so many ms. */
  press(pin: number, ms = 80) {
    const at = [
      [0, true],
      [ms, false],
    ]
    return this.ask<void>("button", { pin, at })
  }
  volts(channel: number, volts: number) {
    return this.ask<void>("volts", { channel, volts })
  }
  edges(pin: number) {
    return this.ask<Edge[]>("edges", { pin })
  }
  /** The level of every pin. */
  levels() {
    return this.ask<PinLevel[]>("levels")
  }

  async close() {
    const ended = new Promise(resolve => this.process.once("exit", resolve))
    await this.unplug().catch(() => {})
    if (this.process.connected) this.process.disconnect()
    if (this.process.exitCode === null) await ended
    rmSync(this.folder, { recursive: true, force: true })
  }

  private ask<Result>(command: string, rest: object = {}): Promise<Result> {
    return new Promise((resolve, reject) => {
      const id = ++this.asked
      this.waiting.set(id, ({ result, error }) =>
        error ? reject(new Error(error)) : resolve(result as Result),
      )
      this.process.send({ id, command, ...rest })
    })
  }
}
