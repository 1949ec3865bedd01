/** `mqtt://host:1883/room`: which broker, and which room of it. */
import type { IClientOptions, MqttClient } from "mqtt"
import type { Clock } from "../../base/clock"
import { WuxingError } from "../../base/errors"

/** Names of rooms, agents and users: part of a topic, so without its separators and wildcards. */
export const NAME = /^[\w.-]{1,64}$/

export const DEFAULT_ROOM = "lab"
export const DEFAULT_PORT = 1883
const DEFAULT_TLS_PORT = 8883
/** Secrets do not belong on a command line, where everybody on the machine can read them. */
export const USERNAME_VARIABLE = "WUXING_MQTT_USERNAME"
export const PASSWORD_VARIABLE = "WUXING_MQTT_PASSWORD"

export interface BrokerAddress {
  tls: boolean
  host: string
  port: number
  room: string
  username?: string
  password?: string
  /** File with the certificate of the authority that signed the broker's. */
  ca?: string
  /** Another way to it than the network. */
  way?: BrokerWay
}

/** To a broker in this process, with a time of its own. */
export interface BrokerWay {
  clock: Clock
  connect(options: IClientOptions): MqttClient
}

/** @returns undefined when the text is no address of a broker */
export function parseBrokerAddress(text: string): BrokerAddress | undefined {
  if (!/^mqtts?:\/\//.test(text) || !URL.canParse(text)) return undefined
  const url = new URL(text)
  const tls = url.protocol === "mqtts:"
  const path = decoded(url.pathname.replace(/^\//, ""))
  const [username, password] = [decoded(url.username), decoded(url.password)]
  if (path === undefined || username === undefined || password === undefined) return undefined
  const room = path || DEFAULT_ROOM
  if (!url.hostname || !NAME.test(room) || url.hash) return undefined
  const ca = url.searchParams.get("ca") ?? undefined
  if ([...url.searchParams.keys()].some(key => key !== "ca")) return undefined
  return {
    tls,
    host: url.hostname.replace(/^\[|\]$/g, ""),
    port: Number(url.port) || (tls ? DEFAULT_TLS_PORT : DEFAULT_PORT),
    room,
    ...(username ? { username } : {}),
    ...(password ? { password } : {}),
    ...(ca ? { ca } : {}),
  }
}

/** @returns undefined where a % is followed by no number */
function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}

/** For messages: without name and password. */
export function describeBroker({ tls, host, port, room }: BrokerAddress): string {
  return `mqtt${tls ? "s" : ""}://${host.includes(":") ? `[${host}]` : host}:${port}/${room}`
}

/** @throws WuxingError "usage" for what is no address */
export function brokerOption(flag: string) {
  return (text: string): BrokerAddress => {
    const address = parseBrokerAddress(text)
    if (address) return address
    throw new WuxingError({
      code: "usage",
      kind: "usage",
      // Not quoted: it may hold a password.
      message: `${flag} is no address of a broker`,
      cause:
        "expected mqtt://HOST[:PORT][/ROOM] or mqtts://…; a room's name has letters, digits, - _ .",
      help: `for example ${flag} mqtt://localhost/lab`,
    })
  }
}
