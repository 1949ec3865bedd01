/**
 * What the tests use of jacdac-ts. Its package has declarations, but its export map does not name
 * them, so that the compiler does not find them.
 */
declare module "jacdac-ts" {
  export const FRAME_PROCESS: string
  export function crc(bytes: Uint8Array): number

  export class Packet {
    static from(command: number, payload: Uint8Array): Packet
    static fromBinary(frame: Uint8Array): Packet
    static fromFrame(frame: Uint8Array, timestamp: number): Packet[]
    deviceIdentifier: string
    serviceIndex: number
    isCommand: boolean
    requiresAck: boolean
    readonly serviceCommand: number
    readonly data: Uint8Array
    readonly crc: number
    readonly isCRCAck: boolean
    readonly isReport: boolean
    readonly isEvent: boolean
    readonly eventCounter: number
    readonly eventCode: number
    toBuffer(): Uint8Array
  }

  export interface JDRegister {
    readonly data?: Uint8Array
    refresh(skipIfValue?: boolean): Promise<void>
  }

  export interface JDService {
    readonly serviceClass: number
    register(code: number): JDRegister
  }

  export interface JDDevice {
    readonly deviceId: string
    readonly announced: boolean
    services(options: { serviceClass: number }): JDService[]
  }

  export interface Transport {
    readonly type: string
  }

  export class JDBus {
    constructor(transports: Transport[], options?: { client?: boolean })
    readonly connected: boolean
    connect(): Promise<void>
    disconnect(): Promise<void>
    dispose(): Promise<void>
    device(id: string, onlyKnown: boolean): JDDevice | undefined
    sendFrameAsync(frame: Uint8Array): Promise<void>
    on(event: string, handler: (frame: Uint8Array) => void): void
  }

  export function createNodeWebSerialTransport(SerialPort: unknown): Transport
}
