/** The demo as a user runs it: a process of its own, shortened. */
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, readdirSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, describe, expect, it } from "vitest"
import { z } from "zod"
import { numberIn, pageNamed, quotedIn, readme } from "../../../docs/pages"

const commandsPage = pageNamed("docs/commands.md")

import { ROOT } from "../../../root"
import { checkDocuments } from "../documents/check"
import { tool } from "../tool"

const documentSchema = z.strictObject({
  schema: z.literal("wuxing:demo:1"),
  network: z.object({ name: z.string(), width: z.literal(784) }),
  seed: z.literal(1),
  boards: z.array(
    z.strictObject({
      id: z.string().regex(/^[0-9a-f]{16}$/),
      profile: z.literal("virtual"),
      neurons: z.int().positive(),
      links: z.int().positive(),
      heapBytes: z.int().min(40_960).max(65_536),
    }),
  ),
  trained: z.literal(60),
  tested: z.literal(40),
  accuracyBefore: z.number().min(0).max(1),
  accuracyAfter: z.number().min(0).max(1),
  samplesPerSecond: z.number().positive(),
  coefficientsHash: z.string().regex(/^[0-9a-f]{64}$/),
  hostHash: z.string().regex(/^[0-9a-f]{64}$/),
  hostMatches: z.literal(true),
  recoveries: z.int().min(0),
})

interface Run {
  child: ChildProcess
  stdout: () => string
  stderr: () => string
  ended: Promise<{ status: number | null; signal: string | null }>
  /** Resolves when stderr says this. */
  says: (what: RegExp) => Promise<void>
}

const main = await tool()
const scratch: string[] = []
let running: Run | undefined

/** `npm start` without npm, whose own lines and signals are not the subject. */
function demo(...args: string[]): Run {
  // A folder of its own for temporary files, to see what is left in it.
  const temporary = mkdtempSync(join(tmpdir(), "wuxing-e2e-"))
  scratch.push(temporary)
  const child = spawn(process.execPath, [main, "demo", "--train", "60", "--test", "40", ...args], {
    cwd: ROOT,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, TMPDIR: temporary },
  })
  let out = ""
  let err = ""
  const listeners = new Set<() => void>()
  child.stdout.on("data", chunk => {
    out += chunk
  })
  child.stderr.on("data", chunk => {
    err += chunk
    for (const listener of listeners) listener()
  })
  const ended = once(child, "close").then(([status, signal]) => {
    if (args.includes("--json")) checkDocuments(out)
    return { status, signal }
  })
  running = {
    child,
    stdout: () => out,
    stderr: () => err,
    ended,
    says: what =>
      new Promise((resolve, reject) => {
        const look = () => {
          if (!what.test(err)) return
          listeners.delete(look)
          resolve()
        }
        listeners.add(look)
        look()
        void ended.then(() => reject(new Error(`ended without saying ${what}:\n${err}`)))
      }),
  }
  return running
}

/** Nothing of the run is left: boards are threads of it, and had no folders. */
function expectNothingLeft(): void {
  expect(readdirSync(scratch.at(-1)!).filter(name => name.startsWith("wuxing-board"))).toEqual([])
}

afterEach(async () => {
  if (running && running.child.exitCode === null) running.child.kill("SIGKILL")
  await running?.ended
  running = undefined
  for (const folder of scratch.splice(0)) rmSync(folder, { recursive: true, force: true })
})

describe("the demo", () => {
  it("learns on two boards and prints one complete JSON document", async () => {
    const run = demo("--json")
    expect(await run.ended).toEqual({ status: 0, signal: null })
    const result = documentSchema.parse(JSON.parse(run.stdout()))
    expect(result.boards.length).toBe(2)
    expect(result.boards.reduce((sum, b) => sum + b.neurons, 0)).toBe(26)
    expect(result.boards.reduce((sum, b) => sum + b.links, 0)).toBe(3712)
    expect(result.coefficientsHash).toBe(result.hostHash)
    expect(result.recoveries).toBe(0)
    expectNothingLeft()

    // As the README prints them, but for their ids, drawn anew; every member is on the page of commands.
    const printed = [...readme.text.matchAll(/^│ [0-9a-f]{16} │ .* │$/gm)].map(([line]) =>
      line
        .split("│")
        .slice(2, -1)
        .map(cell => cell.trim()),
    )
    expect(printed.map(([profile, neurons, links]) => [profile, neurons, links])).toEqual(
      result.boards.map(b => [b.profile, `${b.neurons}`, b.links.toLocaleString("en-US")]),
    )
    for (const [i, [, , , heap]] of printed.entries())
      expect(Math.abs(numberIn(heap) / result.boards[i].heapBytes - 1)).toBeLessThan(0.01)
    const [, members] = /It holds (.*?)\. An error is/.exec(commandsPage.text)!
    expect(quotedIn(members).sort()).toEqual(
      [...Object.keys(result), ...Object.keys(result.boards[0])].sort(),
    )
  })

  it("goes on when a board dies, says so, and still ends with the host's bits", async () => {
    const run = demo("--json", "--faults", "kill@1.out.image#20")
    expect(await run.ended).toEqual({ status: 0, signal: null })
    const withFaults = documentSchema.extend({ faults: z.object({ kill: z.literal(1) }) })
    const result = withFaults.parse(JSON.parse(run.stdout()))
    expect(result.recoveries).toBeGreaterThan(0)
    expect(run.stderr()).toMatch(
      /board \d \(virtual, [0-9a-f]{16}\).*started again in .*restored from sample \d+/,
    )
    expectNothingLeft()
  })

  it("goes on among the faults of the page of commands, to the host's bits", async () => {
    const [, example] = /^\| `--faults <spec>`.*?`(drop[^`]*)`/m.exec(commandsPage.text)!
    const run = demo("--json", "--faults", example)
    const { status } = await run.ended
    expect(status, run.stderr()).toBe(0)
    const { faults, ...rest } = JSON.parse(run.stdout())
    expect(documentSchema.parse(rest).hostMatches).toBe(true)
    expect(faults.drop).toBeGreaterThan(0)
    expectNothingLeft()
  })

  it("prints a table and the figures for people", async () => {
    const run = demo("--boards", "1", "--train", "10", "--test", "5")
    expect((await run.ended).status).toBe(0)
    const text = run.stdout()
    for (const part of [
      /board.*profile.*neurons.*links.*heap used/,
      /accuracy before +[\d.]+ % \(\d of 5\)/,
      /accuracy after +[\d.]+ % \(\d of 5\)/,
      /samples a second +[\d.]+/,
      /coefficients +[0-9a-f]{64}/,
      /same coefficients, bit for bit/,
    ])
      expect(text).toMatch(part)
  })
})

describe("the demo, stopped", () => {
  for (const [where, says] of [
    ["while it starts its boards", /starting 2 virtual boards/],
    ["while it trains", /training \d+\/60/],
  ] as const)
    it(`by Ctrl-C ${where} ends with 130 and leaves nothing`, async () => {
      const run = demo("--json")
      await run.says(says)
      run.child.kill("SIGINT")
      expect(await run.ended).toEqual({ status: 130, signal: null })
      expect(JSON.parse(run.stdout())).toMatchObject({
        error: { code: "interrupted", kind: "interrupted", exitStatus: 130 },
      })
      expectNothingLeft()
    })

  it("by SIGKILL leaves nothing either", async () => {
    const run = demo("--json")
    await run.says(/training \d+\/60/)
    run.child.kill("SIGKILL")
    expect((await run.ended).signal).toBe("SIGKILL")
    expectNothingLeft()
  })
})

describe("the demo, unable to start,", () => {
  async function fails(run: Run): Promise<{ status: number; error: Record<string, unknown> }> {
    const { status } = await run.ended
    const { error } = JSON.parse(run.stdout())
    // For people too: where, what, why, what to try.
    expect(run.stderr()).toContain(error.message.split("\n")[0])
    expect(run.stderr()).toMatch(/likely cause: .+\n\s+what to try: +.+\n\s+code: /)
    return { status: status!, error }
  }

  it("says which file of MNIST is missing, before it starts anything", async () => {
    const folder = mkdtempSync(join(tmpdir(), "wuxing-empty-"))
    try {
      const run = demo("--json", "--data", folder)
      const { status, error } = await fails(run)
      expect(status).toBe(3)
      expect(error).toMatchObject({ code: "mnist-missing", kind: "data", exitStatus: 3 })
      expect(error.message).toContain(folder)
      expect(run.stderr()).not.toMatch(/starting/)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })
})
