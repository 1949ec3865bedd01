/**
 * The boards DeviceScript 2.16 has firmware for, as `devs flash` lists them, and the number by which
 * a flashed board says which of them it is (Jacdac control service, product_identifier).
 */
import { NATIVE_PICO_PRODUCT } from "../../src/wire/protocol"

export type BoardFamily = "rp2040" | "esp32" | "esp32s2" | "esp32s3" | "esp32c3"

export interface DeviceScriptBoard {
  /** As `devs flash --board` takes it. */
  id: string
  family: BoardFamily
  productId: number
}

const FAMILIES: Record<BoardFamily, Record<string, number>> = {
  rp2040: {
    kittenbot_nanoscript: 0x37c2fcc5,
    msr124: 0x3875e80d,
    msr59: 0x35a678a3,
    pico: 0x3f6e1f0c,
    pico_w: 0x3a513204,
  },
  esp32: { esp32_bare: 0x3ff6ffeb, esp32_devkit_c: 0x3c507a05 },
  esp32s2: {
    adafruit_feather_esp32_s2: 0x3c2ed99e,
    esp32s2_bare: 0x3f140dcc,
    feather_s2: 0x3126f707,
    msr207_v42: 0x322e0e64,
    msr207_v43: 0x322e0e64,
    msr48: 0x3de1398b,
  },
  esp32s3: { esp32s3_bare: 0x3e121501, esp32s3_devkit_m: 0x3574d277 },
  esp32c3: {
    adafruit_qt_py_c3: 0x3693d40b,
    esp32_c3fh4_rgb: 0x3a90885c,
    esp32c3_bare: 0x3a1d89be,
    esp32c3_rust_devkit: 0x33f29c59,
    esp32c3_supermini: 0x31606c1c,
    kittenbot_grapebit_esp32c3: 0x38ccab8d,
    seeed_xiao_esp32c3: 0x3eff6b51,
    seeed_xiao_esp32c3_msr218: 0x36b64827,
  },
}

export const DEVICE_SCRIPT_BOARDS: readonly DeviceScriptBoard[] = Object.entries(FAMILIES).flatMap(
  ([family, boards]) =>
    Object.entries(boards).map(([id, productId]) => ({
      id,
      family: family as BoardFamily,
      productId,
    })),
)

/** The board of a product number; undefined for one that is not in the list. */
function boardOfProduct(productId: number | undefined): DeviceScriptBoard | undefined {
  return DEVICE_SCRIPT_BOARDS.find(board => board.productId === productId)
}

/** What a virtual board says it is ("DeviceScript Simulator (WASM)"). */
const VIRTUAL_PRODUCT = 0x3fe5b46f

/**
 * What to call a board's kind: "virtual"; "pico-native" for a Pico that runs the core as machine code
 * (firmware/native); DeviceScript's id for the board, by which a profile in boards/ names its board
 * (`deviceScriptBoard`); "unknown" for other hardware.
 */
export function profileOfProduct(productId: number | undefined): string {
  if (productId === VIRTUAL_PRODUCT) return "virtual"
  if (productId === NATIVE_PICO_PRODUCT) return "pico-native"
  return boardOfProduct(productId)?.id ?? "unknown"
}
