import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { describe, expect, test } from "vitest"
import { wuxing } from "./run-cli"

/** Statuses written out here on purpose: scripts rely on the numbers, not on our table. */
const USAGE = 2
const DATA = 3

describe("wrong options end with status 2, quote what was wrong, and say what to try", () => {
  test.each([
    ["an unknown command", ["dmo"], /unknown command 'dmo'/, /demo/],
    ["an unknown option", ["demo", "--sed", "3"], /unknown option '--sed'/, /--seed/],
    ["an option without its value", ["demo", "--seed"], /--seed/, /wuxing help/],
    ["an argument too many", ["demo", "extra"], /too many arguments/, /wuxing help/],
    ["no command", [], /no command/, /wuxing help/],
    ["help for nothing known", ["help", "nope"], /"nope"/, /wuxing help/],
    ["a word for a number", ["demo", "--seed", "x"], /--seed is "x"/, /number/],
    ["a fraction", ["demo", "--train", "1.5"], /--train is "1.5"/, /number/],
    ["an exponent", ["demo", "--train", "1e3"], /--train is "1e3"/, /number/],
    ["an empty number", ["demo", "--test", ""], /--test is ""/, /number/],
    ["a negative number", ["demo", "--seed", "-1"], /--seed is "-1"/, /number/],
    ["a number too large", ["demo", "--test", "10001"], /"10001".*1 to 10000/, /number/],
    ["a seed past 31 bits", ["demo", "--seed", "2147483648"], /"2147483648"/, /number/],
    ["no boards", ["demo", "--boards", "0"], /--boards is "0".*1 to 8/, /number/],
    ["no boards of a class", ["demo", "class", "--boards", "0"], /"0".*1 to 64/, /number/],
    ["a place unknown", ["demo", "--on", "moon"], /--on is "moon".*sim:N/, /sim:2/],
    ["no virtual boards", ["demo", "--on", "sim:0"], /"sim:0"/, /sim:2/],
    ["two numbers of boards", ["demo", "--boards", "2", "--on", "sim:3"], /disagree/, /one/],
    ["an empty folder", ["demo", "--data", ""], /--data is ""/, /folder/],
  ])("%s", async (_, args, what, help) => {
    const { status, stdout, stderr } = await wuxing(args)
    expect(status).toBe(USAGE)
    expect(stdout).toBe("")
    const [first, ...rest] = stderr.split("\n")
    expect(first).toMatch(what)
    expect(rest.join("\n")).toMatch(help)
    expect(stderr).toMatch(/code: usage, exit status 2/)
    expect(stderr).not.toMatch(/\n\s+at /)
  })
})

describe("--json prints one document, errors included", () => {
  test.each([
    ["after the command", ["demo", "--json", "--seed", "x"]],
    ["before it", ["--json", "demo", "--seed", "x"]],
    ["behind the mistake", ["demo", "--nonsense", "--json"]],
    ["without a command", ["--json"]],
  ])("%s", async (_, args) => {
    const { status, stdout } = await wuxing(args)
    expect(status).toBe(USAGE)
    expect(JSON.parse(stdout)).toEqual({
      schema: "wuxing:error:1",
      error: {
        code: "usage",
        kind: "usage",
        message: expect.any(String),
        help: expect.any(String),
        exitStatus: USAGE,
      },
    })
  })

  test("version and help are documents too", async () => {
    const [version, help] = await Promise.all([
      wuxing(["--version", "--json"]),
      wuxing(["help", "--json"]),
    ])
    expect(JSON.parse(version.stdout)).toEqual({
      schema: "wuxing:version:1",
      version: manifest().version,
    })
    expect(JSON.parse(help.stdout).help).toMatch(/^Usage: wuxing/)
  })
})

describe("MNIST that is not there", () => {
  test("ends with status 3 and names the file, by option and by environment", async () => {
    const [option, environment] = await Promise.all([
      wuxing(["demo", "--json", "--data", "/no/such/folder"]),
      wuxing(["demo", "--json"], { env: { WUXING_MNIST: "/no/such/folder" } }),
    ])
    for (const { status, stdout } of [option, environment]) {
      expect(status).toBe(DATA)
      const { error } = JSON.parse(stdout)
      expect(error).toMatchObject({ code: "mnist-missing", kind: "data", exitStatus: DATA })
      expect(error.message).toContain("/no/such/folder/train-images-idx3-ubyte")
      expect(error.cause).toBeTruthy()
      expect(error.help).toBeTruthy()
    }
  })

  test("damaged, ends with status 3 as well", async () => {
    const folder = mkdtempSync(join(tmpdir(), "mnist-"))
    try {
      writeFileSync(join(folder, "train-images-idx3-ubyte"), "not an IDX file, but long enough")
      writeFileSync(join(folder, "train-labels-idx1-ubyte"), "")
      const { status, stderr } = await wuxing(["demo", "--data", folder])
      expect(status).toBe(DATA)
      expect(stderr).toMatch(/code: mnist-damaged, exit status 3/)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})

test("--version prints the version of package.json, help lists the commands", async () => {
  const [version, help] = await Promise.all([wuxing(["--version"]), wuxing(["help"])])
  expect(version).toEqual({ status: 0, stdout: `${manifest().version}\n`, stderr: "" })
  expect(help.status).toBe(0)
  expect(help.stdout).toMatch(/demo/)
  expect(help.stdout).toMatch(/build/)
})

test("nothing is coloured where nobody has a terminal, whatever the environment asks", async () => {
  const { stderr } = await wuxing(["dmo"], { env: { FORCE_COLOR: "1" } })
  expect(stderr).toMatch(/^error unknown command/)
})

function manifest(): { version: string } {
  return JSON.parse(readFileSync(new URL("../../../package.json", import.meta.url), "utf8"))
}
