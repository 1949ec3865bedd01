/** `wuxing new`: a DeviceScript project of one's own. */
import { basename, resolve } from "node:path"
import type { Command } from "commander"
import { writeFolder } from "../base/write-folder"
import type { Context, Outcome, Run } from "./command"
import { refuseFolder } from "./export-code"
import { choiceOption, pathOption, quoted, usageError } from "./options/usage"

const TEMPLATES = ["gesture", "threshold", "table", "blank"]

interface NewOptions {
  board: string
  template: string
}

export function addNew(program: Command, run: Run): void {
  program
    .command("new")
    .description("make a DeviceScript project of your own, with a network in it")
    .argument("<folder>", "where; it must be empty or not exist", pathOption("<folder>"))
    .option("--board <id>", "the board's profile", "pico")
    .option(
      "--template <what>",
      `what it begins with: ${TEMPLATES.join(", ")}`,
      choiceOption("--template", TEMPLATES),
      "blank",
    )
    .action((folder: string, options: NewOptions) =>
      run((given: NewOptions, context) => newProject(folder, given, context))(options),
    )
}

/** @throws WuxingError "usage", "folder-exists" (kind "usage"), "folder-unwritable" (kind "data") */
async function newProject(
  folder: string,
  { board, template }: NewOptions,
  { output }: Context,
): Promise<Outcome> {
  refuseFolder(folder, false, "name a folder that does not exist yet")
  const { boardIds, readBoardProfile } = await import("../hardware/board-profile")
  const known = boardIds().filter(id => readBoardProfile(id).deviceScriptBoard !== null)
  if (!known.includes(board))
    throw usageError(
      `--board is "${board}", which runs no DeviceScript`,
      `use one of: ${known.join(", ")}`,
    )
  const { projectFiles } = await import("../export/devicescript/project")
  const name =
    basename(resolve(folder))
      .toLowerCase()
      .replace(/[^a-z0-9-]+/g, "-") || "project"
  const device = readBoardProfile(board).deviceScriptBoard ?? undefined
  const files = projectFiles(name, template as "blank", device)
  writeFolder(folder, files, false)
  output.field("project", folder)
  output.field("template", template)
  output.field("board", board)
  output.field("next", `cd ${quoted(folder)} && npm install && npm run build`)
  return { document: { folder, template, board, files: files.size } }
}
