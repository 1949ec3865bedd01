import { describe, expect, test } from "vitest"
import { WuxingError } from "../../../../host/base/errors"
import { startBoardProgress } from "../../../../host/cli/terminal/board-progress"
import { Output, type OutputOptions } from "../../../../host/cli/terminal/output"
import { startProgress } from "../../../../host/cli/terminal/progress"
import { HeardStream } from "../run-cli"

function make(options: OutputOptions, isTTY = false, env: NodeJS.ProcessEnv = { TERM: "xterm" }) {
  const stdout = new HeardStream(isTTY)
  const stderr = new HeardStream(isTTY)
  return { stdout, stderr, output: new Output(options, { stdout, stderr, stdin: {}, env }) }
}

const ESCAPE = "\u001b["
const failure = new WuxingError({
  code: "some-code",
  kind: "board",
  message: "m",
  cause: "c",
  help: "h",
})

describe("results", () => {
  test("go to stdout, and with --json only the document does", () => {
    const plain = make({})
    const json = make({ json: true })
    for (const { output } of [plain, json]) {
      output.table(["a", "n"], [["x", 12345]])
      output.field("name", "value")
      output.status("working")
      output.documentName = "wuxing:build:1"
      output.finish({ answer: 42 }, undefined)
    }
    expect(plain.stdout.text).toMatch(/x.*12,345/)
    expect(plain.stdout.text).toMatch(/name +value/)
    expect(plain.stdout.text).not.toMatch(/42|working/)
    expect(JSON.parse(json.stdout.text)).toEqual({
      schema: "wuxing:build:1",
      answer: 42,
    })
    expect(json.stderr.text).toBe("working\n")
  })

  test("that failed in the end keep their document beside the error", () => {
    const { stdout, stderr, output } = make({ json: true })
    output.documentName = "wuxing:demo:1"
    output.finish({ hostMatches: false }, failure)
    expect(JSON.parse(stdout.text)).toEqual({
      schema: "wuxing:demo:1",
      hostMatches: false,
      error: {
        code: "some-code",
        kind: "board",
        message: "m",
        cause: "c",
        help: "h",
        exitStatus: 4,
      },
    })
    expect(stderr.text).toMatch(/error m\n.*c\n.*h\n.*some-code, exit status 4\n$/)
  })
})

test("--quiet leaves errors, --verbose adds detail", () => {
  const quiet = make({ quiet: true })
  const verbose = make({ verbose: true })
  for (const { output } of [quiet, verbose]) {
    output.status("working")
    output.log("detail")
    output.finish(undefined, failure)
  }
  expect(quiet.stderr.text).toMatch(/^error m/)
  expect(verbose.stderr.text).toMatch(/^working\ndetail\nerror m/)
})

describe("colour", () => {
  const shown = (isTTY: boolean, env?: NodeJS.ProcessEnv) => {
    const { stdout, stderr, output } = make({}, isTTY, env)
    output.field("name", "value")
    output.table(["a"], [["x"]])
    output.finish(undefined, failure)
    return stdout.text + stderr.text
  }
  test("is for terminals", () => {
    expect(shown(true)).toContain(ESCAPE)
    expect(shown(false)).not.toContain(ESCAPE)
  })
  test("is off with NO_COLOR, and on when that is empty", () => {
    expect(shown(true, { NO_COLOR: "1" })).not.toContain(ESCAPE)
    expect(shown(true, { NO_COLOR: "" })).toContain(ESCAPE)
    expect(shown(true, { TERM: "dumb" })).not.toContain(ESCAPE)
  })
})

describe("progress without a terminal", () => {
  /** Samples at a steady pace of a made-up clock; every second answer is right. */
  const lines = (total: number, msPerSample: number, quiet = false) => {
    const { stderr, output } = make({ quiet })
    let at = 0
    const progress = startProgress(output, "training", total, () => at)
    for (let done = 1; done <= total; done++) {
      at += msPerSample
      progress.sample(done, Math.floor(done / 2))
    }
    progress.stop()
    return stderr.text.split("\n").filter(Boolean)
  }

  test("is a line every 10 %, where that comes before 5 s", () => {
    const shown = lines(1000, 1)
    expect(shown.length).toBe(10)
    expect(shown[0]).toMatch(/^training 100\/1000 {2}1000\/s {2}0:01 left {2}50\.0 % correct/)
    expect(shown[9]).toMatch(/1000\/1000/)
  })

  test("is a line every 5 s, where that comes before 10 %", () => {
    const shown = lines(1000, 100)
    expect(shown.length).toBe(20)
    expect(shown[0]).toMatch(/^training 50\/1000 {2}10\/s {2}1:35 left/)
  })

  test("is nothing with --quiet", () => {
    expect(lines(1000, 1, true)).toEqual([])
  })

  test("shows the accuracy of the last samples, not of all", () => {
    const { stderr, output } = make({})
    const progress = startProgress(output, "training", 1000, () => 0)
    // None of the first 800 right, all of the last 200.
    for (let done = 1; done <= 1000; done++) progress.sample(done, Math.max(0, done - 800))
    expect(stderr.text.split("\n").at(-2)).toMatch(/100\.0 % correct of the last 200/)
  })
})

describe("progress of several boards", () => {
  test("is a line at each end of a board's work where nobody has a terminal", () => {
    const { stderr, output } = make({})
    const progress = startBoardProgress(output, ["/dev/a", "/dev/b"])
    for (const share of [0, 0.5, 1]) progress.update("/dev/a", share)
    // It held the program already: nothing is sent.
    progress.update("/dev/b", 1)
    progress.stop()
    expect(stderr.text).toBe("/dev/a: sending the program\n/dev/a: sent\n")
  })

  test("is nothing with --quiet", () => {
    const { stderr, output } = make({ quiet: true }, true)
    const progress = startBoardProgress(output, ["/dev/a"])
    progress.update("/dev/a", 0.5)
    progress.stop()
    expect(stderr.text).toBe("")
  })
})
