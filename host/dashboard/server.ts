/** Serves the dashboard's page and its WebSocket. */
import { readdirSync, readFileSync } from "node:fs"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import type { AddressInfo, Socket } from "node:net"
import { networkInterfaces } from "node:os"
import { extname } from "node:path"
import { fileURLToPath } from "node:url"
import { type WebSocket, WebSocketServer } from "ws"
import { realClock } from "../base/clock"
import { messageOf, WuxingError } from "../base/errors"
import { heard } from "../base/heard"
import {
  isLoopback,
  isOwnHost,
  isOwnOrigin,
  isToken,
  namesOf,
  PROTOCOL,
  policyFor,
  strangerText,
  tokenOf,
} from "./access"
import type { Hub } from "./hub"
import { fromPage } from "./messages"
import { Outgoing } from "./outgoing"

const PAGE = fileURLToPath(new URL("built/", import.meta.url))
const TYPES: Record<string, string> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
}
/** A drawing of the widest network (65,535 inputs) in base64, and what stands around it. */
const MOST_BYTES = 96 * 1024
/** Of a model file that is sent here: the widest networks that boards hold have less. */
const MOST_MODEL_BYTES = 64 * 2 ** 20
/** Pages at a time; each may hold up to `MOST_QUEUED_BYTES` of memory (outgoing.ts). */
const MOST_PAGES = 16
const MOST_CONNECTIONS = 256
const REQUEST_MS = 30_000
/** Messages a page may send at once, and for how long one more takes to be earned, ms. */
const MOST_BURST = 200
const EARN_MS = 10

export interface ServerOptions {
  /** Whose page it is; with `file` and `load` what was learnt can be saved and loaded. */
  hub: Pick<Hub, "visit"> & Partial<Pick<Hub, "file" | "load">>
  /** Address to listen on. */
  host: string
  /** 0: any that is free. */
  port: number
  token: string
}

export class DashboardServer {
  private readonly files: Map<string, { type: string; body: Buffer }>
  private readonly http = heard(createServer((request, response) => this.answer(request, response)))
  private readonly sockets = heard(
    new WebSocketServer({
      noServer: true,
      maxPayload: MOST_BYTES,
      handleProtocols: () => PROTOCOL,
    }),
  )

  private constructor(private readonly options: ServerOptions) {
    this.files = readPage()
    this.http.maxConnections = MOST_CONNECTIONS
    // Who sends a file too slowly holds up the next one for no longer.
    this.http.requestTimeout = REQUEST_MS
    // Node's own listener leaves a socket at its upgrade: a reset after that would end the process.
    this.http.on("connection", (socket: Socket) => socket.on("error", () => socket.destroy()))
    this.http.on("upgrade", (request, socket: Socket, head) => {
      const status = this.refusal(request)
      if (status === undefined)
        this.sockets.handleUpgrade(request, socket, head, ws => this.welcome(ws))
      else {
        socket.write(`HTTP/1.1 ${status} Refused\r\nConnection: close\r\n\r\n`)
        socket.destroySoon()
      }
    })
  }

  /** A page has come. Whatever it sends, an error of its messages is the page's, not the run's. */
  private welcome(ws: WebSocket): void {
    const outgoing = new Outgoing(ws, () => visitor.renew())
    const visitor = this.options.hub.visit(message => outgoing.send(message))
    let burst = MOST_BURST
    let at = realClock.now()
    ws.on("message", data => {
      const now = realClock.now()
      burst = Math.min(MOST_BURST, burst + (now - at) / EARN_MS) - 1
      at = now
      if (burst < 0) {
        ws.close(1008, "too many messages")
        return
      }
      const message = fromPage.safeParse(parse(data.toString()))
      if (!message.success) {
        ws.close(1008, "not a message of the dashboard")
        return
      }
      try {
        visitor.ask(message.data)
      } catch (error) {
        outgoing.send({ type: "refused", what: `This could not be done: ${messageOf(error)}` })
      }
    })
    ws.on("error", () => ws.terminate())
    ws.on("close", () => visitor.leave())
  }

  /** @throws WuxingError "dashboard-port" (kind usage) if it cannot listen there */
  static async start(options: ServerOptions): Promise<DashboardServer> {
    const server = new DashboardServer(options)
    const { host, port } = options
    await new Promise<void>((resolve, reject) => {
      // Later errors (no more file descriptors, for one) cost a connection, not the run.
      server.http.on("error", error => reject(cannotListen(host, port, error)))
      server.http.listen(port, host, resolve)
    })
    return server
  }

  get port(): number {
    return (this.http.address() as AddressInfo).port
  }

  /** Where the page is, with the token behind a # that browsers send to nobody. */
  get url(): string {
    return this.urls[0]
  }

  /** The page's addresses: of a server that listens on all of this machine's, each of them. */
  get urls(): string[] {
    const { host, token } = this.options
    return namesOf(host, networkInterfaces()).map(
      name => `http://${name.includes(":") ? `[${name}]` : name}:${this.port}/#${token}`,
    )
  }

  async close(): Promise<void> {
    for (const ws of this.sockets.clients) ws.terminate()
    this.http.closeAllConnections()
    await new Promise<void>(resolve => this.http.close(() => resolve()))
  }

  /** The status a request for the WebSocket is refused with, if it is. */
  private refusal(request: IncomingMessage): number | undefined {
    if (!isOwnHost(request, isLoopback(this.options.host)) || !isOwnOrigin(request)) return 403
    if (!isToken(tokenOf(request), this.options.token)) return 401
    if (request.url !== "/socket") return 404
    return this.sockets.clients.size < MOST_PAGES ? undefined : 503
  }

  private answer(request: IncomingMessage, response: ServerResponse): void {
    const own = isOwnHost(request, isLoopback(this.options.host))
    const path = (request.url ?? "/").replace(/\?.*$/, "")
    response.setHeader("Content-Security-Policy", policyFor(request.headers.host ?? ""))
    response.setHeader("X-Content-Type-Options", "nosniff")
    response.setHeader("Referrer-Policy", "no-referrer")
    response.setHeader("Cross-Origin-Resource-Policy", "same-origin")
    response.setHeader("Cache-Control", "no-store")
    const file = this.files.get(path === "/" ? "/index.html" : path)
    if (!own)
      response
        .writeHead(403, { "Content-Type": "text/plain; charset=utf-8" })
        .end(strangerText(request, this.url.replace(/#.*/, "")))
    else if (path === "/model") this.exchange(request, response).catch(() => response.destroy())
    else if (request.method !== "GET" && request.method !== "HEAD") response.writeHead(405).end()
    // A browser does not tell its page why a WebSocket was refused: the page can ask.
    else if (path === "/token") {
      const given = request.headers.authorization?.replace(/^Bearer /, "")
      response.writeHead(isToken(given, this.options.token) ? 204 : 401).end()
    } else if (!file) response.writeHead(404).end()
    else response.writeHead(200, { "Content-Type": file.type }).end(file.body)
  }

  private exchanging = false

  /** A model file of what was learnt, out or in: one at a time, with the token, from the page itself. */
  private async exchange(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { hub, token } = this.options
    const given = request.headers.authorization?.replace(/^Bearer /, "")
    const end = (status: number, text: string) =>
      response.writeHead(status, { "Content-Type": "text/plain; charset=utf-8" }).end(text)
    const { method } = request
    if (!isToken(given, token)) end(401, "The token is wrong.")
    else if (!hub.file || !hub.load) end(404, "There is no network here.")
    else if (method !== "GET" && method !== "POST") end(405, "Only GET and POST.")
    else if (method === "POST" && !isOwnOrigin(request)) end(403, "This comes from another page.")
    else if (this.exchanging) end(503, "Another model file is on its way: try again in a moment.")
    else {
      this.exchanging = true
      try {
        if (method === "GET") {
          const bytes = await hub.file()
          response.writeHead(200, { "Content-Type": "application/octet-stream" }).end(bytes)
        } else {
          await hub.load(await bodyOf(request))
          end(200, "Loaded.")
        }
      } catch (error) {
        const help = error instanceof WuxingError && error.help ? `; ${error.help}` : ""
        end(422, `${messageOf(error)}${help}.`)
      } finally {
        this.exchanging = false
      }
    }
  }
}

/** @throws Error if there is more than a model file may have */
async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const tooLong = new Error(`a model file has at most ${MOST_MODEL_BYTES} bytes here`)
  if (Number(request.headers["content-length"] ?? 0) > MOST_MODEL_BYTES) throw tooLong
  const parts: Buffer[] = []
  let length = 0
  for await (const part of request) {
    length += part.length
    if (length > MOST_MODEL_BYTES) throw tooLong
    parts.push(part)
  }
  return Buffer.concat(parts)
}

function readPage(): Map<string, { type: string; body: Buffer }> {
  const names = readdirSync(PAGE).filter(name => extname(name) in TYPES)
  return new Map(
    names.map(name => [
      `/${name}`,
      { type: TYPES[extname(name)], body: readFileSync(`${PAGE}${name}`) },
    ]),
  )
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function cannotListen(host: string, port: number, error: Error): WuxingError {
  return new WuxingError(
    {
      code: "dashboard-port",
      kind: "usage",
      message: `the dashboard cannot listen on ${host}, port ${port} (${error.message})`,
      cause: "another program has the port, or this machine has no such address",
      help: "name another port, or 0 for any that is free",
    },
    { cause: error },
  )
}
