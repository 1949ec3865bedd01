/** Completion and manual pages: from the same definitions as help, held against help's text. */
import { execFileSync } from "node:child_process"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, test } from "vitest"
import { temporaryFolder } from "../../temporary"
import { wuxing } from "./run-cli"

const folder = temporaryFolder("completion")

async function printed(...args: string[]): Promise<string> {
  const { status, stdout, stderr } = await wuxing(args)
  expect(status, stderr).toBe(0)
  return stdout
}

/** Long options that help lists. */
async function listed(...path: string[]): Promise<string[]> {
  const help = await printed("help", ...path)
  return [...help.matchAll(/^ {2}(?:-\w, )?(--[\w-]+)/gm)].map(([, flag]) => flag)
}

describe("bash", () => {
  test.each([
    [["wuxing", "ins"], ["inspect"]],
    [["wuxing", "demo", "ad"], ["adapt"]],
    [["wuxing", "--json", "demo", "osc"], ["oscillator"]],
    [["wuxing", "train", "--epochs-p"], ["--epochs-per-bit"]],
    [["wuxing", "train", "--model", "pico-16", "--verb"], ["--verbose"]],
    [["wuxing", "demo", "adapt", "--ang"], ["--angle"]],
  ])("%j", async (words, expected) => {
    const path = join(folder, "wuxing.bash")
    writeFileSync(path, await printed("completion", "bash"))
    const typed = words.map(word => `'${word}'`).join(" ")
    const look = `source ${path}; COMP_WORDS=(${typed}); COMP_CWORD=${words.length - 1}; _wuxing; printf '%s\\n' "\${COMPREPLY[@]}"`
    expect(execFileSync("bash", ["-c", look], { cwd: folder, encoding: "utf8" }).trim()).toBe(
      expected.join("\n"),
    )
  })
})

test("every shell gets every option of every command", async () => {
  for (const shell of ["bash", "zsh", "fish"]) {
    const script = await printed("completion", shell)
    for (const path of [["train"], ["demo", "adapt"], ["doctor"]])
      for (const flag of await listed(...path))
        expect(script, `${shell} ${flag}`).toContain(
          shell === "fish" ? `-l ${flag.slice(2)} ` : flag,
        )
  }
  const { status, stderr } = await wuxing(["completion", "tcsh"])
  expect(status).toBe(2)
  expect(stderr).toMatch(/"tcsh".*bash, zsh, fish/)
})

test("a manual page has what help has, and no line that roff would take for a request", async () => {
  for (const path of [[], ["train"], ["demo", "memory"]]) {
    const page = await printed("man", ...path)
    const plain = page.replaceAll("\\-", "-")
    expect(plain).toMatch(new RegExp(`^\\.TH ${["wuxing", ...path].join("-").toUpperCase()} 1 `))
    for (const flag of await listed(...path)) expect(plain).toContain(flag)
    for (const line of page.trimEnd().split("\n"))
      expect(line).toMatch(/^(?:\.(?:TH|SH|TP|B|I)(?: |$)|[^.'])/)
  }
  expect((await wuxing(["man", "nope"])).status).toBe(2)
})

test("help of what is under a command is its own", async () => {
  const help = await printed("help", "demo", "adapt")
  expect(help).toMatch(/^Usage: wuxing demo adapt/)
  expect(help).toMatch(/--angle <degrees>/)
  expect(help).not.toMatch(/--faults/)
  expect(help).toBe(await printed("demo", "adapt", "--help"))
  expect(await printed("help", "dashboard")).toMatch(/\(default:\s+sim:2\)/)
})

test.each([
  [["train", "--sed", "1"], "wuxing help train"],
  [["demo", "adapt", "--nonsense"], "wuxing help demo adapt"],
  [["predict"], "wuxing help predict"],
  [["--nonsense"], "wuxing help"],
])("a mistake in %j points to `%s`", async (args, help) => {
  const { status, stderr } = await wuxing(args)
  expect(status).toBe(2)
  expect(stderr).toContain(`see \`${help}\``)
})
