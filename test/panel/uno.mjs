/**
 * An Arduino Uno in a process of its own: the ATmega328P of avr8js runs a compiled program, and its
 * UART is a serial port, a pseudo-terminal made by socat.
 *
 * Plain JavaScript so that it starts without a loader. The parent talks over Node's IPC: see uno.ts.
 * Times are the emulated clock's, in ms since the chip's start; it keeps to real time and, on a busy
 * machine, falls behind rather than hold everything up.
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
const SLICE_MS = 5
/** More than this behind real time is given up, ms. */
const MOST_DEBT_MS = 30
/** Flash of the ATmega328P in 16-bit words. */
const FLASH_WORDS = 0x4000
const MOST_EDGES = 20_000

/** By avr8js's PinState. */
const STATES = ["low", "high", "input", "pullup"]
const PULLED_UP = 3
/** Arduino's pin numbers: 0…7 are port D, 8…13 port B, 14…19 (A0…A5) port C. */
const PORTS = [
  { config: portDConfig, first: 0, pins: 8 },
  { config: portBConfig, first: 8, pins: 6 },
  { config: portCConfig, first: 14, pins: 6 },
]

const program = readHex(process.argv[2])
setPriority(10)

let chip
let socat
/** Bytes from the host that the UART has not taken yet. */
let incoming = []
/** Buttons held and voltages outlive a reset of the chip. */
const pressed = new Set()
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
  chip = { cpu, timers, ports, adc, usart, twi, edges, i2c, script: [], outside: [] }

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
  usart.onByteTransmit = byte => socat?.stdin.write(Uint8Array.of(byte))
  usart.onRxComplete = () => feed()
  twi.eventHandler = {
    start: () => twi.completeStart(),
    stop: () => twi.completeStop(),
    connectToSlave: (address, write) => {
      chip.address = address
      twi.completeConnect(write)
    },
    writeByte: byte => {
      i2c.push([cpu.cycles / CYCLES_PER_MS, chip.address, byte])
      twi.completeWrite(true)
    },
    readByte: () => twi.completeRead(0xff),
  }
  for (const [channel, value] of volts) adc.channelValues[channel] = value
}

function feed() {
  if (incoming.length > 0 && chip.usart.writeByte(incoming[0])) incoming.shift()
}

/**
 * What the pins read from outside. An open button leaves its pin to the pull-up; without one the pin
 * floats, here to low, where it does most harm.
 */
function settleInputs() {
  PORTS.forEach(({ first, pins }, index) => {
    for (let bit = 0; bit < pins; bit++) {
      const open = !pressed.has(first + bit)
      const level = open && chip.ports[index].pinState(bit) === PULLED_UP
      if (level === (chip.outside[first + bit] ?? false)) continue
      chip.outside[first + bit] = level
      chip.ports[index].setPin(bit, level)
    }
  })
}

let wall = performance.now()
function slice() {
  const now = performance.now()
  const ms = Math.min(now - wall, MOST_DEBT_MS)
  wall = now
  const { cpu, script, usart } = chip
  const end = cpu.cycles + ms * CYCLES_PER_MS
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
    if (incoming.length > 0 && !usart.rxBusy) feed()
  }
  setTimeout(slice, SLICE_MS)
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
  volts: ({ channel, volts: value }) => {
    volts.set(channel, value)
    chip.adc.channelValues[channel] = value
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
