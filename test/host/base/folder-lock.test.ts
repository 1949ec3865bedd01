import { spawn } from "node:child_process"
import { once } from "node:events"
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { hostname } from "node:os"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { lockFolder } from "../../../host/base/folder-lock"
import { holdFolder } from "../../../host/hardware/board-folder"
import { ROOT } from "../../root"
import { temporaryFolder } from "../../temporary"

const root = temporaryFolder("locks")
const NAME = ".wuxing-lock"

function folder(name: string): string {
  const path = join(root, name)
  mkdirSync(path)
  return path
}

/** A process that takes the lock of a folder and says what came of it. */
async function locker(path: string) {
  const code = `import("./host/base/folder-lock.ts").then(({ lockFolder }) => {
    console.log(JSON.stringify(lockFolder(${JSON.stringify(path)})))
    setInterval(() => {}, 1000)
  })`
  const child = spawn(process.execPath, ["--import", "tsx", "-e", code], {
    ...{ cwd: ROOT, stdio: ["ignore", "pipe", "inherit"] },
  })
  const [text] = await once(child.stdout!, "data")
  return { child, result: JSON.parse(String(text)) }
}

describe("a folder's lock", () => {
  // Node's mkdir with all folders above never returned there.
  it.runIf(existsSync("/proc/self"))("is refused where no folder can be made", async () => {
    await expect(holdFolder("/proc/wuxing/deep")).rejects.toMatchObject({ code: "board-folder" })
  })

  it("is another process's until it ends, however it ends", async () => {
    const path = folder("other")
    const { child, result } = await locker(path)
    expect(result).toEqual({})
    expect(lockFolder(path)).toEqual({ holder: { pid: child.pid, host: hostname() } })
    await expect(holdFolder(path)).rejects.toMatchObject({
      ...{ code: "board-folder-in-use", kind: "board" },
      message: expect.stringContaining(`process ${child.pid}`),
    })
    // Not waited for: a zombie holds nothing either.
    child.kill("SIGKILL")
    await once(child, "exit")
    const lock = lockFolder(path)
    expect(lock).toHaveProperty("release")
    expect(JSON.parse(readFileSync(join(path, NAME), "utf8")).pid).toBe(process.pid)
    expect(readdirSync(path)).toEqual([NAME])
  })

  it("is refused to another process, and given back", async () => {
    const path = folder("mine")
    const locks = [lockFolder(path), lockFolder(path)]
    const { child, result } = await locker(path)
    child.kill("SIGKILL")
    expect(result.holder.pid).toBe(process.pid)
    for (const lock of locks) {
      expect(readdirSync(path)).toEqual([NAME])
      if ("release" in lock) lock.release()
    }
    expect(readdirSync(path)).toEqual([])
  })

  const now = () => {
    const path = folder("now")
    lockFolder(path)
    return JSON.parse(readFileSync(join(path, NAME), "utf8"))
  }
  const mine = now()
  for (const [what, content] of [
    ["of a process that has ended", { ...mine, pid: 2 ** 22 + 1 }],
    ["of a number that another process has by now", { ...mine, start: "1" }],
    ["from before the machine started", { ...mine, boot: "another" }],
    ["half written when power was cut", ""],
  ] as const)
    it(`is taken over: ${what}`, () => {
      const path = folder(what)
      writeFileSync(join(path, NAME), JSON.stringify(content))
      expect(lockFolder(path)).toHaveProperty("release")
      expect(readdirSync(path)).toEqual([NAME])
    })

  it("of another machine is left alone", () => {
    const path = folder("machine")
    writeFileSync(join(path, NAME), JSON.stringify({ ...mine, host: "elsewhere", pid: 1 }))
    expect(lockFolder(path)).toEqual({ holder: { pid: 1, host: "elsewhere" } })
    expect(readdirSync(path)).toEqual([NAME])
  })
})
