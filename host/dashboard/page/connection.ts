/** The way to the server: connects, says who asks, and connects again when the server was away. */
import { type FromPage, toPage } from "../messages"
import { apply, setLink } from "./store"

const FIRST_WAIT_MS = 300
const LONGEST_WAIT_MS = 3_000

let socket: WebSocket | undefined
let waitMs = FIRST_WAIT_MS
/** What is to be said again to a server that has started anew. */
const repeated = new Map<string, FromPage>()

/** Behind the #, where no server and no log sees it. */
function token(): string {
  return location.hash.slice(1)
}

export function connect(): void {
  setLink("connecting")
  // A token that no WebSocket protocol can be is surely not ours.
  if (!/^[\w-]+$/.test(token())) {
    setLink("refused")
    return
  }
  const mine = new WebSocket(`ws://${location.host}/socket`, ["wuxing", `token.${token()}`])
  socket = mine
  mine.onmessage = ({ data }) => {
    const message = toPage.safeParse(JSON.parse(data))
    if (!message.success) {
      console.error("not a message of the dashboard", message.error)
      return
    }
    waitMs = FIRST_WAIT_MS
    apply(message.data)
    if (message.data.type === "hello") for (const said of repeated.values()) say(said)
  }
  mine.onclose = () => {
    if (socket === mine) void again()
  }
}

export function say(message: FromPage): void {
  if (message.type === "look") repeated.set("look", message)
  if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message))
}

/**
 * Saves what was learnt as a file of the browser's, or has the tool go on from one.
 *
 * @returns what is to be said of it
 */
export async function exchange(file?: File): Promise<string> {
  try {
    const response = await fetch("/model", {
      method: file ? "POST" : "GET",
      headers: { Authorization: `Bearer ${token()}` },
      body: file,
    })
    if (!response.ok) return await response.text()
    if (file) return `${file.name} is loaded.`
    const address = URL.createObjectURL(await response.blob())
    const link = document.createElement("a")
    Object.assign(link, { href: address, download: "learnt.wuxing" })
    link.click()
    URL.revokeObjectURL(address)
    return "Saved as learnt.wuxing."
  } catch {
    return "The tool does not answer."
  }
}

async function again(): Promise<void> {
  setLink("lost")
  try {
    // A browser does not tell why it was refused.
    const { status } = await fetch("/token", { headers: { Authorization: `Bearer ${token()}` } })
    if (status === 401) {
      setLink("refused")
      return
    }
  } catch {
    // The server is away.
  }
  setTimeout(connect, waitMs)
  waitMs = Math.min(LONGEST_WAIT_MS, waitMs * 1.6)
}

addEventListener("hashchange", () => {
  const before = socket
  socket = undefined
  before?.close()
  connect()
})
