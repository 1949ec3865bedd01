/**
 * An Arduino Uno in a process of its own: the ATmega328P of avr8js runs a compiled program, and its
 * UART is a serial port, a pseudo-terminal made by socat.
 *
 * Plain JavaScript so that it starts without a loader. The parent talks over Node's IPC: see uno.ts.
 * The chip's clock keeps to real time: after being held up it runs faster until it has caught up, in
 * slices so short that it still hears what comes in between.
 *
 * uno-process.mjs PROGRAM RATE
 */
import { spawn } from "node:child_process"
import { readFileSync } from "node:fs"
import { setPriority } from "node:os"
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
const CYCLES_PER_MS = HZ / 1000
const SLICE_MS = 2
const PAUSE_MS = 5
/** More than this behind real time is given up, ms. */
const MOST_DEBT_MS = 1_000
/** Flash of the ATmega328P in 16-bit words. */
const FLASH_WORDS = 0x4000
/** StandardFirmata blinks its version first, for 2 s in which nothing else happens: a hurry is no harm. */
const HURRY_MS = 2_000
const HURRY = 5
const MOST_EDGES = 20_000

/** By avr8js's PinState. */
const STATES = ["low", "high", "input", "pullup"]
const PULLED_UP = 3
/** Ten bits at 57,600 baud, in cycles; a byte received and not read; the receiver is on. */
const UART = { CHAR: Math.round((HZ * 10) / 57_600), RXC: 0x80, RXEN: 0x10 }
/** Nine bits of I2C at 100 kHz, in cycles. */
const I2C_BYTE = (HZ * 9) / 100_000
/** Arduino's pin numbers: 0…7 are port D, 8…13 port B, 14…19 (A0…A5) port C. */
const PORTS = [
  { config: portDConfig, first: 0, pins: 8 },
  { config: portBConfig, first: 8, pins: 6 },
  { config: portCConfig, first: 14, pins: 6 },
]

const program = readHex(process.argv[2])
/** Of real time; less for a program that nobody hears, so that it takes less of a core. */
const rate = Number(process.argv[3])

try {
  // Late, it would seem a slower chip; it needs a third of a core.
  setPriority(-10)
} catch {
  // Only for the administrator.
}

let chip
let socat
/** Bytes from the host that the UART has not taken yet. */
let incoming = []
/** What is outside outlives a reset of the chip: buttons held, pull-up resistors, voltages. */
const pressed = new Set()
const pulledUp = new Set()
const volts = new Map()

function powerUp() {
  const cpu = new CPU(new Uint16Array(program))
  const timers = [timer0Config, timer1Config, timer2Config].map(config => new AVRTimer(cpu, config))
  const ports = PORTS.map(({ config }) => new AVRIOPort(cpu, config))
  const adc = new AVRADC(cpu, adcConfig)
  const usart = new AVRUSART(cpu, usart0Config, HZ)
  const twi = new AVRTWI(cpu, twiConfig, HZ)
  const edges = Array.from({ length: 20 }, () => [[0, "input"]])
  const i2c = []
  chip = { cpu, timers, ports, adc, usart, twi, edges, i2c, script: [], outside: [], nextByte: 0 }

  PORTS.forEach(({ first, pins }, index) => {
    ports[index].addListener(() => {
      settleInputs()
      for (let bit = 0; bit < pins; bit++) {
        const list = edges[first + bit]
        const state = STATES[ports[index].pinState(bit)]
        if (list[list.length - 1][1] === state) continue
        list.push([cpu.cycles / CYCLES_PER_MS, state])
        if (list.length > MOST_EDGES) list.splice(0, MOST_EDGES / 2)
      }
    })
  })
  keepReceived(cpu, usart)
  usart.onByteTransmit = byte => {
    chip.spoken = true
    socat?.stdin.write(Uint8Array.of(byte))
  }
  const later = work => cpu.addClockEvent(work, I2C_BYTE)
  twi.eventHandler = {
    start: () => twi.completeStart(),
    stop: () => twi.completeStop(),
    connectToSlave: (address, write) => {
      chip.address = address
      later(() => twi.completeConnect(write))
    },
    writeByte: byte =>
      later(() => {
        i2c.push([cpu.cycles / CYCLES_PER_MS, chip.address, byte])
        twi.completeWrite(true)
      }),
    readByte: () => later(() => twi.completeRead(0xff)),
  }
  for (const [channel, value] of volts) adc.channelValues[channel] = value
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

/**
 * Hands the UART the next byte when its time has come. The chip keeps two bytes that were not read
 * yet while a third arrives; avr8js keeps one, so the next waits here for as long as the chip would.
 */
function feed() {
  const { cpu, usart } = chip
  if (cpu.cycles < chip.nextByte || !usart.rxEnable) return
  const { RXC, CHAR } = UART
  if (cpu.data[usart0Config.UCSRA] & RXC && cpu.cycles < chip.nextByte + 2 * CHAR) return
  usart.writeByte(incoming.shift(), true)
  chip.nextByte = Math.max(chip.nextByte, cpu.cycles) + CHAR
}

/**
 * What the pins read from outside. An open button leaves its pin to the pull-up; without one the pin
 * floats, here to low, where it does most harm.
 */
function settleInputs() {
  PORTS.forEach(({ first, pins }, index) => {
    for (let bit = 0; bit < pins; bit++) {
      const open = !pressed.has(first + bit)
      const pull = pulledUp.has(first + bit) || chip.ports[index].pinState(bit) === PULLED_UP
      const level = open && pull
      if (level === (chip.outside[first + bit] ?? false)) continue
      chip.outside[first + bit] = level
      chip.ports[index].setPin(bit, level)
    }
  })
}

let wall = performance.now()
let debt = 0
let mostDebt = 0
function slice() {
  const { cpu, script } = chip
  const now = performance.now()
  const starting = cpu.cycles < HURRY_MS * CYCLES_PER_MS && !chip.spoken
  debt = Math.min(debt + (now - wall) * rate * (starting ? HURRY : 1), MOST_DEBT_MS)
  if (!starting) mostDebt = Math.max(mostDebt, debt)
  wall = now
  const end = cpu.cycles + Math.min(debt, SLICE_MS) * CYCLES_PER_MS
  debt -= Math.min(debt, SLICE_MS)
  while (cpu.cycles < end) {
    for (let i = 0; i < 64; i++) {
      avrInstruction(cpu)
      cpu.tick()
    }
    while (script.length > 0 && cpu.cycles >= script[0].at) {
      const { pin, down } = script.shift()
      if (down) pressed.add(pin)
      else pressed.delete(pin)
      settleInputs()
    }
    if (incoming.length > 0) feed()
  }
  if (debt > SLICE_MS) setImmediate(slice)
  else setTimeout(slice, PAUSE_MS)
}

const commands = {
  /** Makes the serial port at a path; an Uno restarts when its port is opened, this one when it appears. */
  plug: ({ path }) =>
    new Promise((resolve, reject) => {
      incoming = []
      powerUp()
      socat = spawn("socat", ["-d", "-d", "STDIO", `pty,raw,echo=0,link=${path}`])
      const mine = socat
      socat.on("error", reject)
      socat.stdin.on("error", () => {})
      socat.stdout.on("data", bytes => {
        if (socat !== mine) return
        for (const byte of bytes) incoming.push(byte)
      })
      socat.stderr.on("data", text => {
        if (String(text).includes("starting data transfer loop")) resolve()
      })
    }),
  unplug: () =>
    new Promise(resolve => {
      if (!socat) return resolve()
      const old = socat
      socat = undefined
      old.on("exit", () => resolve())
      old.kill("SIGTERM")
    }),
  /** Restarts the chip with its port left open, as its reset button does. */
  reset: () => powerUp(),
  button: ({ pin, at }) => {
    const start = chip.cpu.cycles
    chip.script.push(...at.map(([ms, down]) => ({ at: start + ms * CYCLES_PER_MS, pin, down })))
    chip.script.sort((a, b) => a.at - b.at)
  },
  /** A resistor to the supply, as a board has on its reset line. */
  pullUp: ({ pin }) => {
    pulledUp.add(pin)
    settleInputs()
  },
  volts: ({ channel, volts: value }) => {
    volts.set(channel, value)
    chip.adc.channelValues[channel] = value
  },
  /** How far the chip was behind real time at the worst since this was last asked, ms. */
  lag: () => {
    // What has gathered since the last slice counts too: this may be heard before the next one.
    const lag = Math.max(mostDebt, debt + performance.now() - wall)
    mostDebt = 0
    return lag
  },
  now: () => chip.cpu.cycles / CYCLES_PER_MS,
  edges: ({ pin }) => chip.edges[pin],
  levels: () => chip.edges.map(list => list[list.length - 1][1]),
  i2c: () => chip.i2c,
}

process.on("message", async ({ id, command, ...rest }) => {
  try {
    process.send({ id, result: await commands[command](rest) })
  } catch (error) {
    process.send({ id, error: String(error) })
  }
})
process.on("disconnect", () => process.exit())
process.on("exit", () => socat?.kill("SIGKILL"))

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

powerUp()
slice()
