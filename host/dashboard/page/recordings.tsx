/** The recordings that there are: played, and deleted where they were made here. */
import { useEffect, useState } from "preact/hooks"
import type { Played, SignalView } from "../signal-messages"
import { say } from "./connection"
import { signals } from "./signal-store"
import { Channels, Trace } from "./signal-trace"
import { useTopics } from "./store"

/** For how long a press on Delete waits for the second one, ms. */
const SURE_MS = 4_000
/** After the end of a recording that is played, it stands still. */
const SHOWN_AT_ONCE = 15

export function Recordings() {
  useTopics("recordings", "signal")
  const [all, setAll] = useState(false)
  const { recordings, view } = signals
  const shown = all ? recordings : recordings.slice(-SHOWN_AT_ONCE)
  return (
    <>
      <h3>Recordings in {view?.folder}</h3>
      <Player />
      {recordings.length === 0 ? (
        <p class="hint">There are none yet.</p>
      ) : (
        <ul class="recordings" data-testid="recordings">
          {shown.toReversed().map(one => (
            <Entry key={one.id} one={one} />
          ))}
        </ul>
      )}
      {recordings.length > shown.length && (
        <button type="button" onClick={() => setAll(true)}>
          Show all {recordings.length}
        </button>
      )}
    </>
  )
}

function Entry({ one }: { one: SignalView["recordings"][number] }) {
  const { id, label, file, samples, own } = one
  const [sure, setSure] = useState(false)
  useEffect(() => {
    if (!sure) return
    const timer = setTimeout(() => setSure(false), SURE_MS)
    return () => clearTimeout(timer)
  }, [sure])
  const name = `${label}/${file}`
  return (
    <li data-testid={`recording-${label}-${file}`}>
      <b>{label}</b>
      <span>
        {file}
        {samples !== undefined && `, ${samples} samples`}
      </span>
      <button
        type="button"
        aria-label={`Play ${name}`}
        onClick={() => say({ type: "play", recording: id })}
      >
        Play
      </button>
      {own && (
        <button
          type="button"
          class={sure ? "sure" : ""}
          aria-label={sure ? `Delete ${name} for good` : `Delete ${name}`}
          onClick={() => (sure ? say({ type: "delete", recording: id }) : setSure(true))}
        >
          {sure ? "For good?" : "Delete"}
        </button>
      )}
    </li>
  )
}

/** As fast as it was recorded. */
function Player() {
  useTopics("played")
  const { played } = signals
  return played ? <Playing key={`${played.id}`} played={played} /> : null
}

function Playing({ played }: { played: Played }) {
  const { label, file, channels, rate, from, stride, rows, marks } = played
  const last = from + stride * Math.max(0, rows.length - 1)
  const [at, setAt] = useState(0)
  useEffect(() => {
    const start = performance.now()
    let frame = 0
    const step = (now: number) => {
      const reached = Math.min(last, ((now - start) / 1000) * rate)
      setAt(reached)
      if (reached < last) frame = requestAnimationFrame(step)
    }
    frame = requestAnimationFrame(step)
    return () => cancelAnimationFrame(frame)
  }, [played])
  const found = marks.filter(({ to }) => to <= at).map(({ name }) => name ?? "unknown")
  return (
    <figure class="playing" data-testid="playing">
      <figcaption>
        {label}/{file}, {(at / rate).toFixed(1)} of {(last / rate).toFixed(1)} s
        {signals.view?.classes && (
          <>
            : <b data-testid="played-names">{found.join(", ") || "nothing yet"}</b>
          </>
        )}
      </figcaption>
      <Channels names={channels} />
      <Trace
        samples={rows.map((values, i) => ({ number: from + i * stride, values }))}
        {...{ marks, from, to: last, rate, until: at, height: 140 }}
        label={`The recording ${label}/${file}`}
      />
    </figure>
  )
}
