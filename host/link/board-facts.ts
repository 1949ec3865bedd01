/** What a board reports of itself. */
import {
  JD_CONTROL_REG_DEVICE_DESCRIPTION,
  JD_CONTROL_REG_FIRMWARE_VERSION,
  JD_CONTROL_REG_PRODUCT_IDENTIFIER,
  JD_DEVICE_SCRIPT_MANAGER_REG_PROGRAM_NAME,
  JD_DEVICE_SCRIPT_MANAGER_REG_RUNTIME_VERSION,
  JD_SERVICE_INDEX_CONTROL,
  read16,
  read32,
} from "./jacdac"
import type { Manager } from "./manager"

/** What a board says of itself; undefined where it does not know. */
export interface BoardFacts {
  /** 16 hex digits. */
  id: string
  /** Name of the hardware: "Raspberry Pi Pico". */
  description?: string
  /** Number of the hardware in DeviceScript's list of boards. */
  productId?: number
  /** Version of the flashed firmware: "v1.2.3". */
  firmwareVersion?: string
  /** Version of the DeviceScript runtime: "2.16.4". */
  runtimeVersion?: string
  /** SHA-256, 64 hex digits; undefined when there is no program. */
  programHash?: string
  programName?: string
  running: boolean
  autostart: boolean
}

/**
 * @param manager absent on native boards
 * @param read a register of one of the board's services; undefined where it lacks it
 * @throws WuxingError "board-no-answer", "board-gone", "interrupted"
 */
export async function readFacts(
  id: string,
  manager: Manager | undefined,
  read: (service: number, register: number) => Promise<Uint8Array | undefined>,
): Promise<BoardFacts> {
  const text = (bytes?: Uint8Array) => bytes && (Buffer.from(bytes).toString("utf8") || undefined)
  const control = (register: number) => read(JD_SERVICE_INDEX_CONTROL, register)
  const managed = async (register: number) => manager && (await read(manager.index, register))
  const [hash, running, autostart, version, name, description, product, firmware] =
    await Promise.all([
      manager ? manager.programHash() : "",
      manager ? manager.isRunning() : true,
      manager ? manager.isAutostarting() : true,
      managed(JD_DEVICE_SCRIPT_MANAGER_REG_RUNTIME_VERSION),
      managed(JD_DEVICE_SCRIPT_MANAGER_REG_PROGRAM_NAME),
      control(JD_CONTROL_REG_DEVICE_DESCRIPTION),
      control(JD_CONTROL_REG_PRODUCT_IDENTIFIER),
      control(JD_CONTROL_REG_FIRMWARE_VERSION),
    ])
  return {
    id,
    description: text(description),
    productId: product && product.length >= 4 ? read32(product, 0) : undefined,
    firmwareVersion: text(firmware),
    runtimeVersion:
      version && version.length >= 4
        ? `${version[3]}.${version[2]}.${read16(version, 0)}`
        : undefined,
    programHash: /^0*$/.test(hash) ? undefined : hash,
    programName: text(name),
    running,
    autostart,
  }
}
