/**
 * Jacdac frames: building and taking apart. Constants bear the names of the Jacdac specification.
 *
 * A frame is
 *
 *     crc u16 | size u8 | flags u8 | device id, 8 bytes | packets, `size` bytes
 *
 * and a packet inside it
 *
 *     size u8 | service index u8 | command u16 | payload, `size` bytes | padding to 4
 *
 * all little-endian. The CRC covers everything after itself. A frame we send carries one packet;
 * one we receive may carry several.
 */
import { allocate } from "./bytes"
import { crc16 } from "./crc16"

const JD_SERIAL_FULL_HEADER_SIZE = 16
export const JD_FRAME_HEADER_SIZE = 12
/** Largest payload of one packet, bytes. */
const JD_SERIAL_PAYLOAD_SIZE = 236
/** Largest frame, bytes: header and 240 bytes of packets. */
export const JD_FRAME_MAX_SIZE = JD_FRAME_HEADER_SIZE + JD_SERIAL_PAYLOAD_SIZE + 4

/** The device id is the addressee (set) or the sender (clear). */
export const JD_FRAME_FLAG_COMMAND = 0x01
export const JD_FRAME_FLAG_ACK_REQUESTED = 0x02
/** Broadcast: the device id holds a service class. */
const JD_FRAME_FLAG_IDENTIFIER_IS_SERVICE_CLASS = 0x04
const JD_FRAME_FLAG_LOOPBACK = 0x40

export const JD_SERVICE_INDEX_CONTROL = 0x00
/** Above it are no services: broadcasts, pipes and acknowledgements. */
export const JD_SERVICE_INDEX_MAX_NORMAL = 0x3a
const JD_SERVICE_INDEX_BROADCAST = 0x3d
export const JD_SERVICE_INDEX_PIPE = 0x3e
export const JD_SERVICE_INDEX_CRC_ACK = 0x3f
const JD_SERVICE_INDEX_MASK = 0x3f

/** Upper half of the device id of a broadcast frame. */
const JD_DEVICE_IDENTIFIER_BROADCAST_HIGH_MARK = 0xaaaaaaaa

export const CMD_GET_REG = 0x1000
export const CMD_SET_REG = 0x2000
const CMD_EVENT_MASK = 0x8000
const CMD_EVENT_COUNTER_POS = 8
const CMD_EVENT_COUNTER_MASK = 0x7f
const CMD_EVENT_CODE_MASK = 0xff

/** Control service: asked for, or sent every 500 ms. */
export const JD_CONTROL_CMD_SERVICES = 0x00
export const JD_CONTROL_CMD_NOOP = 0x80
export const JD_CONTROL_CMD_RESET = 0x82
export const JD_CONTROL_CMD_SET_STATUS_LIGHT = 0x84
export const JD_CONTROL_REG_DEVICE_DESCRIPTION = 0x180
export const JD_CONTROL_REG_PRODUCT_IDENTIFIER = 0x181
export const JD_CONTROL_REG_FIRMWARE_VERSION = 0x185
const JD_CONTROL_ANNOUNCE_FLAGS_RESTART_COUNTER_STEADY = 0x0f

/** Event codes and values every service shares. */
export const JD_EV_STATUS_CODE_CHANGED = 0x04
export const JD_STATUS_CODES_READY = 0

export const PIPE_PORT_SHIFT = 7
export const PIPE_COUNTER_MASK = 0x1f
export const PIPE_CLOSE_MASK = 0x20

export const JD_SERVICE_CLASS_DEVICE_SCRIPT_MANAGER = 0x1134ea2b
export const JD_DEVICE_SCRIPT_MANAGER_CMD_DEPLOY_BYTECODE = 0x80
export const JD_DEVICE_SCRIPT_MANAGER_REG_RUNNING = 0x80
export const JD_DEVICE_SCRIPT_MANAGER_REG_AUTOSTART = 0x81
export const JD_DEVICE_SCRIPT_MANAGER_REG_PROGRAM_SHA256 = 0x182
export const JD_DEVICE_SCRIPT_MANAGER_REG_RUNTIME_VERSION = 0x183
export const JD_DEVICE_SCRIPT_MANAGER_REG_PROGRAM_NAME = 0x184
export const JD_DEVICE_SCRIPT_MANAGER_EV_PROGRAM_PANIC = 0x80

/** The serial link's own service: it never reaches the Jacdac bus behind the board. */
const JD_SERVICE_CLASS_USB_BRIDGE = 0x18f61a4a
export const JD_USB_BRIDGE_CMD_DISABLE_PACKETS = 0x80
export const JD_USB_BRIDGE_CMD_ENABLE_PACKETS = 0x81
export const JD_USB_BRIDGE_CMD_ENABLE_LOG = 0x83

/** A device id, as two unsigned 32-bit halves for comparing and as 16 hex digits in wire order. */
export interface DeviceId {
  readonly hex: string
  /** Wire bytes 0…3, little-endian. */
  readonly low: number
  /** Wire bytes 4…7, little-endian. */
  readonly high: number
}

function hexOf(value: number): string {
  let hex = ""
  for (let shift = 0; shift < 32; shift += 8) {
    hex += ((value >>> shift) & 0xff).toString(16).padStart(2, "0")
  }
  return hex
}

export function deviceId(low: number, high: number): DeviceId {
  return { hex: hexOf(low) + hexOf(high), low: low >>> 0, high: high >>> 0 }
}

/** @throws TypeError unless `hex` is 16 hex digits. */
export function deviceIdFromHex(hex: string): DeviceId {
  if (!/^[0-9a-f]{16}$/i.test(hex)) {
    throw new TypeError(`a device id is 16 hex digits, not "${hex}"`)
  }
  const bytes = Buffer.from(hex, "hex")
  return deviceId(bytes.readUInt32LE(0), bytes.readUInt32LE(4))
}

/**
 * The id under which the program of a board announces the services it serves. DeviceScript derives
 * it from the board's own by XOR with 0xdb2249a7751b53f8 (devs_jd_server_device_id).
 */
export function servedDeviceId(board: DeviceId): DeviceId {
  return deviceId(board.low ^ 0x751b53f8, board.high ^ 0xdb2249a7)
}

export function read16(bytes: Uint8Array, at: number): number {
  return bytes[at] | (bytes[at + 1] << 8)
}

export function read32(bytes: Uint8Array, at: number): number {
  return (bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)) >>> 0
}

export function write16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value
  bytes[at + 1] = value >> 8
}

export function write32(bytes: Uint8Array, at: number, value: number): void {
  write16(bytes, at, value)
  write16(bytes, at + 2, value >>> 16)
}

export interface Packet {
  serviceIndex: number
  /** The service command word: command, register or event. */
  command: number
  /** At most 236 bytes. From `packetsOf` it is a view into the frame. */
  payload: Uint8Array
}

export const NO_PAYLOAD = new Uint8Array(0)

/**
 * One frame with its CRC.
 * @throws RangeError when the packets do not fit (240 bytes with their headers and padding).
 */
export function buildFrame(
  device: DeviceId,
  flags: number,
  packets: readonly Packet[],
): Uint8Array {
  let size = 0
  for (const packet of packets) {
    // The last packet too is padded on the wire.
    size += (packet.payload.length + 4 + 3) & ~3
  }
  if (size > JD_FRAME_MAX_SIZE - JD_FRAME_HEADER_SIZE) {
    throw new RangeError(
      `${packets.length} packet(s) take ${size} bytes, a Jacdac frame holds ${JD_FRAME_MAX_SIZE - JD_FRAME_HEADER_SIZE} (one payload at most ${JD_SERIAL_PAYLOAD_SIZE})`,
    )
  }
  const frame = allocate(JD_FRAME_HEADER_SIZE + size)
  frame[2] = size
  frame[3] = flags
  write32(frame, 4, device.low)
  write32(frame, 8, device.high)
  let at = JD_FRAME_HEADER_SIZE
  for (const { serviceIndex, command, payload } of packets) {
    frame[at] = payload.length
    frame[at + 1] = serviceIndex
    write16(frame, at + 2, command)
    frame.set(payload, at + 4)
    at += (payload.length + 4 + 3) & ~3
  }
  write16(frame, 0, crc16(frame, 2))
  return frame
}

/** A frame with one packet. */
export function buildPacket(
  device: DeviceId,
  flags: number,
  serviceIndex: number,
  command: number,
  payload: Uint8Array = NO_PAYLOAD,
): Uint8Array {
  return buildFrame(device, flags, [{ serviceIndex, command, payload }])
}

/** True when the lengths agree and the CRC is right; `frame` may be longer than it declares. */
export function frameIsSound(frame: Uint8Array, length = frame.length): boolean {
  if (length < JD_SERIAL_FULL_HEADER_SIZE) return false
  const size = frame[2] + JD_FRAME_HEADER_SIZE
  return (
    size >= JD_SERIAL_FULL_HEADER_SIZE &&
    size <= length &&
    crc16(frame, 2, size) === read16(frame, 0)
  )
}

export function frameCrc(frame: Uint8Array): number {
  return read16(frame, 0)
}

export function frameFlags(frame: Uint8Array): number {
  return frame[3]
}

export function frameDevice(frame: Uint8Array): DeviceId {
  return deviceId(read32(frame, 4), read32(frame, 8))
}

export function frameIsFor(frame: Uint8Array, device: DeviceId): boolean {
  return read32(frame, 4) === device.low && read32(frame, 8) === device.high
}

/** The packets of a sound frame; one that claims more bytes than are left ends the list. */
export function packetsOf(frame: Uint8Array): Packet[] {
  const packets: Packet[] = []
  const end = frame[2] + JD_FRAME_HEADER_SIZE
  for (let at = JD_FRAME_HEADER_SIZE; at + 4 <= end; ) {
    const size = frame[at]
    if (at + 4 + size > end) break
    packets.push({
      serviceIndex: frame[at + 1] & JD_SERVICE_INDEX_MASK,
      command: read16(frame, at + 2),
      payload: frame.subarray(at + 4, at + 4 + size),
    })
    at += (size + 4 + 3) & ~3
  }
  return packets
}

/** The acknowledgement of `frame` by the device it was sent to: it carries that frame's CRC. */
export function buildAck(frame: Uint8Array): Uint8Array {
  return buildPacket(frameDevice(frame), 0, JD_SERVICE_INDEX_CRC_ACK, frameCrc(frame))
}

/** Control service report: who is there and what it serves. */
export interface Announce {
  /** 1…15; counts up by one an announce and stays at 15, so that a fall shows a restart. */
  restartCounter: number
  /** Service class of each service index; index 0 is the control service (class 0). */
  serviceClasses: number[]
}

/** @returns undefined when the payload is too short to be an announce. */
export function parseAnnounce(payload: Uint8Array): Announce | undefined {
  if (payload.length < 4) return undefined
  const serviceClasses = [0]
  for (let at = 4; at + 4 <= payload.length; at += 4) serviceClasses.push(read32(payload, at))
  return {
    restartCounter: payload[0] & JD_CONTROL_ANNOUNCE_FLAGS_RESTART_COUNTER_STEADY,
    serviceClasses,
  }
}

export interface JacdacEvent {
  /** 0…127, counted per device; the same event is sent three times with the same counter. */
  counter: number
  code: number
}

/** @returns undefined when the command word is not an event. */
export function parseEvent(command: number): JacdacEvent | undefined {
  if ((command & CMD_EVENT_MASK) === 0) return undefined
  return {
    counter: (command >> CMD_EVENT_COUNTER_POS) & CMD_EVENT_COUNTER_MASK,
    code: command & CMD_EVENT_CODE_MASK,
  }
}

/** A frame to the serial bridge of the board itself (broadcast, never forwarded to a bus). */
export function buildBridgeCommand(command: number): Uint8Array {
  return buildPacket(
    BRIDGE,
    JD_FRAME_FLAG_IDENTIFIER_IS_SERVICE_CLASS | JD_FRAME_FLAG_COMMAND | JD_FRAME_FLAG_LOOPBACK,
    JD_SERVICE_INDEX_BROADCAST,
    command,
  )
}

/** The bridge's answer: a broadcast report with the same command. */
export function buildBridgeReport(command: number): Uint8Array {
  return buildPacket(
    BRIDGE,
    JD_FRAME_FLAG_IDENTIFIER_IS_SERVICE_CLASS,
    JD_SERVICE_INDEX_BROADCAST,
    command,
  )
}

export function frameIsBridge(frame: Uint8Array): boolean {
  return (
    (frame[3] & JD_FRAME_FLAG_IDENTIFIER_IS_SERVICE_CLASS) !== 0 &&
    read32(frame, 4) === JD_SERVICE_CLASS_USB_BRIDGE
  )
}

const BRIDGE = deviceId(JD_SERVICE_CLASS_USB_BRIDGE, JD_DEVICE_IDENTIFIER_BROADCAST_HIGH_MARK)
