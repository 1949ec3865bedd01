/** Serves the dashboard's page and its WebSocket. */
import { readdirSync, readFileSync } from "node:fs"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { extname } from "node:path"
import { fileURLToPath } from "node:url"
import { WebSocketServer } from "ws"
import { WuxingError } from "../base/errors"
import { isLoopback, isOwnHost, isOwnOrigin, isToken, PROTOCOL, policyFor, tokenOf } from "./access"
import type { Hub } from "./hub"
import { fromPage, type ToPage } from "./messages"

const PAGE = fileURLToPath(new URL("built/", import.meta.url))
const TYPES: Record<string, string> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
}
/** A drawing takes about 1 kB. */
const MOST_BYTES = 32 * 1024
/** A page that is so far behind is left out of what comes often. */
const MOST_BEHIND_BYTES = 512 * 1024

export interface ServerOptions {
  hub: Pick<Hub, "visit">
  /** Address to listen on. */
  host: string
  /** 0: any that is free. */
  port: number
  token: string
}

export class DashboardServer {
  private readonly files: Map<string, { type: string; body: Buffer }>
  private readonly http = createServer((request, response) => this.answer(request, response))
  private readonly sockets = new WebSocketServer({
    noServer: true,
    maxPayload: MOST_BYTES,
    handleProtocols: () => PROTOCOL,
  })

  private constructor(private readonly options: ServerOptions) {
    this.files = readPage()
    this.http.on("upgrade", (request, socket, head) => {
      const refusal = this.refusal(request)
      if (refusal === undefined && request.url === "/socket")
        this.sockets.handleUpgrade(request, socket, head, ws => this.sockets.emit("connection", ws))
      else socket.end(`HTTP/1.1 ${refusal ?? 404} Refused\r\nConnection: close\r\n\r\n`)
    })
    this.sockets.on("connection", ws => {
      const send = (message: ToPage) => {
        const often = message.type === "update" || message.type === "inside"
        if (often && ws.bufferedAmount > MOST_BEHIND_BYTES) return
        ws.send(JSON.stringify(message))
      }
      const visitor = options.hub.visit(send)
      ws.on("message", data => {
        const message = fromPage.safeParse(parse(data.toString()))
        if (message.success) visitor.ask(message.data)
        else ws.close(1008, "not a message of the dashboard")
      })
      ws.on("error", () => ws.terminate())
      ws.on("close", () => visitor.leave())
    })
  }

  /** @throws WuxingError "dashboard-port" (kind usage) if it cannot listen there */
  static async start(options: ServerOptions): Promise<DashboardServer> {
    const server = new DashboardServer(options)
    const { host, port } = options
    await new Promise<void>((resolve, reject) => {
      server.http.once("error", error => reject(cannotListen(host, port, error)))
      server.http.listen(port, host, resolve)
    })
    return server
  }

  get port(): number {
    return (this.http.address() as AddressInfo).port
  }

  /** Where the page is, with the token behind a # that browsers send to nobody. */
  get url(): string {
    const { host, token } = this.options
    const name = host.includes(":") ? `[${host}]` : host
    return `http://${name}:${this.port}/#${token}`
  }

  async close(): Promise<void> {
    for (const ws of this.sockets.clients) ws.terminate()
    this.http.closeAllConnections()
    await new Promise<void>(resolve => this.http.close(() => resolve()))
  }

  /** The status a request for the WebSocket is refused with, if it is. */
  private refusal(request: IncomingMessage): number | undefined {
    if (!isOwnHost(request, isLoopback(this.options.host)) || !isOwnOrigin(request)) return 403
    return isToken(tokenOf(request), this.options.token) ? undefined : 401
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
    if (!own) response.writeHead(403).end()
    else if (request.method !== "GET" && request.method !== "HEAD") response.writeHead(405).end()
    // A browser does not tell its page why a WebSocket was refused: the page can ask.
    else if (path === "/token") {
      const given = request.headers.authorization?.replace(/^Bearer /, "")
      response.writeHead(isToken(given, this.options.token) ? 204 : 401).end()
    } else if (!file) response.writeHead(404).end()
    else response.writeHead(200, { "Content-Type": file.type }).end(file.body)
  }
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
