/** The library's way to a C library: the files of the command. */
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { expect, test } from "vitest"
import { cLibrary } from "../../../host/export/c/c-library"
import { untrained } from "../../../host/models/model-source"
import { sizedNetwork } from "../../../host/network/sized-network"
import { temporaryFolder } from "../../temporary"
import { wuxing } from "../cli/run-cli"

const model = untrained(sizedNetwork("64-8-4@16", 1))

test("gives what wuxing export writes, but for the samples it is to hold", async () => {
  const folder = join(temporaryFolder("c-library"), "out")
  const { status, stderr } = await wuxing([
    ...["export", folder, "--format", "c", "--model", "64-8-4@16", "--name", "wave"],
  ])
  expect(status, stderr).toBe(0)
  const files = cLibrary(model, { name: "wave" })
  expect([...files.keys()].sort()).toEqual(readdirSync(folder).sort())
  for (const [path, text] of files)
    if (path !== "samples.h") expect(text, path).toBe(readFileSync(join(folder, path), "utf8"))
})

test.each([{ name: "Wave" }, { name: "main" }, { layout: "makefile" }, { board: "uno" }])(
  "refuses %o",
  options => {
    expect(() => cLibrary(model, options as object)).toThrow(
      expect.objectContaining({ kind: "usage" }),
    )
  },
)
