/** A page without a browser: what it hears and says over its socket. */
import { WebSocket } from "ws"
import { type FromPage, type ToPage, toPage } from "../../../host/dashboard/messages"
import type { Running } from "./run-cli"

/** Hears all that the page at `url` would, checks it, and answers as told. */
export function visit(url: string, token: string, answer: (message: ToPage) => FromPage[]): void {
  const { host, origin } = new URL(url)
  const ws = new WebSocket(`ws://${host}/socket`, ["wuxing", `token.${token}`], { origin })
  ws.on("message", data => {
    const message = toPage.parse(JSON.parse(data.toString()))
    for (const said of answer(message)) ws.send(JSON.stringify(said))
  })
  // The tool ends before the page does.
  ws.on("error", () => {})
}

/** Calls once when the address is printed. */
export function onUrl(act: (url: string, child: Running) => void) {
  let seen = false
  return (text: string, child: Running) => {
    const url = /http:\/\/\S+#\S+/.exec(text)?.[0]
    if (!url || seen) return
    seen = true
    act(url.replace(/".*/, ""), child)
  }
}
