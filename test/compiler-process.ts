/**
 * DeviceScript's compiler behind a socket: compiler-process.ts PATH, until its input ends. In CI, where all system
 * tests run, it begins with the programs that are published: a test that wants one waits for it, and need not
 * begin a compiler.
 */
import { createServer } from "node:net"
import { buildFirmware } from "../host/hardware/firmware"
import { OneCompiler } from "../packaging/one-compiler"
import { publishedPrograms } from "../packaging/programs"

const compiler = new OneCompiler()
const server = createServer({ allowHalfOpen: true }, socket => {
  let request = ""
  socket.setEncoding("utf8")
  socket.on("data", some => {
    request += some
  })
  socket.once("end", async () => {
    const { folder, file } = JSON.parse(request)
    const compiled = await compiler
      .compile(folder, file)
      .catch(error => ({ status: 1, output: `exception: ${error}` }))
    socket.end(JSON.stringify(compiled))
  })
  socket.on("error", () => {})
})
server.listen(process.argv[2], () => process.stdout.write("listening\n"))

let over = false
process.stdin.resume()
process.stdin.once("end", () => {
  over = true
  // With the compiler's own process there is nothing left, and this one ends: its time counts as its parent's.
  server.close()
  compiler.stop()
})

if (process.env.CI)
  for (const { options } of publishedPrograms()) {
    if (over) break
    const compile = (folder: string) => compiler.compile(folder, "main.ts")
    // One that does not compile fails the tests that want it.
    await buildFirmware({ ...options, quiet: true, compile }).catch(() => {})
  }
