import { describe, expect, test } from "vitest"
import { Machine } from "../../../host/hardware/machine"
import {
  countsByFunction,
  functionsOf,
  noCounts,
  totalOf,
} from "../../../host/hardware/program-functions"
import { compile, count } from "../profile/program"

/** By hand: constants and locals are pushed, an operation each, and each operator is one more. */
const PROGRAM = `
const b = Buffer.alloc(16)
function sums(m: Buffer, n: number): number {
  let total = 0
  for (let i = 0; i < n; i++) total = total + m.getAt(i, "u8") * 3
  return total
}
function shifts(x: number): number {
  return (x >> 1) | 1000
}
console.log("from")
const s = sums(b, 10)
const t = shifts(5)
console.log("to")
console.log("sum " + s + " " + t)
console.log("end")
`

describe("the counting machine", () => {
  test("counts each operation of a program as by hand", async () => {
    const bytecode = await compile(PROGRAM)
    const { lines, counts } = await count(bytecode)
    expect(lines).toContain("sum 0 1002")
    const byName = countsByFunction(bytecode, counts)
    expect(byName.get("sums")).toEqual({
      ...noCounts(),
      // total = 0 and i = 0; each turn the format, the factor 3 and the step 1.
      constant: 2 + 3 * 10,
      // i and n eleven times; each turn total, m, i and again i; total at the end.
      localRead: 2 * 11 + 4 * 10 + 1,
      localWrite: 2 + 2 * 10,
      add: 2 * 10,
      multiply: 10,
      bufferRead: 10,
      compare: 11,
      branch: 11,
      jump: 10,
      // The return.
      call: 1,
    })
    expect(byName.get("shifts")).toEqual({
      ...noCounts(),
      ...{ localRead: 1, constant: 1, shift: 1, literal: 1, logic: 1, call: 1 },
    })
  })

  test("finds every operation in a function of the program, and counts the same at every run", async () => {
    const bytecode = await compile(PROGRAM)
    const [one, again] = [await count(bytecode), await count(bytecode)]
    expect(again.counts).toEqual(one.counts)
    const all = one.counts.reduce((sum, n) => sum + n, 0)
    const named = [...countsByFunction(bytecode, one.counts).values()]
    expect(named.reduce((sum, kinds) => sum + totalOf(kinds), 0)).toBe(all)
    expect(functionsOf(bytecode).map(f => f.name)).toEqual(
      expect.arrayContaining(["sums", "shifts"]),
    )
  })

  test("says so when the program fails", async () => {
    const bytecode = await compile(`let x = 0\nwhile (true) x = x + 1\n`)
    const machine = await Machine.start(bytecode)
    await expect(machine.run(() => false, 60_000)).rejects.toMatchObject({
      code: "machine-stopped",
    })
  })
})
