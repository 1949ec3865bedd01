/**
 * Where boards are (`--on`): `sim:2`, `emu:2`, `serial:/dev/ttyACM0,/dev/ttyACM1`, `serial`;
 * `sim:2@FOLDER` and `emu:2@FOLDER` keep the flash of such boards; `mqtt://HOST/ROOM` is what the
 * agents in a room of a broker offer.
 */
import { WuxingError } from "../base/errors"
import { PORTS_VARIABLE, portsOfEnvironment, resolvePorts, splitPorts } from "../link/port-names"
import type { OpenableBoards, OpenOptions } from "./board-set"
import { type BrokerAddress, describeBroker, parseBrokerAddress } from "./mqtt/broker-address"

/** Boards that one run may start at most: eight processes on one listener are known to work. */
export const MOST_BOARDS = 8

export type Location =
  | { kind: "sim"; boards: number; folder?: string }
  /** Emulated Picos with the native program. */
  | { kind: "emu"; boards: number; folder?: string }
  /** No ports: those of the environment variable, else every port with a board's USB ids. */
  | { kind: "serial"; ports: string[] }
  /** What agents offer through a broker. */
  | { kind: "mqtt"; address: BrokerAddress }

/** Are its boards there already, to be opened, or is each to be started? */
export function isOpened({ kind }: Location): boolean {
  return kind === "serial" || kind === "mqtt"
}

/** Boards that are known to be there, or can be started, but are not opened yet. */
export interface FoundBoards {
  count: number
  /** "2 virtual boards", "boards on /dev/ttyACM0 and /dev/ttyACM1". */
  description: string
  /** Their program is no DeviceScript one: none need be compiled. */
  native?: boolean
  /**
   * Id of the board profile to plan for. Boards whose kind is known only once they are opened are
   * planned for as Picos; virtual boards as what they are, which their user waits for.
   */
  profile: string
  open(options: OpenOptions): Promise<OpenableBoards>
}

/** @returns undefined when the text is no location, or means more than `most` boards to start */
export function parseLocation(text: string, most: number): Location | undefined {
  const started = /^(sim|emu):(\d{1,3})(?:@(.+))?$/s.exec(text)
  if (started) {
    const kind = started[1] as "sim" | "emu"
    const boards = Number(started[2])
    const folder = started[3]
    return boards >= 1 && boards <= most
      ? { kind, boards, ...(folder === undefined ? {} : { folder }) }
      : undefined
  }
  const address = parseBrokerAddress(text)
  if (address) return { kind: "mqtt", address }
  if (text === "serial") return { kind: "serial", ports: [] }
  const serial = /^serial:(.+)$/.exec(text)
  const ports = splitPorts(serial?.[1] ?? "")
  return ports.length > 0 ? { kind: "serial", ports } : undefined
}

/** As parsePlace takes it; without the name and password of a broker. */
export function locationText(location: Location): string {
  if (location.kind === "mqtt") {
    const { ca } = location.address
    return `${describeBroker(location.address)}${ca === undefined ? "" : `?ca=${encodeURIComponent(ca)}`}`
  }
  if (location.kind === "serial")
    return location.ports.length === 0 ? "serial" : `serial:${location.ports.join(",")}`
  return `${location.kind}:${location.boards}${location.folder === undefined ? "" : `@${location.folder}`}`
}

/**
 * Finds out which boards a location means; opens none.
 *
 * @throws WuxingError "port-missing", "no-boards" (kind board), "port-twice" (kind usage)
 */
export async function findBoards(location: Location): Promise<FoundBoards> {
  if (location.kind === "sim") {
    const { boards, folder } = location
    return {
      count: boards,
      description: boards === 1 ? "1 virtual board" : `${boards} virtual boards`,
      profile: "virtual",
      open: async options => {
        const { MachineBoards } = await import("./machine-boards")
        return MachineBoards.start(boards, { ...options, folder })
      },
    }
  }
  if (location.kind === "emu") {
    const { boards, folder } = location
    return {
      count: boards,
      description: boards === 1 ? "1 emulated Pico" : `${boards} emulated Picos`,
      native: true,
      profile: "pico-native",
      open: async options => {
        const { EmulatedBoards } = await import("./emulator/emulated-boards")
        return EmulatedBoards.start(boards, { ...options, folder })
      },
    }
  }
  if (location.kind === "mqtt") return await findRemoteBoards(location.address)
  const paths = await findPorts(location.ports)
  return {
    count: paths.length,
    description: `${paths.length === 1 ? "the board" : "boards"} on ${new Intl.ListFormat("en-GB").format(paths)}`,
    profile: "pico",
    open: async options => {
      const { SerialBoards } = await import("./serial-boards")
      const names = location.ports.length > 0 ? location.ports : portsOfEnvironment()
      return new SerialBoards(paths, { ...options, names })
    },
  }
}

async function findRemoteBoards(address: BrokerAddress): Promise<FoundBoards> {
  const { findRoom } = await import("./mqtt/mqtt-boards")
  const { boardIds } = await import("./board-profile")
  const { boards, agents } = await findRoom(address)
  const names = new Intl.ListFormat("en-GB").format([...agents.keys()].sort())
  const native = [...agents.values()].every(agent => agent.native)
  const [announced, ...others] = new Set(boards.map(({ profile }) => profile))
  const known = others.length === 0 && boardIds().includes(announced)
  return {
    count: boards.length,
    description: `${boards.length} board(s) of ${names} at ${describeBroker(address)}`,
    native,
    profile: known ? announced : native ? "pico-native" : "pico",
    open: async options => {
      const { MqttBoards } = await import("./mqtt/mqtt-boards")
      return MqttBoards.start(address, options)
    },
  }
}

/**
 * The paths of the ports named; where none are, of those the environment variable names, else of all
 * that may be DeviceScript boards by their USB ids.
 *
 * @throws as `findBoards`
 */
export async function findPorts(names: readonly string[]): Promise<string[]> {
  const { listPorts } = await import("../link/port-list")
  const { ports, poor } = await listPorts()
  const wanted = names.length > 0 ? names : portsOfEnvironment()
  if (wanted.length > 0) return resolvePorts(wanted, ports)
  const { mayBeDeviceScript } = await import("./identify")
  const paths = ports.filter(mayBeDeviceScript).map(({ path }) => path)
  if (paths.length > 0) return paths
  throw new WuxingError({
    code: "no-boards",
    kind: "board",
    message: `no serial port looks like a DeviceScript board${poor ? `; ${poor}` : ""}`,
    cause: "no board is plugged in, or its firmware is not flashed yet",
    help: `plug one in, name its port, or set ${PORTS_VARIABLE}; without boards, use sim:2`,
  })
}
