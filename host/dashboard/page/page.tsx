import { Draw } from "./draw"
import { Fleet } from "./fleet"
import { goTo } from "./go-to"
import { Header } from "./header"
import { Inside } from "./inside"
import { Learn } from "./learn"
import { signals } from "./signal-store"
import { Signals } from "./signals"
import { useTopics } from "./store"

const NEWS = {
  connecting: "Connecting to the tool …",
  waiting: "The boards are being started. This takes some seconds.",
  lost: "The tool does not answer. This page goes on by itself when it is back.",
  ended: "The run has ended. This is how things stood then.",
  refused:
    "The token is wrong, so nothing is shown. Open the address that the command printed: its end, behind the #, is the token. A tool that was started again has another one.",
}

export function Page() {
  const { link, hello } = useTopics("link", "hello", "signal")
  const [first, name] = hello?.network.picture
    ? ["draw", "drawing"]
    : hello
      ? ["learn", "learning"]
      : ["signals", "the signal"]
  return (
    <>
      <button type="button" class="skip" onClick={goTo(first)}>
        Skip to {name}
      </button>
      <Header />
      <div role="status" aria-live="polite">
        {link !== "live" && <p class={`news ${link}`}>{NEWS[link]}</p>}
      </div>
      {(hello ?? signals.view) && link !== "refused" && (
        <main class={link === "live" || link === "ended" ? "" : "stale"}>
          {signals.view && <Signals />}
          {hello?.network.picture && <Draw />}
          {hello && <Learn />}
          {hello && <Inside />}
          {hello && <Fleet />}
        </main>
      )}
    </>
  )
}
