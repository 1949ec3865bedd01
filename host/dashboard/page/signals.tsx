/** A sensor live: what it says, what a network takes it for, and what is taught and recorded of it. */
import { say } from "./connection"
import { Keep } from "./keep"
import { NewName } from "./new-name"
import { Recordings } from "./recordings"
import { rateNow, signals, span } from "./signal-store"
import { Channels, Trace } from "./signal-trace"
import { useTopics, useTopicsEvery } from "./store"

/** How often the trace is drawn, ms. */
const TRACE_MS = 30
/** Of what was said, the last so many. */
const MOST_SAID = 6

export function Signals() {
  const { refusal } = useTopics("signal", "answer")
  const { view, now } = signals
  if (!view) return null
  return (
    <section id="signals" tabIndex={-1} aria-labelledby="signals-title">
      <h2 id="signals-title">Signals</h2>
      <p class="hint">
        <b data-testid="signal-source">{view.source}</b>
        {now && now.rate > 0 && `, ${now.rate.toFixed(0)} samples a second`}
        {now && now.silentSeconds > 1 && `, silent for ${now.silentSeconds.toFixed(0)} s`}
      </p>
      {now?.gone !== undefined && (
        <p class="news lost" role="alert" data-testid="signal-gone">
          {now.gone}
        </p>
      )}
      <div class="signal">
        <Live />
        {view.classes && <Said />}
      </div>
      {view.records === "asked" && <Record />}
      {view.records === "command" && (
        <p class="hint">The command says what is recorded; without --label this page would.</p>
      )}
      {view.records === "lessons" && <Teach />}
      {view.records === "lessons" && <Keep undoable={now?.undoable ?? 0} />}
      <p class="hint" role="status" data-testid="signal-note">
        {refusal ?? now?.note}
      </p>
      <Recordings />
    </section>
  )
}

function Live() {
  useTopicsEvery(TRACE_MS, "trace", "signal")
  const { view, samples, marks } = signals
  const to = samples.at(-1)?.number ?? 0
  const channels = view?.channels ?? []
  return (
    <div class="live">
      <Channels names={channels} />
      <Trace
        {...{ samples, marks, to, rate: rateNow(), from: Math.max(0, to - span()) }}
        height={240}
        label={`The signal of ${view?.source}: ${channels.join(", ") || "no samples yet"}`}
      />
    </div>
  )
}

/** What the network took the last windows for. */
function Said() {
  useTopics("trace", "signal")
  const rate = rateNow()
  const said = signals.marks.slice(-MOST_SAID).reverse()
  const [last] = said
  return (
    <div class="saying">
      <p aria-live="polite">
        <strong data-testid="signal-name">{last ? (last.name ?? "unknown") : "–"}</strong>
      </p>
      <ol data-testid="signal-said">
        {said.map(mark => (
          <li key={`${mark.from}-${mark.to}`} class={mark.name === undefined ? "hint" : ""}>
            {mark.name ?? "unknown"}{" "}
            <small>
              {rate && `${(mark.to / rate).toFixed(1)} s, `}lead {mark.lead.toFixed(2)}
            </small>
          </li>
        ))}
      </ol>
    </div>
  )
}

function Teach() {
  useTopics("signal")
  const { view, now } = signals
  return (
    <>
      <fieldset class="teach">
        <legend>Teach: press while it is made, or just after</legend>
        {view?.classes?.map((name, label) => (
          <button
            key={name}
            type="button"
            data-testid={`lesson-${label}`}
            aria-pressed={now?.armed === name}
            onClick={() => say({ type: "lesson", label })}
          >
            {name}
          </button>
        ))}
      </fieldset>
      <NewName label="Add a class" id="add-class" name={name => say({ type: "add-class", name })} />
      <p class="hint" data-testid="signal-taught">
        {now?.armed !== undefined
          ? `The next movement is learnt as ${now.armed} …`
          : `${now?.taught ?? 0} lessons taught`}
      </p>
    </>
  )
}

function Record() {
  useTopics("signal", "recordings")
  const { view, now, recordings } = signals
  const busy = now?.recording
  const labels = [...new Set(recordings.map(({ label }) => label))].sort()
  return (
    <div class="recording">
      <fieldset class="teach" disabled={busy !== undefined}>
        <legend>Record {view?.seconds} s as</legend>
        {labels.map(label => (
          <button
            key={label}
            type="button"
            data-testid={`record-${label}`}
            aria-pressed={busy?.label === label}
            onClick={() => say({ type: "record", label })}
          >
            {label}
          </button>
        ))}
        <NewName label="Record" id="record" name={label => say({ type: "record", label })} />
      </fieldset>
      {busy && (
        <p data-testid="recording">
          Recording <b>{busy.label}</b>, {busy.seconds.toFixed(1)} s left{" "}
          <button type="button" data-testid="cut" onClick={() => say({ type: "cut" })}>
            End it here
          </button>
        </p>
      )}
    </div>
  )
}
