import { say } from "./connection"
import { goTo } from "./go-to"
import { signals } from "./signal-store"
import { useTopics } from "./store"

const LINKS = {
  connecting: "connecting",
  waiting: "starting",
  live: "live",
  lost: "reconnecting",
  ended: "ended",
  refused: "refused",
}
const PARTS = [
  ["signals", "Signals"],
  ["draw", "Draw"],
  ["learn", "Learn"],
  ["inside", "Look inside"],
  ["fleet", "Fleet"],
]
/** Bits beside the plan. */
const RATES = [-4, -3, -2, -1, 0, 1, 2, 3, 4]

export function Header() {
  const { link, hello, control } = useTopics("link", "hello", "control", "signal")
  const parts = PARTS.filter(([id]) => {
    if (id === "signals") return signals.view !== undefined
    return hello !== undefined && (id !== "draw" || hello.network.picture)
  })
  return (
    <header>
      <div class="brand">
        <Logo />
        <h1>Wuxing</h1>
        {hello && (
          <span class="what">
            <b>{hello.network.name}</b>{" "}
            {[
              hello.network.columns * hello.network.rows,
              ...hello.network.layers.map(l => l.neurons),
            ].join("–")}
          </span>
        )}
        <span class={`pill ${link}`} data-testid="link">
          {LINKS[link]}
        </span>
      </div>
      <nav aria-label="Parts of the page">
        {parts.map(([id, name]) => (
          <a key={id} href={`#${id}`} onClick={goTo(id)}>
            {name}
          </a>
        ))}
      </nav>
      {control && link !== "ended" && (
        <fieldset class="controls" aria-label="The run">
          <button
            type="button"
            class="primary"
            data-testid="pause"
            onClick={() => say({ type: control.paused ? "resume" : "pause" })}
          >
            {control.paused ? "Resume" : "Pause"}
          </button>
          <button
            type="button"
            data-testid="step"
            disabled={!control.paused}
            onClick={() => say({ type: "step" })}
          >
            Step
          </button>
          <label>
            Rate{" "}
            <select
              data-testid="rate"
              value={String(control.bits)}
              onChange={event => say({ type: "rate", bits: Number(event.currentTarget.value) })}
            >
              {RATES.map(bits => (
                <option key={bits} value={String(bits)}>
                  {bits === 0 ? "as planned" : bits < 0 ? `× ${2 ** -bits}` : `÷ ${2 ** bits}`}
                </option>
              ))}
            </select>
          </label>
          <span class="rate">
            <b data-testid="rate-now">
              {control.paused ? "paused" : `${control.samplesPerSecond.toFixed(1)} images/s`}
            </b>
            <small>ΔC shifted by {control.shift} bits</small>
          </span>
        </fieldset>
      )}
    </header>
  )
}

function Logo() {
  return (
    <svg class="logo" viewBox="-12 -12 24 24" aria-hidden="true">
      <circle r="11.5" />
      <path d="M0-8 4.7 6.47-7.61-2.47H7.61L-4.7 6.47Z" />
    </svg>
  )
}
