import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { listPorts } from "../../../host/link/port-list"
import { portsOfEnvironment, resolvePorts } from "../../../host/link/port-names"

const noUdev = () => Promise.reject(new Error("spawn udevadm ENOENT"))

describe("the list of ports", () => {
  let folder: string
  let sys: string

  // As Linux has it: class/tty/<name>/device leads into the tree of devices, some folders below the
  // USB device that carries the ids.
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "wuxing-sys-"))
    sys = join(folder, "class", "tty")
    const usb = join(folder, "devices", "usb1", "1-2")
    const tty = (name: string, at: string) => {
      mkdirSync(at, { recursive: true })
      mkdirSync(join(sys, name), { recursive: true })
      symlinkSync(at, join(sys, name, "device"))
    }
    tty("ttyACM0", join(usb, "1-2:1.0"))
    tty("ttyUSB3", join(folder, "devices", "usb1", "1-3", "1-3:1.0", "ttyUSB3"))
    tty("ttyS0", join(folder, "devices", "platform", "serial8250"))
    mkdirSync(join(sys, "ttyACM9"))
    for (const [name, text] of [
      ["idVendor", "2e8a"],
      ["idProduct", "420a"],
      ["serial", "JD0123456789abcdef"],
      ["manufacturer", "Raspberry Pi"],
    ])
      writeFileSync(join(usb, name), `${text}\n`)
    const bridge = join(folder, "devices", "usb1", "1-3")
    writeFileSync(join(bridge, "idVendor"), "10c4\n")
    writeFileSync(join(bridge, "idProduct"), "ea60\n")
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  it("comes from the kernel's files where udevadm is missing, and says so", async () => {
    const { ports, poor } = await listPorts(noUdev, sys)
    expect(ports).toEqual([
      {
        path: "/dev/ttyACM0",
        vendorId: "2e8a",
        productId: "420a",
        serialNumber: "JD0123456789abcdef",
        manufacturer: "Raspberry Pi",
      },
      { path: "/dev/ttyUSB3", vendorId: "10c4", productId: "ea60" },
    ])
    expect(poor).toMatch(/udevadm is not installed.*named by their path/)
  })

  it("is empty without those files too, and says that paths still work", async () => {
    const { ports, poor } = await listPorts(noUdev, join(folder, "nowhere"))
    expect(ports).toEqual([])
    expect(poor).toMatch(/udevadm.*nowhere.*named by their path work/)
  })

  it("leaves out the plain ports every machine has, and writes ids in lower case", async () => {
    const list = async () => [
      { path: "/dev/ttyS0" },
      { path: "/dev/ttyACM0", vendorId: "2E8A", productId: "420A" },
    ]
    expect(await listPorts(list)).toEqual({
      ports: [{ path: "/dev/ttyACM0", vendorId: "2e8a", productId: "420a" }],
    })
  })
})

describe("ports by name", () => {
  const ports = [
    { path: "/dev/ttyACM0", serialNumber: "JD0000000000000001" },
    { path: "/dev/ttyACM2", serialNumber: "JD0000000000000002" },
    { path: "/dev/ttyACM10", serialNumber: "JD00000000000000aa" },
    { path: "/dev/ttyUSB0" },
  ]
  const failure = (names: string[]) => {
    try {
      resolvePorts(names, ports)
    } catch (error) {
      return error
    }
  }

  it("may be a path, listed or not, or a serial number in any case", () => {
    expect(resolvePorts(["/tmp/pty", "jd00000000000000AA", "COM3"], ports)).toEqual([
      "/tmp/pty",
      "/dev/ttyACM10",
      "COM3",
    ])
  })

  it("may be a pattern of paths or serial numbers; numbers count as numbers", () => {
    const all = ["/dev/ttyACM0", "/dev/ttyACM2", "/dev/ttyACM10"]
    expect(resolvePorts(["/dev/ttyACM*"], ports)).toEqual(all)
    expect(resolvePorts(["JD*"], ports)).toEqual(all)
    expect(resolvePorts(["/dev/ttyACM?"], ports)).toEqual(all.slice(0, 2))
    // A dot or a bracket in a name is no pattern of its own.
    expect(failure(["/dev/ttyAC.*"])).toMatchObject({ code: "port-missing" })
  })

  it("may be a pattern of files that no list knows", () => {
    const folder = mkdtempSync(join(tmpdir(), "wuxing-names-"))
    try {
      for (const name of ["board-10", "board-9", "other"]) writeFileSync(join(folder, name), "")
      expect(resolvePorts([join(folder, "board-*")], ports)).toEqual([
        join(folder, "board-9"),
        join(folder, "board-10"),
      ])
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })

  it("is taken once by patterns that overlap, and refused when said twice", () => {
    expect(resolvePorts(["/dev/ttyACM2", "/dev/ttyACM*"], ports)[0]).toBe("/dev/ttyACM2")
    expect(resolvePorts(["/dev/ttyACM2", "/dev/ttyACM*"], ports).length).toBe(3)
    expect(failure(["/dev/ttyACM2", "JD0000000000000002"])).toMatchObject({
      code: "port-twice",
      kind: "usage",
      message: expect.stringContaining("JD0000000000000002"),
    })
  })

  it("that is nothing is quoted, beside what there is", () => {
    expect(failure(["pico"])).toMatchObject({
      code: "port-missing",
      kind: "board",
      message: expect.stringMatching(/"pico".*\/dev\/ttyACM0 \(JD0000000000000001\)/),
    })
  })

  it("comes from the environment variable, separated by commas", () => {
    expect(portsOfEnvironment(" /dev/a, ,/dev/b ")).toEqual(["/dev/a", "/dev/b"])
    expect(portsOfEnvironment("")).toEqual([])
  })
})
