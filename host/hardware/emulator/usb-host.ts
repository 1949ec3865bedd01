/**
 * The other end of an emulated Pico's USB cable: enumerates the device as an operating system does and
 * opens its serial port (USB 2.0 chapter 9; USB CDC 1.2; PSTN 1.2).
 */
import type { RPUSBController } from "rp2040js"
import type { EmulatedClock } from "./clock"

const GET_DESCRIPTOR = 6
const SET_ADDRESS = 5
const SET_CONFIGURATION = 9
const SET_LINE_CODING = 0x20
const SET_CONTROL_LINE_STATE = 0x22
const DEVICE = 1
const CONFIGURATION = 2
const STRING = 3
const EP_STALL_ARM = 0x68
/** A full packet with its token, handshake and gaps: at most 19 of them fit a frame of 1 ms. */
const PACKET_MICROS = 1000 / 19
/** A device has 50 ms for a request without data (9.2.6.4). */
const CONTROL_NANOS = 50_000_000

export interface UsbDescription {
  vendor: number
  product: number
  manufacturer: string
  productName: string
  serial: string
  configuration: Uint8Array
}

/** A control transfer. */
interface Request {
  setup: Uint8Array
  /** Data to the device; undefined: data from it. */
  out?: Uint8Array
}

/** Requests one after the other: each gets what the device answered, undefined if it stalled. */
type Script = Generator<Request, void, Uint8Array | undefined>

export class UsbHost {
  /** Bytes of the serial port. */
  onData?: (bytes: Uint8Array) => void
  /** What the device said of itself; undefined until it is enumerated. */
  description?: UsbDescription
  /** The port is open: DTR is set. */
  open = false
  /** Requests the device did not know. */
  stalls = 0
  private readonly pending: Uint8Array[] = []
  private pendingOffset = 0
  /** The device waits for bytes in this endpoint. */
  private armed = false
  private inEndpoint = -1
  private outEndpoint = -1
  private readonly scripts: Script[] = []
  private request?: Request
  private received: number[] = []
  private readonly deadline: ReturnType<EmulatedClock["createAlarm"]>

  constructor(
    private readonly usb: RPUSBController,
    clock: EmulatedClock,
  ) {
    this.deadline = clock.createAlarm(() => this.giveUp())
    usb.onUSBEnabled = () => usb.resetDevice()
    usb.onResetReceived = () => this.restart()
    usb.onEndpointWrite = (endpoint, bytes) => this.fromDevice(endpoint, bytes)
    usb.onEndpointRead = (endpoint, size) => this.wanted(endpoint, size)
    usb.writeDelayMicroseconds = PACKET_MICROS
    paceBulkIn(usb, clock)
  }

  /** Bytes to the serial port; they go out as the device takes them. */
  write(bytes: Uint8Array): void {
    if (bytes.length > 0) this.pending.push(bytes)
    this.pump()
  }

  get waiting(): number {
    return this.pending.reduce((sum, bytes) => sum + bytes.length, 0) - this.pendingOffset
  }

  /** Opens or closes the port, as a program on the host would. */
  setOpen(open: boolean): void {
    this.follow(this.opening(open))
  }

  /**
   * A control transfer of one's own.
   * @param type bmRequestType
   * @param data to the device, or how many bytes are wanted from it
   * @param done gets the device's answer; undefined if it stalled
   */
  control(
    setup: [type: number, request: number, value: number, index: number],
    data: Uint8Array | number,
    done: (answer: Uint8Array | undefined) => void,
  ): void {
    this.follow(
      (function* (): Script {
        done(yield request(...setup, data))
      })(),
    )
  }

  private restart(): void {
    this.description = undefined
    this.open = false
    this.armed = false
    this.request = undefined
    this.scripts.length = 0
    this.follow(this.enumeration())
  }

  private *opening(open: boolean): Script {
    yield request(0x21, SET_CONTROL_LINE_STATE, open ? 3 : 0, 0, new Uint8Array(0))
    this.open = open
    this.pump()
  }

  private *enumeration(): Script {
    const none = new Uint8Array(0)
    const ask = (type: number, index: number, length: number, language = 0) =>
      request(0x80, GET_DESCRIPTOR, (type << 8) | index, language, length)
    const first = yield ask(DEVICE, 0, 8)
    if (first?.[7] !== 64) throw new Error(`endpoint 0 takes ${first?.[7]} bytes, not 64`)
    yield request(0, SET_ADDRESS, 1, 0, none)
    const device = Buffer.from((yield ask(DEVICE, 0, 18)) ?? none)
    const head = Buffer.from((yield ask(CONFIGURATION, 0, 9)) ?? none)
    const configuration = (yield ask(CONFIGURATION, 0, head.readUInt16LE(2))) ?? none
    const texts: string[] = []
    for (const index of [device[14], device[15], device[16]]) {
      const bytes = Buffer.from((yield ask(STRING, index, 255, 0x0409)) ?? none)
      texts.push(bytes.subarray(2).toString("utf16le"))
    }
    this.findEndpoints(configuration)
    yield request(0, SET_CONFIGURATION, configuration[5], 0, none)
    yield request(0x21, SET_LINE_CODING, 0, 0, new Uint8Array([0, 0xc2, 1, 0, 0, 0, 8]))
    this.description = {
      vendor: device.readUInt16LE(8),
      product: device.readUInt16LE(10),
      manufacturer: texts[0],
      productName: texts[1],
      serial: texts[2],
      configuration,
    }
    yield* this.opening(true)
  }

  private follow(script: Script): void {
    this.scripts.push(script)
    if (this.scripts.length === 1) this.next(undefined)
  }

  /** Hands an answer to the script in hand, and the device that script's next request. */
  private next(answer: Uint8Array | undefined): void {
    this.request = undefined
    this.received = []
    const step = this.scripts[0].next(answer)
    if (step.done) {
      this.scripts.shift()
      if (this.scripts.length > 0) this.next(undefined)
      return
    }
    this.request = step.value
    this.deadline.schedule(CONTROL_NANOS)
    this.usb.sendSetupPacket(step.value.setup)
  }

  /** The bulk endpoints of the data interface (class 10). */
  private findEndpoints(configuration: Uint8Array): void {
    let ofData = false
    for (let at = 0; at + 1 < configuration.length; at += configuration[at]) {
      const [length, type] = configuration.subarray(at)
      if (length < 2) throw new Error(`descriptor at ${at} has length ${length}`)
      if (type === 4) ofData = configuration[at + 5] === 10
      if (type !== 5 || !ofData) continue
      const address = configuration[at + 2]
      if (address & 0x80) this.inEndpoint = address & 15
      else this.outEndpoint = address & 15
    }
  }

  private fromDevice(endpoint: number, bytes: Uint8Array): void {
    if (endpoint === 0) this.controlIn(bytes)
    else if (endpoint === this.inEndpoint && this.open && bytes.length > 0) this.onData?.(bytes)
  }

  private controlIn(bytes: Uint8Array): void {
    if (this.request?.out) this.finish()
    else this.received.push(...bytes)
  }

  private wanted(endpoint: number, _size: number): void {
    if (endpoint === this.outEndpoint) {
      this.armed = true
      this.pump()
      return
    }
    if (endpoint !== 0 || !this.request) return
    // The device wants the data of a request, or the empty packet that ends one.
    this.usb.endpointReadDone(0, this.request.out ?? new Uint8Array(0))
    if (!this.request.out) this.finish()
  }

  private finish(): void {
    this.deadline.cancel()
    this.next(Uint8Array.from(this.received))
  }

  private giveUp(): void {
    if (this.usb.readUint32(EP_STALL_ARM) !== 0) this.stalls++
    this.next(undefined)
  }

  private pump(): void {
    if (!this.armed || !this.open || this.pending.length === 0) return
    this.armed = false
    const packet = new Uint8Array(64)
    let count = 0
    while (count < 64 && this.pending.length > 0) {
      const [bytes] = this.pending
      const some = bytes.subarray(this.pendingOffset, this.pendingOffset + 64 - count)
      packet.set(some, count)
      count += some.length
      this.pendingOffset += some.length
      if (this.pendingOffset === bytes.length) {
        this.pending.shift()
        this.pendingOffset = 0
      }
    }
    this.usb.endpointReadDone(this.outEndpoint, packet.slice(0, count), PACKET_MICROS)
  }
}

function request(
  type: number,
  what: number,
  value: number,
  index: number,
  data: Uint8Array | number,
): Request {
  const length = typeof data === "number" ? data : data.length
  const setup = new Uint8Array([
    ...[type, what, value & 255, value >> 8, index & 255, index >> 8],
    ...[length & 255, length >> 8],
  ])
  return { setup, out: typeof data === "number" ? undefined : data }
}

/** rp2040js calls a packet sent as soon as it is handed over; on a cable it takes its time. */
function paceBulkIn(usb: RPUSBController, clock: EmulatedClock): void {
  const controller = usb as unknown as {
    indicateBufferReady(endpoint: number, out: boolean): void
  }
  const plain = controller.indicateBufferReady.bind(usb)
  const alarms = Array.from({ length: 16 }, (_, endpoint) =>
    clock.createAlarm(() => plain(endpoint, false)),
  )
  controller.indicateBufferReady = (endpoint, out) => {
    if (out) plain(endpoint, out)
    else alarms[endpoint].schedule(PACKET_MICROS * 1000)
  }
}
