/** How learning goes: curve, confusion, last mistakes. */
import { useMemo, useState } from "preact/hooks"
import type { Kind } from "../messages"
import { Chart, type Line } from "./chart"
import { Keep } from "./keep"
import { Digit } from "./picture"
import { type Tally, useTopics, useTopicsEvery } from "./store"

const percent = (share: number) => `${(100 * share).toFixed(1)} %`
const NONE: Tally = { samples: 0, right: 0, curve: [], confusion: [], mistakes: [] }
/** How often the curve is drawn and the tables are filled, ms. */
const CURVE_MS = 90
const TABLE_MS = 240
const LINES: Line[] = [
  { name: "accuracy, of the last 200", colour: "good" },
  { name: "images with an error at the outputs", colour: "bad", dash: [6, 4] },
]

export function Learn() {
  const { control, hello } = useTopics("hello", "control")
  const [chosen, choose] = useState<Kind>()
  const kind = chosen ?? control?.kind ?? "learning"
  if (!hello) return null
  return (
    <section id="learn" tabIndex={-1} aria-labelledby="learn-title">
      <h2 id="learn-title">Learn</h2>
      <fieldset class="tabs">
        <legend>Images</legend>
        {(["learning", "naming"] as const).map(one => (
          <label key={one}>
            <input type="radio" name="kind" checked={kind === one} onChange={() => choose(one)} />
            {one === "learning" ? "learnt" : "named in a test"}
          </label>
        ))}
      </fieldset>
      <Now kind={kind} />
      <Keep undoable={control?.undoable ?? 0} />
      <Curve kind={kind} />
      <Confusion kind={kind} />
      <Mistakes kind={kind} />
    </section>
  )
}

/** What is happening, as it happens. */
function Now({ kind }: { kind: Kind }) {
  const { tallies, control, hello, last } = useTopics("tally", "hello", "control")
  const tally = tallies?.[kind]
  if (!tally || !hello) return null
  const { columns, rows } = hello.network
  const point = tally.curve[tally.curve.length - 1]
  const { samples, right } = tally
  return (
    <div class="figures">
      <Figure name="images" value={samples.toLocaleString("en-GB")} id="samples" />
      <Figure name="right, in all" value={samples > 0 ? percent(right / samples) : "–"} />
      <Figure name="right, of the last 200" value={point ? percent(point[1]) : "–"} />
      <Figure name="taught by hand" value={String(control?.taught ?? 0)} id="taught" />
      <div class="now">
        <Digit {...{ image: last?.image, columns, rows }} label="The last image" />
        <span data-testid="last">
          {last
            ? `${nameOf(hello.classes, last.label)}, named ${nameOf(hello.classes, last.named)}`
            : "no image yet"}
        </span>
      </div>
    </div>
  )
}

/** A board may report a class that does not exist. */
function nameOf(classes: string[], label: number): string {
  return classes[label] ?? "no class"
}

function Mistakes({ kind }: { kind: Kind }) {
  const { tallies, hello } = useTopicsEvery(TABLE_MS, "tally", "hello")
  const mistakes = tallies?.[kind].mistakes ?? []
  if (!hello) return null
  const { columns, rows } = hello.network
  return (
    <>
      <h3>Last mistakes</h3>
      {mistakes.length === 0 && <p class="hint">None so far.</p>}
      <ul class="mistakes">
        {mistakes.map(({ image, label, named }, i) => (
          <li key={i}>
            <Digit
              {...{ image, columns, rows }}
              label={`A ${nameOf(hello.classes, label)} named ${nameOf(hello.classes, named)}`}
            />
            <span aria-hidden="true">
              {nameOf(hello.classes, label)} → <b>{nameOf(hello.classes, named)}</b>
            </span>
          </li>
        ))}
      </ul>
    </>
  )
}

function Figure({ name, value, id }: { name: string; value: string; id?: string }) {
  return (
    <div>
      <b data-testid={id}>{value}</b>
      <span>{name}</span>
    </div>
  )
}

function Curve({ kind }: { kind: Kind }) {
  const { tallies } = useTopicsEvery(CURVE_MS, "tally", "hello")
  const tally = tallies?.[kind] ?? NONE
  const count = tally.curve.length
  const data = useMemo(
    () =>
      [0, 1, 2].map(column => tally.curve.map(point => point[column])) as [
        number[],
        number[],
        number[],
      ],
    [tally, count, tally.samples],
  )
  const last = tally.curve[count - 1]
  return (
    <Chart
      data={data}
      lines={LINES}
      height={220}
      x="images"
      range={[0, 1]}
      format={v => `${Math.round(100 * v)} %`}
      label={
        last
          ? `Accuracy ${percent(last[1])}, images with an error ${percent(last[2])}, after ${last[0]} images`
          : "No images yet"
      }
    />
  )
}

const share = (part: number, whole: number) => (whole === 0 ? "–" : percent(part / whole))

function Confusion({ kind }: { kind: Kind }) {
  const { tallies, hello } = useTopicsEvery(TABLE_MS, "tally", "hello")
  const classes = hello?.classes ?? []
  const { confusion } = tallies?.[kind] ?? NONE
  const sums = confusion.map(row => row.reduce((sum, n) => sum + n, 0))
  const named = classes.map((_, c) => confusion.reduce((sum, row) => sum + row[c], 0))
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keys
    <section class="scrolls" tabIndex={0} aria-label="Confusion matrix">
      <table class="confusion">
        <caption>What is (rows) and what it was named (columns)</caption>
        <thead>
          <tr>
            <td />
            {classes.map(name => (
              <th key={name} scope="col">
                {name}
              </th>
            ))}
            {["images", "precision", "recall", "F1"].map(name => (
              <th key={name} scope="col" class="wide">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {confusion.map((row, label) => (
            <tr key={classes[label]}>
              <th scope="row">{classes[label]}</th>
              {row.map((n, as) => (
                <td
                  key={classes[as]}
                  class={n === 0 ? "none" : label === as ? "right" : "wrong"}
                  style={{
                    "--part": sums[label] > 0 ? `${Math.round((100 * n) / sums[label])}%` : "0%",
                  }}
                >
                  {n}
                </td>
              ))}
              <td class="wide">{sums[label]}</td>
              <td class="wide">{share(row[label], named[label])}</td>
              <td class="wide">{share(row[label], sums[label])}</td>
              <td class="wide">{share(2 * row[label], sums[label] + named[label])}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}
