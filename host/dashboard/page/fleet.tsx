/** The boards: what each holds and does, what goes between them, where a sample's time goes. */
import { useEffect, useRef } from "preact/hooks"
import type { BoardFacts, LiveBoard } from "../messages"
import { BoardTables } from "./board-table"
import { boardColour } from "./boards"
import { type Rate, useTopics } from "./store"

/** More boards than these are shown as rows. */
const MOST_CARDS = 8

const number = (n: number) => n.toLocaleString("en-GB")

export function Fleet() {
  const { hello, fleet, rates } = useTopics("hello", "fleet")
  if (!hello || !fleet) return null
  if (hello.boards.length === 0)
    return (
      <section id="fleet" tabIndex={-1} aria-labelledby="fleet-title">
        <h2 id="fleet-title">Fleet</h2>
        <p class="hint" data-testid="no-fleet">
          There is none: this network learns on the host. With --on sim:2 it would on two virtual
          boards.
        </p>
      </section>
    )
  const whole = fleet.parts.reduce((sum, { ms }) => sum + ms, 0)
  return (
    <section id="fleet" tabIndex={-1} aria-labelledby="fleet-title">
      <h2 id="fleet-title">Fleet</h2>
      {hello.boards.length > MOST_CARDS ? (
        <BoardTables boards={hello.boards} live={fleet.boards} rates={rates} />
      ) : (
        <BoardCards boards={hello.boards} all={fleet.boards} rates={rates} />
      )}
      <p class="hint">Recoveries of the run: {fleet.recoveries}</p>
      <div class="pair">
        <div>
          <h3>The cut between boards</h3>
          <Cut cut={hello.cut} boards={hello.boards.length} />
        </div>
        <div>
          <h3>Time per part of a learnt sample, from here</h3>
          {fleet.parts.length === 0 ? (
            <p class="hint">Nothing has been learnt yet.</p>
          ) : (
            <>
              <ol class="parts">
                {fleet.parts.map(({ name, ms }) => (
                  <li key={name}>
                    <span>{name}</span>
                    <div>
                      <i style={{ width: `${(100 * ms) / whole}%` }} />
                    </div>
                    <output>{ms.toFixed(1)} ms</output>
                  </li>
                ))}
              </ol>
              <p class="hint">
                From the boards' messages as they come: a part ends when the last message with its
                result is here, ways and waiting included.
              </p>
            </>
          )}
        </div>
      </div>
      <h3>Time per part of a sample, by the boards' own clocks</h3>
      <OwnTimes boards={fleet.boards} />
      <h3>Log</h3>
      <Log />
    </section>
  )
}

/** A few boards: a card each. */
function BoardCards({
  boards,
  all,
  rates,
}: {
  boards: BoardFacts[]
  all: LiveBoard[]
  rates: Rate[]
}) {
  return (
    <ul class="boards">
      {boards.map((facts, i) => {
        const live = all[i]
        if (!live) return null
        return (
          <li key={facts.title} style={{ "--board": boardColour(i) }}>
            <h3>
              Board {i} <span class={`pill ${live.state}`}>{live.state}</span>
            </h3>
            <p class="title">
              {facts.group && `${facts.group}: `}
              {facts.title}
            </p>
            <Meter name="share of the neurons" part={facts.share}>
              {(100 * facts.share).toFixed(0)} %: {number(facts.neurons)} neurons,{" "}
              {number(facts.links)} links
            </Meter>
            <Meter name="heap" part={(live.heapBytes ?? 0) / facts.heapMost}>
              {live.heapBytes === undefined
                ? "not asked yet"
                : `${number(live.heapBytes)} of ${number(facts.heapMost)} B`}
            </Meter>
            <dl>
              <Fact name="samples">{number(live.samples)}</Fact>
              <Fact name="messages a second">
                {(rates[i]?.from ?? 0).toFixed(0)} from it, {(rates[i]?.to ?? 0).toFixed(0)} to it
              </Fact>
              <Fact name="messages">
                {number(live.fromBoard)} from it, {number(live.toBoard)} to it
              </Fact>
              <Fact name="errors">
                {number(live.errors)} on the wire, {number(live.refused ?? 0)} refused,{" "}
                {number(live.dropped ?? 0)} dropped
              </Fact>
              <Fact name="resets">
                <span data-testid={`resets-${i}`}>{live.resets}</span>
              </Fact>
              <Fact name="silent for">{live.silentSeconds.toFixed(1)} s</Fact>
            </dl>
          </li>
        )
      })}
    </ul>
  )
}

function Meter({
  name,
  part,
  children,
}: {
  name: string
  part: number
  children: preact.ComponentChildren
}) {
  return (
    <div class="meter">
      <span>{name}</span>
      <div>
        <i style={{ width: `${Math.min(100, 100 * part)}%` }} />
      </div>
      <output>{children}</output>
    </div>
  )
}

function Fact({ name, children }: { name: string; children: preact.ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  )
}

/** The head of a table with a column for each board. */
function BoardColumns({ count }: { count: number }) {
  return (
    <tr>
      <td />
      {Array.from({ length: count }, (_, i) => (
        <th key={i} scope="col">
          <i class="dot" style={{ background: boardColour(i) }} /> {i}
        </th>
      ))}
    </tr>
  )
}

function Cut({ cut, boards }: { cut: number[][]; boards: number }) {
  if (cut.length < 2)
    return (
      <p class="hint">{boards > 1 ? "Every board" : "One board"} holds all: nothing crosses.</p>
    )
  const most = Math.max(1, ...cut.flat())
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keys
    <section class="scrolls" tabIndex={0} aria-label="Cut">
      <table class="cut">
        <caption>Signals of a sample from board (rows) to board (columns)</caption>
        <thead>
          <BoardColumns count={cut.length} />
        </thead>
        <tbody>
          {cut.map((row, from) => (
            <tr key={from}>
              <th scope="row">
                <i class="dot" style={{ background: boardColour(from) }} /> {from}
              </th>
              {row.map((n, to) => (
                <td
                  key={to}
                  style={{ "--part": `${(100 * n) / most}%` }}
                  class={n ? "some" : "none"}
                >
                  {from === to ? "" : n}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}

type Part = NonNullable<LiveBoard["times"]>["parts"][number]

const nameOf = ({ kind, layer }: Part) => (layer > 0 ? `${kind}, layer ${layer}` : kind)

/** As a sample goes: up the layers, and down again. */
function placeOf({ kind, layer }: Part): number {
  if (kind === "images") return 0
  if (kind === "forward") return layer
  if (kind === "reports") return 1000
  return 500 - 2 * layer + (kind === "learning" ? 1 : 0)
}

function OwnTimes({ boards }: { boards: LiveBoard[] }) {
  const all = boards.flatMap(({ times }) => times?.parts ?? [])
  const names = new Set(all.toSorted((a, b) => placeOf(a) - placeOf(b)).map(nameOf))
  if (names.size === 0)
    return (
      <p class="hint">
        The boards have told none yet: they are asked every two seconds, while this page is open.
      </p>
    )
  const coarse = boards.some(({ times }) => times && times.tickMs >= 1)
  return (
    <>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keys */}
      <section class="scrolls" tabIndex={0} aria-label="Times">
        <table class="times" data-testid="times">
          <caption>Mean of the last hundred samples or more, ms</caption>
          <thead>
            <BoardColumns count={boards.length} />
          </thead>
          <tbody>
            {Array.from(names, name => (
              <tr key={name}>
                <th scope="row">{name}</th>
                {boards.map(({ times }, i) => {
                  const ms = times?.parts.find(part => nameOf(part) === name)?.ms
                  return <td key={i}>{ms === undefined ? "" : ms.toFixed(ms < 10 ? 3 : 1)}</td>
                })}
              </tr>
            ))}
          </tbody>
        </table>
      </section>
      <p class="hint">
        Backward and learning: of the samples that taught something. Reports: until the board was
        rid of them. {coarse && "Where a clock counts milliseconds, right on average only. "}
        Virtual boards compute far faster than a Pico.
      </p>
    </>
  )
}

function Log() {
  const { log } = useTopics("log")
  const end = useRef<HTMLOListElement>(null)
  useEffect(() => {
    end.current?.scrollTo({ top: end.current.scrollHeight })
  }, [log])
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keys
    <ol class="log" ref={end} tabIndex={0} aria-label="Log of the boards">
      {log.length === 0 && <li class="hint">The boards have said nothing.</li>}
      {log.map(({ board, line }, i) => (
        <li key={i}>
          <b>board {board}</b> {line}
        </li>
      ))}
    </ol>
  )
}
