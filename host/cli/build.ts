/** `wuxing build`: compiles the firmware and says what came out. */
import type { Command } from "commander"
import { grouped } from "../base/numbers"
import { buildFirmware } from "../hardware/firmware"
import type { Context, Outcome, Run } from "./command"
import { type BoardOption, shardBytesFor } from "./options/board-option"

export function addBuild(program: Command, run: Run): void {
  program
    .command("build")
    .description("compile the firmware; print its size and hash")
    .option("--board <profile>", "for the heap of this board (default: one of 64 KiB)")
    .action(run(build))
}

async function build(options: BoardOption, { output, signal }: Context): Promise<Outcome> {
  const shardBytes = shardBytesFor(options)
  output.status("compiling the firmware")
  const { bytecode, sha256, path } = await buildFirmware({
    ...{ quiet: output.quiet, signal, shardBytes, anew: true },
  })
  output.field("bytecode", path)
  output.field("size", `${grouped(bytecode.length)} bytes`)
  output.field("SHA-256", sha256)
  return { document: { path, bytes: bytecode.length, sha256 } }
}
