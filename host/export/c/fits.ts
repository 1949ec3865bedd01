/** What can be exported as C, and what a small board has room for. */
import { WuxingError } from "../../base/errors"
import type { Model } from "../../models/model-file"
import { elementsLearn } from "../../network/network"

/** Boards a layout can be checked against: bytes for a program, and for what it keeps and its stack. */
const BOARDS: Record<string, { name: string; flash: number; ram: number; largest: string }> = {
  uno: { name: "Arduino Uno", flash: 32256, ram: 2048, largest: "64-8-4@16" },
  // The same processor with an older, larger boot loader.
  nano: { name: "Arduino Nano", flash: 30720, ram: 2048, largest: "64-8-4@16" },
  mega: { name: "Arduino Mega", flash: 253_952, ram: 8192, largest: "64-16-10" },
}
/** Of a network on AVR, whose flash is read by 16-bit addresses. */
const MOST_CONSTANTS = 32_000

/**
 * Of an Arduino program on AVR beside the network's memory and inputs: the core's and the sketch's
 * variables, and a stack for the deepest call. Of its flash: the core, the sketch, the library with and without learning.
 * Measured on the exported examples (npm run footprint).
 */
const AVR_RAM = 716
const AVR_FLASH = { predicts: 11000, learns: 27500 }
/** More of it with features: of traces, of bands, of reservoirs (with the traces these may read). */
const AVR_FEATURES: Record<number, number> = { 0: 0, 1: 5600, 2: 8800, 4: 14_100 }

/**
 * @throws WuxingError "export-rule" (kind "capacity") where the C library lacks the network's way of
 *   learning
 */
export function checkRule({ network }: Model): void {
  const lacks = [
    [elementsLearn(network), "K3 of its elements learns (--rule elements or mixed)"],
    [network.linkBound !== undefined, "its changes are bounded (linkBound)"],
    [network.pid !== undefined, "it learns by PID control"],
    [network.ring !== undefined, "its rings have other K1 to K3 (ring)"],
    [network.feedback !== undefined, "its backward signals return by coefficients of their own"],
    [network.backward === "bsp", "it has the papers' backward signal"],
  ] as const
  const [found] = lacks.filter(([has]) => has)
  if (!found) return
  throw new WuxingError({
    code: "export-rule",
    kind: "capacity",
    message: `${network.name} cannot be a C library: ${found[1]}`,
    cause: "the library has the rings and the rule of links that learn by the plain product",
    help: "train the network with --rule links (wuxing profile says whether boards run this one by the project's own program)",
  })
}

/** What a model takes of a board: bytes. */
export interface Needs {
  inputs: number
  predictBytes: number
  learnBytes: number
  flashBytes: number
  classes: readonly unknown[]
  signal?: { kinds: number; ramBytes: number; channels: number; rate: number }
}

/** Bytes that are free for the network's memory, and for its constants. */
function freeOn(board: string, { inputs, signal }: Needs, does: "learns" | "predicts") {
  const { ram, flash } = BOARDS[board]
  const ofSignal = signal ?? { kinds: 0, ramBytes: 0 }
  return {
    ram: ram - AVR_RAM - inputs - ofSignal.ramBytes,
    flash: Math.min(MOST_CONSTANTS, flash - AVR_FLASH[does] - AVR_FEATURES[ofSignal.kinds]),
  }
}

/** What a board has room for; everything, where it is none of those known. */
export function roomOn(board: string, made: Needs): "learns" | "predicts" | "none" {
  const canLearn = made.learnBytes > 0
  if (!BOARDS[board]) return canLearn ? "learns" : "predicts"
  const learning = freeOn(board, made, "learns")
  if (canLearn && made.learnBytes <= learning.ram && made.flashBytes <= learning.flash)
    return "learns"
  const free = freeOn(board, made, "predicts")
  return made.predictBytes <= free.ram && made.flashBytes <= free.flash ? "predicts" : "none"
}

/**
 * Whether a board has room to predict, and to learn.
 *
 * @returns false if it can only predict
 * @throws WuxingError "export-too-large" (kind "capacity") if not even that
 */
export function checkBoard(board: string, made: Needs): boolean {
  const { classes } = made
  const room = roomOn(board, made)
  if (room !== "none") return room === "learns"
  const limits = BOARDS[board]
  const { ram, flash } = freeOn(board, made, "predicts")
  throw new WuxingError({
    code: "export-too-large",
    kind: "capacity",
    message: `the network is too large for an ${limits.name}: it takes ${made.flashBytes} B of flash and ${made.predictBytes} B of RAM to predict, of ${Math.max(0, flash)} and ${Math.max(0, ram)} that are free`,
    cause: made.signal
      ? `every link takes three bytes of flash, every synapse and neuron some of RAM, and its features and stream ${made.signal.ramBytes} B more`
      : "each coefficient takes two bytes of flash (of four bits half a byte), the place of a sparse link one more, and every synapse and neuron some of RAM",
    help: made.signal
      ? `train again with fewer points, a smaller network and fewer samples a second: --features trace,points=16 --model ${16 * made.signal.channels}-8-${classes.length}@16 --rate ${made.signal.rate / 2}`
      : `a network such as ${limits.largest} fits and learns, 64-16-4@32 fits and predicts`,
  })
}
