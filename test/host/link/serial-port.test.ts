import { describe, expect, it } from "vitest"
import { openSerialPort } from "../../../host/link/serial-port"

describe("a serial port", () => {
  it("that is not there is named", async () => {
    await expect(openSerialPort("/dev/no-such-port")).rejects.toMatchObject({
      code: "port-missing",
      kind: "board",
      message: expect.stringContaining("/dev/no-such-port"),
    })
  })

  it("that is some other file is refused", async () => {
    await expect(openSerialPort("/dev/null")).rejects.toMatchObject({
      code: "port-failed",
      kind: "board",
      message: expect.stringContaining("/dev/null"),
    })
  })
})
