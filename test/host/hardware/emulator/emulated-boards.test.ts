/** Emulated Picos in processes of their own, as --on emu:N starts them. */
import { afterEach, expect, it } from "vitest"
import { EmulatedBoards } from "../../../../host/hardware/emulator/emulated-boards"

let boards: EmulatedBoards | undefined
afterEach(() => boards?.stop())

it("go on counting their time when one is started anew", async () => {
  boards = await EmulatedBoards.start(1)
  const options = { name: "board 0", deadlineMs: 120_000 }
  let link = await boards.connect(0, options)
  const [begun] = await boards.emulatedTimes()
  let before = begun
  // So that to start once more does not take as long as all until then.
  while (before.busyNanos < 3 * begun.busyNanos) {
    await link.ping()
    ;[before] = await boards.emulatedTimes()
  }
  await boards.kill(0)
  await expect(link.ping()).rejects.toMatchObject({ code: "board-died" })
  expect(await boards.emulatedTimes()).toEqual([before])
  link = await boards.reconnect(0, link, options)
  const [after] = await boards.emulatedTimes()
  expect(after.nanos).toBeGreaterThan(before.nanos)
  expect(after.busyNanos).toBeGreaterThan(before.busyNanos)
  await link.close()
})
