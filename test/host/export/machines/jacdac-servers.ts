/** Sensors on the Jacdac bus of a virtual machine, played by this process in the machine's own time. */
import { Machine } from "../../../../host/hardware/machine"
import {
  buildAck,
  buildPacket,
  CMD_GET_REG,
  CMD_SET_REG,
  type DeviceId,
  deviceIdFromHex,
  frameFlags,
  frameIsFor,
  JD_FRAME_FLAG_ACK_REQUESTED,
  packetsOf,
  write32,
} from "../../../../host/link/jacdac"

export interface Sensor {
  serviceClass: number
  /** The register `reading` in the service's format, at a time in ms. */
  reading: (now: number) => Uint8Array
}

const READING = 0x101
const STREAMING_SAMPLES = 3
const ANNOUNCE_MS = 500
const REPORT_MS = 20
/** Acknowledgements are sent; the counter says that it has run a while. */
const ANNOUNCE_FLAGS = 0x10f

/** Runs a program with a device that serves the sensors, until `done`. */
export async function runWithSensors(
  bytecode: Uint8Array,
  sensors: Sensor[],
  done: (log: string[], now: number) => boolean,
  milliseconds: number,
  onFrame?: (frame: Uint8Array) => void,
): Promise<string[]> {
  const machine = await Machine.start(bytecode)
  const id = deviceIdFromHex("abcdef0123456789")
  const server = new Server(machine, id, sensors)
  let now = 1
  machine.onFrame = frame => {
    server.take(frame.slice(), now)
    onFrame?.(frame)
  }
  for (; now < milliseconds; now++) {
    server.tick(now)
    machine.turn(now)
    if (done(machine.log, now)) return machine.log
    if (now % 50 === 0) await new Promise(resolve => setImmediate(resolve))
  }
  throw new Error(`not done within ${milliseconds} ms:\n${machine.log.slice(-30).join("\n")}`)
}

class Server {
  private readonly left: number[]
  private readonly waiting: Uint8Array[] = []

  constructor(
    private readonly machine: Machine,
    private readonly id: DeviceId,
    private readonly sensors: Sensor[],
  ) {
    this.left = sensors.map(() => 0)
  }

  /** Frames of the machine. What is answered waits for the next tick, as on a wire. */
  take(frame: Uint8Array, now: number): void {
    if (!frameIsFor(frame, this.id)) return
    if ((frameFlags(frame) & JD_FRAME_FLAG_ACK_REQUESTED) !== 0) this.waiting.push(buildAck(frame))
    for (const { serviceIndex, command, payload } of packetsOf(frame)) {
      const sensor = this.sensors[serviceIndex - 1]
      if (!sensor) continue
      if (command === (CMD_SET_REG | STREAMING_SAMPLES)) this.left[serviceIndex - 1] = payload[0]
      if (command === (CMD_GET_REG | READING)) this.report(serviceIndex, sensor.reading(now))
    }
  }

  private report(service: number, reading: Uint8Array): void {
    this.waiting.push(buildPacket(this.id, 0, service, CMD_GET_REG | READING, reading))
  }

  tick(now: number): void {
    if (now % ANNOUNCE_MS === 10) {
      const payload = new Uint8Array(4 + 4 * this.sensors.length)
      write32(payload, 0, ANNOUNCE_FLAGS)
      for (const [i, { serviceClass }] of this.sensors.entries())
        write32(payload, 4 + 4 * i, serviceClass)
      this.waiting.push(buildPacket(this.id, 0, 0, 0, payload))
    }
    if (now % REPORT_MS === 0)
      for (const [i, sensor] of this.sensors.entries())
        if (this.left[i] > 0) {
          this.left[i]--
          this.report(i + 1, sensor.reading(now))
        }
    for (const frame of this.waiting.splice(0)) this.machine.send(frame)
  }
}

/** i12.20 or i22.10 or u0.16: numbers with so many bits after the point, in so many bytes. */
export function fixed(bits: number, bytes: 2 | 4, ...values: number[]): Uint8Array {
  const out = Buffer.alloc(bytes * values.length)
  for (const [i, value] of values.entries())
    if (bytes === 4) out.writeInt32LE(Math.round(value * 2 ** bits), 4 * i)
    else out.writeUInt16LE(Math.min(65535, Math.round(value * 2 ** bits)), 2 * i)
  return out
}
