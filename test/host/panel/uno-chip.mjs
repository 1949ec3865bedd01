/**
 * The ATmega328P of an Arduino Uno, as avr8js runs it, with what is outside of it: buttons, resistors,
 * voltages and the host's end of its UART. Time is what `run` is told.
 *
 * Plain JavaScript so that uno-process.mjs starts without a loader.
 */
import { readFileSync } from "node:fs"
import {
  AVRADC,
  AVRIOPort,
  AVRTimer,
  AVRTWI,
  AVRUSART,
  adcConfig,
  avrInstruction,
  CPU,
  portBConfig,
  portCConfig,
  portDConfig,
  timer0Config,
  timer1Config,
  timer2Config,
  twiConfig,
  usart0Config,
} from "avr8js"

const HZ = 16_000_000
export const CYCLES_PER_MS = HZ / 1000
/** Flash of the ATmega328P in 16-bit words. */
const FLASH_WORDS = 0x4000
const MOST_EDGES = 20_000

/** By avr8js's PinState. */
const STATES = ["low", "high", "input", "pullup"]
const PULLED_UP = 3
/** Ten bits at 57,600 baud, in cycles; a byte received and not read; the receiver is on. */
const UART = { CHAR: Math.round((HZ * 10) / 57_600), RXC: 0x80, RXEN: 0x10 }
/** By a name of this module: the loader of tests looks an import up anew at each use. */
const instruction = avrInstruction
/** Nine bits of I2C at 100 kHz, in cycles. */
const I2C_BYTE = (HZ * 9) / 100_000
/** Arduino's pin numbers: 0…7 are port D, 8…13 port B, 14…19 (A0…A5) port C. */
const PORTS = [
  { config: portDConfig, first: 0, pins: 8 },
  { config: portBConfig, first: 8, pins: 6 },
  { config: portCConfig, first: 14, pins: 6 },
]

export class UnoChip {
  /** What it sends over its UART, byte by byte. */
  onByte = () => {}
  /** Bytes from the host that the UART has not taken yet. */
  incoming = []
  /** What is outside outlives a reset of the chip: buttons held, pull-up resistors, voltages. */
  pressed = new Set()
  pulledUp = new Set()
  outsideVolts = new Map()

  /** @param program an Intel HEX file */
  constructor(program) {
    this.program = readHex(program)
    this.powerUp()
  }

  powerUp() {
    const cpu = new CPU(new Uint16Array(this.program))
    this.cpu = cpu
    this.timers = [timer0Config, timer1Config, timer2Config].map(
      config => new AVRTimer(cpu, config),
    )
    this.ports = PORTS.map(({ config }) => new AVRIOPort(cpu, config))
    this.adc = new AVRADC(cpu, adcConfig)
    this.usart = new AVRUSART(cpu, usart0Config, HZ)
    this.twi = new AVRTWI(cpu, twiConfig, HZ)
    this.allEdges = Array.from({ length: 20 }, () => [[0, "input"]])
    this.written = []
    this.script = []
    this.outside = []
    this.nextByte = 0
    this.spoken = false

    PORTS.forEach(({ first, pins }, index) => {
      const port = this.ports[index]
      port.addListener(() => {
        if (this.cpu !== cpu) return
        this.settleInputs()
        for (let bit = 0; bit < pins; bit++) {
          const list = this.allEdges[first + bit]
          const state = STATES[port.pinState(bit)]
          if (list[list.length - 1][1] === state) continue
          list.push([cpu.cycles / CYCLES_PER_MS, state])
          if (list.length > MOST_EDGES) list.splice(0, MOST_EDGES / 2)
        }
      })
    })
    keepReceived(cpu, this.usart)
    this.usart.onByteTransmit = byte => {
      this.spoken = true
      this.onByte(byte)
    }
    this.answerI2c()
    for (const [channel, value] of this.outsideVolts) this.adc.channelValues[channel] = value
  }

  /** Something at every address takes what is written. */
  answerI2c() {
    const { cpu, twi, written } = this
    const later = work => cpu.addClockEvent(work, I2C_BYTE)
    let at
    twi.eventHandler = {
      start: () => twi.completeStart(),
      stop: () => twi.completeStop(),
      connectToSlave: (address, write) => {
        at = address
        later(() => twi.completeConnect(write))
      },
      writeByte: byte =>
        later(() => {
          written.push([cpu.cycles / CYCLES_PER_MS, at, byte])
          twi.completeWrite(true)
        }),
      readByte: () => later(() => twi.completeRead(0xff)),
    }
  }

  /** Until so many cycles from its start, and hardly further. */
  run(end) {
    const { cpu, script, incoming } = this
    while (cpu.cycles < end) {
      for (let i = 0; i < 64; i++) {
        instruction(cpu)
        cpu.tick()
      }
      while (script.length > 0 && cpu.cycles >= script[0].at) {
        const { pin, down } = script.shift()
        if (down) this.pressed.add(pin)
        else this.pressed.delete(pin)
        this.settleInputs()
      }
      if (incoming.length > 0) this.feed()
    }
  }

  /**
   * Hands the UART the next byte when its time has come. The chip keeps two bytes that were not read
   * yet while a third arrives; avr8js keeps one, so the next waits here for as long as the chip would.
   */
  feed() {
    const { cpu, usart } = this
    if (cpu.cycles < this.nextByte || !usart.rxEnable) return
    const { RXC, CHAR } = UART
    if (cpu.data[usart0Config.UCSRA] & RXC && cpu.cycles < this.nextByte + 2 * CHAR) return
    usart.writeByte(this.incoming.shift(), true)
    this.nextByte = Math.max(this.nextByte, cpu.cycles) + CHAR
  }

  /**
   * What the pins read from outside. An open button leaves its pin to the pull-up; without one the pin
   * floats, here to low, where it does most harm.
   */
  settleInputs() {
    PORTS.forEach(({ first, pins }, index) => {
      for (let bit = 0; bit < pins; bit++) {
        const open = !this.pressed.has(first + bit)
        const pull = this.pulledUp.has(first + bit) || this.ports[index].pinState(bit) === PULLED_UP
        const level = open && pull
        if (level === (this.outside[first + bit] ?? false)) continue
        this.outside[first + bit] = level
        this.ports[index].setPin(bit, level)
      }
    })
  }

  /** Presses (true) and releases of a button at times from now, ms. */
  button(pin, at) {
    const start = this.cpu.cycles
    this.script.push(...at.map(([ms, down]) => ({ at: start + ms * CYCLES_PER_MS, pin, down })))
    this.script.sort((a, b) => a.at - b.at)
  }

  /** A resistor to the supply, as a board has on its reset line. */
  pullUp(pin) {
    this.pulledUp.add(pin)
    this.settleInputs()
  }

  volts(channel, volts) {
    this.outsideVolts.set(channel, volts)
    this.adc.channelValues[channel] = volts
  }

  /** ms since its start. */
  now() {
    return this.cpu.cycles / CYCLES_PER_MS
  }

  /** When a pin changed, ms since its start, and to what. */
  edges(pin) {
    return this.allEdges[pin]
  }

  /** The level of every pin. */
  levels() {
    return this.allEdges.map(list => list[list.length - 1][1])
  }

  /** Bytes written over I2C: when, to which address, what. */
  i2c() {
    return this.written
  }
}

/**
 * avr8js forgets a received byte when its program writes UCSR0B before reading it, as every interrupt
 * of the transmitter does; the chip forgets it only when the receiver is switched off.
 */
function keepReceived(cpu, usart) {
  const { UCSRA, UCSRB } = usart0Config
  const write = cpu.writeHooks[UCSRB]
  cpu.writeHooks[UCSRB] = (value, ...rest) => {
    const received = cpu.data[UCSRA] & UART.RXC
    const done = write(value, ...rest)
    if (received && value & UART.RXEN) cpu.setInterruptFlag(usart.RXC)
    return done
  }
}

/** Intel HEX: records of data (00), end (01) and, unused here, higher addresses. */
function readHex(path) {
  const words = new Uint16Array(FLASH_WORDS)
  const bytes = new Uint8Array(words.buffer)
  for (const line of readFileSync(path, "utf8").split(/\r?\n/)) {
    if (!line.startsWith(":")) continue
    const record = Buffer.from(line.slice(1), "hex")
    if (record.reduce((sum, byte) => sum + byte, 0) % 256 !== 0)
      throw new Error(`bad checksum in ${path}: ${line}`)
    if (record[3] === 0) bytes.set(record.subarray(4, 4 + record[0]), record.readUInt16BE(1))
  }
  return words
}
