/**
 * Names of frames: "1.out.image" are the images to board 1, "0.in.status" what board 0 says of its
 * status. With its number in that stream a frame can be named again in another run.
 */
import { Command, NATIVE_CLASS } from "../../src/wire/protocol"
import {
  CMD_GET_REG,
  CMD_SET_REG,
  type DeviceId,
  frameDevice,
  frameIsBridge,
  frameIsFor,
  JD_CONTROL_CMD_SERVICES,
  JD_DEVICE_SCRIPT_MANAGER_CMD_DEPLOY_BYTECODE,
  JD_DEVICE_SCRIPT_MANAGER_REG_AUTOSTART,
  JD_DEVICE_SCRIPT_MANAGER_REG_PROGRAM_SHA256,
  JD_DEVICE_SCRIPT_MANAGER_REG_RUNNING,
  JD_SERVICE_CLASS_DEVICE_SCRIPT_MANAGER,
  JD_SERVICE_INDEX_CONTROL,
  JD_SERVICE_INDEX_CRC_ACK,
  JD_SERVICE_INDEX_PIPE,
  packetsOf,
  parseAnnounce,
  parseEvent,
  servedDeviceId,
} from "../link/jacdac"

export type Direction = "in" | "out"

/** Announces and the like come by the clock: how many a run has differs from run to run. */
export const TIMED_STREAMS = ["bridge", "announce", "served-announce", "event", "running", "status"]

const REGISTERS: Record<number, string> = {
  [JD_DEVICE_SCRIPT_MANAGER_REG_RUNNING]: "running",
  [JD_DEVICE_SCRIPT_MANAGER_REG_AUTOSTART]: "autostart",
  [JD_DEVICE_SCRIPT_MANAGER_REG_PROGRAM_SHA256]: "hash",
}

/** Names the frames of one board: it has to have seen the board's announce to tell them apart. */
export class FrameNames {
  private served?: DeviceId

  nameOf(frame: Uint8Array): string {
    if (frameIsBridge(frame)) return "bridge"
    const [packet] = packetsOf(frame)
    if (!packet) return "other"
    const { serviceIndex, command } = packet
    const ofProgram = this.served !== undefined && frameIsFor(frame, this.served)
    if (serviceIndex === JD_SERVICE_INDEX_CONTROL && command === JD_CONTROL_CMD_SERVICES) {
      const classes = parseAnnounce(packet.payload)?.serviceClasses
      if (classes?.some(c => c === JD_SERVICE_CLASS_DEVICE_SCRIPT_MANAGER || c === NATIVE_CLASS))
        this.served = servedDeviceId(frameDevice(frame))
      return ofProgram ? "served-announce" : "announce"
    }
    if (serviceIndex === JD_SERVICE_INDEX_CRC_ACK) return "ack"
    if (serviceIndex === JD_SERVICE_INDEX_PIPE) return "pipe"
    if (parseEvent(command)) return "event"
    if (ofProgram) return Command[command]?.toLowerCase() ?? "other"
    if (serviceIndex === JD_SERVICE_INDEX_CONTROL) return "control"
    if (command === JD_DEVICE_SCRIPT_MANAGER_CMD_DEPLOY_BYTECODE) return "deploy"
    if (command >= CMD_GET_REG && command < CMD_SET_REG + 0x1000)
      return REGISTERS[command & 0xfff] ?? "register"
    return "other"
  }
}
