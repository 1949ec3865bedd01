/** One connection to a broker, by MQTT.js, with the errors that users meet. */
import { Socket } from "node:net"
import mqtt, { type IClientOptions, type MqttClient } from "mqtt"
import { type Clock, realClock } from "../../base/clock"
import { messageOf, WuxingError } from "../../base/errors"
import { heard } from "../../base/heard"
import { readBytes } from "../../base/input-file"
import { interrupted, seconds, wait } from "../../link/wait"
import {
  type BrokerAddress,
  describeBroker,
  PASSWORD_VARIABLE,
  USERNAME_VARIABLE,
} from "./broker-address"
import { MOST_MESSAGE_BYTES } from "./message-bound"
import { MOST_ANNOUNCEMENT_BYTES, MOST_CONTENT_BYTES } from "./messages"

const CONNECT_DEADLINE_MS = 10_000
const LOOK_DEADLINE_MS = 10_000
const END_DEADLINE_MS = 2_000
const AGAIN_MS = 500
const MOST_CERTIFICATE_BYTES = 2 ** 20
/** A broker that is gone without a word is noticed after one and a half of these, s. */
const KEEP_ALIVE_S = 4
/** On this machine it is not gone without a word, but may be very busy. */
const LOCAL_KEEP_ALIVE_S = 60
const LOCAL = /^(127\.|::1$|localhost$)/

export interface ConnectOptions {
  /** Drawn by us: brokers end an older connection of the same name. */
  clientId: string
  /** What the broker publishes when this connection ends without a word. */
  will: { topic: string; payload: string; retain: boolean }
  signal?: AbortSignal
}

/**
 * A connected client, which connects again by itself. Sessions are clean: what was under way when a
 * connection was lost is not passed on later.
 *
 * @throws WuxingError "broker-unreachable", "broker-refused", "file-missing" (kind board, board, data)
 */
export async function connectToBroker(
  address: BrokerAddress,
  { clientId, will, signal }: ConnectOptions,
): Promise<MqttClient> {
  const options: IClientOptions = {
    protocol: address.tls ? "mqtts" : "mqtt",
    host: address.host,
    port: address.port,
    protocolVersion: 4,
    clean: true,
    resubscribe: true,
    queueQoSZero: false,
    keepalive: LOCAL.test(address.host) ? LOCAL_KEEP_ALIVE_S : KEEP_ALIVE_S,
    reconnectPeriod: AGAIN_MS,
    connectTimeout: CONNECT_DEADLINE_MS,
    clientId,
    will: { ...will, payload: Buffer.from(will.payload), qos: 1 },
    username: address.username ?? process.env[USERNAME_VARIABLE],
    password: address.password ?? process.env[PASSWORD_VARIABLE],
    ...(address.ca ? { ca: readAuthority(address.ca) } : {}),
  }
  const { way } = address
  const client = way ? heard(way.connect(options)) : heard(mqtt.connect(options))
  sendAtOnce(client)
  boundMessages(client)
  let last: Error | undefined
  const onError = (error: Error) => {
    last = error
  }
  client.on("error", onError)
  try {
    await wait<void>({
      deadlineMs: CONNECT_DEADLINE_MS,
      ...{ signal, clock: way?.clock },
      what: `broker ${describeBroker(address)}`,
      late: () =>
        unreachable(address, last?.message ?? `no answer within ${seconds(CONNECT_DEADLINE_MS)}`),
      start: (resolve, reject) => {
        const connected = () => resolve()
        const refused = (error: Error) => {
          if (
            /not authorized|bad user|identifier|certificate|self.signed|refused: /i.test(
              error.message,
            )
          )
            reject(refusedBy(address, error))
          else if (
            /ECONNREFUSED|ENOTFOUND|EHOSTUNREACH/.test(
              messageOf(error) + String((error as { code?: string }).code),
            )
          )
            reject(unreachable(address, reasonOf(error)))
        }
        client.once("connect", connected)
        client.on("error", refused)
        return () => {
          client.off("connect", connected)
          client.off("error", refused)
        }
      },
    })
  } catch (error) {
    client.end(true)
    throw error
  }
  client.off("error", onError)
  return client
}

/**
 * A frame waits for the answer to the last one, and its bytes would wait for the other side to say that
 * it has the last ones (Nagle's algorithm): 40 ms for each, and 23 s to deploy to two boards instead of 2.
 */
function sendAtOnce(client: MqttClient): void {
  client.on("connect", () => {
    const { stream } = client
    if (stream instanceof Socket) stream.setNoDelay(true)
  })
}

/**
 * Ends a connection that brings a message larger than any of ours, before it is held as a whole: the
 * protocol lets one have 256 MB.
 */
function boundMessages(client: MqttClient): void {
  let since = 0
  client.on("packetreceive", () => {
    since = 0
  })
  client.on("connect", () => {
    const { stream } = client
    since = 0
    stream.on("data", (bytes: Uint8Array) => {
      since += bytes.length
      if (since > MOST_MESSAGE_BYTES) stream.destroy(new Error("a message is too large"))
    })
  })
}

/**
 * Subscribes, and resolves when what is retained under the topics has come. Brokers pass that on before
 * what is published later, or in the order in which it was retained (aedes, one after the other): so
 * something is retained last, and cleared when it has come.
 *
 * @param last a topic of nobody else's, which one of the topics matches
 */
export async function subscribeToRetained(
  client: MqttClient,
  topics: readonly string[],
  last: string,
  late: () => Error,
  { signal, clock }: { signal?: AbortSignal; clock?: Clock } = {},
): Promise<void> {
  await wait<void>({
    deadlineMs: LOOK_DEADLINE_MS,
    ...{ signal, clock },
    what: "the broker's answer",
    late,
    start: (resolve, reject) => {
      let cleared = false
      const clear = () => {
        if (cleared) return
        cleared = true
        client.publishAsync(last, "", { qos: 1, retain: true }).catch(reject)
      }
      const listen = (topic: string, payload: Buffer) => {
        if (topic !== last) return
        if (payload.length > 0) clear()
        else if (cleared) resolve()
      }
      client.on("message", listen)
      client
        .publishAsync(last, "last", { qos: 1, retain: true })
        .then(() => client.subscribeAsync([...topics], { qos: 1 }))
        .catch(reject)
      return () => {
        client.off("message", listen)
        if (client.connected) clear()
      }
    },
  })
}

/**
 * Ends a connection in order: what is under way is acknowledged first. Where the broker acknowledges no
 * more (it waits for somebody who is gone), after a while without.
 */
export async function endConnection(client: MqttClient): Promise<void> {
  if (!client.connected) {
    await client.endAsync(true).catch(() => {})
    return
  }
  const given = new AbortController()
  const late = realClock
    .sleep(END_DEADLINE_MS, given.signal)
    .then(() => {
      // It was told to end, and does not connect again.
      client.stream.destroy()
    })
    .catch(() => {})
  await Promise.race([client.endAsync().catch(() => {}), late])
  given.abort()
}

/** Waits until a client that lost its broker has it again. */
export function backAtBroker(
  client: MqttClient,
  address: BrokerAddress,
  deadlineMs: number,
  signal?: AbortSignal,
): Promise<void> {
  if (signal?.aborted) return Promise.reject(interrupted("the broker", signal.reason))
  if (client.connected) return Promise.resolve()
  return wait<void>({
    deadlineMs,
    ...{ signal, clock: address.way?.clock },
    what: `broker ${describeBroker(address)} to come back`,
    late: () => unreachable(address, `it was not back within ${seconds(deadlineMs)}`),
    start: resolve => {
      const connected = () => resolve()
      client.once("connect", connected)
      return () => client.off("connect", connected)
    },
  })
}

/** The most a message of ours has; larger ones are dropped unread. */
export const MOST_PAYLOAD_BYTES = Math.max(MOST_ANNOUNCEMENT_BYTES, MOST_CONTENT_BYTES + 9)

function readAuthority(path: string): Buffer {
  try {
    return readBytes(path, MOST_CERTIFICATE_BYTES)
  } catch (error) {
    throw new WuxingError(
      {
        code: "file-missing",
        kind: "data",
        message: `the certificate ${path} cannot be read: ${messageOf(error)}`,
        cause: "the file does not exist, or may not be read",
        help: "name the file of the authority that signed the broker's certificate",
      },
      { cause: error },
    )
  }
}

function reasonOf(error: Error & { code?: string }): string {
  return error.message || error.code || "no reason given"
}

function unreachable(address: BrokerAddress, why: string): WuxingError {
  return new WuxingError({
    code: "broker-unreachable",
    kind: "board",
    message: `the broker ${describeBroker(address)} cannot be reached: ${why}`,
    cause: "no broker runs there, or a firewall is in the way",
    help: "check host and port; `wuxing broker` starts a broker on this machine",
  })
}

function refusedBy(address: BrokerAddress, error: Error): WuxingError {
  return new WuxingError(
    {
      code: "broker-refused",
      kind: "board",
      message: `the broker ${describeBroker(address)} refuses the connection: ${error.message}`,
      cause: "it wants another user name, password or certificate",
      help: `set ${USERNAME_VARIABLE} and ${PASSWORD_VARIABLE}, or name its authority with --ca`,
    },
    { cause: error },
  )
}
