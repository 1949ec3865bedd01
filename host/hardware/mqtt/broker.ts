/** A broker in this process, by aedes, for whoever has none to hand. */
import { type AddressInfo, createServer } from "node:net"
import { Aedes } from "aedes"
import { messageOf, WuxingError } from "../../base/errors"
import { heard } from "../../base/heard"
import { MessageBound } from "./message-bound"

/** A client that does not read is dropped after this many bytes wait for it. */
const MOST_WAITING_BYTES = 8 << 20

export interface BrokerOptions {
  host: string
  /** 0: any that is free. */
  port: number
  /** Clients have to give these. */
  username?: string
  password?: string
}

export interface RunningBroker {
  port: number
  clients(): number
  stop(): Promise<void>
}

/** @throws WuxingError "port-taken" (kind usage) */
export async function startBroker(options: BrokerOptions): Promise<RunningBroker> {
  const broker = await Aedes.createBroker({
    authenticate: (_client, username, password, done) => {
      const right =
        options.username === undefined ||
        (username === options.username && password?.toString("utf8") === options.password)
      done(null, right)
    },
  })
  // Errors of single clients end that client alone.
  broker.on("clientError", () => {})
  broker.on("connectionError", () => {})
  const server = heard(
    // What it passes on leaves at once: see connection.ts.
    createServer({ noDelay: true }, socket => {
      socket.on("error", () => socket.destroy())
      const bound = new MessageBound()
      // Comes before the broker's own parser has the bytes.
      socket.on("data", bytes => {
        if (!bound.take(bytes) || socket.writableLength > MOST_WAITING_BYTES) socket.destroy()
      })
      broker.handle(socket)
    }),
  )
  await new Promise<void>((resolve, reject) => {
    server.once("error", error => reject(taken(options, error)))
    server.listen(options.port, options.host, resolve)
  })
  return {
    port: (server.address() as AddressInfo).port,
    clients: () => broker.connectedClients,
    stop: async () => {
      const closed = new Promise<void>(resolve => server.close(() => resolve()))
      await new Promise<void>(resolve => broker.close(() => resolve()))
      await closed
    },
  }
}

function taken({ host, port }: BrokerOptions, error: Error): WuxingError {
  return new WuxingError(
    {
      code: "port-taken",
      kind: "usage",
      message: `a broker cannot listen on ${host}:${port}: ${messageOf(error)}`,
      cause: "another broker or program listens there, or the address is not this machine's",
      help: "choose another port (--port)",
    },
    { cause: error },
  )
}
