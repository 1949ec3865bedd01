/** Many boards: a row each, by the agent that offers them. */
import type { BoardFacts, LiveBoard } from "../messages"
import { boardColour } from "./boards"
import type { Rate } from "./store"

const number = (n: number) => n.toLocaleString("en-GB")

interface Row {
  board: number
  facts: BoardFacts
  live: LiveBoard
  rate: Rate
}

interface Group {
  name?: string
  rows: Row[]
}

/** In the order of the boards, which is that of the agents' names. */
function groupsOf(boards: BoardFacts[], live: LiveBoard[], rates: Rate[]): Group[] {
  const groups: Group[] = []
  for (const [board, facts] of boards.entries()) {
    if (!live[board]) continue
    const row = { board, facts, live: live[board], rate: rates[board] ?? { from: 0, to: 0 } }
    const last = groups.at(-1)
    if (last && last.name === facts.group) last.rows.push(row)
    else groups.push({ name: facts.group, rows: [row] })
  }
  return groups
}

/** What a group is doing, in a line: what one wants to see of it before any row. */
function summary(rows: Row[]): string {
  const states = new Map<string, number>()
  for (const { live } of rows) states.set(live.state, (states.get(live.state) ?? 0) + 1)
  const samples = rows.reduce((sum, { live }) => sum + live.samples, 0)
  const told = [...states].map(([state, count]) => `${count} ${state}`).join(", ")
  return `${rows.length === 1 ? "1 board" : `${rows.length} boards`}: ${told}; ${number(samples)} samples`
}

export function BoardTables({
  boards,
  live,
  rates,
}: {
  boards: BoardFacts[]
  live: LiveBoard[]
  rates: Rate[]
}) {
  return (
    <div class="agents">
      {groupsOf(boards, live, rates).map(({ name, rows }) => (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keys
        <section class="scrolls" key={name} tabIndex={0} aria-label={name ?? "Boards"}>
          <table class="rows" data-testid="agent">
            <caption>
              {name && <b>{name}</b>} {summary(rows)}
            </caption>
            <thead>
              <tr>
                <th scope="col">board</th>
                <th scope="col">state</th>
                <th scope="col">samples</th>
                <th scope="col">msg/s</th>
                <th scope="col">errors</th>
                <th scope="col">resets</th>
                <th scope="col">heap</th>
                <th scope="col">silent</th>
              </tr>
            </thead>
            <tbody>
              {rows.map(row => (
                <BoardRow key={row.board} {...row} />
              ))}
            </tbody>
          </table>
        </section>
      ))}
    </div>
  )
}

function BoardRow({ board, facts, live, rate }: Row) {
  const errors = live.errors + (live.refused ?? 0) + (live.dropped ?? 0)
  const heap = live.heapBytes === undefined ? "" : percentOf(live.heapBytes / facts.heapMost)
  return (
    <tr>
      <th scope="row" title={facts.title}>
        <i class="dot" style={{ background: boardColour(board) }} /> {board}
      </th>
      <td>
        <span class={`pill ${live.state}`}>{live.state}</span>
      </td>
      <td>{number(live.samples)}</td>
      <td>{(rate.from + rate.to).toFixed(0)}</td>
      <td class={errors > 0 ? "bad" : ""}>{number(errors)}</td>
      <td class={live.resets > 0 ? "bad" : ""} data-testid={`resets-${board}`}>
        {live.resets}
      </td>
      <td>{heap}</td>
      <td>{live.silentSeconds.toFixed(1)} s</td>
    </tr>
  )
}

const percentOf = (part: number) => `${(100 * part).toFixed(0)} %`
