/** The one way in for files that users name: regular files of a bounded size, and nothing that blocks. */
import { execFileSync } from "node:child_process"
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs"
import { createServer } from "node:net"
import { join } from "node:path"
import { expect, test } from "vitest"
import { openFile, readBytes, readHead, readWholeFile } from "../../../host/base/input-file"
import { readBoardProfile } from "../../../host/hardware/board-profile"
import { checkFirmwareFile } from "../../../host/hardware/flash"
import { readModel } from "../../../host/models/model-source"
import { readLayout } from "../../../host/panel/layout"
import { readRecordings } from "../../../host/signals/recording-files"
import { isRecordings } from "../../../host/signals/recording-set"
import { temporaryFolder } from "../../temporary"

const folder = temporaryFolder("inputs")

test("a file is read whole, or its head, up to a size", () => {
  const path = join(folder, "file")
  writeFileSync(path, "0123456789")
  expect(readBytes(path, 10).toString()).toBe("0123456789")
  expect(readWholeFile(path, 10).toString()).toBe("0123456789")
  expect(readHead(path, 4).toString()).toBe("0123")
  expect(readHead(path, 40).toString()).toBe("0123456789")
  expect(() => readBytes(path, 9)).toThrow("10 bytes, at most 9")
  expect(() => readBytes(folder, 9)).toThrow("folder")
})

test.skipIf(process.platform === "win32")("pipes, devices and sockets are refused", async () => {
  const pipe = (name: string) => {
    const path = join(folder, name)
    execFileSync("mkfifo", [path])
    return path
  }
  const socket = join(folder, "socket")
  const server = createServer()
  await new Promise<void>(resolve => server.listen(socket, resolve))
  for (const path of [pipe("pipe"), "/dev/zero", "/dev/null", socket])
    for (const read of [readBytes, readWholeFile, openFile, readHead])
      expect(() => read(path, 1000), path).toThrow()
  await new Promise(resolve => server.close(resolve))
  // And so by whatever reads them.
  const data = expect.objectContaining({ kind: "data" })
  for (const [act, ending] of [
    [readModel, ""],
    [readLayout, ".json"],
    [(path: string) => checkFirmwareFile(path, "rp2040"), ".uf2"],
  ] as const) {
    expect(() => act(pipe(`a${ending}`), 1)).toThrow(data)
    execFileSync("rm", [join(folder, `a${ending}`)])
    expect(() => act("/dev/zero", 1)).toThrow(data)
  }
  for (const ending of ["csv", "wav", "json"]) {
    const path = pipe(`r.${ending}`)
    expect(isRecordings(path)).toBe(ending !== "csv")
    await expect(readRecordings(path)).rejects.toEqual(data)
  }
  mkdirSync(join(folder, "boards"))
  symlinkSync("/dev/zero", join(folder, "boards/pico.json"))
  expect(() => readBoardProfile("pico", join(folder, "boards"))).toThrow(data)
})
