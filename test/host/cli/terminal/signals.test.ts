import { EventEmitter } from "node:events"
import { expect, test } from "vitest"
import { watchSignals } from "../../../../host/cli/terminal/signals"

/** What is called when these signals arrive at these milliseconds. */
function called(...signals: [string, number][]): string[] {
  const calls: string[] = []
  const source = new EventEmitter()
  let at = 0
  watchSignals(
    source,
    name => calls.push(`first ${name}`),
    () => calls.push("again"),
    () => at,
  )
  for (const [name, ms] of signals) {
    at = ms
    source.emit(name)
  }
  return calls
}

test.each(["SIGINT", "SIGTERM", "SIGHUP"])("%s asks for an orderly end", name => {
  expect(called([name, 1000])).toEqual([`first ${name}`])
})

test("copies of one press, from the terminal and from npm, are one", () => {
  expect(called(["SIGINT", 1000], ["SIGINT", 1003], ["SIGINT", 1400])).toEqual(["first SIGINT"])
})

test("a second press asks for any end, whichever signal it is", () => {
  expect(called(["SIGINT", 1000], ["SIGINT", 2000])).toEqual(["first SIGINT", "again"])
  expect(called(["SIGINT", 1000], ["SIGTERM", 1600])).toEqual(["first SIGINT", "again"])
})
