/**
 * DeviceScript programs of the system tests, all compiled by one process (compiler-process.ts): a compiler's
 * first program takes 7 s of a core, those behind it a third of that.
 */
import { connect } from "node:net"
import { text } from "node:stream/consumers"
import { type Compiled, OneCompiler } from "../packaging/one-compiler"

/** Names the socket of that process. */
export const COMPILER_SOCKET = "WUXING_TEST_COMPILER"

/** `devs build` of a file in a folder, by that process, or by one of its own where none runs. */
export async function compileIn(folder: string, file = "main.ts"): Promise<Compiled> {
  const at = process.env[COMPILER_SOCKET]
  if (at !== undefined) {
    const socket = connect(at)
    socket.end(JSON.stringify({ folder, file }))
    return JSON.parse(await text(socket))
  }
  const compiler = new OneCompiler()
  try {
    return await compiler.compile(folder, file)
  } finally {
    compiler.stop()
  }
}
