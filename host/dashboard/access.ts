/** Who may look: whoever has the token, from a page that this server gave out. */
import { createHash, randomBytes, timingSafeEqual } from "node:crypto"
import type { IncomingMessage } from "node:http"

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
