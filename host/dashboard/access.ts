/** Who may look: whoever has the token, from a page that this server gave out. */
import { createHash, randomBytes, timingSafeEqual } from "node:crypto"
import type { IncomingMessage } from "node:http"
import type { networkInterfaces } from "node:os"

/** The WebSocket's protocol, and how a page hands over its token beside it: not in an address. */
export const PROTOCOL = "wuxing"
export const TOKEN_PREFIX = "token."

/** Of random bytes, 24 characters. */
export function drawToken(): string {
  return randomBytes(18).toString("base64url")
}

export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127(\.\d{1,3}){3}$/.test(host)
}

/** As quickly for a wrong token that begins rightly as for any other. */
export function isToken(given: string | undefined, token: string): boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest()
  return given !== undefined && timingSafeEqual(digest(given), digest(token))
}

/** The token in a request for a WebSocket. */
export function tokenOf({ headers }: IncomingMessage): string | undefined {
  const offered = (headers["sec-websocket-protocol"] ?? "").split(",").map(name => name.trim())
  return offered.find(name => name.startsWith(TOKEN_PREFIX))?.slice(TOKEN_PREFIX.length)
}

/**
 * Whether a request is meant for this server: its host is one that a loopback server has (another name
 * that leads here is somebody's trick, DNS rebinding), and it comes from no other site's page.
 */
export function isOwnHost({ headers }: IncomingMessage, loopback: boolean): boolean {
  const name = headers.host?.replace(/:\d+$/, "").replace(/^\[(.*)\]$/, "$1")
  return name !== undefined && (!loopback || isLoopback(name))
}

export function isOwnOrigin({ headers }: IncomingMessage): boolean {
  return headers.origin === `http://${headers.host}`
}

/**
 * What a browser shows whose request was not meant for this server: why, and what to do.
 *
 * @param url where this server's page is, without its token
 */
export function strangerText({ headers }: IncomingMessage, url: string): string {
  const name = (headers.host ?? "").slice(0, 100)
  return [
    `This dashboard was asked for as "${name}", which is not a name of this machine's loopback, where it listens.`,
    "It refuses, as pages of other sites could otherwise reach it under a name that leads here.",
    `On this machine open ${url} with the token that the command printed.`,
    "From another machine use an SSH tunnel, or start it with --host ADDRESS and --token TEXT.",
    "",
  ].join("\n")
}

/**
 * What the server is reached by that listens on `host`: where that means all of this machine's addresses,
 * those that others know, IPv4 first and link-local ones left out.
 */
export function namesOf(host: string, interfaces: ReturnType<typeof networkInterfaces>): string[] {
  if (host !== "0.0.0.0" && host !== "::") return [host]
  const outer = Object.values(interfaces)
    .flatMap(list => list ?? [])
    .filter(({ internal, address }) => !internal && !/^fe80:/i.test(address))
  const of = (family: string) => outer.filter(one => one.family === family).map(one => one.address)
  const names = [...of("IPv4"), ...(host === "::" ? of("IPv6") : [])]
  return names.length > 0 ? names : [host === "::" ? "::1" : "127.0.0.1"]
}

/** Nothing but the page's own files and its WebSocket. */
export function policyFor(host: string): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    // Safari does not count a WebSocket as 'self'.
    `connect-src 'self' ws://${host}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; ")
}
